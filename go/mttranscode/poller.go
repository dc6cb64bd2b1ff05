package mttranscode

/*
#include "library.h"

// A handle is a token, and only looks like a pointer: Go must not see it as a void pointer, which its collector and its checks look at.
static int32_t next_ready(mt_transcode_engine *engine, mt_transcode_job **job, mt_transcode_pipe **pipe, uint32_t *bits) {
  void *handle = NULL;
  int32_t code = mt_transcode_engine_next_ready(engine, &handle, bits);
  int is_pipe = code == 0 && (*bits & (MT_TRANSCODE_READY_READABLE | MT_TRANSCODE_READY_WRITABLE)) != 0;
  *job = is_pipe ? NULL : handle;
  *pipe = is_pipe ? handle : NULL;
  return code;
}
*/
import "C"

import (
	"errors"
	"log/slog"
	"maps"
	"os"
	"runtime"
	"slices"
	"sync"
	"syscall"
	"time"
	"weak"
)

// poller is the inner half of an Engine: its goroutine holds it, so the garbage collector can still see that the
// Engine itself was forgotten. It waits for the engine's one descriptor and wakes whoever waits for a job.
type poller struct {
	engine *C.mt_transcode_engine
	logger *slog.Logger
	file   *os.File
	opened *opened
	// reportsCrashes: jobs say where in Go they were started.
	reportsCrashes bool
	names          *namer

	mu sync.Mutex
	// known and pipes find what belongs to a handle without keeping a forgotten one alive; running keeps those jobs
	// alive that were started.
	known   map[*C.mt_transcode_job]weak.Pointer[Job]
	running map[*C.mt_transcode_job]*Job
	pipes   map[*C.mt_transcode_pipe]weak.Pointer[Pipe]

	closeOnce sync.Once
	closed    chan struct{} // the engine was freed: nothing becomes ready any more
	finished  chan struct{} // the goroutine returned
}

// newPoller takes the engine over, also where it fails.
func newPoller(engine *C.mt_transcode_engine, logger *slog.Logger) (*poller, error) {
	file, err := pollable(engine)
	if err != nil {
		C.mt_transcode_engine_free(engine)
		return nil, err
	}
	p := &poller{
		engine: engine, logger: logger, file: file,
		known: map[*C.mt_transcode_job]weak.Pointer[Job]{}, running: map[*C.mt_transcode_job]*Job{},
		pipes:  map[*C.mt_transcode_pipe]weak.Pointer[Pipe]{},
		closed: make(chan struct{}), finished: make(chan struct{}),
	}
	go p.run()
	return p, nil
}

// pollable gives the engine's descriptor to Go's poller, inside an epoll of its own: an os.File closes what it holds, and the
// original is the library's; and Go's poller would be woken too whenever the library clears it, as it can then be written.
func pollable(engine *C.mt_transcode_engine) (*os.File, error) {
	fd := C.mt_transcode_engine_event_fd(engine)
	if fd < 0 {
		return nil, callError(fd)
	}
	epoll, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	if err != nil {
		return nil, systemError(err)
	}
	file, err := inEpoll(epoll, int(fd))
	if err != nil {
		syscall.Close(epoll)
		return nil, err
	}
	if err := file.SetReadDeadline(time.Time{}); err != nil { // os.ErrNoDeadline: the poller did not take it
		file.Close()
		return nil, invalid("Go's poller does not take the engine's descriptor: " + err.Error())
	}
	return file, nil
}

// inEpoll makes a file of epoll, readable where fd is.
func inEpoll(epoll, fd int) (*os.File, error) {
	if err := syscall.EpollCtl(epoll, syscall.EPOLL_CTL_ADD, fd, &syscall.EpollEvent{Events: syscall.EPOLLIN}); err != nil {
		return nil, systemError(err)
	}
	if err := syscall.SetNonblock(epoll, true); err != nil { // os.NewFile asks for it
		return nil, systemError(err)
	}
	return os.NewFile(uintptr(epoll), "mt-transcode engine"), nil
}

func systemError(err error) error {
	var errno syscall.Errno
	errors.As(err, &errno)
	return callError(-C.int32_t(errno))
}

// run returns when the file is closed. The descriptor is never read: the library clears it when its list of ready
// jobs is empty. Go's poller tells edges, so the list is emptied before every parking; what becomes ready meanwhile
// makes a new edge.
func (p *poller) run() {
	defer close(p.finished)
	conn, err := p.file.SyscallConn()
	if err != nil {
		return // closed already
	}
	_ = conn.Read(func(uintptr) bool {
		p.drain()
		return false
	})
}

func (p *poller) drain() {
	var job *C.mt_transcode_job
	var pipe *C.mt_transcode_pipe
	var bits C.uint32_t
	for C.next_ready(p.engine, &job, &pipe, &bits) == 0 {
		if pipe != nil {
			p.dispatchPipe(pipe, uint32(bits))
		} else {
			p.dispatch(job, uint32(bits))
		}
	}
}

func (p *poller) dispatchPipe(handle *C.mt_transcode_pipe, bits uint32) {
	p.mu.Lock()
	pipe := p.pipes[handle].Value()
	p.mu.Unlock()
	if pipe == nil {
		return
	}
	if bits&C.MT_TRANSCODE_READY_READABLE != 0 {
		pipe.readable.wake()
	}
	if bits&C.MT_TRANSCODE_READY_WRITABLE != 0 {
		pipe.writable.wake()
	}
}

func (p *poller) dispatch(handle *C.mt_transcode_job, bits uint32) {
	done := bits&C.MT_TRANSCODE_READY_DONE != 0
	p.mu.Lock()
	job := p.known[handle].Value()
	if done {
		delete(p.running, handle)
	}
	p.mu.Unlock()
	if job == nil {
		return
	}
	if done {
		job.markDone()
	}
	if bits&(C.MT_TRANSCODE_READY_OUTPUT|C.MT_TRANSCODE_READY_DONE) != 0 {
		job.lookAtOutputs()
	}
	job.signal.wake()
}

func (p *poller) add(job *Job) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.known[job.handle] = weak.Make(job)
}

// keep holds a started job until it is done. It comes before the start, because done can come before the start
// returns.
func (p *poller) keep(job *Job) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.running[job.handle] = job
}

// release takes keep back where the start failed.
func (p *poller) release(handle *C.mt_transcode_job) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.running, handle)
}

func (p *poller) forget(handle *C.mt_transcode_job) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.known, handle)
	delete(p.running, handle)
}

func (p *poller) addPipe(pipe *Pipe) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.pipes[pipe.handle] = weak.Make(pipe)
}

func (p *poller) forgetPipe(handle *C.mt_transcode_pipe) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.pipes, handle)
}

// eachRunning does something to all that is bound to jobs that were started.
func (p *poller) eachRunning(do func(*host)) {
	p.mu.Lock()
	jobs := slices.Collect(maps.Values(p.running))
	p.mu.Unlock()
	for _, job := range jobs {
		do(job.host)
	}
}

// close frees the engine, ends the goroutine, and wakes those who still wait for jobs: the free has made them final.
func (p *poller) close() {
	p.closeOnce.Do(func() {
		openPollers.remove(p)
		p.opened.close()
		p.eachRunning((*host).interrupt) // so that no job waits for a Read of the program's that does not return
		C.mt_transcode_engine_free(p.engine)
		p.names.close()
		p.file.Close()
		<-p.finished
		for _, job := range p.takeRunning() {
			job.markDone()
			job.lookAtOutputs()
		}
		close(p.closed) // wakes the readers of events
	})
}

func (p *poller) takeRunning() []*Job {
	p.mu.Lock()
	defer p.mu.Unlock()
	jobs := slices.Collect(maps.Values(p.running))
	clear(p.running)
	return jobs
}

// freeForgotten is what the garbage collector runs for a job that nobody closed. Such a job never runs (running would
// have kept it), so the free does not wait.
func (p *poller) freeForgotten(handle *C.mt_transcode_job, opened *opened) {
	opened.close()
	p.forget(handle)
	C.mt_transcode_job_free(handle)
}

// forgotten is the argument of a job's cleanup: it must not lead to the job.
type forgotten struct {
	poller *poller
	handle *C.mt_transcode_job
	opened *opened
}

func addJobCleanup(job *Job) runtime.Cleanup {
	free := func(f forgotten) { f.poller.freeForgotten(f.handle, f.opened) }
	return runtime.AddCleanup(job, free, forgotten{job.engine.poller, job.handle, job.opened})
}
