// Package watch gives a running job's media to HTTP clients: an output of its own for each, that ends when the client goes away.
package watch

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"time"

	"mt-transcode.dev/go/mttranscode"
)

// Crowd is who watches a job. Its Event must be called with the job's events.
type Crowd struct {
	job       *mttranscode.Job
	stallTime time.Duration

	mu      sync.Mutex
	viewers map[int]*Viewer // by the number of their output
	total   int
	serving int           // calls of Serve
	quiet   chan struct{} // closed when there are none; nil until Wait
}

// NewCrowd makes an empty one. A viewer that takes nothing at all for stallTime is given up.
func NewCrowd(job *mttranscode.Job, stallTime time.Duration) *Crowd {
	return &Crowd{job: job, stallTime: stallTime, viewers: map[int]*Viewer{}}
}

// Viewer is a request, and the output that is written to its response.
type Viewer struct {
	ID       int // counted from 1
	Kind     string
	Since    time.Time
	Output   *mttranscode.Output
	response *response
}

// Media is what a viewer is given.
type Media struct {
	Kind        string // a word for logs and lists
	ContentType string
	Options     []mttranscode.Option // of the output that joins
}

// Serve answers a request with an output that joins, and returns when nothing writes to the response any more: when the client has gone
// away, the output has ended, or the job has. The job must have been started.
func (c *Crowd) Serve(w http.ResponseWriter, r *http.Request, media Media) {
	if !c.enter() {
		http.Error(w, "the stream is over", http.StatusServiceUnavailable)
		return
	}
	defer c.leave()
	v, err := c.join(w, media)
	if err != nil {
		slog.Warn("a viewer could not join", "kind", media.Kind, "error", err)
		http.Error(w, "the stream is over, or cannot be had like this", http.StatusServiceUnavailable)
		return
	}
	defer c.remove(v)
	switch isWhole := v.wait(r.Context()); {
	case isWhole:
		v.response.setDeadline(time.Time{}, false) // the next request of the connection has its own
	case v.response.hasBegun():
		panic(http.ErrAbortHandler) // what was sent is no whole stream: a broken connection says so
	default:
		http.Error(w, "the stream ended before it began", http.StatusServiceUnavailable)
	}
}

func (c *Crowd) enter() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.quiet != nil {
		return false
	}
	c.serving++
	return true
}

func (c *Crowd) leave() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.serving--; c.serving == 0 && c.quiet != nil {
		close(c.quiet)
	}
}

// Wait lets nobody in any more, and returns when all viewers of a job that has ended got the last of it, or ctx ends. It comes once, before the
// job's Close, which would cut them off.
func (c *Crowd) Wait(ctx context.Context) {
	c.mu.Lock()
	c.quiet = make(chan struct{})
	if c.serving == 0 {
		close(c.quiet)
	}
	c.mu.Unlock()
	select {
	case <-c.quiet:
	case <-ctx.Done():
	}
}

func (c *Crowd) join(w http.ResponseWriter, media Media) (*Viewer, error) {
	c.mu.Lock()
	c.total++
	v := &Viewer{ID: c.total, Kind: media.Kind, Since: time.Now()}
	c.mu.Unlock()
	v.response = newResponse(w, media.ContentType, c.stallTime)
	name := fmt.Sprintf("viewer%d", v.ID)
	// A small pipe: what waits there is not dropped. What is flushed is sent: each packet, where the media is live.
	small := []mttranscode.BindOption{mttranscode.WithCapacity(256 << 10), mttranscode.WithChunkSize(32 << 10), mttranscode.WithFlushInterval(0)}
	if err := c.job.BindOutput(name, v.response, small...); err != nil {
		return nil, err
	}
	var err error
	if v.Output, err = c.job.AddOutput("mt:"+name, media.Options...); err != nil {
		return nil, err
	}
	c.add(v)
	return v, nil
}

func (c *Crowd) add(v *Viewer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.viewers[v.Output.Index()] = v
	if stats := v.Output.Stats(); stats.State.Final() && stats.Code < 0 { // its event came before
		v.response.cut()
	}
}

func (c *Crowd) remove(v *Viewer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.viewers, v.Output.Index())
}

// Event gives up a viewer whose output was broken off: nothing more comes for it, and it may be one that takes nothing.
func (c *Crowd) Event(event mttranscode.Event) {
	finished, ok := event.(mttranscode.OutputFinished)
	if !ok || finished.Code >= 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if v, ok := c.viewers[finished.Index]; ok {
		v.response.cut()
	}
}

// Viewers returns those who watch now, the oldest first.
func (c *Crowd) Viewers() []*Viewer {
	c.mu.Lock()
	defer c.mu.Unlock()
	viewers := make([]*Viewer, 0, len(c.viewers))
	for _, v := range c.viewers {
		viewers = append(viewers, v)
	}
	slices.SortFunc(viewers, func(a, b *Viewer) int { return a.ID - b.ID })
	return viewers
}

// wait tells whether the stream ended as a stream should.
func (v *Viewer) wait(ctx context.Context) bool {
	defer v.Output.Close()
	stop := context.AfterFunc(ctx, func() {
		_ = v.Output.Cancel()
		v.response.cut() // a Write that waits for a client who is gone returns
	})
	defer stop()
	err := v.Output.Wait(context.Background())
	if err != nil && ctx.Err() == nil {
		slog.Info("a viewer was given up", "viewer", v.ID, "kind", v.Kind, "error", err)
	}
	return err == nil
}
