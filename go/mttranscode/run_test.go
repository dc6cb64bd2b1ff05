package mttranscode

import (
	"context"
	"errors"
	"testing"
	"time"
)

func TestRunEndsWithContext(t *testing.T) {
	engine := newEngine(t)
	cause := errors.New("the user went away")
	ctx, cancel := context.WithCancelCause(context.Background())
	job := newJob(t, engine, endless...)
	err := job.Run(ctx, func(event Event) {
		if state, ok := event.(StateChanged); ok && state.State == StateRunning {
			cancel(cause)
		}
	})
	for _, target := range []error{context.Canceled, cause, ErrCancelled} {
		wantIs(t, err, target)
	}
	if job.State() != StateCancelled { // joined: it is final when Run returns
		t.Errorf("state is %v", job.State())
	}
	if errors.Is(job.Err(), context.Canceled) {
		t.Error("the job's own error knows of Run's context")
	}
}

func TestRunEndsWithDeadline(t *testing.T) {
	engine := newEngine(t)
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	job := newJob(t, engine, endless...)
	wantIs(t, job.Run(ctx), context.DeadlineExceeded)
	if job.State() != StateCancelled {
		t.Errorf("state is %v", job.State())
	}
}

func TestRunKeepsResultOfItsOwn(t *testing.T) {
	engine := newEngine(t)
	// Ended by its own failure: the context that ends at that moment is not the reason.
	ctx, cancel := context.WithCancel(context.Background())
	job := newJob(t, engine, "-i", "/nonexistent/in.mp4", "-f", "null", "-")
	err := job.Run(ctx, func(event Event) {
		if _, ok := event.(Done); ok {
			cancel()
		}
	})
	if errors.Is(err, context.Canceled) || err == nil {
		t.Errorf("error is %v", err)
	}
	// Cancelled by someone else: the context has not ended.
	other := newJob(t, engine, endless...)
	err = other.Run(within(t), func(event Event) {
		if state, ok := event.(StateChanged); ok && state.State == StateRunning {
			_ = other.Cancel()
		}
	})
	wantIs(t, err, ErrCancelled)
	if errors.Is(err, context.Canceled) {
		t.Errorf("error is %v", err)
	}
}

func TestRunWithEndedContextStartsNothing(t *testing.T) {
	engine := newEngine(t)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	job := newJob(t, engine, endless...)
	wantIs(t, job.Run(ctx), context.Canceled)
	if job.State() != StateNew {
		t.Errorf("state is %v", job.State())
	}
}

func TestWaitLeavesTheJobRunning(t *testing.T) {
	engine := newEngine(t)
	job := start(t, engine, endless...)
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	wantIs(t, job.Wait(ctx), context.DeadlineExceeded)
	if job.State().Final() || job.Err() != nil {
		t.Errorf("state %v, error %v", job.State(), job.Err())
	}
}

func TestCancelBeforeStart(t *testing.T) {
	engine := newEngine(t)
	job := newJob(t, engine, endless...)
	check(t, job.Cancel())
	if job.State() != StateCancelled {
		t.Errorf("state is %v", job.State())
	}
	wantIs(t, job.Err(), ErrCancelled)
}

func TestCloseWakesRun(t *testing.T) {
	engine := newEngine(t)
	job := newJob(t, engine, endless...)
	answer := make(chan error, 1)
	running := make(chan struct{})
	go func() {
		answer <- job.Run(context.Background(), func(event Event) {
			if state, ok := event.(StateChanged); ok && state.State == StateRunning {
				close(running)
			}
		})
	}()
	<-running
	check(t, job.Close())
	wantIs(t, <-answer, ErrCancelled)
}

func TestEngineCloseWakesRun(t *testing.T) {
	engine := newEngine(t)
	job := start(t, engine, endless...)
	untilRunning(t, job)
	check(t, engine.Close())
	wantIs(t, job.Wait(within(t)), ErrCancelled)
	wantIs(t, job.Err(), ErrCancelled)
}
