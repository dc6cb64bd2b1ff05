package mttranscode

// #include "library.h"
// #cgo noescape mt_transcode_pipe_read
// #cgo nocallback mt_transcode_pipe_read
// #cgo noescape mt_transcode_pipe_peek
// #cgo nocallback mt_transcode_pipe_peek
import "C"

import (
	"context"
	"io"
	"runtime"
	"unsafe"
)

// PipeReader is the end of a [Pipe] that bytes come out of. One goroutine uses it at a time; a second gets [ErrBusy].
// One that was given to a job belongs to the job: reading it gives [ErrBusy] then.
type PipeReader struct{ pipe *Pipe }

var (
	_ io.ReadCloser = (*PipeReader)(nil)
	_ io.WriterTo   = (*PipeReader)(nil)
)

// Read waits until there is a byte and takes what is there. After the last byte it gives io.EOF, or an error with the
// code that the writing end was closed with: what the job failed with, [ErrCancelled] after a cancel; where this program
// closed it, errors.Is finds the error given there. The goroutine parks and holds no thread.
func (r *PipeReader) Read(buffer []byte) (int, error) { return r.read(buffer, nil) }

// ReadContext is Read with an end: when ctx ends while it waits, the error wraps ctx.Err(), and nothing is lost.
func (r *PipeReader) ReadContext(ctx context.Context, buffer []byte) (int, error) {
	n, err := r.read(buffer, ctx.Done())
	if err == errStopped {
		err = contextError(ctx, "reading a pipe")
	}
	return n, err
}

func (r *PipeReader) read(buffer []byte, stop <-chan struct{}) (int, error) {
	if len(buffer) == 0 {
		return 0, nil
	}
	defer runtime.KeepAlive(r.pipe)
	for {
		n := C.mt_transcode_pipe_read(r.pipe.handle, (*C.uint8_t)(unsafe.Pointer(&buffer[0])), C.uint64_t(len(buffer)), 0)
		switch {
		case n > 0:
			return int(n), nil
		case n == 0:
			return 0, io.EOF
		case Code(n) != ErrAgain:
			return 0, r.pipe.readFailure(C.int32_t(n))
		}
		if err := r.pipe.awaitReadable(stop); err != nil {
			return 0, err
		}
	}
}

// WriteTo writes everything up to the end to w, a chunk of the pipe at a time and straight from the pipe's memory: w must
// not keep what it is given, as every io.Writer. The error is that of w, or what Read gives; nil at a good end.
func (r *PipeReader) WriteTo(w io.Writer) (int64, error) {
	var total int64
	for {
		n, atWriter, atPipe := r.pipe.moveOut(w, nil)
		total += int64(n)
		switch {
		case atWriter != nil:
			return total, atWriter
		case atPipe == io.EOF:
			return total, nil
		case atPipe != nil:
			return total, atPipe
		}
	}
}

// Close tells the writer that nobody reads any more: it gets EPIPE. It returns nil, and never blocks.
func (r *PipeReader) Close() error { return r.CloseWithError(nil) }

// CloseWithError is Close; what writes to the pipe in this program then finds err by errors.Is.
func (r *PipeReader) CloseWithError(err error) error {
	defer runtime.KeepAlive(r.pipe)
	r.pipe.mu.Lock()
	if r.pipe.readErr == nil {
		r.pipe.readErr = err
	}
	r.pipe.mu.Unlock()
	return closeResult(C.mt_transcode_pipe_close_read(r.pipe.handle))
}

// peek gives the unread bytes that lie in one piece, a chunk at most. They stay, also when the pipe is closed, until consume,
// which must follow.
// io.EOF at the end.
func (p *Pipe) peek(stop <-chan struct{}) ([]byte, error) {
	for {
		var region *C.uint8_t
		var size C.uint64_t
		code := C.mt_transcode_pipe_peek(p.handle, 0, &region, &size)
		if code == 0 && size > 0 {
			return unsafe.Slice((*byte)(unsafe.Pointer(region)), min(int(size), p.chunk)), nil
		}
		switch {
		case code == 0:
			return nil, io.EOF
		case Code(code) != ErrAgain:
			return nil, p.readFailure(code)
		}
		if err := p.awaitReadable(stop); err != nil {
			return nil, err
		}
	}
}

func (p *Pipe) consume(n int) {
	C.mt_transcode_pipe_consume(p.handle, C.uint64_t(n))
}

// isAtEnd tells whether everything was read and nothing will come.
func (p *Pipe) isAtEnd() bool {
	var region *C.uint8_t
	var size C.uint64_t
	code := C.mt_transcode_pipe_peek(p.handle, 0, &region, &size)
	if code == 0 && size > 0 {
		p.consume(0)
		return false
	}
	return code == 0
}

// moveOut moves one chunk to w, and tells what went wrong at w from what the pipe gave (io.EOF at its end).
func (p *Pipe) moveOut(w io.Writer, stop <-chan struct{}) (written int, atWriter, atPipe error) {
	region, err := p.peek(stop)
	if err != nil {
		return 0, nil, err
	}
	defer func() { p.consume(written) }() // also where w panics
	written, atWriter = writeOnce(w, region)
	return written, atWriter, nil
}

// writeOnce holds w to the rules of io.Writer.
func writeOnce(w io.Writer, data []byte) (int, error) {
	n, err := w.Write(data)
	switch {
	case n < 0 || n > len(data):
		return 0, errInvalidCount
	case err == nil && n < len(data):
		err = io.ErrShortWrite
	}
	return n, err
}
