package mttranscode

// #include "library.h"
import "C"

import (
	"bytes"
	"io"
	"math"
	"runtime"
	"strings"
	"unsafe"
)

const (
	// maxWholeInput is what an input in memory may have to be copied whole to the library's memory at the start.
	maxWholeInput = 8 << 20
	// maxWholeOutput is what an output to a bytes.Buffer may have.
	maxWholeOutput = 1 << 30
)

// wholeReader is a reader whose bytes are all there: *bytes.Reader, *bytes.Buffer and *strings.Reader.
type wholeReader interface {
	io.Reader
	io.WriterTo
	Len() int
}

// asWhole tells whether the job can be given all that r has at its start.
func asWhole(r io.Reader) (wholeReader, bool) {
	switch whole := r.(type) {
	case *bytes.Reader:
		return whole, whole != nil && whole.Len() <= maxWholeInput
	case *bytes.Buffer:
		return whole, whole != nil && whole.Len() <= maxWholeInput
	case *strings.Reader:
		return whole, whole != nil && whole.Len() <= maxWholeInput
	}
	return nil, false
}

// wholeInput is an input that the library gets a copy of at the start.
type wholeInput struct {
	label  string
	reader wholeReader
	size   int // of the copy
}

func (w *wholeInput) name() string { return w.label }

// bind takes nothing from the reader yet: the start may be refused.
func (w *wholeInput) bind(j *Job) error {
	var data unsafe.Pointer
	switch reader := w.reader.(type) {
	case *bytes.Buffer:
		w.size, data = reader.Len(), unsafe.Pointer(unsafe.SliceData(reader.Bytes()))
	case io.Seeker:
		var seen seenBytes
		before, err := reader.Seek(0, io.SeekCurrent)
		if err != nil {
			return err
		}
		if _, err := w.reader.WriteTo(&seen); err != nil {
			return err
		}
		if _, err := reader.Seek(before, io.SeekStart); err != nil {
			return err
		}
		w.size, data = seen.size, seen.data
	}
	err := withName(w.label, func(name *C.char) error {
		return j.check(C.mt_transcode_job_bind_memory(j.handle, name, (*C.uint8_t)(data), C.uint64_t(w.size), nil, nil))
	})
	runtime.KeepAlive(w.reader)
	return err
}

// seenBytes is shown the bytes of a reader, without a copy.
type seenBytes struct {
	data unsafe.Pointer
	size int
}

func (s *seenBytes) Write(data []byte) (int, error) {
	s.data, s.size = unsafe.Pointer(unsafe.SliceData(data)), len(data)
	return len(data), nil
}

func (s *seenBytes) WriteString(text string) (int, error) {
	s.data, s.size = unsafe.Pointer(unsafe.StringData(text)), len(text)
	return len(text), nil
}

// start leaves the reader as if it had been read to its end.
func (w *wholeInput) start(*host) {
	switch reader := w.reader.(type) {
	case *bytes.Buffer:
		reader.Next(w.size)
	case io.Seeker:
		_, _ = reader.Seek(0, io.SeekEnd)
	}
}

func (w *wholeInput) isStill() bool { return true }

func (w *wholeInput) deliver(*host) {}

func (w *wholeInput) finish(*host) {}

// wholeOutput is an output to a bytes.Buffer, which gets all of it when the job has ended.
type wholeOutput struct {
	label  string
	job    *C.mt_transcode_job
	writer *bytes.Buffer
}

func (w *wholeOutput) name() string { return w.label }

func (w *wholeOutput) bind(j *Job) error {
	return withName(w.label, func(name *C.char) error {
		return j.check(C.mt_transcode_job_bind_buffer(j.handle, name, maxWholeOutput))
	})
}

func (w *wholeOutput) start(*host) {}

func (w *wholeOutput) isStill() bool { return true }

// deliver gives the buffer what the job wrote, also where it failed. Only an engine or job that was closed meanwhile has none.
func (w *wholeOutput) deliver(h *host) {
	err := h.guard(func() error {
		return withName(w.label, func(name *C.char) error {
			var data *C.uint8_t
			var size C.uint64_t
			if code := C.mt_transcode_job_take_buffer(w.job, name, &data, &size); code < 0 {
				return callError(code)
			}
			defer C.mt_transcode_buffer_free(data)
			if uint64(size) > math.MaxInt {
				return callError(C.int32_t(ErrLimit))
			}
			_, err := w.writer.Write(unsafe.Slice((*byte)(data), int(size)))
			return err
		})
	})
	if err != nil {
		h.fail(failure{name: w.label, err: err, ours: true, lost: true})
	}
}

func (w *wholeOutput) finish(*host) {}

func withName(name string, call func(*C.char) error) error {
	cName, err := cString(name)
	if err != nil {
		return err
	}
	return call(cName)
}
