package mttranscode

import (
	"bytes"
	"context"
	"errors"
	"io"
	"runtime"
	"strings"
	"testing"
	"time"
)

// hosts are the ways in which a program's reader can be called by a job.
func inputs(r io.Reader) map[string]io.Reader {
	return map[string]io.Reader{"stream": r, "seekable": seekingReader{r}}
}

// seekingReader says that it can seek.
type seekingReader struct{ io.Reader }

func (s seekingReader) Seek(offset int64, whence int) (int64, error) {
	if whence == io.SeekEnd {
		return 1 << 20, nil
	}
	return offset, nil
}

func outputs(w io.Writer) map[string]io.Writer {
	return map[string]io.Writer{"stream": w, "seekable": seekingWriter{w}}
}

type seekingWriter struct{ io.Writer }

func (s seekingWriter) Seek(offset int64, whence int) (int64, error) { return offset, nil }

// A panic of the program's ends its job, and comes out of Run and Wait; Close does not panic.
func TestPanicsComeOutOfRun(t *testing.T) {
	engine := newEngine(t)
	cause := errors.New("a bug of the program's")
	run := func(t *testing.T, r io.Reader, w io.Writer) {
		job := remuxJob(t, engine, r, w, "mpegts")
		for what, call := range map[string]func() error{
			"Run":  func() error { return job.Run(within(t)) },
			"Wait": func() error { return job.Wait(within(t)) },
		} {
			if what == "Wait" && job.State() == StateNew {
				continue // it comes after Run, whatever order the map has
			}
			wantPanic(t, what, cause, call)
		}
		wantPanic(t, "Wait", cause, func() error { return job.Wait(within(t)) })
		if job.State() != StateCancelled && job.State() != StateSucceeded { // all may have been in the pipe
			t.Errorf("state is %v", job.State())
		}
		check(t, job.Close())
	}
	for name, r := range inputs(readerFunc(func([]byte) (int, error) { panic(cause) })) {
		t.Run("reader, "+name, func(t *testing.T) { run(t, r, io.Discard) })
	}
	for name, w := range outputs(writerFunc(func([]byte) (int, error) { panic(cause) })) {
		t.Run("writer, "+name, func(t *testing.T) { run(t, open(t, tsClip(t)), w) })
	}
	wantNothingLeft(t, engine)
}

func wantPanic(t *testing.T, what string, cause error, call func() error) {
	t.Helper()
	defer func() {
		t.Helper()
		caught, ok := recover().(*PanicError)
		if !ok || caught.Value != cause || !errors.Is(caught, cause) {
			t.Fatalf("%s panics with %v", what, caught)
		}
		for _, part := range []string{"host_test.go", "wantPanic", cause.Error()} {
			if !strings.Contains(caught.Error(), part) {
				t.Errorf("%s: %q is not in %s", what, part, caught)
			}
		}
	}()
	t.Errorf("%s returns %v", what, call())
}

func TestGoexitEndsTheJob(t *testing.T) {
	engine := newEngine(t)
	for name, r := range inputs(readerFunc(func([]byte) (int, error) { runtime.Goexit(); return 0, nil })) {
		if err := remux(t, engine, r, io.Discard, "mpegts"); err == nil {
			t.Errorf("%s: the job succeeds", name)
		}
	}
	for name, w := range outputs(writerFunc(func([]byte) (int, error) { runtime.Goexit(); return 0, nil })) {
		if err := remux(t, engine, open(t, tsClip(t)), w, "mpegts"); err == nil {
			t.Errorf("%s: the job succeeds", name)
		}
	}
	wantNothingLeft(t, engine)
}

// A call of the program's that never returns holds up neither a cancel nor Close.
func TestNeverReturns(t *testing.T) {
	engine := newEngine(t)
	before := atRest(t)
	run := func(name string, r io.Reader, w io.Writer, peer *stuck) {
		t.Run(name+", cancel", func(t *testing.T) {
			job := remuxJob(t, engine, r, w, "mpegts")
			ctx, cancel := cancelInside(peer)
			defer cancel()
			err := returns(t, "Run", func() error { return job.Run(ctx) })
			wantIs(t, err, context.Canceled)
			wantIs(t, err, ErrCancelled)
			if job.State() != StateCancelled && job.State() != StateSucceeded { // all may have been in the pipe
				t.Errorf("state is %v", job.State())
			}
			check(t, returns(t, "Close", job.Close))
		})
		t.Run(name+", close", func(t *testing.T) {
			job := remuxJob(t, engine, r, w, "mpegts")
			check(t, job.Start())
			<-peer.inside
			waiting := background(func() error { return job.Wait(context.Background()) })
			check(t, returns(t, "Close", job.Close))
			if err := returns(t, "Wait", func() error { return <-waiting }); err == nil {
				t.Error("the job succeeded")
			}
		})
	}
	peers, media := []*stuck{}, readFile(t, tsClip(t))
	for _, kind := range []string{"stream", "seekable"} {
		in, out := newStuck(t), newStuck(t)
		peers = append(peers, in, out)
		run(kind+" reader", inputs(in)[kind], io.Discard, in)
		run(kind+" writer", bytes.NewReader(media), outputs(out)[kind], out)
	}
	for _, peer := range peers {
		peer.end()
	}
	wantNothingLeft(t, engine)
	before.wantAgain(t)
}

// A job that is done is no success while its writer does not take the bytes.
func TestUndeliveredIsNoSuccess(t *testing.T) {
	engine := newEngine(t)
	peer := newStuck(t)
	job := remuxJob(t, engine, bytes.NewReader(readFile(t, tsClip(t))), streamOnlyWriter(peer), "mpegts")
	ctx, cancel := context.WithCancel(context.Background())
	running := background(func() error { return job.Run(ctx) })
	eventually(t, "the job is done", func() bool { return job.State() == StateSucceeded })
	if err := job.Err(); err != nil {
		t.Errorf("before the end of the delivery: %v", err)
	}
	short, cancelShort := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancelShort()
	wantIs(t, job.Wait(short), context.DeadlineExceeded)
	cancel()
	err := returns(t, "Run", func() error { return <-running })
	wantIs(t, err, context.Canceled)
	wantIs(t, err, ErrCancelled)
	wantIs(t, job.Err(), ErrCancelled)
}

func streamOnlyWriter(w io.Writer) io.Writer { return struct{ io.Writer }{w} }

func TestCancelEndsBothSides(t *testing.T) {
	engine := newEngine(t)
	before := atRest(t)
	source, sourceEnd := io.Pipe()                                   // a client that sends something, then nothing, and does not go away
	go func() { _, _ = sourceEnd.Write(readFile(t, fragClip(t))) }() // its header tells all, so the job begins at once
	got := make(chan struct{}, 1000)
	ctx, cancel := context.WithCancel(context.Background())
	job := remuxJob(t, engine, source, writerFunc(func(data []byte) (int, error) {
		select {
		case got <- struct{}{}:
		default:
		}
		return len(data), nil
	}), "mpegts")
	running := background(func() error { return job.Run(ctx) })
	<-got
	cancel()
	wantIs(t, returns(t, "Run", func() error { return <-running }), context.Canceled)
	check(t, job.Close())
	check(t, sourceEnd.Close()) // ends the Read that was left behind
	wantNothingLeft(t, engine)
	before.wantAgain(t)
}

// The consumer goes away in the middle of an endless job.
func TestConsumerVanishes(t *testing.T) {
	engine := newEngine(t)
	cause := errors.New("connection reset by the viewer")
	job := newJob(t, engine, "-f", "lavfi", "-i", "testsrc2=s=160x120:r=25", "-c:v", "mpeg4", "-f", "mpegts", "mt:out")
	calls := 0
	check(t, job.BindOutput("out", writerFunc(func(data []byte) (int, error) {
		if calls++; calls > 3 {
			return 0, cause
		}
		return len(data), nil
	}), WithCapacity(4096), WithChunkSize(1024)))
	wantIs(t, job.Run(within(t)), cause)

	pipe := newPipeOf(t, engine)
	job = newJob(t, engine, "-f", "lavfi", "-i", "testsrc2=s=160x120:r=25", "-c:v", "mpeg4", "-f", "mpegts", "mt:out")
	check(t, job.BindOutput("out", pipe.Writer()))
	running := background(func() error { return job.Run(within(t)) })
	_, err := io.ReadFull(pipe.Reader(), make([]byte, 10_000))
	check(t, err)
	check(t, pipe.Reader().CloseWithError(cause))
	wantIs(t, <-running, cause)
}

func TestStopDeliversTheEnd(t *testing.T) {
	engine := newEngine(t)
	var out bytes.Buffer
	job := newJob(t, engine, "-re", "-f", "lavfi", "-i", "testsrc2=s=160x120:r=25", "-c:v", "mpeg4", "-f", "mpegts", "mt:out")
	check(t, job.BindOutput("out", &out))
	check(t, job.Start())
	untilProgress(t, job)
	check(t, job.Stop())
	check(t, job.Wait(within(t)))
	var again bytes.Buffer
	check(t, remux(t, engine, bytes.NewReader(out.Bytes()), &again, "mpegts"))
	if again.Len() == 0 {
		t.Error("nothing came out")
	}
}

func TestCloseWhenDone(t *testing.T) {
	engine := newEngine(t)
	cause := errors.New("the object was not committed")
	run := func(options ...BindOption) (in, out *closing, err error) {
		in, out = &closing{Reader: open(t, tsClip(t))}, &closing{Writer: io.Discard, err: cause}
		job := newJob(t, engine, "-i", "mt:in", "-c", "copy", "-f", "mpegts", "mt:out")
		check(t, job.BindInput("in", in, options...))
		check(t, job.BindOutput("out", out, options...))
		err = job.Run(within(t))
		check(t, job.Close())
		return in, out, err
	}
	in, out, err := run()
	check(t, err)
	if in.closed+out.closed != 0 {
		t.Errorf("closed %d and %d times without being asked", in.closed, out.closed)
	}
	in, out, err = run(CloseWhenDone())
	wantIs(t, err, cause)
	if in.closed != 1 || out.closed != 1 {
		t.Errorf("closed %d and %d times", in.closed, out.closed)
	}
}

type closing struct {
	io.Reader
	io.Writer
	closed int
	err    error
}

func (c *closing) Close() error { c.closed++; return c.err }

// A Read that only a Close ends: the job ends it where it was asked to close.
func TestCloseWhenDoneEndsRead(t *testing.T) {
	engine := newEngine(t)
	before := atRest(t)
	source, sourceEnd := io.Pipe()
	defer sourceEnd.Close()
	ctx, cancel := context.WithCancel(context.Background())
	job := newJob(t, engine, "-i", "mt:in", "-f", "null", "-")
	check(t, job.BindInput("in", source, CloseWhenDone()))
	check(t, job.Start())
	cancel()
	wantIs(t, job.Wait(ctx), context.Canceled)
	check(t, job.Close())
	before.wantAgain(t)
}
