package mttranscode

// #include "library.h"
import "C"

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"time"
	"unsafe"
)

// Engine owns limits and threads, and runs jobs. Several may live in one process and do not disturb each other.
type Engine struct {
	poller  *poller
	cleanup runtime.Cleanup
}

type engineConfig struct {
	maxRunning, maxQueued int
	linkBudget            int64
	requireLGPL, leaveLog bool
	logger                *slog.Logger
}

// EngineOption is an argument of [NewEngine].
type EngineOption func(*engineConfig)

// WithMaxRunning sets how many jobs run at once; more are queued. Below 1, and by default: twice the CPUs this
// process may use.
func WithMaxRunning(jobs int) EngineOption {
	return func(c *engineConfig) { c.maxRunning = jobs }
}

// WithMaxQueued sets how many jobs wait in the queue; more are refused with [ErrAgain]. 0: none wait. Negative, and
// by default: 1024.
func WithMaxQueued(jobs int) EngineOption {
	return func(c *engineConfig) { c.maxQueued = jobs }
}

// WithLinkBudget sets how many bytes of packets and frames may wait between the threads of one job, beyond the usual
// small queues, before the job fails with [ErrLimit]. Below 1, and by default: 256 MiB.
func WithLinkBudget(bytes int64) EngineOption {
	return func(c *engineConfig) { c.linkBudget = bytes }
}

// WithRequireLGPL makes [NewEngine] give [ErrUnsupported] where the FFmpeg loaded is not under the LGPL.
func WithRequireLGPL() EngineOption {
	return func(c *engineConfig) { c.requireLGPL = true }
}

// WithLogger sends every job's log lines to logger, with the attributes job (its id), label, stage, ffmpeg_level (its
// number), and stream and repeated where they say something. Lines stay events too. A line is logged from a goroutine
// of its job's, so a slow handler holds up only that job's Wait and Run, which return after the last line. How much a
// job says is set by its option loglevel.
func WithLogger(logger *slog.Logger) EngineOption {
	return func(c *engineConfig) { c.logger = logger }
}

// WithLogLeftAlone leaves FFmpeg's log as it is: lines go where the process, or FFmpeg's default (standard error),
// sends them, and jobs have no log events.
func WithLogLeftAlone() EngineOption {
	return func(c *engineConfig) { c.leaveLog = true }
}

// NewEngine makes an engine; the caller closes it. It changes nothing of the process but FFmpeg's log (see the
// package's comment), and starts one goroutine; threads start with the first job. Errors: [ErrUnsupported] (see
// [WithRequireLGPL], or an FFmpeg of another major version than the library was built against), syscall.EMFILE. It
// never blocks for long.
func NewEngine(options ...EngineOption) (*Engine, error) {
	if loaded := ABIVersion(); loaded != headerABI {
		e := callError(C.int32_t(ErrUnsupported))
		e.Message = fmt.Sprintf("the loaded library has interface %d, this program was built for %d", loaded, headerABI)
		return nil, e
	}
	chosen := engineConfig{maxQueued: -1}
	for _, option := range options {
		option(&chosen)
	}
	var handle *C.mt_transcode_engine
	var failure *C.mt_transcode_error
	config := chosen.toC()
	if code := C.mt_transcode_engine_new(&config, &handle, &failure); code < 0 {
		return nil, takeError(code, failure)
	}
	inner, err := newPoller(handle, chosen.logger)
	if err != nil {
		return nil, err
	}
	engine := &Engine{poller: inner}
	engine.cleanup = runtime.AddCleanup(engine, func(p *poller) { go p.close() }, inner)
	return engine, nil
}

func (c *engineConfig) toC() C.mt_transcode_engine_config {
	var config C.mt_transcode_engine_config
	C.mt_transcode_engine_config_init(&config, C.uint32_t(unsafe.Sizeof(config)))
	config.max_running = toLimit(int64(c.maxRunning), 0)
	config.max_queued = toLimit(int64(c.maxQueued), C.MT_TRANSCODE_NONE)
	config.link_budget_bytes = C.uint64_t(max(c.linkBudget, 0))
	config.log_mode = C.MT_TRANSCODE_LOG_TAKE
	if c.leaveLog {
		config.log_mode = C.MT_TRANSCODE_LOG_LEAVE
	}
	if c.requireLGPL {
		config.flags |= C.MT_TRANSCODE_ENGINE_REQUIRE_LGPL
	}
	return config
}

// SetLimits changes how many jobs run and wait, as [WithMaxRunning] and [WithMaxQueued] say. Jobs that run or wait
// already go on. It never blocks.
func (e *Engine) SetLimits(maxRunning, maxQueued int) error {
	defer runtime.KeepAlive(e)
	running, queued := toLimit(int64(maxRunning), 0), toLimit(int64(maxQueued), C.MT_TRANSCODE_NONE)
	if code := C.mt_transcode_engine_set_limits(e.poller.engine, running, queued); code < 0 {
		return callError(code)
	}
	return nil
}

// ShutdownCounts is what became of the jobs that an engine had when it was shut down.
type ShutdownCounts struct {
	// Finished jobs ended by themselves within the time.
	Finished int
	// Stopped jobs were asked to end early: their outputs have trailers and play.
	Stopped int
	// Cancelled jobs ran and did not end in time after being stopped.
	Cancelled int
	// NeverRan counts queued jobs; they ended with [ErrCancelled].
	NeverRan int
	// Detached jobs have a thread that is still inside a call that cannot be interrupted.
	Detached int
}

// Shutdown ends an engine in good order. From the call on new jobs are refused with [ErrShutdown], and queued ones
// end with [ErrCancelled]. Running jobs may go on until ctx ends; then they are stopped, so that their outputs play,
// and have two more seconds; then they are cancelled. Without a deadline, and if ctx is never cancelled, it waits
// until every job has ended.
//
// It returns 2.65 s after the end of ctx at the latest; that ctx ended is no error: the counts tell. It holds one
// thread of the system while it waits. The engine stays to be asked (Stats, Jobs) and must still be closed.
func (e *Engine) Shutdown(ctx context.Context) (ShutdownCounts, error) {
	defer runtime.KeepAlive(e)
	type answer struct {
		counts ShutdownCounts
		err    error
	}
	answers := make(chan answer, 1)
	timeout := int64(-1)
	if deadline, ok := ctx.Deadline(); ok {
		timeout = max(time.Until(deadline).Milliseconds(), 0)
	}
	go func() {
		counts, err := e.shutdown(timeout)
		answers <- answer{counts, err}
	}()
	select {
	case got := <-answers:
		return got.counts, got.err
	case <-ctx.Done():
	}
	if !errors.Is(ctx.Err(), context.DeadlineExceeded) { // else the first call knows it by its own timeout
		if _, err := e.shutdown(0); err != nil {
			return ShutdownCounts{}, err
		}
	}
	got := <-answers
	return got.counts, got.err
}

func (e *Engine) shutdown(timeoutMS int64) (ShutdownCounts, error) {
	var counts C.mt_transcode_shutdown_counts
	counts.struct_size = C.uint32_t(unsafe.Sizeof(counts))
	if code := C.mt_transcode_engine_shutdown(e.poller.engine, C.int64_t(timeoutMS), &counts); code < 0 {
		return ShutdownCounts{}, callError(code)
	}
	return ShutdownCounts{
		Finished: int(counts.finished), Stopped: int(counts.stopped), Cancelled: int(counts.cancelled),
		NeverRan: int(counts.never_ran), Detached: int(counts.detached),
	}, nil
}

// Close frees the engine: jobs that still run are cancelled, its threads and its goroutine end. Jobs of it that are
// not closed stay, in their final state, and are closed as ever. It blocks for 650 ms at most, holding a thread, and
// returns nil; a second call waits for the first.
func (e *Engine) Close() error {
	e.poller.close()
	e.cleanup.Stop()
	return nil
}

// JobInfo is a line of [Engine.Jobs].
type JobInfo struct {
	ID    int64
	Label string
	// State is the state's name, as [State.String] gives it.
	State    string
	Position time.Duration
	// Command is the ffmpeg command, secrets masked.
	Command string
}

// Jobs lists the jobs of an engine that are not closed, newest last. It never blocks for long.
func (e *Engine) Jobs() ([]JobInfo, error) {
	defer runtime.KeepAlive(e)
	var text *C.char
	if code := C.mt_transcode_engine_jobs(e.poller.engine, &text); code < 0 {
		return nil, callError(code)
	}
	var rows []struct {
		ID         int64  `json:"id"`
		Label      string `json:"label"`
		State      string `json:"state"`
		PositionUS int64  `json:"position_us"`
		Command    string `json:"command"`
	}
	if err := json.Unmarshal([]byte(takeString(text)), &rows); err != nil {
		return nil, fmt.Errorf("mt-transcode: the list of jobs: %w", err)
	}
	jobs := make([]JobInfo, len(rows))
	for i, row := range rows {
		position := fromMicroseconds(C.int64_t(row.PositionUS))
		jobs[i] = JobInfo{ID: row.ID, Label: row.Label, State: row.State, Position: position, Command: row.Command}
	}
	return jobs, nil
}
