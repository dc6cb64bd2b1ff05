package mttranscode

import (
	"io"
	"io/fs"
	"sync"
)

// Store takes outputs that are many files, such as HLS and DASH: see [Job.BindStore] and [Job.OutputStore]. [MemoryStore]
// and [DirStore] are ready to be used; one of your own may lead to an object store.
//
// A job calls the methods of its store and of the files one at a time, from goroutines. What is said of readers and
// writers in [Job.BindInput] holds for errors, panics, and calls that do not return.
type Store interface {
	// Create makes the file, or replaces it. The name is relative, with slashes, and without "..".
	//
	// Close is called once for each file, and says that it is complete; an error of it fails the output. A file that is
	// broken off is ended by its CloseWithError(error) error or Abort(error) instead, where it has one. Where the file is
	// an io.Seeker, formats work that go back to their beginning.
	Create(name string) (io.WriteCloser, error)
	// Remove deletes a file: HLS and DASH do so with old segments. An error becomes a line of the job's log.
	Remove(name string) error
}

// storeBinding is a store under a name of a job's. C calls its methods.
type storeBinding struct {
	caller
	label string
	store Store

	mu    sync.Mutex
	files map[uintptr]*storeFile
	last  uintptr
}

type storeFile struct {
	io.WriteCloser
	name   string
	buffer []byte
}

func newStoreBinding(name string, h *host, store Store) *storeBinding {
	_, direct := store.(*MemoryStore)
	return &storeBinding{
		caller: caller{host: h, direct: direct}, label: name, store: store, files: map[uintptr]*storeFile{},
	}
}

func (s *storeBinding) name() string { return s.label }

func (s *storeBinding) bind(j *Job) error { return bindStore(j, s.label, s) }

func (s *storeBinding) start(*host) {}

func (s *storeBinding) deliver(*host) {}

func (s *storeBinding) finish(*host) {}

func (s *storeBinding) isStill() bool { return false }

// open gives the number of the new file. Where the call is given up, what comes of it later is broken off.
func (s *storeBinding) open(name string) (id uintptr, code int64) {
	opened := make(chan *storeFile, 1)
	code = s.call(func() int64 {
		file, err := s.store.Create(name)
		switch {
		case err != nil:
			return s.failed(name, err)
		case file == nil:
			return s.failed(name, fs.ErrInvalid)
		}
		opened <- &storeFile{WriteCloser: file, name: name}
		return 0
	})
	if code < 0 {
		s.breakOff(opened)
		return 0, code
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last++
	s.files[s.last] = <-opened
	return s.last, 0
}

// breakOff comes after the call that opens, as calls are made in order.
func (s *storeBinding) breakOff(opened <-chan *storeFile) {
	s.submit(func() int64 {
		select {
		case file := <-opened:
			_ = finishFile(file.WriteCloser, ErrCancelled)
		default:
		}
		return 0
	})
}

func (s *storeBinding) file(id uintptr) *storeFile {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.files[id]
}

func (s *storeBinding) failed(name string, err error) int64 {
	s.host.fail(failure{name: s.label + "/" + name, err: err})
	return int64(codeOf(err))
}

func (s *storeBinding) write(id uintptr, data []byte) int64 {
	file := s.file(id)
	if file == nil || s.isOver() {
		return codeCancelled
	}
	if !s.direct { // C's memory may be gone by the time that a Write which was given up returns
		file.buffer = append(file.buffer[:0], data[:min(len(data), maxCopy)]...)
		data = file.buffer
	}
	return s.call(func() int64 {
		n, err := writeOnce(file, data)
		if err != nil {
			return s.failed(file.name, err)
		}
		return int64(n)
	})
}

func (s *storeBinding) seek(id uintptr, position int64) int64 {
	file := s.file(id)
	if file == nil {
		return codeCancelled
	}
	return s.call(func() int64 {
		seeker, ok := file.WriteCloser.(io.Seeker)
		if !ok {
			return s.failed(file.name, errNoSeek)
		}
		at, err := seeker.Seek(position, io.SeekStart)
		if err != nil {
			return s.failed(file.name, err)
		}
		return at
	})
}

// close is done also where the job was cancelled: the program must not be left with an open file.
func (s *storeBinding) close(id uintptr, broken Code) int64 {
	s.mu.Lock()
	file := s.files[id]
	delete(s.files, id)
	s.mu.Unlock()
	if file == nil {
		return codeCancelled
	}
	return s.callAnyway(func() int64 {
		var reason error
		if broken < 0 {
			reason = broken
		}
		if err := finishFile(file.WriteCloser, reason); err != nil {
			return s.failed(file.name, err)
		}
		return 0
	})
}

// remove keeps no error of a file that is not there: the job goes on, and its log tells.
func (s *storeBinding) remove(name string) int64 {
	return s.call(func() int64 { return int64(codeOf(s.store.Remove(name))) })
}
