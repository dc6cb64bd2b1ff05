package mttranscode

// #include "bridge.h"
import "C"

import (
	"bytes"
	"io"
	"os"
	"strings"
	"sync"
	"syscall"
)

// seekable is a reader or writer of the program's that can seek. Its methods are called by C; those that end in Host
// run in the caller's goroutine, one at a time.
type seekable struct {
	caller
	label  string
	config bindConfig
	base   int64 // where it stood when it was bound: the job's position 0
	seeker io.Seeker
	reader io.Reader // nil where it cannot be read
	writer io.Writer // nil where it is an input
	closer sync.Once

	buffer  []byte
	pending error // came with the bytes that were read last
	bytes   int64 // the size of an input, which is asked for often; 0 before

	// ahead is what one Read gave of a small input when its size was asked for, nil once more is wanted; the job stands at aheadAt in it, and the
	// reader where it ends.
	ahead   []byte
	aheadAt int
	room    *[]byte // what ahead lies in
}

// canSeek tells whether what has a Seek method can really seek, and where it stands.
func canSeek(stream any) (seeker io.Seeker, base int64, ok bool) {
	if seeker, ok = stream.(io.Seeker); !ok {
		return nil, 0, false
	}
	if file, isFile := stream.(*os.File); isFile && !isPlainFile(file) {
		return nil, 0, false
	}
	base, err := seeker.Seek(0, io.SeekCurrent)
	return seeker, base, err == nil
}

// isPlainFile tells a file that can be written anywhere from devices, and from one that only grows at its end.
func isPlainFile(file *os.File) bool {
	info, err := file.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return false
	}
	raw, err := file.SyscallConn()
	if err != nil {
		return false
	}
	var flags uintptr
	var errno syscall.Errno
	err = raw.Control(func(fd uintptr) { flags, _, errno = syscall.Syscall(syscall.SYS_FCNTL, fd, syscall.F_GETFL, 0) })
	return err == nil && errno == 0 && flags&syscall.O_APPEND == 0
}

func newSeekable(name string, h *host, config bindConfig, seeker io.Seeker, base int64, reader io.Reader, writer io.Writer) *seekable {
	direct := false
	switch seeker.(type) {
	case *bytes.Reader, *strings.Reader:
		direct = true
	}
	var halt <-chan struct{}
	if writer == nil {
		halt = h.halt
	}
	return &seekable{
		caller: caller{host: h, direct: direct, halt: halt}, label: name, config: config,
		base: base, seeker: seeker, reader: reader, writer: writer,
	}
}

func (s *seekable) name() string { return s.label }

func (s *seekable) bind(j *Job) error {
	can := C.uint32_t(0)
	if s.reader != nil {
		can |= C.MTTRANSCODE_CAN_READ
	}
	if s.writer != nil {
		can |= C.MTTRANSCODE_CAN_WRITE
	}
	return bindIO(j, s.label, s, can)
}

func (s *seekable) start(*host) {}

func (s *seekable) isStill() bool { return false }

// deliver closes a writer: a close that fails, or takes long, is part of the output.
func (s *seekable) deliver(h *host) {
	if s.writer == nil {
		return
	}
	s.closeOnce(func(closer io.Closer) {
		h.outputs.enter()
		go func() {
			defer h.outputs.leave()
			s.closeWriter(closer, h.brokenBy())
		}()
	})
}

// finish closes a reader in a goroutine of its own: where a Read does not return, Close is what ends it, but may wait for
// it. A writer is left here only where the job was never started.
func (s *seekable) finish(h *host) {
	s.closeOnce(func(closer io.Closer) {
		if s.writer != nil {
			s.closeWriter(closer, ErrCancelled)
			return
		}
		go func() { _ = h.guard(closer.Close) }()
	})
}

func (s *seekable) closeOnce(f func(io.Closer)) {
	if closer, ok := s.seeker.(io.Closer); ok && s.config.close {
		s.closer.Do(func() { f(closer) })
	}
}

func (s *seekable) closeWriter(closer io.Closer, broken error) {
	if err := s.host.guard(func() error { return finishFile(closer, broken) }); err != nil {
		s.host.fail(failure{name: s.label, err: err, lost: true})
	}
}

// maxCopy bounds what one callback moves.
const maxCopy = 1 << 20

// scratch is memory of Go's: C's may be gone by the time that a Read which was given up returns.
func (s *seekable) scratch(size int) []byte {
	size = min(size, maxCopy)
	if len(s.buffer) < size {
		s.buffer = make([]byte, size)
	}
	return s.buffer[:size]
}

func (s *seekable) read(into []byte) int64 {
	if s.direct {
		return s.call(func() int64 { return s.readHost(into) })
	}
	if s.isOver() {
		return codeCancelled // a Read that was given up may still have the buffer
	}
	if s.ahead != nil {
		if n := copy(into, s.ahead[s.aheadAt:]); n > 0 {
			s.aheadAt += n
			return int64(n)
		}
		s.ahead = nil
	}
	buffer := s.scratch(len(into))
	n := s.call(func() int64 { return s.readHost(buffer) })
	if n > 0 {
		copy(into, buffer[:n])
	}
	return n
}

func (s *seekable) readHost(buffer []byte) int64 {
	for empty := 0; ; {
		n, err := 0, s.pending
		if err == nil {
			n, err = readOnce(s.reader, buffer)
			s.pending = err
		}
		if n > 0 {
			return int64(n)
		}
		if err == nil {
			err = noProgress(n, &empty)
		}
		switch {
		case err == io.EOF:
			return 0
		case err != nil:
			return s.failed(err)
		}
	}
}

// failed keeps the error for who waits for the job, and gives the library its code.
func (s *seekable) failed(err error) int64 {
	s.host.fail(failure{name: s.label, err: err})
	return int64(codeOf(err))
}

func (s *seekable) write(data []byte) int64 {
	if s.isOver() {
		return codeCancelled
	}
	buffer := s.scratch(len(data))
	copy(buffer, data)
	return s.call(func() int64 {
		if n, err := writeOnce(s.writer, buffer); err != nil {
			return s.failed(err)
		} else {
			return int64(n)
		}
	})
}

func (s *seekable) seek(position int64) int64 {
	if s.isOver() {
		return codeCancelled // what was given up may still read ahead
	}
	if s.ahead != nil {
		if position <= int64(len(s.ahead)) {
			s.aheadAt = int(position)
			return position
		}
		s.ahead = nil
	}
	return s.call(func() int64 {
		s.pending = nil
		at, err := s.seeker.Seek(s.base+position, io.SeekStart)
		if err != nil {
			return s.failed(err)
		}
		return at - s.base
	})
}

func (s *seekable) size() int64 {
	if s.bytes == 0 || s.writer != nil {
		s.bytes = s.call(s.sizeHost)
	}
	return s.bytes
}

func (s *seekable) sizeHost() int64 {
	at, err := s.seeker.Seek(0, io.SeekCurrent)
	if err != nil {
		return int64(codeOf(err))
	}
	end, err := s.seeker.Seek(0, io.SeekEnd)
	if err != nil {
		return int64(codeOf(err))
	}
	if _, err := s.seeker.Seek(at, io.SeekStart); err != nil {
		return s.failed(err)
	}
	if size := end - s.base; s.writer == nil && !s.direct && at == s.base && size > 0 && size <= maxAhead {
		s.readAhead(int(size))
	}
	return end - s.base
}

// maxAhead is what the library reads whole when it opens it.
const maxAhead = 1 << 20

// rooms are what small inputs were read to: clearing as much for each costs as much as reading it.
var rooms sync.Pool

// release is the last call of the library's. A Read that was given up keeps what it reads to.
func (s *seekable) release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.running && s.room != nil {
		rooms.Put(s.room)
		s.room, s.ahead = nil, nil
	}
}

// readAhead reads once, as the library will: a callback that waits for a goroutine costs more than the copy. An error is told where it happened.
func (s *seekable) readAhead(size int) {
	room, _ := rooms.Get().(*[]byte)
	if room == nil || cap(*room) < size {
		made := make([]byte, size)
		room = &made
	}
	s.room = room
	buffer := (*room)[:size]
	n, err := readOnce(s.reader, buffer)
	s.pending = err
	if n > 0 {
		s.ahead = buffer[:n]
	}
}
