package mttranscode

import (
	"context"
	"log/slog"
	"sync"
)

// maxQueuedLogLines is the library's own bound: where a pump empties the library's queue, this one takes its place.
const maxQueuedLogLines = 512

// startPump starts the goroutine that logs the job's lines. It needs one where nobody pulls the events; a job without
// a logger has none.
func (j *Job) startPump() {
	if j.events == nil {
		return
	}
	j.pump.Do(func() { go j.runPump() })
}

// endPump is for a job that is closed: its readers get ErrClosed, and a pump that was never started will not be.
func (j *Job) endPump() {
	if j.events == nil {
		return
	}
	j.events.end(callError(closedCode))
	j.pump.Do(func() { close(j.pumped) })
}

func (j *Job) runPump() {
	defer close(j.pumped)
	logger := j.engine.poller.logger
	for {
		event, err := j.pull(context.Background())
		if err != nil {
			j.events.end(err)
			return
		}
		if line, ok := event.(LogLine); ok {
			logLine(logger, j.id, line)
		}
		j.events.push(event)
	}
}

func logLine(logger *slog.Logger, job int64, line LogLine) {
	level := slogLevel(line.Level)
	ctx := context.Background()
	if !logger.Enabled(ctx, level) {
		return
	}
	attributes := []slog.Attr{
		slog.Int64("job", job), slog.String("label", line.Label),
		slog.String("stage", line.Stage), slog.Int("ffmpeg_level", line.Level),
	}
	if line.StreamIndex >= 0 {
		attributes = append(attributes, slog.Int("stream", line.StreamIndex))
	}
	if line.Repeated > 0 {
		attributes = append(attributes, slog.Int("repeated", line.Repeated))
	}
	logger.LogAttrs(ctx, level, line.Text, attributes...)
}

// slogLevel maps FFmpeg's levels, of which a lower one is more severe.
func slogLevel(level int) slog.Level {
	switch {
	case level <= 16:
		return slog.LevelError
	case level <= 24:
		return slog.LevelWarn
	case level <= 32:
		return slog.LevelInfo
	}
	return slog.LevelDebug
}

// eventQueue holds what a pump has pulled, under the rules of the library's queue: progress is merged, old log lines
// are dropped.
type eventQueue struct {
	signal broadcast
	mu     sync.Mutex
	events []Event
	lines  int
	ended  error
}

func (q *eventQueue) push(event Event) {
	q.mu.Lock()
	switch event.(type) {
	case Progress:
		q.drop(func(e Event) bool { _, ok := e.(Progress); return ok })
	case LogLine:
		if q.lines++; q.lines > maxQueuedLogLines {
			q.drop(func(e Event) bool { _, ok := e.(LogLine); return ok })
			q.lines--
		}
	}
	q.events = append(q.events, event)
	q.mu.Unlock()
	q.signal.wake()
}

// drop removes the oldest event of a kind.
func (q *eventQueue) drop(kind func(Event) bool) {
	for i, event := range q.events {
		if kind(event) {
			q.events = append(q.events[:i], q.events[i+1:]...)
			return
		}
	}
}

// end says what next gives after the last event; the first end holds.
func (q *eventQueue) end(err error) {
	q.mu.Lock()
	if q.ended == nil {
		q.ended = err
	}
	q.mu.Unlock()
	q.signal.wake()
}

func (q *eventQueue) pop() (Event, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.events) == 0 {
		return nil, q.ended
	}
	event := q.events[0]
	q.events[0] = nil // so that the array does not keep it
	q.events = q.events[1:]
	if _, ok := event.(LogLine); ok {
		q.lines--
	}
	return event, nil
}

// next gives io.EOF after the last event, as NextEvent does.
func (q *eventQueue) next(ctx context.Context) (Event, error) {
	for {
		ready := q.signal.wait()
		event, err := q.pop()
		if event != nil || err != nil {
			return event, err
		}
		select {
		case <-ready:
		case <-ctx.Done():
			return nil, contextError(ctx, "waiting for an event")
		}
	}
}
