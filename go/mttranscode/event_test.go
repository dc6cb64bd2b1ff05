package mttranscode

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

func pullAll(t *testing.T, job *Job) []Event {
	t.Helper()
	var events []Event
	for {
		event, err := job.NextEvent(within(t))
		if err == io.EOF {
			return events
		}
		check(t, err)
		events = append(events, event)
	}
}

// wantStory checks what S05 says of the events of a transcode of one input to one output.
func wantStory(t *testing.T, events []Event) {
	t.Helper()
	var states []State
	var opened, progressed, finished int
	last, sequence := Progress{}, uint64(0)
	for _, event := range events {
		if event.Meta().Sequence <= sequence {
			t.Errorf("sequence %d after %d", event.Meta().Sequence, sequence)
		}
		sequence = event.Meta().Sequence
		switch e := event.(type) {
		case StateChanged:
			states = append(states, e.State)
		case InputOpened:
			opened++
			if info, err := e.Info(); err != nil || info.Stream("video") == nil || e.Index != 0 {
				t.Errorf("input %d: %v, %s", e.Index, err, e.JSON)
			}
		case Progress:
			progressed++
			last = e
		case OutputFinished:
			finished++
			if e.Code != 0 || e.Index != 0 || e.SizeBytes == 0 {
				t.Errorf("output is %+v", e)
			}
		}
	}
	if fmt.Sprint(without(states, StateQueued)) != "[opening running succeeded]" {
		t.Errorf("states are %v", states)
	}
	if opened != 1 || progressed == 0 || finished != 1 || last.Percent != 100 {
		t.Errorf("%d inputs, %d progress, %d outputs, %v %%", opened, progressed, finished, last.Percent)
	}
	if done, ok := events[len(events)-1].(Done); !ok || done.Code != 0 {
		t.Errorf("the last event is %+v", events[len(events)-1])
	}
}

func without(states []State, unwanted State) []State {
	var kept []State
	for _, state := range states {
		if state != unwanted {
			kept = append(kept, state)
		}
	}
	return kept
}

func transcode(t *testing.T) []string {
	return []string{"-i", clip(t), "-c:v", "libx264", "-preset", "ultrafast", "-c:a", "copy", filepath.Join(t.TempDir(), "out.mkv")}
}

func TestS05Events(t *testing.T) {
	engine := newEngine(t)
	job := start(t, engine, transcode(t)...)
	events := pullAll(t, job)
	wantStory(t, events)
	check(t, job.Wait(within(t)))
	if _, err := job.NextEvent(within(t)); err != io.EOF {
		t.Errorf("after the end: %v", err)
	}
}

func TestRunCallsHandlers(t *testing.T) {
	engine := newEngine(t)
	job := newJob(t, engine, transcode(t)...)
	var events []Event
	check(t, job.Run(within(t), func(event Event) { events = append(events, event) }))
	wantStory(t, events)
}

// lockedBuffer is a log that is written from the goroutines of many jobs.
type lockedBuffer struct {
	mu sync.Mutex
	bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.Write(p)
}

func (b *lockedBuffer) text() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.String()
}

func TestLoggerGetsEveryLine(t *testing.T) {
	var written lockedBuffer
	engine := newEngine(t, WithLogger(slog.New(slog.NewJSONHandler(&written, &slog.HandlerOptions{Level: slog.LevelDebug}))))
	job := newJob(t, engine, append([]string{"-loglevel", "info"}, transcode(t)...)...)
	check(t, job.SetLabel("request-7"))
	check(t, job.Run(within(t))) // nobody pulls events
	records := written.text()
	events := pullAll(t, job)
	wantStory(t, events)
	lines := 0
	for _, event := range events {
		if line, ok := event.(LogLine); ok {
			lines++
			wantLogged(t, records, job.ID(), line)
		}
	}
	if lines == 0 || lines != strings.Count(records, "\n") {
		t.Errorf("%d lines in events, %d in the log:\n%s", lines, strings.Count(records, "\n"), records)
	}
}

func wantLogged(t *testing.T, records string, job int64, line LogLine) {
	t.Helper()
	for _, record := range strings.Split(strings.TrimSpace(records), "\n") {
		var got struct {
			Msg, Label, Stage string
			Job               int64
		}
		check(t, json.Unmarshal([]byte(record), &got))
		if got.Msg == line.Text && got.Stage == line.Stage && got.Job == job && got.Label == "request-7" {
			return
		}
	}
	t.Errorf("%+v is not in the log:\n%s", line, records)
}

func TestEventsEndWithContextAndClose(t *testing.T) {
	for name, options := range map[string][]EngineOption{"plain": nil, "logger": {WithLogger(slog.New(slog.DiscardHandler))}} {
		t.Run(name, func(t *testing.T) {
			engine := newEngine(t, options...)
			job := newJob(t, engine, endless...)
			ctx, cancel := context.WithCancel(context.Background())
			cancel()
			_, err := job.NextEvent(ctx) // never started: it has none
			wantIs(t, err, context.Canceled)
			waiting := make(chan error, 1)
			go func() {
				_, err := job.NextEvent(within(t))
				waiting <- err
			}()
			check(t, job.Close())
			wantIs(t, <-waiting, ErrClosed)
		})
	}
}

func TestEventsAfterEngineClose(t *testing.T) {
	for name, options := range map[string][]EngineOption{"plain": nil, "logger": {WithLogger(slog.New(slog.DiscardHandler))}} {
		t.Run(name, func(t *testing.T) {
			engine := newEngine(t, options...)
			job := start(t, engine, endless...)
			untilRunning(t, job)
			check(t, engine.Close())
			var last Event
			for event := range job.Events(within(t)) {
				last = event
			}
			if done, ok := last.(Done); !ok || done.Code != ErrCancelled {
				t.Errorf("the last event is %+v", last)
			}
			wantIs(t, job.Wait(within(t)), ErrCancelled)
		})
	}
}

func TestS18Label(t *testing.T) {
	engine := newEngine(t)
	label := strings.Repeat("é", 64)
	job := newJob(t, engine, transcode(t)...)
	wantIs(t, job.SetLabel(label+"x"), ErrInvalid)
	check(t, job.SetLabel(label))
	check(t, job.Start())
	for _, event := range pullAll(t, job) {
		if event.Meta().Label != label {
			t.Errorf("label is %q in %+v", event.Meta().Label, event)
		}
	}
}

func TestS22Secrets(t *testing.T) {
	engine := newEngine(t)
	job := start(t, engine, "-i", "http://user:hunter2@127.0.0.1:1/live?token=hunter2", "-f", "null", "-")
	for _, event := range pullAll(t, job) {
		wantNoSecret(t, fmt.Sprintf("%+v", event))
		if opened, ok := event.(InputOpened); ok {
			wantNoSecret(t, string(opened.JSON))
		}
	}
	var failure *Error
	if err := job.Wait(within(t)); !errors.As(err, &failure) {
		t.Fatalf("want an *Error, got %v", err)
	}
	wantNoSecret(t, fmt.Sprintf("%+v %v", *failure, failure))
	command, err := job.Command(CommandMasked)
	check(t, err)
	wantNoSecret(t, command)
	jobs, err := engine.Jobs()
	check(t, err)
	wantNoSecret(t, fmt.Sprintf("%+v", jobs))
	full, err := job.Command(0)
	check(t, err)
	if !strings.Contains(full, "hunter2") {
		t.Errorf("the full command hides what was asked for: %s", full)
	}
}

func wantNoSecret(t *testing.T, text string) {
	t.Helper()
	if strings.Contains(text, "hunter2") {
		t.Errorf("the secret is in: %s", text)
	}
}
