package mttranscode

// #include "library.h"
import "C"

import (
	"context"
	"runtime"
)

// Probe looks at the first bytes in the pipe, with input options where given, and tells what they hold. Nothing is lost: a
// job that is given the reading end afterwards, or a Read, gets the very same bytes from the first one on. So media can
// be refused before a job takes a place of the engine's. The pipe must be written meanwhile, or have been written enough;
// what is looked at is kept beside the pipe's capacity, limit bytes at most. 0: 5 MB.
//
// The goroutine parks until there is a first byte; from then on it is as with [Engine.Probe]: the work holds a thread of
// the system until it ends, at the deadline that ctx had at the latest, or by the pipe's Close. After a probe that was
// given up the pipe is good for nothing but Close.
//
// Errors: [ErrDemux] (not media, or too little of it), [ErrLimit] where limit bytes are not enough, [ErrUnsupported],
// [ErrOption], and what the writer closed the pipe with.
func (p *Pipe) Probe(ctx context.Context, limit int64, options ...Option) (*MediaInfo, error) {
	if limit < 0 {
		return nil, invalid("the limit of a probe is negative")
	}
	defer runtime.KeepAlive(p)
	if err := p.awaitReadable(ctx.Done()); err == errStopped {
		return nil, contextError(ctx, "probing a pipe")
	} else if err != nil {
		return nil, err
	}
	return probeWithin(ctx, func(timeoutMS int64) (*MediaInfo, error) { return p.probe(limit, options, timeoutMS) })
}

func (p *Pipe) probe(limit int64, options []Option, timeoutMS int64) (*MediaInfo, error) {
	defer runtime.KeepAlive(p)
	cOptions, err := cVector(flatten(options))
	if err != nil {
		return nil, err
	}
	defer freeVector(cOptions)
	var text *C.char
	var failure *C.mt_transcode_error
	code := C.mt_transcode_pipe_probe(p.handle, cOptions, C.uint64_t(limit), C.int64_t(timeoutMS), &text, &failure)
	if code < 0 {
		return nil, p.probeFailure(takeProbeError(code, failure))
	}
	return parseMediaInfo([]byte(takeString(text)))
}

// probeFailure adds what the program closed the writing end with.
func (p *Pipe) probeFailure(err error) error {
	failure, ok := err.(*Error)
	p.mu.Lock()
	defer p.mu.Unlock()
	if ok && p.writeErr != nil {
		failure.causes = append(failure.causes, p.writeErr)
	}
	return err
}
