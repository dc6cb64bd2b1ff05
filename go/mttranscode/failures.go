package mttranscode

// #include "library.h"
import "C"

import (
	"encoding/json"
	"fmt"
	"runtime"
	"time"
)

// failurePolicy is what an engine does with jobs that fail.
type failurePolicy struct {
	captureDir          string
	captureBytes        int64
	captureCount        int
	retries, quarantine bool
}

// WithCaptureOnFailure has what is needed to repeat a job written to a folder of its own in dir when the job fails: its arguments, with secrets masked, its
// last events, the crash report of its worker, and the beginning of each input that came from memory. The error's Detail and an event name the folder;
// "mt-transcode replay" repeats it. See docs/capture.md.
func WithCaptureOnFailure(dir string) EngineOption {
	return func(c *engineConfig) { c.failures.captureDir = dir }
}

// WithCaptureLimits sets how many bytes of each input in memory are kept while a job runs, for captures and for [WithRetry], and how many captures
// the folder of [WithCaptureOnFailure] has at most: the oldest are removed. Below 1, and by default: 1 MiB, 100.
func WithCaptureLimits(bytes int64, captures int) EngineOption {
	return func(c *engineConfig) { c.failures.captureBytes, c.failures.captureCount = bytes, captures }
}

// WithRetry runs a job once more in a new worker when its worker crashed or hung, if it can begin anew: its inputs can be read from their beginnings
// again, and no reader or writer of the host, and nobody over the network, was given a byte of its outputs. Where it cannot, the error says why. It needs [WithIsolation].
func WithRetry() EngineOption {
	return func(c *engineConfig) { c.failures.retries = true }
}

// WithQuarantine refuses the inputs of a job whose worker crashed or hung, with WithRetry for the second time, from then on: with [ErrQuarantined]. It
// needs [WithIsolation].
func WithQuarantine() EngineOption {
	return func(c *engineConfig) { c.failures.quarantine = true }
}

func (f *failurePolicy) fill(config *C.mt_transcode_engine_config) {
	if f.captureDir != "" {
		config.capture_path = C.CString(f.captureDir)
		config.capture_count = toLimit(int64(max(f.captureCount, 0)), 0)
	}
	config.capture_bytes = C.uint64_t(max(f.captureBytes, 0))
	if f.retries {
		config.on_crash |= C.MT_TRANSCODE_ON_CRASH_RETRY
	}
	if f.quarantine {
		config.on_crash |= C.MT_TRANSCODE_ON_CRASH_QUARANTINE
	}
}

// Quarantined is an input that an engine refuses, and why: which job failed on it, when and how.
type Quarantined struct {
	Time  time.Time
	Job   int64
	Label string
	Code  Code
	Text  string
	Stage string
}

// Quarantine lists the inputs that the engine refuses, oldest first. It never blocks for long.
func (e *Engine) Quarantine() ([]Quarantined, error) {
	defer runtime.KeepAlive(e)
	var text *C.char
	if code := C.mt_transcode_engine_quarantine(e.poller.engine, &text); code < 0 {
		return nil, callError(code)
	}
	var rows []struct {
		Time, Label, Text, Stage string
		Job                      int64
		Code                     Code
	}
	if err := json.Unmarshal([]byte(takeString(text)), &rows); err != nil {
		return nil, fmt.Errorf("mt-transcode: the quarantine: %w", err)
	}
	list := make([]Quarantined, len(rows))
	for i, row := range rows {
		at, err := time.Parse("20060102T150405.000Z", row.Time)
		if err != nil {
			return nil, fmt.Errorf("mt-transcode: the quarantine: %w", err)
		}
		list[i] = Quarantined{Time: at, Job: row.Job, Label: row.Label, Code: row.Code, Text: row.Text, Stage: row.Stage}
	}
	return list, nil
}

// ClearQuarantine lets them in again, and returns how many there were. It never blocks for long.
func (e *Engine) ClearQuarantine() (int, error) {
	defer runtime.KeepAlive(e)
	count := C.mt_transcode_engine_quarantine_clear(e.poller.engine)
	if count < 0 {
		return 0, callError(count)
	}
	return int(count), nil
}
