package mttranscode

// #include "library.h"
import "C"

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"math"
	"net"
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
	queueTimeout          time.Duration
	memoryBudget          int64
	requireLGPL, leaveLog bool
	crashReports          *string
	isolation             *Isolation
	failures              failurePolicy
	hangTimeout           time.Duration
	threadsPerJob         int
	niceness              int
	logger                *slog.Logger
	resolver              *net.Resolver
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

// WithQueueTimeout sets how long a job waits in the queue before it fails with [ErrTimeout]. Below 1, and by default: as long
// as it takes.
func WithQueueTimeout(longest time.Duration) EngineOption {
	return func(c *engineConfig) { c.queueTimeout = longest }
}

// WithMemoryBudget sets how much native memory, which Go does not count, the pipes and jobs of the engine may reserve
// together. What would pass it is refused with [ErrAgain], or waits in the queue; what never fits, with [ErrLimit].
// 0, and by default: 80 % of the container's limit, or else of the machine's memory. Negative: no budget. Where it is set,
// GOMEMLIMIT should be the container's limit less this and some headroom.
func WithMemoryBudget(bytes int64) EngineOption {
	return func(c *engineConfig) { c.memoryBudget = bytes }
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

// WithCrashReports has a report appended to the file at path, or to standard error where path is empty, when native code of a
// job dies by a signal: what happened where, in which job, started from where in Go. Then Go's runtime goes on as without, and prints what it
// prints. Nil dereferences and other faults of Go code stay Go's. See docs/crashes.md.
func WithCrashReports(path string) EngineOption {
	return func(c *engineConfig) { c.crashReports = &path }
}

// Isolation says what the workers of an engine may use, and where their program is; the zero value has no limits and finds it.
type Isolation struct {
	// WorkerPath is the program mt-transcode of the library's release; empty: it is looked for beside the library, in bin and libexec.
	WorkerPath string
	// MemoryBytes is the resident memory of one worker; past it the job fails with [ErrLimit].
	MemoryBytes uint64
	// CPUSeconds is the CPU time of one worker, likewise.
	CPUSeconds uint32
	// Descriptors is how many descriptors one worker may have open.
	Descriptors uint32
	// Sandbox is what workers give up that their jobs do not need: all that the kernel can make them, if it is not said.
	Sandbox Sandbox
}

// Sandbox says how workers are confined; see docs/sandbox.md.
type Sandbox uint32

const (
	// SandboxBest is as much as the kernel can.
	SandboxBest Sandbox = C.MT_TRANSCODE_SANDBOX_BEST
	// SandboxRequired fails jobs with [ErrSandbox] where the kernel cannot do all of it.
	SandboxRequired Sandbox = C.MT_TRANSCODE_SANDBOX_REQUIRED
	// SandboxOff lets workers do what this process may.
	SandboxOff Sandbox = C.MT_TRANSCODE_SANDBOX_OFF
)

// WithIsolation runs each job and each probe in a worker, a process of its own: what crashes, hangs or is killed there ends that one only, with [ErrCrashed],
// [ErrOOMKilled], [ErrKilled], [ErrHung] or [ErrLimit]. Everything else is the same. The environment's MT_TRANSCODE_ISOLATION, "thread" or "process",
// goes before. [NewEngine] gives [ErrSpawnFailed] where the worker program is not found, or of another release.
func WithIsolation(isolation Isolation) EngineOption {
	return func(c *engineConfig) { c.isolation = &isolation }
}

// WithHangTimeout ends jobs that make no progress for longest while they wait for nobody outside: they fail with [ErrHung], whose Detail has the
// native stacks of their threads, and so has a log line. A job waits for somebody outside while it reads or writes a peer, a pipe or a
// callback of this program, or paces itself (-re). Below 1, and by default: never. See docs/hangs.md.
func WithHangTimeout(longest time.Duration) EngineOption {
	return func(c *engineConfig) { c.hangTimeout = longest }
}

// WithThreadsPerJob sets how many threads each codec and each filter graph of a job gets where the job does not say it (-threads,
// -filter_threads), 64 at most. Below 1, and by default: as FFmpeg and its codecs choose, by the CPUs that this process may use; unlike theirs, the
// choice also follows the quota of the container.
func WithThreadsPerJob(threads int) EngineOption {
	return func(c *engineConfig) { c.threadsPerJob = threads }
}

// WithNiceness makes the engine's threads, with those of codecs and workers, nicer than the one that calls [NewEngine], by up to 19 as nice(2) counts: goroutines
// of this program come first where CPUs are short. Below 1, and by default: all are alike. See docs/threading.md.
func WithNiceness(more int) EngineOption {
	return func(c *engineConfig) { c.niceness = more }
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
	chosen := engineConfig{maxQueued: -1, resolver: defaultResolver()}
	for _, option := range options {
		option(&chosen)
	}
	var handle *C.mt_transcode_engine
	var failure *C.mt_transcode_error
	config := chosen.toC()
	defer C.free(unsafe.Pointer(config.crash_path))
	defer C.free(unsafe.Pointer(config.worker_path))
	defer C.free(unsafe.Pointer(config.capture_path))
	if code := C.mt_transcode_engine_new(&config, &handle, &failure); code < 0 {
		return nil, takeError(code, failure)
	}
	inner, err := newPoller(handle, chosen.logger)
	if err != nil {
		return nil, err
	}
	inner.names = newNamer(chosen.resolver)
	openPollers.add(inner)
	inner.opened = profileOpened()
	inner.reportsCrashes = chosen.crashReports != nil
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
	config.memory_budget_bytes = C.uint64_t(c.memoryBudget)
	if c.memoryBudget < 0 {
		config.memory_budget_bytes = math.MaxUint64
	}
	if c.queueTimeout > 0 { // rounded up: 0 would be no limit
		ms := (c.queueTimeout-1)/time.Millisecond + 1
		config.queue_timeout_ms = C.uint32_t(min(ms, math.MaxUint32))
	}
	if c.hangTimeout > 0 {
		config.hang_timeout_ms = C.uint32_t(min((c.hangTimeout-1)/time.Millisecond+1, math.MaxUint32))
	}
	config.threads_per_job = toLimit(int64(c.threadsPerJob), 0)
	config.niceness = toLimit(int64(c.niceness), 0)
	config.flags = C.MT_TRANSCODE_ENGINE_QUIET_EVENTS // who waits for events looks for them first
	config.log_mode = C.MT_TRANSCODE_LOG_TAKE
	if c.leaveLog {
		config.log_mode = C.MT_TRANSCODE_LOG_LEAVE
	}
	if c.requireLGPL {
		config.flags |= C.MT_TRANSCODE_ENGINE_REQUIRE_LGPL
	}
	if c.isolation != nil {
		config.isolation = C.MT_TRANSCODE_ISOLATION_PROCESS
		config.worker_memory_bytes = C.uint64_t(c.isolation.MemoryBytes)
		config.worker_cpu_seconds = C.uint32_t(c.isolation.CPUSeconds)
		config.worker_descriptors = C.uint32_t(c.isolation.Descriptors)
		config.worker_sandbox = C.uint32_t(c.isolation.Sandbox)
		if c.isolation.WorkerPath != "" {
			config.worker_path = C.CString(c.isolation.WorkerPath)
		}
	}
	c.failures.fill(&config)
	if c.crashReports != nil {
		config.flags |= C.MT_TRANSCODE_ENGINE_CRASH_REPORTS
		if *c.crashReports != "" {
			config.crash_path = C.CString(*c.crashReports)
		}
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
