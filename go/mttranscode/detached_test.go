package mttranscode

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// fifo makes a named pipe that nobody writes to: opening it blocks inside the kernel, where no one asks about a cancel.
func fifo(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "fifo.ts")
	check(t, syscall.Mkfifo(path, 0o600))
	t.Cleanup(func() { unblock(path) })
	return path
}

// unblock lets whoever is inside open go on.
func unblock(path string) {
	if file, err := os.OpenFile(path, os.O_RDWR|syscall.O_NONBLOCK, 0); err == nil {
		time.AfterFunc(time.Second, func() { file.Close() })
	}
}

// returns gives what f does, and fails the test where it hangs, so that the other tests still run.
func returns(t *testing.T, what string, f func() error) error {
	t.Helper()
	done := make(chan error, 1)
	go func() { done <- f() }()
	select {
	case err := <-done:
		return err
	case <-time.After(patience):
		t.Fatalf("%s does not return", what)
		return nil
	}
}

func wantLeftBehind(t *testing.T, err error) {
	t.Helper()
	if !errors.Is(err, ErrDetached) && !errors.Is(err, ErrCancelled) {
		t.Errorf("error is %v", err)
	}
}

func TestRunReturnsFromUninterruptibleCall(t *testing.T) {
	engine := newEngine(t)
	path := fifo(t)
	job := newJob(t, engine, "-i", path, "-f", "null", "-")
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	err := returns(t, "Run", func() error { return job.Run(ctx) })
	wantIs(t, err, context.DeadlineExceeded)
	wantLeftBehind(t, err)
	if !job.State().Final() {
		t.Errorf("state is %v", job.State())
	}
	check(t, job.Close())
	unblock(path)
	eventually(t, "nothing is left behind", func() bool {
		stats := engineStats(t, engine)
		return stats.Detached == 0 && stats.Threads == 0
	})
}

func TestCloseReturnsFromUninterruptibleCall(t *testing.T) {
	engine := newEngine(t)
	path := fifo(t)
	job := start(t, engine, "-i", path, "-f", "null", "-")
	waiting := make(chan error, 1)
	go func() { waiting <- job.Wait(context.Background()) }()
	check(t, returns(t, "Close", job.Close))
	if err := returns(t, "Wait", func() error { return <-waiting }); err == nil {
		t.Error("the job succeeded")
	}
	check(t, returns(t, "the engine's Close", engine.Close))
}
