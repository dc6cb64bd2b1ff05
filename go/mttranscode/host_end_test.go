package mttranscode

import (
	"bytes"
	"context"
	"errors"
	"io"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// The job ends by itself while the reader waits for a client that sends nothing more.
func TestJobEndsBeforeItsReader(t *testing.T) {
	engine := newEngine(t)
	before := atRest(t)
	source, sourceEnd := io.Pipe()
	go func() { _, _ = sourceEnd.Write(readFile(t, fragClip(t))) }()
	job := newJob(t, engine, "-i", "mt:in", "-c", "copy", "-t", "0.5", "-f", "mpegts", "mt:out")
	var out bytes.Buffer
	check(t, job.BindInput("in", source))
	check(t, job.BindOutput("out", &out))
	check(t, returns(t, "Run", func() error { return job.Run(context.Background()) }))
	check(t, job.Close())
	if out.Len() == 0 {
		t.Error("nothing came out")
	}
	check(t, sourceEnd.Close())
	wantNothingLeft(t, engine)
	before.wantAgain(t)
}

func TestEngineCloseEndsStreams(t *testing.T) {
	before := atRest(t)
	for kind := range inputs(nil) {
		engine, err := NewEngine()
		check(t, err)
		peer := newStuck(t)
		job := remuxJob(t, engine, inputs(peer)[kind], io.Discard, "mpegts")
		running := background(func() error { return job.Run(context.Background()) })
		<-peer.inside
		check(t, returns(t, "the engine's Close", engine.Close))
		wantIs(t, returns(t, "Run", func() error { return <-running }), ErrCancelled)
		peer.end()
		check(t, job.Close())
	}
	before.wantAgain(t)
}

func TestShutdownEndsStreams(t *testing.T) {
	for kind := range inputs(nil) {
		t.Run(kind, func(t *testing.T) {
			engine := newEngine(t)
			peer := newStuck(t)
			job := remuxJob(t, engine, inputs(peer)[kind], io.Discard, "mpegts")
			running := background(func() error { return job.Run(context.Background()) })
			<-peer.inside
			now, cancel := context.WithTimeout(context.Background(), 0)
			defer cancel()
			counts, err := engine.Shutdown(now)
			check(t, err)
			if counts.Detached != 0 {
				t.Errorf("counts are %+v", counts)
			}
			wantIs(t, returns(t, "Run", func() error { return <-running }), ErrCancelled)
			check(t, job.Close())
		})
	}
}

// A stop ends the wait for a client that sends nothing more; what it sent is delivered.
func TestStopEndsStreams(t *testing.T) {
	engine := newEngine(t)
	for _, kind := range []string{"stream", "seekable"} {
		t.Run(kind, func(t *testing.T) {
			source := &drying{ReadSeeker: open(t, fragClip(t)), peer: newStuck(t)}
			var r io.Reader = source
			if kind == "stream" {
				r = streamOnly(source)
			}
			var out bytes.Buffer
			job := newJob(t, engine)
			check(t, job.BindInput("in", r, WithCapacity(4096), WithChunkSize(512)))
			check(t, job.Input("mt:in", Flag("re")))
			check(t, job.OutputTo(&out, Opt("c", "copy"), Opt("f", "mpegts")))
			check(t, job.Start())
			untilProgress(t, job) // before, a stop is a cancel
			source.isDry.Store(true)
			<-source.peer.inside
			check(t, job.Stop())
			check(t, returns(t, "Wait", func() error { return job.Wait(context.Background()) }))
			if out.Len() == 0 {
				t.Error("nothing came out")
			}
		})
	}
}

// drying gives little at a time, and from some moment on nothing.
type drying struct {
	io.ReadSeeker
	peer  *stuck
	isDry atomic.Bool
}

func (d *drying) Read(buffer []byte) (int, error) {
	if d.isDry.Load() {
		d.peer.wait()
	}
	return d.ReadSeeker.Read(buffer[:min(len(buffer), 512)])
}

// A pipe that the program frees while a job has the other end of it.
func TestPipeClosedWhileBound(t *testing.T) {
	engine := newEngine(t)
	for name, bind := range map[string]func(*Job, *Pipe) error{
		"input":  func(j *Job, p *Pipe) error { return j.BindInput("x", p.Reader()) },
		"output": func(j *Job, p *Pipe) error { return j.BindOutput("x", p.Writer()) },
	} {
		t.Run(name, func(t *testing.T) {
			args := []string{"-i", "mt:x", "-f", "null", "-"}
			if name == "output" {
				args = []string{"-f", "lavfi", "-i", "testsrc2=s=160x120:r=25", "-c:v", "mpeg4", "-f", "mpegts", "mt:x"}
			}
			pipe := newPipeOf(t, engine)
			job := newJob(t, engine, args...)
			check(t, bind(job, pipe))
			check(t, job.Start())
			check(t, pipe.Close())
			wantIs(t, job.Wait(within(t)), syscall.EPIPE)
		})
	}
	pipe := newPipeOf(t, engine)
	check(t, pipe.Close())
	job := newJob(t, engine, "-i", "mt:x", "-f", "null", "-")
	check(t, job.BindInput("x", pipe.Reader()))
	wantIs(t, job.Start(), ErrClosed)
	wantNothingLeftOf(t, engine)
}

// An end of a pipe that somebody is at belongs to nobody else; and a panic in a Read gives it back.
func TestPipeEndIsTaken(t *testing.T) {
	engine := newEngine(t)
	pipe := newPipeOf(t, engine)
	func() {
		defer func() { _ = recover() }()
		_, _ = pipe.Writer().ReadFrom(readerFunc(func([]byte) (int, error) { panic("x") }))
	}()
	_, err := pipe.Writer().Write([]byte("abc"))
	check(t, err)
	peer := newStuck(t)
	moving := background(func() error { _, err := pipe.Reader().WriteTo(peer); return err })
	<-peer.inside
	_, err = pipe.Reader().Read(make([]byte, 1))
	wantIs(t, err, ErrBusy)
	_, err = pipe.Reader().WriteTo(io.Discard)
	wantIs(t, err, ErrBusy)
	job := newJob(t, engine, "-i", "mt:x", "-f", "null", "-")
	check(t, job.BindInput("x", pipe.Reader()))
	wantIs(t, job.Start(), ErrBusy)
	peer.end()
	check(t, pipe.Writer().Close())
	check(t, <-moving)
}

// A job that the engine refuses can be started later, with what is bound to it.
func TestStartAgainWithStreams(t *testing.T) {
	engine := newEngine(t, WithMaxRunning(1), WithMaxQueued(0))
	first := start(t, engine, endless...)
	var out bytes.Buffer
	in := &closing{Reader: open(t, tsClip(t))}
	job := newJob(t, engine, "-i", "mt:in", "-map", "0", "-c", "copy", "-f", "mpegts", "mt:out")
	check(t, job.BindInput("in", in, CloseWhenDone()))
	check(t, job.BindOutput("out", &out))
	wantIs(t, job.Run(within(t)), ErrAgain)
	if in.closed != 0 {
		t.Error("the reader was closed by a start that failed")
	}
	check(t, first.Close())
	check(t, job.Run(within(t)))
	if want := fileToFile(t, engine, tsClip(t), "mpegts"); !bytes.Equal(out.Bytes(), want) || in.closed != 1 {
		t.Errorf("%d bytes, the file has %d; the reader was closed %d times", out.Len(), len(want), in.closed)
	}
	never := newJob(t, engine, "-i", "mt:in", "-c", "copy", "-f", "mpegts", "mt:out")
	unused, broken := &closing{Reader: in}, &closing{Writer: io.Discard}
	check(t, errors.Join(never.BindInput("in", unused, CloseWhenDone()), never.BindOutput("out", broken, CloseWhenDone())))
	check(t, never.Close())
	eventually(t, "what a job was given is closed", func() bool { return broken.closed == 1 })
}

// A job is told of its end at once, however long its streams take.
func TestCancelIsPrompt(t *testing.T) {
	engine := newEngine(t)
	source, sourceEnd := io.Pipe()
	defer sourceEnd.Close()
	job := remuxJob(t, engine, source, io.Discard, "mpegts")
	check(t, job.Start())
	time.Sleep(10 * time.Millisecond)
	check(t, job.Cancel())
	eventually(t, "the state is final", func() bool { return job.State().Final() })
	wantIs(t, job.Wait(within(t)), ErrCancelled)
}
