package mttranscode

// #include "library.h"
import "C"

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// Job is what one ffmpeg command line says, inputs to outputs. Make it with [Engine.NewJob], describe it, and
// [Job.Run] it; or Start it, and Wait for it from as many goroutines as you like.
type Job struct {
	engine  *Engine
	handle  *C.mt_transcode_job
	id      int64
	opened  *opened
	cleanup runtime.Cleanup

	startMu sync.Mutex
	started bool
	host    *host // readers, writers and stores of the program's

	lateMu  sync.Mutex
	late    map[string]func(*host) binding // bound to names that outputs which join will use
	outputs map[*Output]struct{}           // that joined, until they are final
	joined  int                            // how many had a name made for them
	sources map[int]*C.mt_transcode_input  // handles of inputs that were asked for

	signal broadcast // something is ready to be pulled, or the job is done or closed
	events *eventQueue
	pumped chan struct{} // the last log line was logged
	pump   sync.Once

	doneOnce sync.Once
	done     chan struct{} // the job is final, or no one will tell any more

	resultOnce sync.Once
	result     error

	closeOnce sync.Once
	closed    atomic.Bool
	last      atomic.Int32 // the state at Close
}

// NewJob makes a job; the caller closes it. With arguments they are the whole job, as those of the ffmpeg program,
// without its name:
//
//	engine.NewJob("-i", "in.mp4", "-c", "copy", "out.mkv")
//
// Without any the job is described by Input, Output, InputFrom, OutputTo and SetOption. URLs "mt:NAME" are readers,
// writers and stores of the program's: see [Job.BindInput], [Job.BindOutput] and [Job.BindStore]. Errors: [ErrOption]
// and [ErrUnsupported] name the argument, [ErrShutdown]. It never blocks: files are opened by the running job.
func (e *Engine) NewJob(args ...string) (*Job, error) {
	defer runtime.KeepAlive(e)
	var handle *C.mt_transcode_job
	if code := C.mt_transcode_job_new(e.poller.engine, &handle); code < 0 {
		return nil, callError(code)
	}
	job := &Job{
		engine: e, handle: handle, id: int64(C.mt_transcode_job_id(handle)), opened: profileOpened(),
		done: make(chan struct{}), pumped: closedChannel,
	}
	job.host = newHost(jobOwner(handle), job.done)
	if e.poller.logger != nil {
		job.events, job.pumped = &eventQueue{}, make(chan struct{})
	}
	e.poller.add(job)
	job.cleanup = addJobCleanup(job)
	if len(args) == 0 {
		return job, nil
	}
	if err := job.setArgs(args); err != nil {
		job.Close()
		return nil, err
	}
	return job, nil
}

func (j *Job) setArgs(args []string) error {
	args, err := j.engine.poller.names.resolveArgs(args)
	if err != nil {
		return err
	}
	vector, err := cVector(args)
	if err != nil {
		return err
	}
	defer freeVector(vector)
	return j.check(C.mt_transcode_job_set_args(j.handle, C.int32_t(len(args)), vector))
}

// SetOption sets a global option by ffmpeg's name without the dash: SetOption("filter_complex", "[0:v]split[a][b]").
// A flag takes "1" or "0". Errors: [ErrOption], [ErrUnsupported], [ErrNotUTF8], [ErrBusy] after the start. It never
// blocks.
func (j *Job) SetOption(key, value string) error {
	cKey, cValue, err := cPair(Opt(key, value))
	if err != nil {
		return err
	}
	return j.check(C.mt_transcode_job_set_option(j.handle, cKey, cValue))
}

// SetLabel gives the job a label of yours, such as a request or trace id: up to 128 bytes. It comes back in every
// event, log line and list. Errors: [ErrInvalid] where it is longer, [ErrNotUTF8], [ErrBusy] after the start. It
// never blocks.
func (j *Job) SetLabel(label string) error {
	cLabel, err := cString(label)
	if err != nil {
		return err
	}
	return j.check(C.mt_transcode_job_set_label(j.handle, cLabel))
}

// ID returns a number that no other job of this process has or had. It stays after Close.
func (j *Job) ID() int64 { return j.id }

// CommandFlags choose what [Job.Command] prints.
type CommandFlags uint32

const (
	// CommandFFmpeg prints only what the ffmpeg program accepts.
	CommandFFmpeg CommandFlags = C.MT_TRANSCODE_COMMAND_FFMPEG
	// CommandMasked masks secrets in URLs.
	CommandMasked CommandFlags = C.MT_TRANSCODE_COMMAND_MASKED
)

// Command prints the job as a command line, quoted for a POSIX shell, so that it can be replayed with the ffmpeg
// program. With 0 it prints everything in force, secrets included. It never blocks, and works in every state.
func (j *Job) Command(flags CommandFlags) (string, error) {
	var text *C.char
	if err := j.check(C.mt_transcode_job_command(j.handle, C.uint32_t(flags), &text)); err != nil {
		return "", err
	}
	return takeString(text), nil
}

// State is where a job stands.
type State int32

const (
	// StateNew: the job is being described.
	StateNew State = C.MT_TRANSCODE_STATE_NEW
	// StateQueued: the job waits for its turn.
	StateQueued State = C.MT_TRANSCODE_STATE_QUEUED
	// StateOpening: inputs and outputs are being opened.
	StateOpening State = C.MT_TRANSCODE_STATE_OPENING
	// StateRunning: media flows.
	StateRunning State = C.MT_TRANSCODE_STATE_RUNNING
	// StateStopping: the job was asked to stop and is writing its trailers.
	StateStopping State = C.MT_TRANSCODE_STATE_STOPPING
	// StateSucceeded: ended well; also by Stop.
	StateSucceeded State = C.MT_TRANSCODE_STATE_SUCCEEDED
	// StateFailed: ended with an error.
	StateFailed State = C.MT_TRANSCODE_STATE_FAILED
	// StateCancelled: ended by Cancel, Close, the end of Run's context, or a shutdown.
	StateCancelled State = C.MT_TRANSCODE_STATE_CANCELLED
)

var stateNames = [...]string{"new", "queued", "opening", "running", "stopping", "succeeded", "failed", "cancelled"}

// String returns the state's name in lower case.
func (s State) String() string {
	if s < 0 || int(s) >= len(stateNames) {
		return "unknown"
	}
	return stateNames[s]
}

// Final tells whether a job in this state has ended.
func (s State) Final() bool { return s >= StateSucceeded }

// State returns where the job stands; after Close, where it stood last. It never blocks.
func (j *Job) State() State {
	defer runtime.KeepAlive(j)
	if state := C.mt_transcode_job_state(j.handle); state >= 0 {
		return State(state)
	}
	return State(j.last.Load())
}

// check makes an error of a call's result. Where the call has told the job why, that text is the error.
func (j *Job) check(code C.int32_t) error {
	defer runtime.KeepAlive(j) // the handle is the argument of a call that returned just now
	if code >= 0 {
		return nil
	}
	if e := j.lastError(); e != nil && e.Code == Code(code) {
		return e
	}
	return callError(code)
}

// lastError returns the error that the job ended with, or that of the last call on it which failed; nil where there
// is none.
func (j *Job) lastError() *Error {
	var failure *C.mt_transcode_error
	if C.mt_transcode_job_error(j.handle, &failure) < 0 || failure == nil {
		return nil
	}
	return takeError(failure.code, failure)
}
