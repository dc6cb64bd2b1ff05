package mttranscode

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"
)

func isIsolated() bool { return os.Getenv("MT_TRANSCODE_ISOLATION") == "process" }

// hub is a job that encodes in real time, with a key frame every 0.4 s, until it is told to end. What joins it may write to temporary folders, also
// where it runs in a worker process.
func hub(t testing.TB, engine *Engine) *Job {
	t.Helper()
	return start(t, engine, "-re", "-f", "lavfi", "-i", "testsrc2=s=160x120:r=25", "-c:v", "libx264", "-preset", "ultrafast",
		"-tune", "zerolatency", "-g", "10", "-mt_gop_bytes", "1M", "-mt_allow_write", os.TempDir(), "-f", "null", "-")
}

func copies(options ...Option) []Option {
	return append([]Option{Opt("mt_from", "0"), Opt("c", "copy"), Opt("f", "mpegts")}, options...)
}

func addTo(t testing.TB, job *Job, w io.Writer, options ...Option) *Output {
	t.Helper()
	o, err := job.AddOutputTo(w, copies(options...)...)
	check(t, err)
	return o
}

// sink keeps what is written to it, and says when there is something.
type sink struct {
	mu    sync.Mutex
	bytes []byte
	some  chan struct{}
}

func newSink() *sink { return &sink{some: make(chan struct{})} }

func (s *sink) Write(data []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.bytes) == 0 {
		close(s.some)
	}
	s.bytes = append(s.bytes, data...)
	return len(data), nil
}

func (s *sink) size() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.bytes)
}

// wantStream checks that data can be played from its first picture on.
func wantStream(t testing.TB, engine *Engine, data []byte) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "stream.ts")
	check(t, os.WriteFile(path, data, 0o644))
	video := probe(t, engine, path).Stream("video")
	if video == nil || video.Codec != "h264" || video.Width != 160 {
		t.Errorf("video is %+v", video)
	}
}

func TestS92OutputsJoin(t *testing.T) {
	engine := newEngine(t)
	job := hub(t, engine)
	// Given two viewers, and a recording to a file
	first, second := newSink(), newSink()
	one, two := addTo(t, job, first), addTo(t, job, second)
	path := filepath.Join(t.TempDir(), "recording.mp4")
	recording, err := job.AddOutput(path, Opt("mt_from", "0"), Opt("c", "copy"), Opt("mt_slow", "wait"))
	check(t, err)
	if one.Index() != 1 || two.Index() != 2 || recording.Index() != 3 {
		t.Errorf("numbers are %d, %d, %d", one.Index(), two.Index(), recording.Index())
	}
	<-first.some
	<-second.some
	eventually(t, "it records", func() bool { return recording.Stats().PacketsWritten > 20 })
	if one.State() != OutputRunning || one.Err() != nil {
		t.Errorf("state %v, error %v", one.State(), one.Err())
	}
	// when they are ended, then each is whole, and the job goes on
	for _, o := range []*Output{one, recording} {
		check(t, o.Stop())
		check(t, o.Wait(within(t)))
		if stats := o.Stats(); stats.State != OutputSucceeded || stats.SizeBytes == 0 || stats.PacketsWritten == 0 || o.Err() != nil {
			t.Errorf("stats are %+v", stats)
		}
		check(t, o.Stop()) // again
	}
	wantStream(t, engine, first.bytes)
	if probe(t, engine, path).Format.Duration <= 0 {
		t.Error("the recording has no duration")
	}
	until(t, job, func(event Event) bool {
		finished, ok := event.(OutputFinished)
		return ok && finished.Index == recording.Index() && finished.Code == 0 && finished.SizeBytes > 0
	})
	// and what still takes part ends well with its job
	check(t, job.Stop())
	check(t, job.Wait(within(t)))
	check(t, two.Wait(within(t)))
	wantStream(t, engine, second.bytes)
	check(t, job.Close())
	if two.State() != OutputSucceeded { // it can still be asked
		t.Errorf("state is %v", two.State())
	}
	wantNothingLeft(t, engine)
}

func TestS93OneViewersTrouble(t *testing.T) {
	engine := newEngine(t)
	job := hub(t, engine)
	// Given one whose writer fails, one whose writer never returns, one that leaves, and one who sees all
	boom := errors.New("the client went away")
	fails := addTo(t, job, refusing{boom})
	never := newStuck(t)
	check(t, job.BindOutput("stuck", never, WithCapacity(4096)))
	slow, err := job.AddOutput("mt:stuck", copies(Opt("mt_slow", "skip"), Opt("mt_queue_bytes", "10000"))...)
	check(t, err)
	leaving, good := newSink(), newSink()
	leaves, stays := addTo(t, job, leaving), addTo(t, job, good)
	// then the first ends with what its writer said
	err = fails.Wait(within(t))
	wantIs(t, err, boom)
	wantIs(t, err, syscall.EPIPE)
	if fails.State() != OutputFailed || !errors.Is(fails.Err(), boom) {
		t.Errorf("state %v, error %v", fails.State(), fails.Err())
	}
	// the second is dropped from
	eventually(t, "packets are dropped", func() bool { return slow.Stats().PacketsDropped > 0 && slow.Stats().Skips > 0 })
	// and the third is gone when it says so
	<-leaving.some
	check(t, leaves.Cancel())
	wantIs(t, leaves.Wait(within(t)), ErrCancelled)
	if leaves.State() != OutputCancelled {
		t.Errorf("state is %v", leaves.State())
	}
	seen := good.size()
	eventually(t, "more comes to the other one", func() bool { return good.size() > seen })
	// A writer that never returns holds up no close
	check(t, slow.Close())
	wantIs(t, slow.Err(), ErrCancelled)
	check(t, job.Stop())
	check(t, job.Wait(within(t))) // none of this is the job's
	check(t, stays.Wait(within(t)))
	wantStream(t, engine, good.bytes)
	check(t, job.Close())
	wantNothingLeft(t, engine)
}

type refusing struct{ err error }

func (f refusing) Write([]byte) (int, error) { return 0, f.err }

func TestS94JoinRefusals(t *testing.T) {
	engine := newEngine(t)
	early := newJob(t, engine, endless...)
	_, err := early.AddOutput("x.ts")
	wantIs(t, err, ErrInvalid)
	job := hub(t, engine)
	wantIs(t, job.Output("late.ts"), ErrBusy)
	wantIs(t, job.BindInput("late", bytes.NewReader(nil)), ErrBusy)
	untilRunning(t, job)
	// What is wrong with the options is said at once, and names them
	for _, wrong := range []Option{Opt("no_such_option", "1"), Opt("mt_slow", "fast"), Opt("mt_from", "9")} {
		check(t, job.BindOutput("out", io.Discard))
		wantIs(t, job.BindOutput("out", io.Discard), fs.ErrExist)
		_, err = job.AddOutput("mt:out", copies(wrong)...) // and the name is free again
		var failure *Error
		if !errors.As(err, &failure) || failure.Code != ErrOption || failure.Message == "" {
			t.Errorf("%+v: %v", wrong, err)
		}
	}
	_, err = job.AddOutput("mt:nothing", copies()...)
	wantIs(t, err, ErrOption)
	// what is wrong with the format or the file comes later
	unknown, err := job.AddOutputTo(io.Discard, copies(Opt("f", "no_such_format"))...)
	check(t, err)
	wantIs(t, unknown.Wait(within(t)), ErrOption)
	missing, err := job.AddOutput(filepath.Join(t.TempDir(), "missing", "x.ts"), copies()...)
	check(t, err)
	err = missing.Wait(within(t))
	wantIs(t, err, fs.ErrNotExist)
	var failure *Error
	if !errors.As(err, &failure) || failure.OutputIndex != missing.Index() {
		t.Errorf("error is %+v", failure)
	}
	// An output that has ended is no source of others
	_, err = job.AddOutputTo(io.Discard, Opt("mt_from", strconv.Itoa(missing.Index())), Opt("c", "copy"), Opt("f", "mpegts"))
	wantIs(t, err, syscall.EPIPE)
	check(t, job.Cancel())
	wantIs(t, job.Wait(within(t)), ErrCancelled)
	_, err = job.AddOutputTo(io.Discard, copies()...)
	wantIs(t, err, ErrBusy)
	check(t, job.Close())
	_, err = job.AddOutput("x.ts", copies()...)
	wantIs(t, err, ErrClosed)
	check(t, early.Close())
	wantNothingLeft(t, engine)
}

func TestOutputOfAJobThatWaits(t *testing.T) {
	engine := newEngine(t, WithMaxRunning(1))
	first := start(t, engine, endless...)
	job := hub(t, engine)
	// Given a job in the queue, whose outputs join when it runs; what is wrong with one is said then
	good, nobody := newSink(), newSink()
	o, wrong := addTo(t, job, good), addTo(t, job, nobody, Opt("mt_from", "7"))
	if job.State() != StateQueued || o.State().Final() {
		t.Errorf("states are %v, %v", job.State(), o.State())
	}
	check(t, first.Cancel())
	<-good.some
	err := wrong.Wait(within(t))
	var failure *Error
	if !errors.As(err, &failure) || failure.Code != ErrOption || failure.OutputIndex != wrong.Index() {
		t.Errorf("error is %v: %+v", err, failure)
	}
	check(t, o.Stop())
	check(t, o.Wait(within(t)))
	// One that is gone before its job ran has never been part of it
	check(t, job.Close())
	check(t, first.Close())
	wantNothingLeft(t, engine)
}

func TestJoinAndLeaveManyTimes(t *testing.T) {
	engine := newEngine(t)
	job := hub(t, engine)
	boom := errors.New("boom")
	turn := func(i int) {
		writer := newSink()
		var w io.Writer = writer
		if i%4 == 3 {
			w = refusing{boom}
		}
		o := addTo(t, job, w)
		switch i % 4 {
		case 0:
			<-writer.some
			check(t, o.Stop())
			check(t, o.Wait(within(t)))
		case 1:
			<-writer.some
			check(t, o.Close())
			wantIs(t, o.Err(), ErrCancelled)
		case 2:
			check(t, o.Cancel()) // at whatever it is
			_ = o.Wait(within(t))
		case 3:
			wantIs(t, o.Wait(within(t)), boom)
		}
	}
	for i := range 8 { // what is kept for ever is there after this
		turn(i)
	}
	before, known := atRest(t), engineStats(t, engine)
	var all sync.WaitGroup
	for range 4 {
		all.Add(1)
		go func() {
			defer all.Done()
			for i := range 50 {
				turn(i)
			}
		}()
	}
	all.Wait()
	before.wantAgain(t)
	eventually(t, "pipes, memory and threads as before", func() bool {
		now := engineStats(t, engine)
		return now.Pipes == known.Pipes && now.MemoryReserved <= known.MemoryReserved && now.Threads <= known.Threads
	})
	if job.State() != StateRunning || len(job.allOutputs()) != 0 || len(job.host.allGuests()) != 0 {
		t.Errorf("state %v, %d outputs, %d hosts", job.State(), len(job.allOutputs()), len(job.host.allGuests()))
	}
	check(t, job.Close())
	wantNothingLeft(t, engine)
}

func TestWaitForAnOutputEndsWithItsContext(t *testing.T) {
	job := hub(t, newEngine(t))
	o := addTo(t, job, newSink())
	cause := errors.New("the request is over")
	ctx, cancel := context.WithCancelCause(context.Background())
	waiting := background(func() error { return o.Wait(ctx) })
	cancel(cause)
	err := <-waiting
	wantIs(t, err, context.Canceled)
	wantIs(t, err, cause)
	if o.State().Final() {
		t.Errorf("state is %v: %v", o.State(), o.Err())
	}
	waiting = background(func() error { return o.Wait(context.Background()) })
	check(t, job.Close()) // wakes it
	wantIs(t, <-waiting, ErrCancelled)
}

func TestEngineCloseEndsOutputs(t *testing.T) {
	engine := newEngine(t)
	job := hub(t, engine)
	never := newStuck(t)
	o := addTo(t, job, never)
	<-never.inside
	check(t, engine.Close())
	if err := o.Wait(within(t)); err == nil {
		t.Error("it has ended well")
	}
}

func TestStuckWriterHoldsUpNoJobClose(t *testing.T) {
	engine := newEngine(t)
	job := hub(t, engine)
	never, seekable := newStuck(t), newStuck(t)
	o, other := addTo(t, job, never), addTo(t, job, stuckFile{seekable})
	<-never.inside
	<-seekable.inside
	check(t, job.Close())
	wantIs(t, o.Err(), ErrCancelled)
	if !other.State().Final() || other.Err() == nil {
		t.Errorf("state %v, error %v", other.State(), other.Err())
	}
}

type stuckFile struct{ *stuck }

func (stuckFile) Seek(offset int64, _ int) (int64, error) { return offset, nil }

func TestOutputPanics(t *testing.T) {
	engine := newEngine(t)
	job := hub(t, engine)
	o := addTo(t, job, panicking{})
	func() {
		defer func() {
			if caught, ok := recover().(*PanicError); !ok || caught.Value != "viewer" {
				t.Errorf("panicked with %v", caught)
			}
		}()
		_ = o.Wait(within(t))
		t.Error("Wait returned")
	}()
	good := newSink()
	addTo(t, job, good)
	<-good.some
	check(t, job.Stop())
	check(t, job.Wait(within(t))) // the job knows nothing of it
}

type panicking struct{}

func (panicking) Write([]byte) (int, error) { panic("viewer") }

// closable tells how it was closed.
type closable struct {
	*sink
	closed chan error
}

func (c *closable) Close() error { c.closed <- nil; return nil }

func (c *closable) CloseWithError(err error) error { c.closed <- err; return nil }

func TestJoinedWritersAreClosedOnce(t *testing.T) {
	engine := newEngine(t)
	job := hub(t, engine)
	add := func(name string, options ...Option) (*closable, *Output, error) {
		w := &closable{sink: newSink(), closed: make(chan error, 3)}
		check(t, job.BindOutput(name, w, CloseWhenDone()))
		o, err := job.AddOutput("mt:"+name, copies(options...)...)
		return w, o, err
	}
	ends, o, err := add("ends")
	check(t, err)
	<-ends.some
	check(t, o.Stop())
	check(t, o.Wait(within(t)))
	check(t, <-ends.closed)
	broken, o, err := add("broken")
	check(t, err)
	<-broken.some
	check(t, o.Close())
	wantIs(t, <-broken.closed, ErrCancelled)
	refused, _, err := add("refused", Opt("no_such_option", "1"))
	wantIs(t, err, ErrOption)
	wantIs(t, <-refused.closed, ErrCancelled)
	unused := &closable{sink: newSink(), closed: make(chan error, 3)}
	check(t, job.BindOutput("unused", unused, CloseWhenDone()))
	check(t, job.Close())
	wantIs(t, <-unused.closed, ErrCancelled)
	for _, w := range []*closable{ends, broken, refused, unused} {
		if len(w.closed) != 0 {
			t.Error("it was closed twice")
		}
	}
	wantNothingLeft(t, engine)
}

func TestAddOutputStore(t *testing.T) {
	engine := newEngine(t)
	job := hub(t, engine)
	store := &MemoryStore{}
	o, err := job.AddOutputStore(store, "live/index.m3u8", Opt("mt_from", "0"), Opt("c", "copy"), Opt("f", "hls"),
		Opt("hls_time", "0.4"))
	check(t, err)
	eventually(t, "there is a list", func() bool {
		_, err := fs.Stat(store, "live/index.m3u8")
		return err == nil
	})
	check(t, o.Stop())
	check(t, o.Wait(within(t)))
	list, err := fs.ReadFile(store, "live/index.m3u8")
	check(t, err)
	if !bytes.Contains(list, []byte("#EXT-X-ENDLIST")) {
		t.Errorf("the list is %s", list)
	}
	check(t, job.Close())
	wantNothingLeft(t, engine)
}

// steps is a reader that gives what is sent to it.
type steps struct {
	chunks chan []byte
	rest   []byte
}

func (s *steps) Read(buffer []byte) (int, error) {
	if len(s.rest) == 0 {
		chunk, ok := <-s.chunks
		if !ok {
			return 0, io.EOF
		}
		s.rest = chunk
	}
	n := copy(buffer, s.rest)
	s.rest = s.rest[n:]
	return n, nil
}

func TestReaderToManyViewers(t *testing.T) {
	engine := newEngine(t)
	clip := readFile(t, tsClip(t))
	source := &steps{chunks: make(chan []byte)}
	job := newJob(t, engine)
	check(t, job.InputFrom(source, Opt("f", "mpegts"), Opt("analyzeduration", "200000"), Opt("fpsprobesize", "2")))
	check(t, job.OutputTo(io.Discard, Opt("map", "0"), Opt("c", "copy"), Opt("f", "mpegts"), Opt("mt_gop_bytes", "4M")))
	check(t, job.Start())
	source.chunks <- clip[:len(clip)/2]
	eventually(t, "packets have passed", func() bool { stats, err := job.Stats(); check(t, err); return stats.PacketsWritten > 10 })
	// Given viewers of the same stream from its key frame on, when the rest comes and ends
	viewers, outputs := make([]*sink, 20), make([]*Output, 20)
	for i := range viewers {
		viewers[i] = newSink()
		outputs[i] = addTo(t, job, viewers[i], Opt("map", "0"), Opt("mt_slow", "wait"))
	}
	for _, viewer := range viewers {
		<-viewer.some
	}
	for rest := clip[len(clip)/2:]; len(rest) > 0; {
		n := min(len(rest), 10_000)
		source.chunks <- rest[:n]
		rest = rest[n:]
	}
	close(source.chunks)
	check(t, job.Wait(within(t)))
	// then each has had the whole of it
	for i, o := range outputs {
		check(t, o.Wait(within(t)))
		if !bytes.Equal(viewers[i].bytes, viewers[0].bytes) {
			t.Errorf("viewer %d has %d bytes, the first %d", i, len(viewers[i].bytes), len(viewers[0].bytes))
		}
	}
	path := filepath.Join(t.TempDir(), "seen.ts")
	check(t, os.WriteFile(path, viewers[0].bytes, 0o644))
	if off := probe(t, engine, path).Format.Duration - 2*time.Second; off.Abs() > 200*time.Millisecond {
		t.Errorf("the duration is off by %v", off)
	}
	check(t, job.Close())
	wantNothingLeft(t, engine)
}
