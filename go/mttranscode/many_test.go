package mttranscode

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// waitAll waits for jobs from a goroutine each.
func waitAll(t *testing.T, jobs []*Job) []error {
	ctx, results := within(t), make([]error, len(jobs))
	var all sync.WaitGroup
	for i, job := range jobs {
		all.Add(1)
		go func() { defer all.Done(); results[i] = job.Wait(ctx) }()
	}
	all.Wait()
	return results
}

func startMany(t *testing.T, engine *Engine, count int, args ...string) []*Job {
	t.Helper()
	jobs := make([]*Job, count)
	for i := range jobs {
		jobs[i] = start(t, engine, args...)
	}
	return jobs
}

func TestS07EngineReady(t *testing.T) {
	engine := newEngine(t)
	for i, err := range waitAll(t, startMany(t, engine, 8, "-i", clip(t), "-c", "copy", "-f", "null", "-")) {
		if err != nil {
			t.Errorf("job %d: %v", i, err)
		}
	}
}

func TestS19ManyAtOnce(t *testing.T) {
	for name, options := range map[string][]EngineOption{"plain": nil, "logger": {WithLogger(slog.New(slog.DiscardHandler))}} {
		t.Run(name, func(t *testing.T) {
			engine := newEngine(t, append(options, WithMaxRunning(64))...)
			args := []string{"-f", "lavfi", "-i", "testsrc2=s=64x48:r=10:d=1", "-f", "null", "-"}
			for i, err := range waitAll(t, startMany(t, engine, 64, args...)) {
				if err != nil {
					t.Errorf("job %d: %v", i, err)
				}
			}
		})
	}
}

// threads counts the threads of the process; library only those that have a name of their own, as the library's and
// FFmpeg's have and Go's have not: but for one that Go's scheduler starts while a callback runs, which inherits the name.
func threads(t *testing.T) (all, library int) {
	t.Helper()
	own, err := os.ReadFile("/proc/self/comm")
	check(t, err)
	names, err := filepath.Glob("/proc/self/task/*/comm")
	check(t, err)
	for _, name := range names {
		comm, err := os.ReadFile(name)
		if err != nil {
			continue // ended meanwhile
		}
		all++
		if string(comm) != string(own) {
			library++
		}
	}
	return all, library
}

func descriptors(t testing.TB) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	check(t, err)
	return len(entries)
}

func TestS26NothingLeft(t *testing.T) {
	work := func() {
		engine, err := NewEngine()
		check(t, err)
		defer engine.Close()
		job, err := engine.NewJob("-i", clip(t), "-f", "null", "-")
		check(t, err)
		defer job.Close()
		check(t, job.Run(within(t)))
		stopped, err := engine.NewJob(endless...)
		check(t, err)
		defer stopped.Close()
		check(t, stopped.Start())
	}
	_, named := threads(t)
	work() // what Go and FFmpeg keep for ever is there after this
	fds, goroutines := descriptors(t), runtime.NumGoroutine()
	for range 5 {
		work()
	}
	eventually(t, "goroutines as before", func() bool { return runtime.NumGoroutine() <= goroutines })
	eventually(t, "descriptors as before", func() bool { return descriptors(t) <= fds })
	eventually(t, "no thread of the library's", func() bool { _, library := threads(t); return library <= named })
}

func TestS27EngineStats(t *testing.T) {
	engine := newEngine(t)
	check(t, newJob(t, engine, "-i", clip(t), "-f", "null", "-").Run(within(t)))
	fails(t, engine, "-i", filepath.Join(t.TempDir(), "missing.mp4"), "-f", "null", "-")
	cancelled := start(t, engine, endless...)
	untilRunning(t, cancelled)
	check(t, cancelled.Cancel())
	wantIs(t, cancelled.Wait(within(t)), ErrCancelled)
	stats := engineStats(t, engine)
	for _, code := range []Code{0, -2, ErrCancelled} {
		if stats.Results[code] != 1 {
			t.Errorf("results are %v", stats.Results)
		}
	}
	if stats.Duration.Count != 3 || stats.JobsStarted != 3 || stats.Jobs != 3 || stats.Health != HealthOK {
		t.Errorf("stats are %+v", stats)
	}
	buckets, total := stats.Duration.Buckets, uint64(0)
	for _, bucket := range buckets {
		total += bucket.Count
	}
	if total != 3 || buckets[0].Bound != time.Millisecond || buckets[len(buckets)-1].Bound != -1 {
		t.Errorf("buckets are %v", buckets)
	}
	jobs, err := engine.Jobs()
	check(t, err)
	if len(jobs) != 3 || jobs[2].ID != cancelled.ID() || jobs[2].State != "cancelled" || !strings.HasPrefix(jobs[2].Command, "ffmpeg ") {
		t.Errorf("jobs are %+v", jobs)
	}
}

func isQueued(event Event) bool {
	state, ok := event.(StateChanged)
	return ok && state.State == StateQueued
}

// A goroutine that waits holds no thread: 1,000 of them on 200 queued jobs leave the count as it is, but for what
// Go's scheduler adds by itself, which is bounded by the CPUs and not by the waiters.
func TestWaitingCostsNoThreads(t *testing.T) {
	engine := newEngine(t, WithMaxRunning(1))
	untilRunning(t, start(t, engine, endless...))
	jobs := startMany(t, engine, 200, endless...)
	before, _ := threads(t)
	ctx, cancel := context.WithCancel(context.Background())
	var all, arrived sync.WaitGroup
	wait := func(f func() error) {
		all.Add(1)
		arrived.Add(1)
		go func() {
			defer all.Done()
			arrived.Done()
			if err := f(); !errors.Is(err, context.Canceled) {
				t.Errorf("a wait ended with %v", err)
			}
		}()
	}
	for _, job := range jobs {
		until(t, job, isQueued) // the last event that a queued job has
		for range 4 {
			wait(func() error { return job.Wait(ctx) })
		}
		wait(func() error { _, err := job.NextEvent(ctx); return err })
	}
	arrived.Wait()
	time.Sleep(100 * time.Millisecond) // lets them park: a wait that held a thread would show by then
	after, _ := threads(t)
	if goroutines := runtime.NumGoroutine(); goroutines < 1000 {
		t.Errorf("only %d goroutines wait", goroutines)
	}
	if slack := 4 + 2*runtime.GOMAXPROCS(0); after > before+slack {
		t.Errorf("%d threads before, %d while 1,000 goroutines wait", before, after)
	}
	cancel()
	all.Wait()
}
