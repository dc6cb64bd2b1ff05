package mttranscode

import (
	"io"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

func isIsolated() bool { return os.Getenv("MT_TRANSCODE_ISOLATION") == "process" }

// hub is a job that encodes in real time, with a key frame every 0.4 s, until it is told to end. What joins it may write to temporary folders, also
// where it runs in a worker process.
func hub(t testing.TB, engine *Engine) *Job {
	t.Helper()
	return start(t, engine, "-re", "-f", "lavfi", "-i", "testsrc2=s=160x120:r=25", "-c:v", "libx264", "-preset", "ultrafast",
		"-tune", "zerolatency", "-g", "10", "-mt_gop_bytes", "1M", "-mt_allow_write", os.TempDir(), "-f", "null", "-")
}

func copies(options ...Option) []Option {
	return append([]Option{Opt("mt_from", "0"), Opt("c", "copy"), Opt("f", "mpegts")}, options...)
}

func addTo(t testing.TB, job *Job, w io.Writer, options ...Option) *Output {
	t.Helper()
	o, err := job.AddOutputTo(w, copies(options...)...)
	check(t, err)
	return o
}

// sink keeps what is written to it, and says when there is something.
type sink struct {
	mu    sync.Mutex
	bytes []byte
	some  chan struct{}
}

func newSink() *sink { return &sink{some: make(chan struct{})} }

func (s *sink) Write(data []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.bytes) == 0 {
		close(s.some)
	}
	s.bytes = append(s.bytes, data...)
	return len(data), nil
}

func (s *sink) size() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.bytes)
}

// wantStream checks that data can be played from its first picture on.
func wantStream(t testing.TB, engine *Engine, data []byte) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "stream.ts")
	check(t, os.WriteFile(path, data, 0o644))
	video := probe(t, engine, path).Stream("video")
	if video == nil || video.Codec != "h264" || video.Width != 160 {
		t.Errorf("video is %+v", video)
	}
}
