package mttranscode

// #include "library.h"
import "C"

import (
	"fmt"
	"io"
	"maps"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// AddOutput lets an output join a job that was started and has not ended: a viewer, a recording, a push to another server. It
// takes the packets of the job's inputs, or with the option mt_from those of another output, mostly with Opt("c", "copy"); what
// it does not copy it decodes and encodes by itself. It begins with the last key frame where one was kept (the input's
// options mt_gop_bytes, mt_live), else with the next one, and has a queue of its own, which mt_slow, mt_queue_bytes and
// mt_queue_ms bound. A URL "mt:NAME" is what [Job.BindOutput] or [Job.BindStore] bound after the start, which serves one output;
// where AddOutput fails, it is given up.
//
// Errors: [ErrInvalid] before the start, [ErrBusy] where the job ends, syscall.EPIPE where it has no more media or what mt_from names
// has ended, [ErrOption] and [ErrUnsupported] name the option. It never blocks: what is wrong with the file comes by [Output.Wait] and as
// [OutputFinished]; where the job runs in a worker process, also [ErrSandbox] of a file or host that the job did not name before its start.
func (j *Job) AddOutput(url string, options ...Option) (*Output, error) {
	j.startMu.Lock()
	started := j.started
	j.startMu.Unlock()
	if !started {
		return nil, invalid("the job was not started: its outputs are described by Output")
	}
	url, options, err := j.engine.poller.names.resolve(url, options)
	if err != nil {
		return nil, err
	}
	cURL, err := cString(url)
	if err != nil {
		return nil, err
	}
	defer runtime.KeepAlive(j)
	o := &Output{job: j, done: make(chan struct{})}
	o.host = newHost(o.owner(), o.done)
	bound := j.takeLate(url, o.host)
	if err = j.check(C.mt_transcode_job_output_new(j.handle, cURL, &o.handle)); err == nil {
		o.index = int(C.mt_transcode_output_index(o.handle))
		err = j.join(o, bound, options)
	}
	if err != nil {
		j.forgetOutput(o)
		j.host.removeGuest(o.host)
		C.mt_transcode_output_free(o.handle)
		o.host.release()
		return nil, err
	}
	o.host.start()
	return o, nil
}

func (j *Job) join(o *Output, bound binding, options []Option) error {
	for _, option := range options {
		key, value, err := cPair(option)
		if err != nil {
			return err
		}
		if err := o.check(C.mt_transcode_output_set_option(o.handle, key, value)); err != nil {
			return err
		}
	}
	if bound != nil {
		if err := o.host.bind(j); err != nil {
			return err
		}
	}
	o.host.settledAt = func() { j.host.removeGuest(o.host) }
	j.host.addGuest(o.host)
	j.lateMu.Lock()
	if j.outputs == nil {
		j.outputs = map[*Output]struct{}{}
	}
	j.outputs[o] = struct{}{}
	j.lateMu.Unlock()
	o.mu.Lock() // its end may be told before the call returns
	defer o.mu.Unlock()
	return o.check(C.mt_transcode_output_commit(o.handle))
}

// AddOutputTo lets an output join that is written to w: [Job.BindOutput] and [Job.AddOutput] in one, with a name of its own. The
// format must be named: Opt("f", "mpegts"). An error of w ends this output only.
func (j *Job) AddOutputTo(w io.Writer, options ...Option) (*Output, error) {
	name := j.lateName()
	if err := j.BindOutput(name, w); err != nil {
		return nil, err
	}
	return j.AddOutput("mt:"+name, options...)
}

// AddOutputStore lets an output of many files join, such as HLS, whose first is path in the store: [Job.BindStore] and
// [Job.AddOutput] in one, with a name of its own.
func (j *Job) AddOutputStore(store Store, path string, options ...Option) (*Output, error) {
	name := j.lateName()
	if err := j.BindStore(name, store); err != nil {
		return nil, err
	}
	return j.AddOutput("mt:"+name+"/"+path, options...)
}

func (j *Job) lateName() string {
	j.lateMu.Lock()
	defer j.lateMu.Unlock()
	for {
		j.joined++
		name := "joined" + strconv.Itoa(j.joined)
		if _, taken := j.late[name]; !taken && !j.host.has(name) {
			return name
		}
	}
}

// bindLate keeps what an output that joins will be written to.
func (j *Job) bindLate(name string, make func(*host) binding) error {
	j.lateMu.Lock()
	defer j.lateMu.Unlock()
	if _, taken := j.late[name]; taken || j.host.has(name) {
		e := callError(-C.int32_t(syscall.EEXIST))
		e.Message = fmt.Sprintf("the name %q is taken in this job", name)
		return e
	}
	if j.late == nil {
		j.late = map[string]func(*host) binding{}
	}
	j.late[name] = make
	return nil
}

// takeLate gives an output what was bound under the name in its URL; nil where nothing was.
func (j *Job) takeLate(url string, h *host) binding {
	name, ok := strings.CutPrefix(url, "mt:")
	if !ok {
		return nil
	}
	name, _, _ = strings.Cut(name, "/")
	j.lateMu.Lock()
	make, ok := j.late[name]
	delete(j.late, name)
	j.lateMu.Unlock()
	if !ok {
		return nil
	}
	b := make(h)
	_ = h.add(b) // it is the only one
	return b
}

// releaseLate is for what was bound and never used.
func (j *Job) releaseLate() {
	j.lateMu.Lock()
	late := j.late
	j.late = nil
	j.lateMu.Unlock()
	for _, make := range late {
		h := newHost(hostOwner{result: func() C.int32_t { return 0 }, cancel: func() {}}, closedChannel)
		_ = h.add(make(h))
		h.release()
	}
}

func (j *Job) forgetOutput(o *Output) {
	j.lateMu.Lock()
	defer j.lateMu.Unlock()
	delete(j.outputs, o)
}

func (j *Job) allOutputs() []*Output {
	j.lateMu.Lock()
	defer j.lateMu.Unlock()
	return slices.Collect(maps.Keys(j.outputs))
}

// lookAtOutputs comes when outputs that joined may be final.
func (j *Job) lookAtOutputs() {
	for _, o := range j.allOutputs() {
		o.look()
	}
}

// endOutputs comes before the job is freed, which has ended or is left behind.
func (j *Job) endOutputs() {
	guests := j.host.allGuests()
	for _, guest := range guests {
		guest.interrupt()
	}
	for _, o := range j.allOutputs() {
		o.abandon()
	}
	for _, guest := range guests {
		<-guest.wait()
	}
}
