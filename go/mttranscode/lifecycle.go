package mttranscode

// #include "library.h"
import "C"

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"time"
	"unsafe"
)

// closeGrace is how long Close waits for a job in Go, where it costs no thread, before it leaves the rest to the
// library, whose own bound is 650 ms.
const closeGrace = 700 * time.Millisecond

// Start starts the job: it runs on threads of the engine, or waits in its queue. It never blocks: what is wrong with
// the files comes by Wait and as an event. Errors: [ErrAgain] where the engine is full (the job stays new and can be
// started again later), [ErrAlready], [ErrShutdown], [ErrOption] where there is no output, [ErrSpawnFailed].
func (j *Job) Start() error {
	j.startMu.Lock()
	defer j.startMu.Unlock()
	if j.started {
		return j.check(C.mt_transcode_job_start(j.handle))
	}
	if j.engine.poller.reportsCrashes {
		site := C.CString(callSite())
		defer C.free(unsafe.Pointer(site))
		if err := j.check(C.mt_transcode_job_set_call_site(j.handle, site)); err != nil {
			return err
		}
	}
	if err := j.host.bind(j); err != nil {
		return err
	}
	j.engine.poller.keep(j)
	if err := j.check(C.mt_transcode_job_start(j.handle)); err != nil {
		j.engine.poller.release(j.handle)
		return err
	}
	j.started = true
	j.host.start()
	j.startPump()
	return nil
}

// callSite tells which functions of the program led to the call of this package: "main.serve main.go:12; ...".
func callSite() string {
	var counters [24]uintptr
	frames := runtime.CallersFrames(counters[:runtime.Callers(3, counters[:])])
	var site strings.Builder
	for {
		frame, more := frames.Next()
		fmt.Fprintf(&site, "%s %s:%d; ", frame.Function, frame.File, frame.Line)
		if !more {
			return strings.TrimSuffix(site.String(), "; ")
		}
	}
}

// Wait waits until the job has ended, and returns nil or the [*Error] it ended with. When ctx ends before, Wait
// returns an error that wraps ctx.Err(), and the job goes on: see [Job.Run]. Before the start it gives [ErrInvalid].
// Any number of goroutines may wait; they park, and hold no thread. It panics with a [*PanicError] where a reader,
// writer or store of the program's did. An output that joined may have media waiting for it still: it has its own [Output.Wait].
func (j *Job) Wait(ctx context.Context) error {
	code := C.mt_transcode_job_wait(j.handle, 0, nil)
	switch {
	case code == 0:
		j.markDone() // the poller may not have come to it yet
		j.startPump()
	case Code(code) != ErrTimeout:
		return j.check(code)
	}
	for _, ended := range []func() <-chan struct{}{j.isDone, j.isPumped, j.host.wait} { // one after another
		if channel := ended(); !isClosed(channel) {
			select {
			case <-channel:
			case <-ctx.Done():
				return contextError(ctx, fmt.Sprintf("waiting for job %d", j.id))
			}
		}
	}
	j.host.raise()
	return j.finalResult()
}

// Run starts the job, waits until it has ended, and returns nil or the [*Error] it ended with. When ctx ends, the job
// is cancelled, and Run still waits for its end: no thread of the job touches anything of yours afterwards. The error
// then wraps ctx.Err(), but only if the job really ended by it: one that succeeded at that moment has succeeded.
//
// Handlers, if any, are called with each event, on the caller's goroutine, in order; they take the job's events from
// any other reader. While Run waits its goroutine parks and holds no thread. Errors: those of [Job.Start] too.
//
// Where readers, writers or stores of the program's are bound to the job, Run also waits until every byte was written
// to them. It returns their errors as [Job.BindInput] says, and panics with a [*PanicError] where they did.
func (j *Job) Run(ctx context.Context, handlers ...func(Event)) error {
	if ctx.Err() != nil {
		return contextError(ctx, fmt.Sprintf("job %d was not started", j.id))
	}
	if err := j.Start(); err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { _ = j.Cancel() })
	defer stop()
	if len(handlers) > 0 {
		for event := range j.Events(context.Background()) {
			for _, handle := range handlers {
				handle(event)
			}
		}
	}
	<-j.done
	<-j.pumped
	<-j.host.wait()
	j.host.raise()
	err := j.finalResult()
	var failure *Error
	if stop() || !errors.As(err, &failure) || failure.Code != ErrCancelled && failure.Code != ErrDetached {
		return err
	}
	ended := *failure // the job's own error says nothing of this caller's context
	ended.Message = fmt.Sprintf("%s: %v", failure.Message, context.Cause(ctx))
	ended.causes = append([]error{contextError(ctx, fmt.Sprintf("job %d was cancelled", j.id))}, failure.causes...)
	return &ended
}

// Stop asks the job to end in good order: what was read is encoded and written, and every output gets its trailer, so
// that the files play. The job ends as succeeded; a queued one as cancelled. It never blocks: wait for the end.
// Before the start it gives [ErrInvalid]; after the end it does nothing.
func (j *Job) Stop() error {
	err := j.check(C.mt_transcode_job_stop(j.handle))
	if err == nil {
		j.host.stopReading()
	}
	return err
}

// Cancel ends the job at once, wherever it is; outputs are left as they are, without trailers. The job ends as
// cancelled, and Wait gives [ErrCancelled]. It never blocks: wait for the end. After the end it does nothing.
func (j *Job) Cancel() error {
	err := j.check(C.mt_transcode_job_cancel(j.handle))
	j.host.interrupt()
	if err == nil {
		j.startPump() // a job that never started has events too, from now on
	}
	return err
}

// Err returns the error that the job ended with: nil while it has not ended, and where it succeeded. It never blocks,
// and keeps its answer after Close.
func (j *Job) Err() error {
	if !isClosed(j.done) && C.mt_transcode_job_wait(j.handle, 0, nil) == 0 {
		j.markDone() // the poller may not have come to it yet
	}
	if isClosed(j.done) && isClosed(j.host.wait()) {
		return j.finalResult()
	}
	runtime.KeepAlive(j)
	return nil
}

// Close frees the job; one that runs is cancelled first. Calls that wait for it return. It parks until the job has
// ended, 700 ms at most, then holds a thread for at most 650 ms more where a call into FFmpeg cannot be interrupted,
// and parks for 700 ms at most where a Read or Write of the program's does not return. Outputs that joined, and are still
// written to, are cut off: who is to have them whole waits for each of them before.
// It returns nil; a second call waits for the first.
func (j *Job) Close() error {
	j.closeOnce.Do(func() {
		j.cancelAndJoin()
		if j.State().Final() {
			j.markDone() // the poller may not have come to it yet
			<-j.host.wait()
			_ = j.finalResult()
		}
		j.endOutputs()
		j.last.Store(int32(j.State()))
		j.closed.Store(true)
		j.cleanup.Stop()
		j.opened.close()
		j.engine.poller.forget(j.handle)
		C.mt_transcode_job_free(j.handle)
		j.markDone()
		<-j.host.wait()
		j.startMu.Lock()
		defer j.startMu.Unlock()
		if !j.started {
			j.host.release()
		}
		j.releaseLate()
		j.endPump()
		j.signal.wake()
	})
	return nil
}

func (j *Job) cancelAndJoin() {
	j.host.interrupt()
	if state := j.State(); state == StateNew || state.Final() {
		return
	}
	C.mt_transcode_job_cancel(j.handle)
	timer := time.NewTimer(closeGrace)
	defer timer.Stop()
	select {
	case <-j.done:
	case <-timer.C:
	}
}

func (j *Job) isDone() <-chan struct{} { return j.done }

func (j *Job) isPumped() <-chan struct{} { return j.pumped }

func (j *Job) markDone() {
	j.doneOnce.Do(func() { close(j.done) })
}

// finalResult asks once what a job that is done ended with, and keeps the answer beyond Close.
func (j *Job) finalResult() error {
	j.resultOnce.Do(func() {
		defer runtime.KeepAlive(j)
		var code C.int32_t
		if asked := C.mt_transcode_job_wait(j.handle, 0, &code); asked < 0 {
			j.result = j.check(asked)
		} else if code < 0 {
			j.result = j.check(code)
		}
		j.result = j.engine.poller.names.explain(j.host.result(j.result))
	})
	return j.result
}
