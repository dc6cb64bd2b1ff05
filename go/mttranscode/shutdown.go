package mttranscode

// #include "library.h"
import "C"

import (
	"context"
	"errors"
	"runtime"
	"time"
	"unsafe"
)

// ShutdownCounts is what became of the jobs that an engine had when it was shut down.
type ShutdownCounts struct {
	// Finished jobs ended by themselves within the time.
	Finished int
	// Stopped jobs were asked to end early: their outputs have trailers and play.
	Stopped int
	// Cancelled jobs ran and did not end in time after being stopped.
	Cancelled int
	// NeverRan counts queued jobs; they ended with [ErrCancelled].
	NeverRan int
	// Detached jobs have a thread that is still inside a call that cannot be interrupted.
	Detached int
}

// Shutdown ends an engine in good order. From the call on new jobs are refused with [ErrShutdown], and queued ones
// end with [ErrCancelled]. Running jobs may go on until ctx ends; then they are stopped, so that their outputs play,
// and have two more seconds; then they are cancelled. Without a deadline, and if ctx is never cancelled, it waits
// until every job has ended.
//
// It returns 2.65 s after the end of ctx at the latest; that ctx ended is no error: the counts tell. It holds one
// thread of the system while it waits. The engine stays to be asked (Stats, Jobs) and must still be closed.
func (e *Engine) Shutdown(ctx context.Context) (ShutdownCounts, error) {
	defer runtime.KeepAlive(e)
	type answer struct {
		counts ShutdownCounts
		err    error
	}
	answers := make(chan answer, 1)
	timeout := int64(-1)
	defer e.endStreamsAfter(ctx)()
	if deadline, ok := ctx.Deadline(); ok {
		timeout = max(time.Until(deadline).Milliseconds(), 0)
	}
	go func() {
		counts, err := e.shutdown(timeout)
		answers <- answer{counts, err}
	}()
	select {
	case got := <-answers:
		return got.counts, got.err
	case <-ctx.Done():
	}
	if !errors.Is(ctx.Err(), context.DeadlineExceeded) { // else the first call knows it by its own timeout
		if _, err := e.shutdown(0); err != nil {
			return ShutdownCounts{}, err
		}
	}
	got := <-answers
	return got.counts, got.err
}

// endStreamsAfter makes calls of the program's return that jobs wait for, as the library stops the jobs and then cancels
// them: it knows nothing of a Read of the program's that does not return.
func (e *Engine) endStreamsAfter(ctx context.Context) (stop func()) {
	over, end := context.WithCancel(context.Background())
	ended := context.AfterFunc(ctx, func() {
		for _, step := range []struct {
			after time.Duration
			do    func(*host)
		}{{stopTime, (*host).stopReading}, {shutdownGrace - stopTime, (*host).interrupt}} {
			select {
			case <-time.After(step.after):
				e.poller.eachRunning(step.do)
			case <-over.Done():
				return
			}
		}
	})
	return func() { ended(); end() }
}

const (
	// shutdownGrace is how long stopped jobs have until they are cancelled.
	shutdownGrace = 2 * time.Second
	// stopTime is ample for the library to tell its jobs that they are stopped; it leaves a call behind after 650 ms.
	stopTime = 100 * time.Millisecond
)

func (e *Engine) shutdown(timeoutMS int64) (ShutdownCounts, error) {
	var counts C.mt_transcode_shutdown_counts
	counts.struct_size = C.uint32_t(unsafe.Sizeof(counts))
	if code := C.mt_transcode_engine_shutdown(e.poller.engine, C.int64_t(timeoutMS), &counts); code < 0 {
		return ShutdownCounts{}, callError(code)
	}
	return ShutdownCounts{
		Finished: int(counts.finished), Stopped: int(counts.stopped), Cancelled: int(counts.cancelled),
		NeverRan: int(counts.never_ran), Detached: int(counts.detached),
	}, nil
}
