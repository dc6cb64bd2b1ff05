package mttranscode

// #include "library.h"
import "C"

import (
	"encoding/json"
	"fmt"
	"runtime"
	"time"
)

// SourceState is what an input is at.
type SourceState int32

const (
	// SourceIdle: it is opened when somebody wants it (the option mt_on_demand), or the job was not started.
	SourceIdle SourceState = C.MT_TRANSCODE_SOURCE_IDLE
	// SourceConnecting: it is being opened.
	SourceConnecting SourceState = C.MT_TRANSCODE_SOURCE_CONNECTING
	// SourceLive: its media flows.
	SourceLive SourceState = C.MT_TRANSCODE_SOURCE_LIVE
	// SourceWaiting: it failed, and is tried again soon.
	SourceWaiting SourceState = C.MT_TRANSCODE_SOURCE_WAITING
	// SourceBlocked: its host failed too often, and is tried when its circuit closes.
	SourceBlocked SourceState = C.MT_TRANSCODE_SOURCE_BLOCKED
	// SourceEnded: it was removed, its job ends, or it is not tried any more.
	SourceEnded SourceState = C.MT_TRANSCODE_SOURCE_ENDED
)

var sourceStateNames = [...]string{"idle", "connecting", "live", "waiting", "blocked", "ended"}

// String returns the state's name in lower case.
func (s SourceState) String() string {
	if s < 0 || int(s) >= len(sourceStateNames) {
		return "unknown"
	}
	return sourceStateNames[s]
}

// SourceStatus is what an input is at, and why.
type SourceStatus struct {
	State SourceState
	// URL is what it reads from, which may be an alternate's; secrets are masked.
	URL string
	// Reason and Code are those of the last failure; empty and 0 where there was none.
	Reason string
	Code   Code
	// Failures counts the tries in a row that failed, Connections how often it was live.
	Failures, Connections int
	// RetryIn is the time until it is tried again; -1 where that is not to come.
	RetryIn time.Duration
}

// Source is an input of a job: with the option mt_source one that may come and go while its outputs stay open. It needs no Close: it
// goes with its job.
type Source struct {
	job    *Job
	handle *C.mt_transcode_input
	index  int
}

// Source returns the input of that number, from 0, as of when it is called: inputs are described before the start. An input
// without the option mt_source has a state that follows from the job's. Errors: [ErrInvalid] where there is no such input. It
// never blocks.
func (j *Job) Source(index int) (*Source, error) {
	j.lateMu.Lock()
	defer j.lateMu.Unlock()
	if handle, ok := j.sources[index]; ok && !j.closed.Load() {
		return &Source{j, handle, index}, nil
	}
	if index != int(C.int32_t(index)) {
		return nil, invalid("there is no such input")
	}
	var handle *C.mt_transcode_input
	if code := C.mt_transcode_job_input(j.handle, C.int32_t(index), &handle); code < 0 {
		e := callError(code)
		if e.Code == ErrInvalid {
			e.Message = fmt.Sprintf("the job has no input %d", index)
		}
		return nil, e
	}
	if j.sources == nil {
		j.sources = map[int]*C.mt_transcode_input{}
	}
	j.sources[index] = handle // freed with the job
	return &Source{j, handle, index}, nil
}

// Index returns its number among the inputs, from 0.
func (s *Source) Index() int { return s.index }

// State returns what it is at; after the job's Close that it has ended. It never blocks.
func (s *Source) State() SourceState {
	defer runtime.KeepAlive(s.job)
	if state := C.mt_transcode_input_state(s.handle); state >= 0 {
		return SourceState(state)
	}
	return SourceEnded
}

// Status returns what it is at, and why. [SourceChanged] tells the same when it changes. It never blocks.
func (s *Source) Status() (SourceStatus, error) {
	defer runtime.KeepAlive(s.job)
	var text *C.char
	if code := C.mt_transcode_input_status(s.handle, &text); code < 0 {
		return SourceStatus{}, callError(code)
	}
	return parseSourceStatus(takeString(text))
}

// Stop takes it out of the running job: it is closed and never opened again, and its streams end. The job goes on with its
// other inputs, and ends in good order where it was the last. Errors: [ErrUnsupported] where it has not the option mt_source,
// or the job runs in a worker process. It never blocks; once it has ended it does nothing.
func (s *Source) Stop() error {
	defer runtime.KeepAlive(s.job)
	if code := C.mt_transcode_input_stop(s.handle); code < 0 {
		return callError(code)
	}
	return nil
}

func parseSourceStatus(text string) (SourceStatus, error) {
	var from struct {
		State       string `json:"state"`
		URL         string `json:"url"`
		Reason      string `json:"reason"`
		Code        Code   `json:"code"`
		Failures    int    `json:"failures"`
		Connections int    `json:"connections"`
		RetryInMS   *int64 `json:"retry_in_ms"`
	}
	if err := json.Unmarshal([]byte(text), &from); err != nil {
		return SourceStatus{}, fmt.Errorf("mt-transcode: the state of a source: %w", err)
	}
	status := SourceStatus{
		State: -1, URL: from.URL, Reason: from.Reason, Code: from.Code,
		Failures: from.Failures, Connections: from.Connections, RetryIn: -1,
	}
	for state, name := range sourceStateNames {
		if name == from.State {
			status.State = SourceState(state)
		}
	}
	if status.State < 0 {
		return SourceStatus{}, fmt.Errorf("mt-transcode: the state of a source: %q is not known", from.State)
	}
	if from.RetryInMS != nil {
		status.RetryIn = time.Duration(*from.RetryInMS) * time.Millisecond
	}
	return status, nil
}
