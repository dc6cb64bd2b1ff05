package mttranscode

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

// S77: what a job of whole inputs and outputs makes is what it makes of files.
func TestWholeEqualsFile(t *testing.T) {
	engine := newEngine(t)
	data := readFile(t, clip(t))
	want := fileToFile(t, engine, clip(t), "mp4", "-movflags", "+faststart")
	padded := bytes.NewReader(append([]byte("four"), data...))
	_, err := padded.Seek(4, io.SeekStart)
	check(t, err)
	for name, r := range map[string]wholeReader{
		"bytes": bytes.NewReader(data), "buffer": bytes.NewBuffer(bytes.Clone(data)), "string": strings.NewReader(string(data)),
		"from the middle": padded,
	} {
		t.Run(name, func(t *testing.T) {
			out := bytes.NewBufferString("before ")
			check(t, remux(t, engine, r, out, "mp4", Opt("movflags", "+faststart")))
			if !bytes.Equal(out.Bytes(), append([]byte("before "), want...)) {
				t.Errorf("%d bytes, the file has %d", out.Len()-len("before "), len(want))
			}
			if r.Len() != 0 {
				t.Errorf("%d bytes are left", r.Len())
			}
		})
	}
	wantNothingLeftOf(t, engine)
}

// Beyond the bound a bytes.Reader is read by callbacks, and a bytes.Buffer by a pipe.
func TestLargerThanWhole(t *testing.T) {
	engine := newEngine(t)
	clip := readFile(t, tsClip(t))
	data := bytes.Repeat(clip, maxWholeInput/len(clip)+1)
	for _, r := range []wholeReader{bytes.NewReader(data), bytes.NewBuffer(data), strings.NewReader(string(data))} {
		if _, ok := asWhole(r); ok {
			t.Errorf("%T with %d bytes is whole", r, r.Len())
		}
		var out bytes.Buffer
		check(t, remux(t, engine, r, &out, "mpegts"))
		if out.Len() < len(data)/2 {
			t.Errorf("%T: %d bytes of %d", r, out.Len(), len(data))
		}
	}
	wantNothingLeftOf(t, engine)
}

// What is nil is refused, or panics, as ever.
func TestWholeNil(t *testing.T) {
	engine := newEngine(t)
	wantIs(t, remux(t, engine, &bytes.Reader{}, io.Discard, "mpegts"), ErrDemux)
	wantIs(t, remux(t, engine, bytes.NewReader(nil), &bytes.Buffer{}, "mpegts"), ErrDemux)
	var none *bytes.Buffer
	if _, ok := asWhole(none); ok {
		t.Error("nil is whole")
	}
}

// A start that is refused takes nothing from the reader.
func TestWholeStartRefused(t *testing.T) {
	engine := newEngine(t, WithMaxRunning(1), WithMaxQueued(0))
	running := start(t, engine, endless...)
	data := readFile(t, tsClip(t))
	in, out := bytes.NewBuffer(bytes.Clone(data)), &bytes.Buffer{}
	job := remuxJob(t, engine, in, out, "mpegts")
	wantIs(t, job.Start(), ErrAgain)
	if in.Len() != len(data) || out.Len() != 0 {
		t.Errorf("%d bytes are left, %d written", in.Len(), out.Len())
	}
	check(t, running.Close())
	eventually(t, "a place", func() bool { return job.Start() == nil })
	check(t, job.Wait(within(t)))
	if in.Len() != 0 || !bytes.Equal(out.Bytes(), fileToFile(t, engine, tsClip(t), "mpegts")) {
		t.Errorf("%d bytes are left, %d written", in.Len(), out.Len())
	}
	check(t, job.Close())
	wantNothingLeftOf(t, engine)
}

// The copies count in the engine's memory, and are given back.
func TestWholeIsCounted(t *testing.T) {
	engine := newEngine(t)
	job := remuxJob(t, engine, bytes.NewReader(readFile(t, tsClip(t))), &bytes.Buffer{}, "mpegts")
	check(t, job.Run(within(t)))
	if reserved := engineStats(t, engine).MemoryReserved; reserved != 0 {
		t.Errorf("%d bytes are reserved after Run", reserved)
	}
	check(t, job.Close())
}

// What a job wrote before it failed is delivered.
func TestWholeAfterFailure(t *testing.T) {
	engine := newEngine(t)
	broken := errors.New("broken")
	data := readFile(t, tsClip(t))
	var out bytes.Buffer
	err := remux(t, engine, io.MultiReader(bytes.NewReader(data[:len(data)/2]), errorReader{broken}), &out, "mpegts")
	if !errors.Is(err, broken) {
		t.Errorf("Run gives %v", err)
	}
	if out.Len() == 0 {
		t.Error("nothing was delivered")
	}
	wantNothingLeftOf(t, engine)
}

type errorReader struct{ err error }

func (r errorReader) Read([]byte) (int, error) { return 0, r.err }

// A job without goroutines is cancelled by its context, by Cancel and by Close, and many may wait for it.
func TestWholeCancel(t *testing.T) {
	engine := newEngine(t)
	data := readFile(t, tsClip(t))
	begin := func() (*Job, *bytes.Buffer) {
		job, out := newJob(t, engine), &bytes.Buffer{}
		check(t, job.InputFrom(bytes.NewReader(data), Opt("readrate", "0.01")))
		check(t, job.OutputTo(out, Opt("c", "copy"), Opt("f", "mpegts")))
		return job, out
	}
	job, _ := begin()
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	err := job.Run(ctx)
	if !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, ErrCancelled) {
		t.Errorf("Run gives %v", err)
	}
	check(t, job.Close())

	job, _ = begin()
	goroutines := runtime.NumGoroutine()
	check(t, job.Start())
	if now := runtime.NumGoroutine(); now > goroutines {
		t.Errorf("%d goroutines for a job that needs none", now-goroutines)
	}
	answers := make(chan error)
	for range 8 {
		go func() { answers <- job.Wait(context.Background()) }()
	}
	check(t, job.Cancel())
	for range 8 {
		wantIs(t, <-answers, ErrCancelled)
	}
	wantIs(t, job.Err(), ErrCancelled)
	check(t, job.Close())
	wantIs(t, job.Err(), ErrCancelled)

	job, _ = begin()
	check(t, job.Start())
	check(t, job.Close())
	job, _ = begin()
	check(t, job.Close())
	wantNothingLeftOf(t, engine)
}

// An engine that is closed ends the job, whose output is delivered all the same.
func TestWholeEngineClosed(t *testing.T) {
	engine, err := NewEngine()
	check(t, err)
	job, err := engine.NewJob()
	check(t, err)
	check(t, job.InputFrom(bytes.NewReader(readFile(t, tsClip(t))), Opt("readrate", "0.01")))
	check(t, job.OutputTo(&bytes.Buffer{}, Opt("c", "copy"), Opt("f", "mpegts")))
	check(t, job.Start())
	check(t, engine.Close())
	wantIs(t, job.Wait(within(t)), ErrCancelled)
	check(t, job.Close())
}

// S78: names are taken once, and options for a pipe make it a stream.
func TestWholeRefusals(t *testing.T) {
	engine := newEngine(t)
	job := newJob(t, engine, "-i", "mt:in", "-c", "copy", "-f", "mp4", "mt:out")
	check(t, job.BindInput("in", strings.NewReader("")))
	if err := job.BindInput("in", &bytes.Buffer{}); !errors.Is(err, fs.ErrExist) || !errors.Is(err, syscall.EEXIST) {
		t.Errorf("a second bind gives %v", err)
	}
	wantIs(t, job.BindOutput("a b", &bytes.Buffer{}), ErrInvalid)
	check(t, job.BindOutput("out", &bytes.Buffer{}, WithCapacity(4096)))
	if err := job.Run(within(t)); !errors.Is(err, ErrDemux) && !errors.Is(err, ErrInvalid) {
		t.Errorf("Run gives %v", err)
	}
	check(t, job.Close())
	err := func() error {
		job := newJob(t, engine)
		check(t, job.InputFrom(open(t, clip(t))))
		check(t, job.BindOutput("out", &bytes.Buffer{}, WithFlushInterval(0)))
		check(t, job.Output("mt:out", Opt("c", "copy"), Opt("f", "mp4")))
		defer job.Close()
		return job.Run(within(t))
	}()
	wantIs(t, err, ErrUnsupported)
	wantNothingLeftOf(t, engine)
}
