package mttranscode

// #include "library.h"
import "C"

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"time"
	"unsafe"
)

// OutputState is where an output stands.
type OutputState int32

const (
	// OutputNew: it is described, and not yet part of a job that runs.
	OutputNew OutputState = C.MT_TRANSCODE_OUTPUT_NEW
	// OutputOpening: it waits for the job's media, or is being opened.
	OutputOpening OutputState = C.MT_TRANSCODE_OUTPUT_OPENING
	// OutputRunning: media flows.
	OutputRunning OutputState = C.MT_TRANSCODE_OUTPUT_RUNNING
	// OutputStopping: it ends in good order.
	OutputStopping OutputState = C.MT_TRANSCODE_OUTPUT_STOPPING
	// OutputSucceeded: its file is whole.
	OutputSucceeded OutputState = C.MT_TRANSCODE_OUTPUT_FINISHED
	// OutputFailed: it ended with an error.
	OutputFailed OutputState = C.MT_TRANSCODE_OUTPUT_FAILED
	// OutputCancelled: it was ended at once, by Cancel, Close, or with its job.
	OutputCancelled OutputState = C.MT_TRANSCODE_OUTPUT_CANCELLED
)

var outputStateNames = [...]string{"new", "opening", "running", "stopping", "succeeded", "failed", "cancelled"}

// String returns the state's name in lower case.
func (s OutputState) String() string {
	if s < 0 || int(s) >= len(outputStateNames) {
		return "unknown"
	}
	return outputStateNames[s]
}

// Final tells whether an output in this state has ended.
func (s OutputState) Final() bool { return s >= OutputSucceeded }

// OutputStats is what an output has done so far.
type OutputStats struct {
	State OutputState
	// Code is 0, or what it failed with.
	Code Code
	// PacketsWritten were given to its muxer, which wrote SizeBytes; Position is the time written.
	PacketsWritten, SizeBytes uint64
	Position                  time.Duration
	// PacketsQueued and BytesQueued wait for it now, BytesQueuedPeak waited at the highest.
	PacketsQueued, BytesQueued, BytesQueuedPeak uint64
	// PacketsDropped and BytesDropped were left out because it fell behind, which was so Skips times.
	PacketsDropped, BytesDropped, Skips uint64
}

// Output is an output that has joined a running job: see [Job.AddOutput]. How it ends is its own affair, and never the
// job's. All methods may be called at any time, also after the end of the output or of the job.
type Output struct {
	job   *Job
	index int
	host  *host

	mu     sync.Mutex
	handle *C.mt_transcode_output // until it is final
	last   OutputStats
	failed error         // the library's
	done   chan struct{} // it is final

	resultOnce sync.Once
	result     error
}

// Index returns its number among the outputs of the job, from 0, as [OutputFinished] and the option mt_from of others name it.
func (o *Output) Index() int { return o.index }

// State returns where the output stands. It never blocks.
func (o *Output) State() OutputState { return o.Stats().State }

// Stats returns the numbers of the output, now or at its end. It never blocks.
func (o *Output) Stats() OutputStats {
	defer runtime.KeepAlive(o.job)
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.stats()
}

// stats is called with mu held.
func (o *Output) stats() OutputStats {
	if o.handle == nil {
		return o.last
	}
	var from C.mt_transcode_output_stats_data
	from.struct_size = C.uint32_t(unsafe.Sizeof(from))
	if C.mt_transcode_output_stats(o.handle, &from) < 0 { // the job was freed under it
		return o.last
	}
	o.last = OutputStats{
		State: OutputState(from.state), Code: Code(from.code),
		PacketsWritten: uint64(from.packets_written), SizeBytes: uint64(from.size_bytes),
		Position:      fromMicroseconds(from.position_us),
		PacketsQueued: uint64(from.packets_queued), BytesQueued: uint64(from.bytes_queued),
		BytesQueuedPeak: uint64(from.bytes_queued_peak), PacketsDropped: uint64(from.packets_dropped),
		BytesDropped: uint64(from.bytes_dropped), Skips: uint64(from.skips),
	}
	return o.last
}

// Stop ends the output in good order: what waits for it is written, and it gets its trailer, so that a file plays. One that has
// nothing yet is cancelled. It never blocks: wait for the end. After the end it does nothing.
func (o *Output) Stop() error { return o.end(C.MT_TRANSCODE_STOP_GRACEFUL) }

// Cancel ends the output at once, without a trailer; Wait then gives [ErrCancelled]. A Write that does not return is given up.
// It never blocks: wait for the end. After the end it does nothing.
func (o *Output) Cancel() error {
	err := o.end(C.MT_TRANSCODE_STOP_NOW)
	o.host.interrupt()
	return err
}

func (o *Output) end(how C.uint32_t) error {
	defer runtime.KeepAlive(o.job)
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.handle == nil {
		return nil
	}
	return o.check(C.mt_transcode_output_stop(o.handle, how))
}

// Wait waits until the output has ended and everything was written to its writer, and returns nil or the [*Error] that it
// ended with: errors.Is finds the writer's own. When ctx ends before, the error wraps ctx.Err(), and the output goes on. Any
// number of goroutines may wait; they park, and hold no thread. It panics with a [*PanicError] where the writer or store did.
func (o *Output) Wait(ctx context.Context) error {
	o.look()
	for _, ended := range []func() <-chan struct{}{func() <-chan struct{} { return o.done }, o.host.wait} {
		if channel := ended(); !isClosed(channel) {
			select {
			case <-channel:
			case <-ctx.Done():
				return contextError(ctx, fmt.Sprintf("waiting for output %d of job %d", o.index, o.job.id))
			}
		}
	}
	o.host.raise()
	return o.finalResult()
}

// Err returns the error that the output ended with: nil while it has not ended, and where it ended well. It never blocks.
func (o *Output) Err() error {
	if o.look(); isClosed(o.done) && isClosed(o.host.wait()) {
		return o.finalResult()
	}
	return nil
}

// Close cancels the output where it still runs, and parks until it has ended: no goroutine or thread of it touches anything of
// yours afterwards, but for a Write that does not return. That and a call into FFmpeg that cannot be interrupted are left behind
// after 700 ms each. What it leaves to be asked stays. It returns nil. One that is never closed goes with its end.
func (o *Output) Close() error {
	_ = o.Cancel()
	timer := time.NewTimer(closeGrace)
	defer timer.Stop()
	select {
	case <-o.done:
		<-o.host.wait()
	case <-timer.C:
	}
	return nil
}

// look takes over the end of an output that is final, and frees its handle.
func (o *Output) look() {
	defer runtime.KeepAlive(o.job)
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.handle != nil && o.stats().State.Final() {
		o.conclude()
	}
}

// conclude is called with mu held.
func (o *Output) conclude() {
	if o.last.Code < 0 {
		o.failed = o.check(C.int32_t(o.last.Code))
	}
	C.mt_transcode_output_free(o.handle)
	o.handle = nil
	close(o.done)
	o.job.forgetOutput(o)
}

// abandon ends it with the job's Close, whatever it is at.
func (o *Output) abandon() {
	o.look()
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.handle != nil {
		o.last.State, o.last.Code = OutputCancelled, ErrDetached
		o.conclude()
	}
}

// check makes an error of a call's result, with the text that the output has for it.
func (o *Output) check(code C.int32_t) error {
	if code >= 0 {
		return nil
	}
	var failure *C.mt_transcode_error
	if C.mt_transcode_output_error(o.handle, &failure) < 0 || failure == nil {
		return callError(code)
	}
	if e := takeError(failure.code, failure); e.Code == Code(code) {
		return e
	}
	return callError(code)
}

func (o *Output) finalResult() error {
	o.resultOnce.Do(func() {
		o.mu.Lock()
		failed := o.failed
		o.mu.Unlock()
		o.result = o.job.engine.poller.names.explain(o.host.result(failed))
	})
	return o.result
}

// owner is what the output is for its host.
func (o *Output) owner() hostOwner {
	return hostOwner{
		result: func() C.int32_t { return C.int32_t(o.Stats().Code) },
		cancel: func() { _ = o.end(C.MT_TRANSCODE_STOP_NOW) },
	}
}
