package mttranscode

// #include "library.h"
import "C"

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"iter"
	"runtime"
	"syscall"
	"time"
)

// Event is one of [StateChanged], [InputOpened], [Progress], [LogLine], [OutputFinished], [PipeHighWater], [SourceChanged], [Degraded]
// and [Done].
// Secrets in URLs are masked.
type Event interface {
	// Meta returns what every event has.
	Meta() EventMeta
}

// EventMeta is what every event has.
type EventMeta struct {
	// Sequence counts the events of the job from 1; a gap means that some were merged or dropped.
	Sequence uint64
	// Time is how long after the start of the job it happened.
	Time time.Duration
	// Label is the job's label.
	Label string
}

// Meta returns m.
func (m EventMeta) Meta() EventMeta { return m }

// StateChanged says that the job is in another state.
type StateChanged struct {
	EventMeta
	State State
}

// InputOpened says that an input was opened.
type InputOpened struct {
	EventMeta
	// Index is the input's number, from 0.
	Index int
	// JSON is what [Engine.Probe] gives for it.
	JSON json.RawMessage
}

// Info reads the event's JSON.
func (e InputOpened) Info() (*MediaInfo, error) { return parseMediaInfo(e.JSON) }

// Progress comes at most ten times a second; one that was not pulled is replaced by the next.
type Progress struct {
	EventMeta
	// Position is the time written so far.
	Position time.Duration
	// Duration is the time that the job will have written at its end, TimeLeft the estimated time until then; -1
	// where unknown.
	Duration, TimeLeft time.Duration
	// Frames counts the frames written to the first video stream.
	Frames uint64
	// SizeBytes counts the bytes written.
	SizeBytes uint64
	// FPS is frames written per second of real time.
	FPS float64
	// Speed is media time per real time: 2.0 is twice as fast as it plays.
	Speed float64
	// Percent is 0 to 100; -1 where the duration is unknown.
	Percent float64
}

// LogLine is a line of FFmpeg's log that this job wrote.
type LogLine struct {
	EventMeta
	// Level is FFmpeg's: 16 error, 24 warning, 32 information.
	Level int
	// Stage is the component that wrote the line: "libx264", "decoder".
	Stage string
	// StreamIndex is counted from 0; -1 where the line names none.
	StreamIndex int
	Text        string
	// Repeated is how many times the same line came again after this one.
	Repeated int
}

// OutputFinished says that an output is finished.
type OutputFinished struct {
	EventMeta
	// Index is the output's number, from 0.
	Index int
	// Code is 0, or what the output failed with; Message then says why.
	Code    Code
	Message string
	// SizeBytes is how many bytes were written.
	SizeBytes uint64
}

// PipeHighWater says that a pipe of the job's is nearly full: its reader is slower than its writer. It comes
// again after the pipe was half as full. See [WithHighWater].
type PipeHighWater struct {
	EventMeta
	// Name is what the pipe is bound under.
	Name string
	// FillBytes is how many bytes were inside.
	FillBytes uint64
}

// SourceChanged says that an input which may come and go (the option mt_source) is at something else. Where nobody pulls, the
// oldest of many are dropped.
type SourceChanged struct {
	EventMeta
	// Index is the input's number, from 0.
	Index  int
	Status SourceStatus
}

// Choice is what is done of a stream that cannot be made as it was asked for; see the option mt_degrade.
type Choice uint32

const (
	// ChoiceFail: the job fails.
	ChoiceFail Choice = C.MT_TRANSCODE_DEGRADED_FAIL
	// ChoiceDrop: the stream has ended, its output goes on with its others.
	ChoiceDrop Choice = C.MT_TRANSCODE_DEGRADED_DROP
	// ChoiceCopy: the packets of its source go on as they are.
	ChoiceCopy Choice = C.MT_TRANSCODE_DEGRADED_COPY
)

// Degraded says that a stream of an output is not made as it was asked for any more (the option mt_degrade).
type Degraded struct {
	EventMeta
	// Index is the output's number, StreamIndex the stream's in it, from 0.
	Index, StreamIndex int
	// Choice is what is done now.
	Choice Choice
	// Stage is what failed: "decode", "filter", "encode" or "mux".
	Stage string
	// Failures in a row; Code and Message are those of the last.
	Failures int
	Code     Code
	Message  string
}

// Done is the last event of a job.
type Done struct {
	EventMeta
	// Code is 0, or what the job failed with; Message then says why. [Job.Err] has the whole error.
	Code    Code
	Message string
}

// NextEvent waits for the job's next event. Each event goes to one reader. After [Done] it gives io.EOF. When ctx
// ends before, the error wraps ctx.Err(). The goroutine parks and holds no thread. It may be called before the start.
// A job never waits for its events to be pulled: when too many wait, the oldest log lines are dropped.
func (j *Job) NextEvent(ctx context.Context) (Event, error) {
	if j.closed.Load() {
		return nil, callError(closedCode)
	}
	if j.events != nil {
		return j.events.next(ctx)
	}
	return j.pull(ctx)
}

// Events returns the job's events until [Done], which is the last; or until ctx ends or the job is closed:
//
//	for event := range job.Events(ctx) {
//		if progress, ok := event.(mttranscode.Progress); ok {
//			...
//		}
//	}
//	err := job.Wait(ctx)
func (j *Job) Events(ctx context.Context) iter.Seq[Event] {
	return func(yield func(Event) bool) {
		for {
			event, err := j.NextEvent(ctx)
			if err != nil || !yield(event) {
				return
			}
		}
	}
}

const (
	closedCode = -C.int32_t(syscall.EBADF)
	noDataCode = -C.int32_t(syscall.ENODATA)
)

var errNoEvent = errors.New("no event")

// pull waits for an event of the library's own queue.
func (j *Job) pull(ctx context.Context) (Event, error) {
	for {
		// Both are looked at before the queue is, so that nothing that comes in between is missed.
		ready, engineClosed := j.signal.wait(), isClosed(j.engine.poller.closed)
		event, err := j.tryPull()
		if !errors.Is(err, errNoEvent) {
			return event, err
		}
		if engineClosed {
			return nil, callError(closedCode)
		}
		select {
		case <-ready:
		case <-j.engine.poller.closed:
		case <-ctx.Done():
			return nil, contextError(ctx, "waiting for an event")
		}
	}
}

func (j *Job) tryPull() (Event, error) {
	defer runtime.KeepAlive(j)
	for {
		var from *C.mt_transcode_event
		code := C.mt_transcode_job_next_event(j.handle, 0, &from)
		switch {
		case Code(code) == ErrAgain:
			return nil, errNoEvent
		case code == noDataCode:
			return nil, io.EOF
		case code < 0:
			return nil, callError(code)
		}
		if event := takeEvent(from); event != nil { // else of a type that only a newer package knows
			return event, nil
		}
	}
}

// takeEvent copies an event of the library's and frees it.
func takeEvent(from *C.mt_transcode_event) Event {
	defer C.mt_transcode_event_free(from)
	meta := EventMeta{
		Sequence: uint64(from.sequence), Time: fromMicroseconds(from.time_us), Label: C.GoString(from.label),
	}
	switch from.event_type {
	case C.MT_TRANSCODE_EVENT_STATE:
		return StateChanged{meta, State(from.state)}
	case C.MT_TRANSCODE_EVENT_INPUT_OPENED:
		return InputOpened{meta, int(from.file_index), json.RawMessage(C.GoString(from.json))}
	case C.MT_TRANSCODE_EVENT_PROGRESS:
		return takeProgress(meta, from)
	case C.MT_TRANSCODE_EVENT_LOG:
		stage, text := C.GoString(from.stage), C.GoString(from.text)
		return LogLine{meta, int(from.level), stage, int(from.stream_index), text, int(from.repeated)}
	case C.MT_TRANSCODE_EVENT_OUTPUT_FINISHED:
		return OutputFinished{meta, int(from.file_index), Code(from.code), C.GoString(from.text), uint64(from.size_bytes)}
	case C.MT_TRANSCODE_EVENT_PIPE_HIGH_WATER:
		return PipeHighWater{meta, C.GoString(from.text), uint64(from.size_bytes)}
	case C.MT_TRANSCODE_EVENT_SOURCE:
		status, err := parseSourceStatus(C.GoString(from.json))
		if err != nil { // of a library whose words this package does not know
			status = SourceStatus{State: SourceState(from.state), Code: Code(from.code), Reason: C.GoString(from.text)}
		}
		return SourceChanged{meta, int(from.file_index), status}
	case C.MT_TRANSCODE_EVENT_DEGRADED:
		stage, text := C.GoString(from.stage), C.GoString(from.text)
		return Degraded{meta, int(from.file_index), int(from.stream_index), Choice(from.state), stage, int(from.repeated), Code(from.code), text}
	case C.MT_TRANSCODE_EVENT_DONE:
		return Done{meta, Code(from.code), C.GoString(from.text)}
	}
	return nil
}

func takeProgress(meta EventMeta, from *C.mt_transcode_event) Progress {
	return Progress{
		EventMeta: meta,
		Position:  fromMicroseconds(from.position_us),
		Duration:  fromMicroseconds(from.duration_us),
		TimeLeft:  fromMicroseconds(from.time_left_us),
		Frames:    uint64(from.frames),
		SizeBytes: uint64(from.size_bytes),
		FPS:       float64(from.fps),
		Speed:     float64(from.speed),
		Percent:   float64(from.percent),
	}
}
