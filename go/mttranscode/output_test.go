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
