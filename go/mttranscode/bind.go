package mttranscode

// #include "library.h"
import "C"

import (
	"bytes"
	"fmt"
	"io"
	"strings"
)

// BindOption is an argument of [Job.BindInput] and [Job.BindOutput]: each [PipeOption], and [CloseWhenDone].
type BindOption interface{ bind(*bindConfig) }

type bindConfig struct {
	pipe  pipeConfig
	close bool
}

func (o PipeOption) bind(c *bindConfig) { o(&c.pipe) }

type closeWhenDone struct{}

func (closeWhenDone) bind(c *bindConfig) { c.close = true }

// CloseWhenDone closes a reader or writer that is an io.Closer when the job is done with it; without it, it is left open.
// For a reader this also ends a Read that does not return. A writer is closed after the last byte, and where the close
// fails, so has the output; where the output is broken off and the writer has CloseWithError(error) error or
// Abort(error), that is called instead.
func CloseWhenDone() BindOption { return closeWhenDone{} }

// BindInput makes r an input of the job under the URL "mt:" and name, for use in an argument vector or with [Job.Input]:
//
//	job, err := engine.NewJob("-i", "mt:in", "-c", "copy", "-f", "mpegts", "mt:out")
//	err = job.BindInput("in", request.Body)
//	err = job.BindOutput("out", response)
//
// A name has up to 64 letters, digits, dots, dashes and underscores. The job reads r in one of four ways:
//
//   - The [PipeReader] of a [Pipe] goes to the job as it is. From then on the end is the job's.
//   - A *bytes.Reader, *bytes.Buffer or *strings.Reader that has at most 8 MiB is copied whole to the library's memory when
//     the job starts, and stands at its end afterwards. The job can seek in it and needs nothing of Go's while it
//     runs: this is the fastest way. The copy counts in [EngineStats].MemoryReserved.
//   - An io.Seeker that can seek (a regular file, a bytes.Reader) can be read as such: formats with an index anywhere
//     work. The input begins where r stands. One of at most 1 MiB is read when the job opens it: whole, but for one Read alone
//     where the job reads at the pace of the media. To have it read as a stream, hide the method: struct{ io.Reader }{r}.
//   - Any other, and a *bytes.Buffer with options for a pipe, is read as a stream by a goroutine, through a pipe with the
//     options given.
//
// r is read from when the job starts until it is over, by one goroutine at a time. An error of r other than io.EOF fails
// the job, and errors.Is finds it in what Run gives. A panic ends the job and comes out of Run. A Read that does not
// return holds up neither a cancel nor the end of the job nor Close for more than 700 ms: its goroutine is left behind
// until it returns.
//
// Errors: [ErrInvalid] for a bad name or a nil r, fs.ErrExist where the name is taken, [ErrBusy] after the start (outputs: after the end), or where
// the end of a pipe was given away already. A name that no URL of the job uses is refused at the start.
func (j *Job) BindInput(name string, r io.Reader, options ...BindOption) error {
	if r == nil {
		return invalid("the reader is nil")
	}
	return j.bind(name, func(h *host, chosen bindConfig) binding {
		if end, ok := r.(*PipeReader); ok {
			return &pipeBinding{name, end.pipe, C.MT_TRANSCODE_SIDE_READ}
		}
		if whole, ok := asWhole(r); ok && chosen.pipe == (pipeConfig{}) {
			return &wholeInput{label: name, reader: whole}
		}
		if seeker, base, ok := canSeek(r); ok {
			return newSeekable(name, h, chosen, seeker, base, r, nil)
		}
		return &inputPump{pump: newPump(name, chosen), reader: r}
	}, false, options)
}

// BindOutput makes w an output of the job under the URL "mt:" and name. The format must be named with the option f. The
// job writes w in one of four ways:
//
//   - The [PipeWriter] of a [Pipe] goes to the job as it is. From then on the end is the job's.
//   - A *bytes.Buffer gets the whole output when the job has ended, also what was written before a failure: Run, Wait or
//     Close put it there. Until then it is in the library's memory, which grows as needed up to 1 GiB, beyond which the
//     job fails with [ErrLimit], and counts in [EngineStats].MemoryReserved. The job can seek in it: plain MP4 and
//     faststart work. To have bytes as they come, or without end, give options for a pipe or hide the type:
//     struct{ io.Writer }{w}.
//   - An io.Seeker that can seek (a regular file not opened for appending) is written as such: formats that go back to
//     their beginning, as plain MP4 does, work. The output begins where w stands.
//   - Any other is written as a stream by a goroutine, through a pipe with the options given; without options it gets up
//     to 256 KiB at once, or what has come in 40 ms. MP4 then needs fragments: Opt("movflags", "+frag_keyframe+empty_moov").
//
// On a job that runs it is for one [Job.AddOutput] that names it, which alone ends with w's errors; a *bytes.Buffer is written
// as a stream then.
//
// Where the job ends well, Run returns after the last byte was written. An error of w fails the job, and errors.Is finds
// it in what Run gives, also where the job itself was done before. Otherwise as [Job.BindInput].
func (j *Job) BindOutput(name string, w io.Writer, options ...BindOption) error {
	if w == nil {
		return invalid("the writer is nil")
	}
	return j.bind(name, func(h *host, chosen bindConfig) binding {
		if end, ok := w.(*PipeWriter); ok {
			return &pipeBinding{name, end.pipe, C.MT_TRANSCODE_SIDE_WRITE}
		}
		if buffer, ok := w.(*bytes.Buffer); ok && h == j.host && buffer != nil && chosen.pipe == (pipeConfig{}) {
			return &wholeOutput{label: name, job: j.handle, writer: buffer}
		}
		if seeker, base, ok := canSeek(w); ok {
			reader, _ := w.(io.Reader)
			return newSeekable(name, h, chosen, seeker, base, reader, w)
		}
		return &outputPump{pump: newPump(name, chosen), writer: w}
	}, true, options)
}

// BindStore makes a store the place of outputs of the job that are many files, under URLs that begin with "mt:", name and
// a slash:
//
//	job, err := engine.NewJob("-i", "in.mp4", "-f", "hls", "mt:web/live/index.m3u8")
//	err = job.BindStore("web", store)
//
// Errors: as [Job.BindInput].
func (j *Job) BindStore(name string, store Store) error {
	if store == nil {
		return invalid("the store is nil")
	}
	return j.bind(name, func(h *host, _ bindConfig) binding { return newStoreBinding(name, h, store) }, true, nil)
}

func (j *Job) bind(name string, make func(*host, bindConfig) binding, isOutput bool, options []BindOption) error {
	if !isName(name) {
		return invalid(fmt.Sprintf("%q is no name: 1 to 64 letters, digits, dots, dashes and underscores", name))
	}
	var chosen bindConfig
	for _, option := range options {
		option.bind(&chosen)
	}
	j.startMu.Lock()
	defer j.startMu.Unlock()
	if j.closed.Load() {
		return closedError()
	}
	if j.started {
		if !isOutput || j.State().Final() {
			return callError(C.int32_t(ErrBusy))
		}
		return j.bindLate(name, func(h *host) binding { return make(h, chosen) })
	}
	return j.host.add(make(j.host, chosen))
}

func isName(name string) bool {
	const allowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"
	return len(name) >= 1 && len(name) <= 64 && strings.Trim(name, allowed) == ""
}

// InputFrom adds an input that is read from r: [Job.BindInput] and [Job.Input] in one, with a name of its own.
func (j *Job) InputFrom(r io.Reader, options ...Option) error {
	name := j.host.freeName("input")
	if err := j.BindInput(name, r); err != nil {
		return err
	}
	return j.Input("mt:"+name, options...)
}

// OutputTo adds an output that is written to w: [Job.BindOutput] and [Job.Output] in one, with a name of its own. The
// format must be named: Opt("f", "mpegts").
func (j *Job) OutputTo(w io.Writer, options ...Option) error {
	name := j.host.freeName("output")
	if err := j.BindOutput(name, w); err != nil {
		return err
	}
	return j.Output("mt:"+name, options...)
}

// OutputStore adds an output of many files, such as HLS or DASH, whose first is path in the store: [Job.BindStore] and
// [Job.Output] in one, with a name of its own.
func (j *Job) OutputStore(store Store, path string, options ...Option) error {
	name := j.host.freeName("store")
	if err := j.BindStore(name, store); err != nil {
		return err
	}
	return j.Output("mt:"+name+"/"+path, options...)
}

// pipeBinding is the end of a pipe that the program made.
type pipeBinding struct {
	label string
	pipe  *Pipe
	side  C.uint32_t
}

func (b *pipeBinding) name() string { return b.label }

func (b *pipeBinding) bind(j *Job) error { return bindPipe(j, b.label, b.pipe, b.side) }

func (b *pipeBinding) start(*host) {}

func (b *pipeBinding) deliver(*host) {}

func (b *pipeBinding) finish(*host) {}

func (b *pipeBinding) isStill() bool { return true }

// cause is what the program closed the other end with.
func (b *pipeBinding) cause() error {
	b.pipe.mu.Lock()
	defer b.pipe.mu.Unlock()
	if b.side == C.MT_TRANSCODE_SIDE_READ {
		return b.pipe.writeErr
	}
	return b.pipe.readErr
}

func bindPipe(j *Job, name string, pipe *Pipe, side C.uint32_t) error {
	cName, err := cString(name)
	if err != nil {
		return err
	}
	return j.check(C.mt_transcode_job_bind_pipe(j.handle, cName, pipe.handle, side))
}
