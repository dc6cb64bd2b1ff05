package mttranscode

import (
	"sync"
	"syscall"
	"time"
)

// caller runs calls into the program's code for callbacks of C, one at a time, each in a goroutine that may be left
// behind: a callback must not wait for what never returns, or the job's thread could not end.
type caller struct {
	host *host
	// direct calls never wait, and are made on the callback's thread itself.
	direct bool
	// halt ends calls too; nil for ever where that does not concern them.
	halt <-chan struct{}

	mu      sync.Mutex
	queue   []func()
	running bool
}

const (
	codeCancelled = -int64(syscall.ECANCELED)
	codeIO        = -int64(syscall.EIO)
)

// fileGrace bounds how long the close of a file holds up a job that was cancelled.
const fileGrace = 300 * time.Millisecond

func (c *caller) isOver() bool {
	select {
	case <-c.host.stop:
	case <-c.host.done:
	case <-c.halt:
	default:
		return false
	}
	return true
}

// call returns what f does, or ECANCELED once the job is cancelled or over.
func (c *caller) call(f func() int64) int64 {
	if c.isOver() {
		return codeCancelled
	}
	if c.direct {
		return c.guarded(f)
	}
	answer := c.submit(f)
	select {
	case result := <-answer:
		return result
	case <-c.host.stop:
	case <-c.host.done:
	case <-c.halt:
	}
	return codeCancelled
}

// callAnyway is for what must be done also where the job was cancelled.
func (c *caller) callAnyway(f func() int64) int64 {
	if c.direct {
		return c.guarded(f)
	}
	answer := c.submit(f)
	select {
	case result := <-answer:
		return result
	case <-c.host.stop:
	case <-c.host.done:
	}
	timer := time.NewTimer(fileGrace)
	defer timer.Stop()
	select {
	case result := <-answer:
		return result
	case <-timer.C:
		return codeCancelled
	}
}

func (c *caller) guarded(f func() int64) int64 {
	result := codeCancelled
	_ = c.host.guard(func() error { result = f(); return nil })
	return result
}

func (c *caller) submit(f func() int64) <-chan int64 {
	answer := make(chan int64, 1)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.queue = append(c.queue, func() {
		result := codeIO // where f ends the goroutine
		defer func() { answer <- result }()
		result = c.guarded(f)
	})
	if !c.running {
		c.running = true
		c.host.others.enter()
		go c.run()
	}
	return answer
}

func (c *caller) run() {
	emptied := false
	defer func() {
		if !emptied { // a call ended the goroutine: the next ones need another
			go c.run()
		}
	}()
	for {
		next := c.next()
		if next == nil {
			emptied = true
			return
		}
		next()
	}
}

func (c *caller) next() func() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.queue) == 0 {
		c.running = false
		c.host.others.leave()
		return nil
	}
	first := c.queue[0]
	c.queue = c.queue[1:]
	return first
}
