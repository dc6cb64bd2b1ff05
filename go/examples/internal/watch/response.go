package watch

import (
	"net/http"
	"sync"
	"time"
)

// response gives each chunk to the client at once, and gives up a client that takes nothing.
type response struct {
	writer    http.ResponseWriter
	control   *http.ResponseController
	stallTime time.Duration

	mu    sync.Mutex
	begun bool
	isCut bool
}

func newResponse(w http.ResponseWriter, contentType string, stallTime time.Duration) *response {
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Access-Control-Allow-Origin", "*") // players on other pages
	return &response{writer: w, control: http.NewResponseController(w), stallTime: stallTime}
}

// Write is called by the output's goroutine alone.
func (r *response) Write(data []byte) (int, error) {
	r.setDeadline(time.Now().Add(r.stallTime), false)
	n, err := r.writer.Write(data)
	if err == nil {
		err = r.control.Flush()
	}
	return n, err
}

// cut lets no Write wait any more.
func (r *response) cut() { r.setDeadline(time.Unix(1, 0), true) }

func (r *response) setDeadline(deadline time.Time, cut bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.isCut {
		_ = r.control.SetWriteDeadline(deadline)
	}
	r.isCut, r.begun = r.isCut || cut, r.begun || !cut
}

func (r *response) hasBegun() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.begun
}
