package mttranscode

import (
	"context"
	"errors"
	"path/filepath"
	"sync"
	"testing"
)

func TestS11Cancel(t *testing.T) {
	engine := newEngine(t)
	job := start(t, engine, endless...)
	untilRunning(t, job)
	if err := job.Err(); err != nil {
		t.Errorf("a running job has the error %v", err)
	}
	check(t, job.Cancel())
	wantIs(t, job.Wait(within(t)), ErrCancelled)
	wantIs(t, job.Err(), ErrCancelled)
	if job.State() != StateCancelled {
		t.Errorf("state is %v", job.State())
	}
}

func TestS12Stop(t *testing.T) {
	engine := newEngine(t)
	path := filepath.Join(t.TempDir(), "out.mp4")
	job := start(t, engine, "-re", "-f", "lavfi", "-i", "testsrc2=s=160x120:r=25", "-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", path)
	untilProgress(t, job)
	check(t, job.Stop())
	check(t, job.Wait(within(t)))
	if job.State() != StateSucceeded {
		t.Errorf("state is %v", job.State())
	}
	if info := probe(t, engine, path); info.Format.Duration <= 0 {
		t.Errorf("duration is %v", info.Format.Duration)
	}
}

func TestS13Queue(t *testing.T) {
	engine := newEngine(t, WithMaxRunning(1), WithMaxQueued(1))
	first := start(t, engine, endless...)
	untilRunning(t, first)
	second := start(t, engine, endless...)
	if second.State() != StateQueued {
		t.Errorf("the second is %v", second.State())
	}
	third := newJob(t, engine, endless...)
	wantIs(t, third.Start(), ErrAgain)
	if third.State() != StateNew {
		t.Errorf("the third is %v", third.State())
	}
	check(t, first.Cancel())
	wantIs(t, first.Wait(within(t)), ErrCancelled)
	untilRunning(t, second)
	check(t, third.Start())
	if third.State() != StateQueued {
		t.Errorf("the third is %v", third.State())
	}
}

func TestNoQueue(t *testing.T) {
	engine := newEngine(t, WithMaxRunning(1), WithMaxQueued(0))
	start(t, engine, endless...)
	job := newJob(t, engine, endless...)
	wantIs(t, job.Run(within(t)), ErrAgain)
	check(t, engine.SetLimits(1, -1))
	check(t, job.Start())
	if job.State() != StateQueued {
		t.Errorf("state is %v", job.State())
	}
}

func TestS14WrongState(t *testing.T) {
	engine := newEngine(t)
	job := newJob(t, engine, "-i", clip(t), "-c", "copy", filepath.Join(t.TempDir(), "out.mkv"))
	wantIs(t, job.Wait(within(t)), ErrInvalid)
	check(t, job.Start())
	wantIs(t, job.Start(), ErrAlready)
	wantIs(t, job.SetOption("copyts", "1"), ErrBusy)
	wantIs(t, job.SetLabel("late"), ErrBusy)
	wantIs(t, job.Input("late.mp4"), ErrBusy)
	check(t, job.Wait(within(t)))
	wantIs(t, job.Start(), ErrAlready)
	check(t, job.Cancel())
	check(t, job.Stop())
	_, err := job.Stats()
	check(t, err)
	_, err = job.Command(0)
	check(t, err)
	if job.State() != StateSucceeded || job.Err() != nil {
		t.Errorf("state %v, error %v", job.State(), job.Err())
	}
	wantIs(t, newJob(t, engine, "-i", clip(t)).Start(), ErrOption)
}

func TestS15AfterClose(t *testing.T) {
	engine := newEngine(t)
	job := newJob(t, engine, "-i", clip(t), "-f", "null", "-")
	check(t, job.Run(within(t)))
	check(t, job.Close())
	check(t, job.Close())
	_, statsErr := job.Stats()
	_, commandErr := job.Command(0)
	_, eventErr := job.NextEvent(within(t))
	for what, err := range map[string]error{
		"Start": job.Start(), "Wait": job.Wait(within(t)), "Run": job.Run(within(t)), "Stop": job.Stop(), "Cancel": job.Cancel(),
		"SetOption": job.SetOption("copyts", "1"), "SetLabel": job.SetLabel("x"), "Input": job.Input("x"), "Output": job.Output("x"),
		"Stats": statsErr, "Command": commandErr, "NextEvent": eventErr,
	} {
		if !errors.Is(err, ErrClosed) {
			t.Errorf("%s after Close: %v", what, err)
		}
	}
	if job.State() != StateSucceeded || job.Err() != nil {
		t.Errorf("state %v, error %v", job.State(), job.Err())
	}
	check(t, engine.Close())
	check(t, engine.Close())
	_, newErr := engine.NewJob()
	_, engineErr := engine.Stats()
	_, jobsErr := engine.Jobs()
	_, shutdownErr := engine.Shutdown(within(t))
	for what, err := range map[string]error{
		"NewJob": newErr, "Stats": engineErr, "Jobs": jobsErr, "Shutdown": shutdownErr, "SetLimits": engine.SetLimits(1, 1),
	} {
		if !errors.Is(err, ErrClosed) {
			t.Errorf("%s after Close: %v", what, err)
		}
	}
}

func TestS20CloseWhileRunning(t *testing.T) {
	engine := newEngine(t)
	job := start(t, engine, endless...)
	untilRunning(t, job)
	check(t, job.Close())
	wantIs(t, job.Err(), ErrCancelled)
	if job.State() != StateCancelled {
		t.Errorf("state is %v", job.State())
	}
	eventually(t, "nothing left of the job", func() bool {
		stats := engineStats(t, engine)
		return stats.Jobs == 0 && stats.JobsRunning == 0 && stats.Threads == 0 && stats.QueuedBytes == 0
	})
}

func TestS21Shutdown(t *testing.T) {
	engine := newEngine(t, WithMaxRunning(1))
	first := start(t, engine, endless...)
	untilProgress(t, first)
	second := start(t, engine, endless...)
	now, cancel := context.WithTimeout(context.Background(), 0)
	defer cancel()
	counts, err := engine.Shutdown(now)
	check(t, err)
	if counts != (ShutdownCounts{Stopped: 1, NeverRan: 1}) {
		t.Errorf("counts are %+v", counts)
	}
	check(t, first.Wait(within(t)))
	wantIs(t, second.Wait(within(t)), ErrCancelled)
	_, err = engine.NewJob()
	wantIs(t, err, ErrShutdown)
}

func TestShutdownEndsWithContext(t *testing.T) {
	engine := newEngine(t)
	job := start(t, engine, endless...)
	untilProgress(t, job)
	ctx, cancel := context.WithCancel(context.Background())
	answer := make(chan error, 1)
	go func() {
		_, err := engine.Shutdown(ctx) // no deadline: it waits for the job, which does not end
		answer <- err
	}()
	eventually(t, "the engine refuses jobs", func() bool {
		refused, err := engine.NewJob()
		if err == nil {
			refused.Close()
		}
		return errors.Is(err, ErrShutdown)
	})
	if job.State().Final() {
		t.Fatal("the job has ended already")
	}
	cancel()
	check(t, <-answer)
	check(t, job.Wait(within(t)))
}

func TestConcurrentClose(t *testing.T) {
	for range 10 {
		engine := newEngine(t)
		jobs := []*Job{start(t, engine, endless...), start(t, engine, endless...), newJob(t, engine, endless...)}
		var all sync.WaitGroup
		run := func(f func()) {
			all.Add(1)
			go func() { defer all.Done(); f() }()
		}
		for _, job := range jobs {
			for range 3 {
				run(func() { _ = job.Wait(within(t)) })
				run(func() { _, _ = job.NextEvent(within(t)) })
				run(func() { _ = job.Close() })
				run(func() { _, _ = job.Stats() })
			}
		}
		run(func() { _ = engine.Close() })
		run(func() { _ = engine.Close() })
		all.Wait()
	}
}
