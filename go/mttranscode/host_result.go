package mttranscode

// #include "library.h"
import "C"

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"syscall"
)

// result is what a job ended with, given the library's own answer: where the program itself did something wrong, or not
// everything was delivered, the error says so.
func (h *host) result(base error) error {
	failures := h.allFailures()
	var failure *Error
	if base == nil {
		for _, f := range failures {
			if f.lost {
				return f.toError()
			}
		}
		return nil
	}
	if !errors.As(base, &failure) {
		return base
	}
	ended := *failure
	for _, f := range failures {
		if f.ours {
			continue
		}
		if len(ended.causes) == len(failure.causes) && ended.Code != ErrCancelled {
			ended.Message = fmt.Sprintf("%s: %v", failure.Message, f.err)
		}
		ended.causes = append(ended.causes[:len(ended.causes):len(ended.causes)], f.err)
	}
	return &ended
}

func (h *host) allFailures() []failure {
	h.mu.Lock()
	defer h.mu.Unlock()
	failures := h.failures[:len(h.failures):len(h.failures)]
	for _, b := range h.bindings {
		if end, ok := b.(*pipeBinding); ok && end.cause() != nil {
			failures = append(failures, failure{name: end.label, err: end.cause()})
		}
	}
	return failures
}

func (f failure) toError() *Error {
	e := callError(C.int32_t(codeOf(f.err)))
	e.Stage, e.Message = "deliver output", fmt.Sprintf("an output was not delivered to its end: %v", f.err)
	if f.name != "" {
		e.URL = "mt:" + f.name
		e.Message = fmt.Sprintf("the output %s was not delivered to its end: %v", e.URL, f.err)
	}
	e.causes = append(e.causes, f.err)
	return e
}

// codeOf is what an error of the program's is for the library: the code inside, or else EIO. Codes that tell the state of a
// call would be taken for that.
func codeOf(err error) Code {
	var failure *Error
	var code Code
	var errno syscall.Errno
	switch {
	case err == nil:
		return 0
	case errors.As(err, &failure):
		code = failure.Code
	case errors.As(err, &code):
	case errors.As(err, &errno):
		code = -Code(errno)
	case errors.Is(err, fs.ErrNotExist):
		code = -Code(syscall.ENOENT)
	}
	if code >= 0 || code < lowestCode || code == ErrAgain || code == ErrBusy || code == ErrTimeout || code == Code(closedCode) {
		return -Code(syscall.EIO)
	}
	return code
}

// lowestCode is beyond every errno and every code of the library's.
const lowestCode Code = -4095

// readFailure is the error of a read of the pipe, writeFailure that of a write.
func (p *Pipe) readFailure(code C.int32_t) error {
	return p.failure(code, &p.writeErr)
}

func (p *Pipe) writeFailure(code C.int32_t) error {
	e := p.failure(code, &p.readErr)
	if e.Code == -Code(syscall.EPIPE) {
		e.causes = append(e.causes, io.ErrClosedPipe)
	}
	return e
}

// failure adds what the program closed the other end with, where that is the reason.
func (p *Pipe) failure(code C.int32_t, other *error) *Error {
	e := callError(code)
	p.mu.Lock()
	defer p.mu.Unlock()
	if *other != nil && (e.Code == codeOf(*other) || e.Code == -Code(syscall.EPIPE)) {
		e.Message = fmt.Sprintf("%s: %v", e.Message, *other)
		e.causes = append(e.causes, *other)
	}
	return e
}

func closedError() *Error { return callError(closedCode) }

// finishFile closes a file or stream; one that is broken off in a way of its own, where it has one.
func finishFile(file io.Closer, broken error) error {
	if broken != nil {
		switch f := file.(type) {
		case interface{ CloseWithError(error) error }:
			return f.CloseWithError(broken)
		case interface{ Abort(error) error }:
			return f.Abort(broken)
		case interface{ Abort(error) }:
			f.Abort(broken)
			return nil
		}
	}
	return file.Close()
}

// errNoSeek is what a file without Seek gives.
var errNoSeek = fmt.Errorf("mt-transcode: the file cannot seek: %w", errors.Join(syscall.ESPIPE, fs.ErrInvalid))
