package mttranscode

// #include "library.h"
// #cgo noescape mt_transcode_pipe_write
// #cgo nocallback mt_transcode_pipe_write
// #cgo noescape mt_transcode_pipe_acquire
// #cgo nocallback mt_transcode_pipe_acquire
import "C"

import (
	"context"
	"errors"
	"io"
	"runtime"
	"unsafe"
)

// PipeWriter is the end of a [Pipe] that bytes go into. One goroutine uses it at a time; a second gets [ErrBusy]. One
// that was given to a job belongs to the job: writing to it gives [ErrBusy] then.
type PipeWriter struct{ pipe *Pipe }

var (
	_ io.WriteCloser = (*PipeWriter)(nil)
	_ io.ReaderFrom  = (*PipeWriter)(nil)
)

// Write waits until all of data is in the pipe. Where nobody reads any more, because the reading end was closed or its
// job has ended, the error is syscall.EPIPE and io.ErrClosedPipe. The goroutine parks and holds no thread.
func (w *PipeWriter) Write(data []byte) (int, error) { return w.write(data, nil) }

// WriteContext is Write with an end: when ctx ends while it waits, the error wraps ctx.Err(), and the count says how much
// is in the pipe.
func (w *PipeWriter) WriteContext(ctx context.Context, data []byte) (int, error) {
	n, err := w.write(data, ctx.Done())
	if err == errStopped {
		err = contextError(ctx, "writing to a pipe")
	}
	return n, err
}

func (w *PipeWriter) write(data []byte, stop <-chan struct{}) (int, error) {
	defer runtime.KeepAlive(w.pipe)
	total := 0
	for total < len(data) {
		rest := data[total:]
		n := C.mt_transcode_pipe_write(w.pipe.handle, (*C.uint8_t)(unsafe.Pointer(&rest[0])), C.uint64_t(len(rest)), 0)
		switch {
		case n > 0:
			total += int(n)
			continue
		case n < 0 && Code(n) != ErrAgain:
			return total, w.pipe.writeFailure(C.int32_t(n))
		}
		if err := w.pipe.awaitWritable(stop); err != nil {
			return total, err
		}
	}
	return total, nil
}

// ReadFrom reads r to its end, a chunk of the pipe at a time and straight into the pipe's memory: r must not keep the
// buffer that it is given, as every io.Reader. The error is that of r, or what Write gives; nil at the end of r. The
// pipe stays open: close it, with CloseWithError where it should tell the reader.
func (w *PipeWriter) ReadFrom(r io.Reader) (int64, error) {
	var total int64
	for empty := 0; ; {
		n, atReader, atPipe := w.pipe.moveIn(r, nil)
		total += int64(n)
		if atReader == nil && atPipe == nil {
			atReader = noProgress(n, &empty)
		}
		switch {
		case atReader == io.EOF:
			return total, nil
		case atReader != nil:
			return total, atReader
		case atPipe != nil:
			return total, atPipe
		}
	}
}

// Close ends the stream well: the reader gets io.EOF after the last byte. It returns nil, and never blocks.
func (w *PipeWriter) Close() error { return w.CloseWithError(nil) }

// CloseWithError ends the stream with an error, or well where err is nil: after the last byte the reader gets it. A job
// that reads the pipe fails, with the errno inside err, or else with EIO, and errors.Is finds err in what its Run gives.
// Only the first close counts. It returns nil, and never blocks.
func (w *PipeWriter) CloseWithError(err error) error {
	defer runtime.KeepAlive(w.pipe)
	w.pipe.mu.Lock()
	if w.pipe.writeErr == nil {
		w.pipe.writeErr = err
	}
	w.pipe.mu.Unlock()
	return closeResult(C.mt_transcode_pipe_close_write(w.pipe.handle, C.int32_t(codeOf(err))))
}

// closeResult forgives a second close, and one of what is gone.
func closeResult(code C.int32_t) error {
	switch Code(code) {
	case 0, ErrAlready, Code(closedCode):
		return nil
	}
	return callError(code)
}

// acquire gives free bytes that lie in one piece, a chunk at most. They are the caller's, also when the pipe is closed, until
// commit, which must follow.
func (p *Pipe) acquire(stop <-chan struct{}) ([]byte, error) {
	for {
		var region *C.uint8_t
		var size C.uint64_t
		code := C.mt_transcode_pipe_acquire(p.handle, 0, &region, &size)
		if code == 0 && size > 0 {
			return unsafe.Slice((*byte)(unsafe.Pointer(region)), min(int(size), p.chunk)), nil
		}
		if code < 0 && Code(code) != ErrAgain {
			return nil, p.writeFailure(code)
		}
		if err := p.awaitWritable(stop); err != nil {
			return nil, err
		}
	}
}

func (p *Pipe) commit(n int) {
	C.mt_transcode_pipe_commit(p.handle, C.uint64_t(n))
}

// moveIn moves one chunk from r, and tells what r gave (io.EOF at its end) from what went wrong at the pipe.
func (p *Pipe) moveIn(r io.Reader, stop <-chan struct{}) (read int, atReader, atPipe error) {
	region, err := p.acquire(stop)
	if err != nil {
		return 0, nil, err
	}
	defer func() { p.commit(read) }() // also where r panics
	read, atReader = readOnce(r, region)
	return read, atReader, nil
}

// readOnce holds r to the rules of io.Reader.
func readOnce(r io.Reader, buffer []byte) (int, error) {
	n, err := r.Read(buffer)
	if n < 0 || n > len(buffer) {
		return 0, errInvalidCount
	}
	return n, err
}

var errInvalidCount = errors.New("mt-transcode: a Read or Write returned an impossible count")

// maxEmptyReads is how often a reader may return nothing and no error, as in bufio.
const maxEmptyReads = 100

func noProgress(n int, empty *int) error {
	if n > 0 {
		*empty = 0
		return nil
	}
	if *empty++; *empty < maxEmptyReads {
		return nil
	}
	return io.ErrNoProgress
}
