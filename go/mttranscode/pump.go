package mttranscode

// #include "library.h"
import "C"

import (
	"errors"
	"io"
	"sync"
)

// pump is a pipe of a job's and the goroutine that moves bytes between it and a stream of the program's.
type pump struct {
	label  string
	config bindConfig
	pipe   *Pipe
	closer sync.Once
}

func newPump(name string, config bindConfig) pump { return pump{label: name, config: config} }

func (p *pump) name() string { return p.label }

// connect makes the pipe and gives an end of it to the job. Where a start failed it is there already.
func (p *pump) connect(j *Job, side C.uint32_t) error {
	if p.pipe == nil {
		pipe, err := newPipe(j.engine.poller, p.config.pipe)
		if err != nil {
			return err
		}
		p.pipe = pipe
	}
	return bindPipe(j, p.label, p.pipe, side)
}

func (p *pump) closePipe() {
	if p.pipe != nil {
		p.pipe.Close()
	}
}

// closeStream closes the program's stream once where that was asked for.
func (p *pump) closeStream(stream any, broken error) (err error) {
	closer, ok := stream.(io.Closer)
	if !p.config.close || !ok {
		return nil
	}
	p.closer.Do(func() { err = finishFile(closer, broken) })
	return err
}

func (p *pump) deliver(*host) {}

func (p *pump) isStill() bool { return false }

// inputPump moves what a reader gives to the job.
type inputPump struct {
	pump
	reader io.Reader
}

func (p *inputPump) bind(j *Job) error { return p.connect(j, C.MT_TRANSCODE_SIDE_READ) }

func (p *inputPump) start(h *host) {
	h.others.enter()
	go func() {
		err := errGoexit
		defer func() {
			_ = p.pipe.Writer().CloseWithError(err)
			h.others.leave()
		}()
		err = h.guard(func() error { return p.move(h) })
		_ = h.guard(func() error { return p.closeStream(p.reader, nil) })
	}()
}

// move returns what the pipe is to be closed with.
func (p *inputPump) move(h *host) error {
	for empty := 0; ; {
		n, atReader, atPipe := p.pipe.moveIn(p.reader, h.stop)
		if atPipe != nil {
			return ErrCancelled // the job wants no more: nobody reads this
		}
		if atReader == nil {
			atReader = noProgress(n, &empty)
		}
		switch {
		case atReader == io.EOF:
			return nil
		case atReader != nil:
			h.fail(failure{name: p.label, err: atReader})
			return atReader
		}
	}
}

// finish also closes the reader, in a goroutine of its own: where a Read does not return, Close is what ends it, but may
// wait for it.
func (p *inputPump) finish(h *host) {
	p.closePipe()
	if p.config.close {
		go func() { _ = h.guard(func() error { return p.closeStream(p.reader, nil) }) }()
	}
}

// outputPump moves what the job writes to a writer.
type outputPump struct {
	pump
	writer  io.Writer
	started bool
}

// pumpChunk is what is passed on to a writer at once, unless the flush interval comes first: each time costs more of Go's scheduler than a small job can
// spare.
const pumpChunk = 256 << 10

func (p *outputPump) bind(j *Job) error {
	if p.config.pipe == (pipeConfig{}) {
		p.config.pipe.chunk = pumpChunk
	}
	return p.connect(j, C.MT_TRANSCODE_SIDE_WRITE)
}

func (p *outputPump) start(h *host) {
	p.started = true
	h.outputs.enter()
	go func() {
		broken := failure{name: p.label, err: errGoexit, lost: true}
		defer func() {
			if broken.err != nil {
				_ = p.pipe.Reader().CloseWithError(broken.err)
				h.fail(broken)
			}
			h.outputs.leave()
		}()
		if err := h.guard(func() error { broken = p.move(h); return nil }); err != nil {
			broken.err = err
		}
		closing := h.guard(func() error { return p.closeStream(p.writer, broken.err) })
		if broken.err == nil {
			broken.err = closing
		}
	}()
}

// move returns why not everything was delivered, without an error where it was.
func (p *outputPump) move(h *host) failure {
	for {
		if isClosed(h.stop) && !p.pipe.isAtEnd() {
			return failure{name: p.label, err: ErrCancelled, ours: true, lost: true}
		}
		_, atWriter, atPipe := p.pipe.moveOut(p.writer, h.stop)
		switch {
		case atWriter != nil:
			return failure{name: p.label, err: atWriter, lost: true}
		case atPipe == io.EOF:
			return failure{name: p.label, lost: true}
		case atPipe == errStopped, errors.Is(atPipe, ErrClosed): // finish closes what is not read to its end
			return failure{name: p.label, err: ErrCancelled, ours: true, lost: true}
		case atPipe != nil:
			return failure{name: p.label, err: atPipe, ours: true, lost: true}
		}
	}
}

// finish leaves the closing of a writer to the goroutine that writes, which alone knows whether all was written.
func (p *outputPump) finish(h *host) {
	p.closePipe()
	if !p.started {
		_ = h.guard(func() error { return p.closeStream(p.writer, ErrCancelled) })
	}
}
