package mttranscode

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestS90Capture(t *testing.T) {
	dir := t.TempDir()
	text, captures := filepath.Join(dir, "letter.mp4"), filepath.Join(dir, "captures")
	check(t, os.WriteFile(text, []byte(strings.Repeat("This is a letter, not a film.\n", 100)), 0o600))
	engine := newEngine(t, WithCaptureOnFailure(captures), WithCaptureLimits(4096, 3), WithRetry(), WithQuarantine())

	failure := fails(t, engine, "-i", text, "-f", "null", "-")

	wantIs(t, failure, ErrDemux)
	found, err := filepath.Glob(filepath.Join(captures, "*", "command.json"))
	if err != nil || len(found) != 1 || !strings.Contains(failure.Detail, filepath.Dir(found[0])) {
		t.Errorf("%q has %v, %v", failure.Detail, found, err)
	}
	if list, err := engine.Quarantine(); err != nil || len(list) != 0 {
		t.Errorf("%v, %v are in quarantine", list, err)
	}
	if count, err := engine.ClearQuarantine(); err != nil || count != 0 {
		t.Errorf("%d, %v were in quarantine", count, err)
	}
}

// killWorker ends the worker of the engine's one job, which is not `last`, as a fault would, and returns its process.
func killWorker(t *testing.T, last int) (worker int) {
	t.Helper()
	server := onlyChild(t, os.Getpid())
	eventually(t, "a worker", func() bool {
		found := children(server)
		if len(found) == 1 && found[0] != last {
			worker = found[0]
		}
		return worker != 0
	})
	check(t, syscall.Kill(worker, syscall.SIGSEGV))
	return worker
}

func TestAJobIsRunOnceMoreAndItsInputRefusedAfterwards(t *testing.T) {
	captures, before := t.TempDir(), time.Now()
	engine := newEngine(t, WithIsolation(Isolation{}), WithRetry(), WithQuarantine(), WithCaptureOnFailure(captures))
	job := start(t, engine, "-re", "-stream_loop", "-1", "-i", clip(t), "-f", "null", "-")
	untilRunning(t, job)

	first := killWorker(t, 0)
	eventually(t, "a retry", func() bool { stats, err := engine.Stats(); return err == nil && stats.JobsRetried == 1 })
	killWorker(t, first)
	err := job.Wait(within(t))

	wantIs(t, err, ErrCrashed)
	if !strings.Contains(err.Error(), "it was run once more") {
		t.Error(err)
	}
	if found, _ := os.ReadDir(captures); len(found) != 2 {
		t.Errorf("captures: %v", found)
	}
	list, err := engine.Quarantine()
	if err != nil || len(list) != 1 || list[0].Code != ErrCrashed || list[0].Time.Before(before.Add(-time.Second)) {
		t.Fatalf("%+v, %v", list, err)
	}
	wantIs(t, fails(t, engine, "-i", clip(t), "-f", "null", "-"), ErrQuarantined)
	if stats, err := engine.Stats(); err != nil || stats.Quarantined != 1 {
		t.Errorf("%+v, %v", stats, err)
	}
	if count, err := engine.ClearQuarantine(); err != nil || count != 1 {
		t.Errorf("%d, %v", count, err)
	}
	check(t, newJob(t, engine, "-i", clip(t), "-t", "0.2", "-f", "null", "-").Run(within(t)))
}

func TestACaptureFolderThatCannotBeMade(t *testing.T) {
	_, err := NewEngine(WithCaptureOnFailure("/proc/nowhere/captures"))
	var failure *Error
	if !errors.As(err, &failure) || failure.Stage != "capture" {
		t.Errorf("%+v", err)
	}
}
