package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"time"

	"mt-transcode.dev/go/examples/internal/watch"
	"mt-transcode.dev/go/mttranscode"
)

// streams are what is published now, by key.
type streams struct {
	engine *mttranscode.Engine
	most   int

	mu     sync.Mutex
	closed bool
	byKey  map[string]*stream
	count  int
	ended  sync.WaitGroup
}

// stream is one publisher's media: a pipe, the job that reads it, and who watches that.
type stream struct {
	number int // its name in logs
	pipe   *mttranscode.Pipe
	job    *mttranscode.Job
	crowd  *watch.Crowd
}

var (
	validKey   = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)
	errBadKey  = errors.New("a key has 1 to 64 letters, digits, dashes and underscores")
	errTaken   = errors.New("somebody publishes under this key already")
	errFull    = errors.New("too many publish already")
	errClosing = errors.New("the server ends")
)

func newStreams(engine *mttranscode.Engine, most int) *streams {
	return &streams{engine: engine, most: most, byKey: map[string]*stream{}}
}

// publish starts a job under a key that nobody uses.
func (s *streams) publish(key string) (*stream, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case !validKey.MatchString(key):
		return nil, errBadKey
	case s.closed:
		return nil, errClosing
	case s.byKey[key] != nil:
		return nil, errTaken
	case len(s.byKey) >= s.most:
		return nil, errFull
	}
	s.count++
	st, err := newStream(s.engine, s.count)
	if err != nil {
		return nil, err
	}
	s.byKey[key] = st
	s.ended.Add(1)
	go func() {
		defer s.ended.Done()
		st.follow()
		s.mu.Lock()
		delete(s.byKey, key)
		s.mu.Unlock()
		grace, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		st.crowd.Wait(grace)
		st.pipe.Close()
		st.job.Close()
	}()
	return st, nil
}

func newStream(engine *mttranscode.Engine, number int) (*stream, error) {
	pipe, err := engine.NewPipe()
	if err != nil {
		return nil, err
	}
	job, err := engine.NewJob()
	if err != nil {
		return nil, errors.Join(err, pipe.Close())
	}
	st := &stream{number: number, pipe: pipe, job: job, crowd: watch.NewCrowd(job, 30*time.Second)}
	if err := st.start(); err != nil {
		return nil, errors.Join(err, job.Close(), pipe.Close())
	}
	return st, nil
}

// start describes the job, whose one output of its own keeps nothing: it goes on while nobody watches.
func (st *stream) start() error {
	input := []mttranscode.Option{mttranscode.Opt("f", "flv"), mttranscode.Opt("mt_live", "1")}
	nothing := []mttranscode.Option{mttranscode.Opt("map", "0"), mttranscode.Opt("c", "copy"), mttranscode.Opt("f", "null")}
	if err := errors.Join(
		st.job.SetLabel(fmt.Sprintf("stream %d", st.number)), st.job.SetOption("loglevel", "warning"),
		st.job.InputFrom(st.pipe.Reader(), input...), st.job.Output("-", nothing...), st.job.Start(),
	); err != nil {
		return err
	}
	_, err := st.pipe.Writer().Write(flvHeader)
	return err
}

// follow returns when the job has ended.
func (st *stream) follow() {
	for event := range st.job.Events(context.Background()) {
		st.crowd.Event(event)
	}
	if err := st.job.Wait(context.Background()); err != nil {
		slog.Warn("a stream ended", "stream", st.number, "error", err)
	}
}

// end is for what the publisher sends to have its end: the job ends in good order, and viewers get the last of it.
func (st *stream) end() { _ = st.pipe.Writer().Close() }

// close stops all jobs in good order, and returns when they have ended.
func (s *streams) close() {
	s.mu.Lock()
	s.closed = true
	for _, st := range s.byKey {
		_ = st.job.Stop()
	}
	s.mu.Unlock()
	s.ended.Wait()
}

// watch answers GET /live/KEY.flv.
func (s *streams) watch(w http.ResponseWriter, r *http.Request) {
	key, isFLV := strings.CutSuffix(r.PathValue("file"), ".flv")
	s.mu.Lock()
	st := s.byKey[key]
	s.mu.Unlock()
	if st == nil || !isFLV {
		http.NotFound(w, r)
		return
	}
	st.crowd.Serve(w, r, watch.Media{Kind: "flv", ContentType: "video/x-flv", Options: []mttranscode.Option{
		mttranscode.Opt("map", "0"), mttranscode.Opt("c", "copy"), mttranscode.Opt("mt_slow", "skip"), mttranscode.Opt("mt_queue_bytes", "4M"),
		mttranscode.Opt("mt_live", "1"), mttranscode.Opt("f", "flv"), mttranscode.Opt("flvflags", "no_duration_filesize"),
	}})
}
