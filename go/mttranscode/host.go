package mttranscode

// #include "library.h"
import "C"

import (
	"errors"
	"fmt"
	"maps"
	"runtime/debug"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// host is what a job has to do with the program around it: readers, writers and stores that are bound to it, the
// goroutines that call them, and what went wrong there. Callbacks of C lead to it, so it must not lead to the Job,
// which could never be forgotten then.
//
// An output that joins a running job has one of its own, so that what goes wrong there is nobody else's: its owner is the
// output then, and what is said here of a job holds for it.
type host struct {
	owner hostOwner
	done  <-chan struct{} // the owner's

	stop     chan struct{} // nobody waits for the program any more: the job was cancelled, or all is delivered
	stopOnce sync.Once
	halt     chan struct{} // nobody waits for more input: the job was stopped
	haltOnce sync.Once

	outputs crowd // goroutines that deliver outputs: a job is not over before they are
	others  crowd // goroutines that feed inputs or answer callbacks

	mu       sync.Mutex
	bindings []binding
	bound    int // how many of them the library knows
	settled  <-chan struct{}
	still    bool // all bindings are: whoever waits for the end delivers, and no goroutine is needed
	failures []failure
	panicked *PanicError

	deliverOnce sync.Once // where all is still

	guests    map[*host]struct{} // those of outputs that joined, until they are settled
	settledAt func()             // called once all is over; nil: nobody wants to know
}

// hostOwner is the job, or the output that joined one.
type hostOwner struct {
	// result is what it ended with.
	result func() C.int32_t
	cancel func()
}

func jobOwner(job *C.mt_transcode_job) hostOwner {
	return hostOwner{
		result: func() C.int32_t {
			var code C.int32_t
			if asked := C.mt_transcode_job_wait(job, 0, &code); asked < 0 {
				return asked
			}
			return code
		},
		cancel: func() { C.mt_transcode_job_cancel(job) },
	}
}

// binding is something of the program's under a name of the job's.
type binding interface {
	name() string
	// bind tells the library, at the start of the job.
	bind(j *Job) error
	// start begins to move bytes, once the job is started.
	start(h *host)
	// deliver comes when the job has ended: what is left to be done for an output begins.
	deliver(h *host)
	// finish comes when all that is over, or the job is closed without having been started.
	finish(h *host)
	// isStill tells that no goroutine and no callback of it runs beside the job.
	isStill() bool
}

// failure is what one binding did wrong.
type failure struct {
	name string
	err  error
	// ours tells that err says nothing that the job does not know: the program itself did nothing wrong.
	ours bool
	// lost tells that bytes of an output were not delivered, which the job itself may not know.
	lost bool
}

func newHost(owner hostOwner, done <-chan struct{}) *host {
	return &host{owner: owner, done: done, stop: make(chan struct{}), halt: make(chan struct{}), settled: closedChannel}
}

var closedChannel = func() chan struct{} {
	ch := make(chan struct{})
	close(ch)
	return ch
}()

// add refuses a name that is taken.
func (h *host) add(b binding) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if slices.ContainsFunc(h.bindings, func(other binding) bool { return other.name() == b.name() }) {
		e := callError(-C.int32_t(syscall.EEXIST))
		e.Message = fmt.Sprintf("the name %q is taken in this job", b.name())
		return e
	}
	h.bindings = append(h.bindings, b)
	return nil
}

// has tells whether a name is taken.
func (h *host) has(name string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.ContainsFunc(h.bindings, func(b binding) bool { return b.name() == name })
}

// freeName makes a name for a binding whose name nobody needs to know.
func (h *host) freeName(kind string) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	for i := 0; ; i++ {
		name := kind + strconv.Itoa(i)
		if !slices.ContainsFunc(h.bindings, func(b binding) bool { return b.name() == name }) {
			return name
		}
	}
}

// bind tells the library of every binding that it does not know. It is called again where a start failed.
func (h *host) bind(j *Job) error {
	for _, b := range h.bindings[h.bound:] {
		if err := b.bind(j); err != nil {
			return err
		}
		h.bound++
	}
	return nil
}

// start starts what moves bytes, and the goroutine that waits for its end where something does.
func (h *host) start() {
	if len(h.bindings) == 0 {
		h.tellSettled()
		return
	}
	still := !slices.ContainsFunc(h.bindings, func(b binding) bool { return !b.isStill() })
	settled := make(chan struct{})
	h.mu.Lock()
	if h.still = still; !still {
		h.settled = settled
	}
	h.mu.Unlock()
	for _, b := range h.bindings {
		b.start(h)
	}
	if still {
		h.tellSettled()
		return
	}
	go func() {
		defer h.tellSettled()
		defer close(settled)
		h.settle()
	}()
}

func (h *host) tellSettled() {
	if h.settledAt != nil {
		h.settledAt()
	}
}

// hostGrace is how long an ended job waits for a Read or Write of the program's that does not return.
const hostGrace = 700 * time.Millisecond

// settle waits until the job is over and its outputs are delivered; then for the goroutines that are still inside the
// program's code, but not for ever.
func (h *host) settle() {
	<-h.done
	if h.isDetached() {
		h.interrupt() // its thread still holds the pipes, which may never come to their end
	}
	for _, b := range h.bindings {
		b.deliver(h)
	}
	select {
	case <-h.outputs.gone():
	case <-h.stop:
	}
	h.end()
	for _, b := range h.bindings {
		b.finish(h)
	}
	timer := time.NewTimer(hostGrace)
	defer timer.Stop()
	select {
	case <-h.outputs.gone():
	case <-timer.C:
		h.fail(failure{err: ErrCancelled, ours: true, lost: true}) // somebody is still inside a Write
		return
	}
	select {
	case <-h.others.gone():
	case <-timer.C:
	}
}

func (h *host) isDetached() bool { return h.brokenBy() == ErrDetached }

// brokenBy returns the code that the job failed with, as an error.
func (h *host) brokenBy() error {
	if code := h.owner.result(); code < 0 {
		return Code(code)
	}
	return nil
}

// wait returns a channel that is closed when the job's outputs are delivered and its inputs are given up. It is called when the
// job is done: where all is still, it delivers itself.
func (h *host) wait() <-chan struct{} {
	h.mu.Lock()
	settled, still := h.settled, h.still
	h.mu.Unlock()
	if still && isClosed(h.done) {
		h.deliverOnce.Do(func() {
			for _, b := range h.bindings {
				b.deliver(h)
			}
		})
	}
	return settled
}

// interrupt ends every wait for the program: it is what a cancel does on this side.
func (h *host) interrupt() {
	h.end()
	for _, guest := range h.allGuests() {
		guest.interrupt()
	}
}

// end is interrupt without the outputs that joined.
func (h *host) end() {
	h.stopOnce.Do(func() { close(h.stop) })
}

func (h *host) addGuest(guest *host) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.guests == nil {
		h.guests = map[*host]struct{}{}
	}
	h.guests[guest] = struct{}{}
}

func (h *host) removeGuest(guest *host) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.guests, guest)
}

func (h *host) allGuests() []*host {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Collect(maps.Keys(h.guests))
}

// stopReading comes after the job was told to stop: it takes no more input, so a Read that does not return is given up.
func (h *host) stopReading() {
	h.haltOnce.Do(func() { close(h.halt) })
}

// release is for a job that is closed without having been started.
func (h *host) release() {
	for _, b := range h.bindings {
		b.finish(h)
	}
}

func (h *host) fail(f failure) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.failures = append(h.failures, f)
}

// errGoexit is what a Read or Write gives that ended its goroutine instead of returning.
var (
	errGoexit  = errors.New("mt-transcode: a Read or Write of the program called runtime.Goexit")
	errStopped = errors.New("mt-transcode: the job was cancelled")
)

// guard calls what may call code of the program. A panic there ends the job, and is kept for who waits for it.
func (h *host) guard(call func() error) (err error) {
	returned := false
	defer func() {
		if returned {
			return
		}
		if value := recover(); value != nil {
			err = h.caught(value)
		}
	}()
	err = call()
	returned = true
	return err
}

func (h *host) caught(value any) error {
	caught := &PanicError{Value: value, Stack: debug.Stack()}
	h.mu.Lock()
	if h.panicked == nil {
		h.panicked = caught
	}
	h.mu.Unlock()
	h.owner.cancel()
	h.interrupt()
	return ErrCancelled
}

// raise panics again where the program's code did.
func (h *host) raise() {
	h.mu.Lock()
	caught := h.panicked
	h.mu.Unlock()
	if caught != nil {
		panic(&PanicError{Value: caught.Value, Stack: caught.Stack, Raised: debug.Stack()})
	}
}

// crowd counts goroutines.
type crowd struct {
	mu    sync.Mutex
	count int
	empty chan struct{}
}

func (c *crowd) enter() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.count++
}

func (c *crowd) leave() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.count--; c.count == 0 && c.empty != nil {
		close(c.empty)
		c.empty = nil
	}
}

// gone returns a channel that is closed when nobody is there.
func (c *crowd) gone() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.count == 0 {
		return closedChannel
	}
	if c.empty == nil {
		c.empty = make(chan struct{})
	}
	return c.empty
}
