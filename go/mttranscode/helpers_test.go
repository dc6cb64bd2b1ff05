package mttranscode

// The names S01 ... S96 are those of tests/scenarios.md. Not here: S06 (Go has no descriptor of a job: NextEvent
// parks), S16 and S25 (struct sizes and fork are matters of C).

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"
)

// patience bounds every wait of the tests. It is no expectation: nothing here asserts a time.
const patience = 3 * time.Minute

var mediaFolder string

func TestMain(m *testing.M) {
	folder, err := os.MkdirTemp("", "mttranscode-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	mediaFolder = folder
	code := m.Run()
	os.RemoveAll(folder)
	os.Exit(code)
}

// clipArgs make scenario S02's clip.
func clipArgs(path string) []string {
	return []string{
		"-f", "lavfi", "-i", "testsrc2=s=320x240:r=25:d=2", "-f", "lavfi", "-i", "sine=d=2",
		"-c:v", "libx264", "-preset", "ultrafast", "-c:a", "aac", path,
	}
}

// endless is a job that only ends when told to.
var endless = []string{"-re", "-f", "lavfi", "-i", "testsrc2=s=160x120:r=25", "-f", "null", "-"}

var makeClip = sync.OnceValues(func() (string, error) {
	path := filepath.Join(mediaFolder, "clip.mp4")
	engine, err := NewEngine()
	if err != nil {
		return "", err
	}
	defer engine.Close()
	job, err := engine.NewJob(clipArgs(path)...)
	if err != nil {
		return "", err
	}
	defer job.Close()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return path, job.Run(ctx)
})

func clip(t testing.TB) string {
	t.Helper()
	path, err := makeClip()
	if err != nil {
		t.Fatalf("the clip could not be made: %v", err)
	}
	return path
}

func within(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

func newEngine(t testing.TB, options ...EngineOption) *Engine {
	t.Helper()
	engine, err := NewEngine(options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { engine.Close() })
	return engine
}

func newJob(t testing.TB, engine *Engine, args ...string) *Job {
	t.Helper()
	job, err := engine.NewJob(args...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { job.Close() })
	return job
}

func start(t testing.TB, engine *Engine, args ...string) *Job {
	t.Helper()
	job := newJob(t, engine, args...)
	check(t, job.Start())
	return job
}

// fails runs what must fail, where ever it does, and returns its error.
func fails(t testing.TB, engine *Engine, args ...string) *Error {
	t.Helper()
	job, err := engine.NewJob(args...)
	if err == nil {
		t.Cleanup(func() { job.Close() })
		err = job.Run(within(t))
	}
	var failure *Error
	if !errors.As(err, &failure) {
		t.Fatalf("want an *Error, got %v", err)
	}
	return failure
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		var failure *Error
		if errors.As(err, &failure) {
			t.Fatalf("%v (%+v)", err, *failure)
		}
		t.Fatal(err)
	}
}

func wantIs(t testing.TB, err, target error) {
	t.Helper()
	if !errors.Is(err, target) {
		t.Fatalf("want %v, got %v", target, err)
	}
}

func probe(t testing.TB, engine *Engine, path string) *MediaInfo {
	t.Helper()
	info, err := engine.Probe(within(t), path)
	check(t, err)
	return info
}

// until pulls events up to the first that fits, and fails the test where none comes.
func until(t testing.TB, job *Job, fits func(Event) bool) {
	t.Helper()
	for event := range job.Events(within(t)) {
		if fits(event) {
			return
		}
	}
	t.Fatalf("job ended before: state %v, error %v", job.State(), job.Err())
}

func untilRunning(t testing.TB, job *Job) {
	t.Helper()
	until(t, job, func(event Event) bool {
		state, ok := event.(StateChanged)
		return ok && state.State == StateRunning
	})
}

func untilProgress(t testing.TB, job *Job) {
	t.Helper()
	until(t, job, func(event Event) bool {
		progress, ok := event.(Progress)
		return ok && progress.Position > 0
	})
}

// eventually tries until the condition holds.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !holds(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			buffer := make([]byte, 1<<20)
			t.Fatalf("never came: %s\n%s", what, buffer[:runtime.Stack(buffer, true)])
		}
	}
}

func engineStats(t testing.TB, engine *Engine) EngineStats {
	t.Helper()
	stats, err := engine.Stats()
	check(t, err)
	return stats
}
