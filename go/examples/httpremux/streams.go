package main

import (
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"mt-transcode.dev/go/mttranscode"
)

// upload moves the body to the pipe; the channel is closed when it is done with both.
func upload(body io.Reader, pipe *mttranscode.Pipe) <-chan struct{} {
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, err := pipe.Writer().ReadFrom(body)
		_ = pipe.Writer().CloseWithError(err)
	}()
	return done
}

// receiving reads a body, and gives up a client that stalls: otherwise its place would never be free again.
type receiving struct {
	body      io.Reader
	control   *http.ResponseController
	stallTime time.Duration

	mu    sync.Mutex
	isCut bool
}

func (r *receiving) Read(buffer []byte) (int, error) {
	r.setDeadline(time.Now().Add(r.stallTime))
	n, err := r.body.Read(buffer)
	r.setDeadline(time.Time{}) // when all is read, the server watches for the client's going away, which takes its time
	return n, err
}

func (r *receiving) setDeadline(deadline time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.isCut {
		_ = r.control.SetReadDeadline(deadline)
	}
}

// cutOff ends an upload that nobody wants any more, where it waits for its client; it tells whether it did.
func (r *receiving) cutOff(uploaded <-chan struct{}) bool {
	select {
	case <-uploaded:
		return false
	default:
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.isCut = true
	_ = r.control.SetReadDeadline(time.Now())
	return true
}

// flushing sends every chunk of the job's to the client at once, and gives up a client that stalls.
type flushing struct {
	writer      http.ResponseWriter
	control     *http.ResponseController
	stallTime   time.Duration
	contentType string
	begun       atomic.Bool
}

func (f *flushing) Write(data []byte) (int, error) {
	if !f.begun.Swap(true) {
		f.writer.Header().Set("Content-Type", f.contentType)
	}
	_ = f.control.SetWriteDeadline(time.Now().Add(f.stallTime))
	n, err := f.writer.Write(data)
	if err == nil {
		err = f.control.Flush()
	}
	_ = f.control.SetWriteDeadline(time.Time{}) // the next request of the connection has its own
	return n, err
}
