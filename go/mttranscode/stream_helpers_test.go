package mttranscode

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
)

// remuxed makes a file of the clip's streams in another format, once.
func remuxed(t testing.TB, name string, options ...string) string {
	t.Helper()
	path := filepath.Join(mediaFolder, name)
	remuxedOnce.Lock()
	defer remuxedOnce.Unlock()
	if _, err := os.Stat(path); err == nil {
		return path
	}
	engine, err := NewEngine()
	check(t, err)
	defer engine.Close()
	args := append([]string{"-i", clip(t), "-map", "0", "-c", "copy"}, options...)
	job, err := engine.NewJob(append(args, path)...)
	check(t, err)
	defer job.Close()
	check(t, job.Run(within(t)))
	return path
}

var remuxedOnce sync.Mutex

func tsClip(t testing.TB) string { return remuxed(t, "clip.ts") }

// fragmented is MP4 that can be read and written as a stream.
func fragmented() []Option { return []Option{Opt("movflags", "+frag_keyframe+empty_moov")} }

func fragClip(t testing.TB) string {
	return remuxed(t, "clip-frag.mp4", "-movflags", "+frag_keyframe+empty_moov")
}

func fastClip(t testing.TB) string { return remuxed(t, "clip-fast.mp4", "-movflags", "+faststart") }

func remuxJob(t testing.TB, engine *Engine, r io.Reader, w io.Writer, format string, options ...Option) *Job {
	t.Helper()
	job := newJob(t, engine)
	check(t, job.InputFrom(r))
	check(t, job.OutputTo(w, append([]Option{Opt("map", "0"), Opt("c", "copy"), Opt("f", format)}, options...)...))
	return job
}

// remux copies the streams of r to w, and closes the job.
func remux(t testing.TB, engine *Engine, r io.Reader, w io.Writer, format string, options ...Option) error {
	t.Helper()
	job := remuxJob(t, engine, r, w, format, options...)
	defer job.Close()
	return job.Run(within(t))
}

// fileToFile is what the same job makes of files.
func fileToFile(t testing.TB, engine *Engine, from, format string, options ...string) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "out")
	args := append([]string{"-i", from, "-map", "0", "-c", "copy", "-f", format}, options...)
	job := newJob(t, engine, append(args, path)...)
	check(t, job.Run(within(t)))
	return readFile(t, path)
}

func readFile(t testing.TB, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	check(t, err)
	return data
}

func open(t testing.TB, path string) *os.File {
	t.Helper()
	file, err := os.Open(path)
	check(t, err)
	t.Cleanup(func() { file.Close() })
	return file
}

// streamOnly hides every other method.
func streamOnly(r io.Reader) io.Reader { return struct{ io.Reader }{r} }

// wantNothingLeft holds once every job and pipe is closed.
func wantNothingLeft(t testing.TB, engine *Engine) {
	t.Helper()
	var stats EngineStats
	defer func() {
		if t.Failed() {
			t.Logf("stats are %+v", stats)
		}
	}()
	eventually(t, "engine stats at zero", func() bool {
		stats = engineStats(t, engine)
		return stats.Jobs == 0 && stats.Pipes == 0 && stats.Threads == 0 && stats.QueuedBytes == 0 && stats.Detached == 0 &&
			stats.MemoryReserved == 0
	})
}

// counts are taken when all is at rest, and compared when it should be so again.
type counts struct{ goroutines, descriptors, profiled int }

func atRest(t testing.TB) counts {
	t.Helper()
	return counts{runtime.NumGoroutine(), descriptors(t), profile.Count()}
}

func (c counts) wantAgain(t testing.TB) {
	t.Helper()
	eventually(t, "goroutines, descriptors and profile as before", func() bool {
		now := atRest(t)
		return now.goroutines <= c.goroutines && now.descriptors <= c.descriptors && now.profiled <= c.profiled
	})
}

// stuck blocks every call until the test ends.
type stuck struct {
	inside  chan struct{} // somebody is inside
	release chan struct{}
	once    sync.Once
}

func newStuck(t testing.TB) *stuck {
	s := &stuck{inside: make(chan struct{}), release: make(chan struct{})}
	t.Cleanup(s.end)
	return s
}

func (s *stuck) wait() {
	s.once.Do(func() { close(s.inside) })
	<-s.release
}

func (s *stuck) end() {
	select {
	case <-s.release:
	default:
		close(s.release)
	}
}

func (s *stuck) Read([]byte) (int, error) { s.wait(); return 0, io.EOF }

func (s *stuck) Write(data []byte) (int, error) { s.wait(); return len(data), nil }

// cancelInside cancels once somebody is stuck.
func cancelInside(s *stuck) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		<-s.inside
		cancel()
	}()
	return ctx, cancel
}
