package mttranscode

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"testing/iotest"
	"time"
)

func TestStreamEqualsFile(t *testing.T) {
	engine := newEngine(t)
	frag := []string{"-movflags", "+frag_keyframe+empty_moov"}
	for name, c := range map[string]struct {
		from, format string
		file         []string
		stream       []Option
	}{
		"TS to TS":           {tsClip(t), "mpegts", nil, nil},
		"fMP4 to TS":         {fragClip(t), "mpegts", nil, nil},
		"faststart to TS":    {fastClip(t), "mpegts", nil, nil},
		"index at the end":   {clip(t), "mpegts", nil, nil}, // kept in memory up to a limit
		"fMP4 to fragmented": {fragClip(t), "mp4", frag, fragmented()},
	} {
		t.Run(name, func(t *testing.T) {
			want := fileToFile(t, engine, c.from, c.format, c.file...)
			for way, wrap := range map[string]func(io.Reader) io.Reader{
				"whole": streamOnly, "one byte at a time": iotest.OneByteReader, "last with EOF": iotest.DataErrReader, "sometimes nothing": sometimesNothing,
			} {
				var out bytes.Buffer
				check(t, remux(t, engine, wrap(bytes.NewReader(readFile(t, c.from))), &out, c.format, c.stream...))
				if !bytes.Equal(out.Bytes(), want) {
					t.Errorf("%s: %d bytes, the file has %d", way, out.Len(), len(want))
				}
			}
		})
	}
	wantNothingLeftOf(t, engine)
}

// wantNothingLeftOf is for an engine whose jobs are closed by the tests' cleanups.
func wantNothingLeftOf(t *testing.T, engine *Engine) {
	t.Helper()
	t.Cleanup(func() {
		if !t.Failed() {
			return
		}
		stats, err := engine.Stats()
		t.Logf("stats are %+v, %v", stats, err)
	})
	eventually(t, "pipes and bytes at zero", func() bool {
		stats := engineStats(t, engine)
		return stats.Pipes == 0 && stats.QueuedBytes == 0 && stats.Detached == 0
	})
}

// sometimesNothing returns no byte and no error every second time.
func sometimesNothing(r io.Reader) io.Reader {
	calls := 0
	return readerFunc(func(buffer []byte) (int, error) {
		if calls++; calls%2 == 0 {
			return 0, nil
		}
		return r.Read(buffer)
	})
}

func TestArgumentVectorWithNames(t *testing.T) {
	engine := newEngine(t)
	job := newJob(t, engine, "-i", "mt:in", "-map", "0", "-c", "copy", "-f", "mpegts", "mt:out")
	var out bytes.Buffer
	check(t, job.BindInput("in", streamOnly(open(t, tsClip(t))), WithCapacity(8192), WithChunkSize(600)))
	check(t, job.BindOutput("out", &out, WithCapacity(4096), WithFlushInterval(0), WithHighWater(50)))
	check(t, job.Run(within(t)))
	if want := fileToFile(t, engine, tsClip(t), "mpegts"); !bytes.Equal(out.Bytes(), want) {
		t.Errorf("%d bytes, the file has %d", out.Len(), len(want))
	}
}

func TestBindErrors(t *testing.T) {
	engine := newEngine(t)
	job := newJob(t, engine, "-i", "mt:in", "-c", "copy", "-f", "mpegts", "mt:out")
	for _, name := range []string{"", "a/b", "a:b", "ä", "a b", string(make([]byte, 65))} {
		wantIs(t, job.BindInput(name, os.Stdin), ErrInvalid)
	}
	wantIs(t, job.BindInput("in", nil), ErrInvalid)
	wantIs(t, job.BindOutput("in", nil), ErrInvalid)
	wantIs(t, job.BindStore("in", nil), ErrInvalid)
	check(t, job.BindInput("in", streamOnly(open(t, tsClip(t)))))
	wantIs(t, job.BindInput("in", os.Stdin), os.ErrExist)
	wantIs(t, job.BindOutput("in", io.Discard), os.ErrExist)
	wantIs(t, job.Start(), ErrOption) // nothing is bound to mt:out
	check(t, job.BindOutput("out", io.Discard))
	check(t, job.Run(within(t)))
	wantIs(t, job.BindOutput("late", io.Discard), ErrBusy)
	check(t, job.Close())
	wantIs(t, job.BindOutput("late", io.Discard), ErrClosed)
	unused := newJob(t, engine, "-i", tsClip(t), "-c", "copy", "-f", "null", "-")
	check(t, unused.BindInput("in", streamOnly(open(t, tsClip(t)))))
	wantIs(t, unused.Start(), ErrOption)
	wrong := newJob(t, engine, "-i", "mt:in", "-c", "copy", "-f", "null", "-")
	check(t, wrong.BindOutput("in", io.Discard))
	wantIs(t, wrong.Start(), ErrOption)
}

func TestPipeOfTheProgram(t *testing.T) {
	engine := newEngine(t)
	between := newPipeOf(t, engine, WithCapacity(4096))
	var out bytes.Buffer
	first := remuxJob(t, engine, streamOnly(open(t, tsClip(t))), between.Writer(), "mpegts")
	second := remuxJob(t, engine, between.Reader(), &out, "mpegts")
	third := newJob(t, engine)
	check(t, first.Start())
	_, err := between.Writer().Write([]byte("x"))
	wantIs(t, err, ErrBusy) // the end is the job's
	check(t, third.InputFrom(between.Reader()))
	check(t, third.OutputTo(io.Discard, Opt("f", "null")))
	check(t, second.Start())
	wantIs(t, third.Start(), ErrBusy)
	check(t, first.Wait(within(t)))
	check(t, second.Wait(within(t)))
	if out.Len() == 0 {
		t.Error("nothing came out")
	}
}

func TestReaderErrs(t *testing.T) {
	engine := newEngine(t)
	cause := &os.PathError{Op: "read", Path: "upload", Err: syscall.ECONNRESET}
	half := io.LimitReader(open(t, tsClip(t)), 20_000)
	for name, format := range map[string]string{"in the middle": "mpegts", "at once": "null"} {
		reader := io.MultiReader(half, iotest.ErrReader(cause))
		if name == "at once" {
			reader = iotest.ErrReader(cause)
		}
		err := remux(t, engine, reader, io.Discard, format)
		wantIs(t, err, cause)
		wantIs(t, err, syscall.ECONNRESET)
		var failure *Error
		if !errors.As(err, &failure) || failure.Code >= 0 {
			t.Errorf("%s: error is %+v", name, err)
		}
	}
	err := remux(t, engine, iotest.ErrReader(errors.New("no errno")), io.Discard, "null")
	wantIs(t, err, syscall.EIO)
	wantIs(t, remux(t, engine, readerFunc(func([]byte) (int, error) { return 0, nil }), io.Discard, "null"), io.ErrNoProgress)
	wantIs(t, remux(t, engine, readerFunc(func(b []byte) (int, error) { return -1, nil }), io.Discard, "null"), errInvalidCount)
	wantIs(t, remux(t, engine, bytes.NewBufferString("no media"), io.Discard, "null"), ErrDemux)
	wantIs(t, remux(t, engine, &bytes.Buffer{}, io.Discard, "null"), ErrDemux)
	wantNothingLeftOf(t, engine)
}

func TestWriterErrs(t *testing.T) {
	engine := newEngine(t)
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	check(t, err)
	defer full.Close()
	err = remux(t, engine, open(t, tsClip(t)), full, "mpegts")
	wantIs(t, err, syscall.ENOSPC)
	cause := errors.New("the client went away")
	for size := range 3 { // with a small pipe the job fails, with a large one it was done before
		job := newJob(t, engine, "-i", tsClip(t), "-c", "copy", "-f", "mpegts", "mt:out")
		calls := 0
		check(t, job.BindOutput("out", writerFunc(func(data []byte) (int, error) {
			if calls++; calls > size {
				return 0, cause
			}
			return len(data), nil
		}), WithCapacity([]int64{4096, 64 << 10, 8 << 20}[size]), WithChunkSize(4096)))
		wantIs(t, job.Run(within(t)), cause)
		wantIs(t, job.Err(), cause)
	}
	err = remux(t, engine, open(t, tsClip(t)), writerFunc(func(data []byte) (int, error) { return len(data) - 1, nil }), "mpegts")
	wantIs(t, err, io.ErrShortWrite)
	wantNothingLeftOf(t, engine)
}

// A slow writer gets everything before Run returns.
func TestSlowWriter(t *testing.T) {
	engine := newEngine(t)
	want := fileToFile(t, engine, tsClip(t), "mpegts")
	var out bytes.Buffer
	slow := writerFunc(func(data []byte) (int, error) {
		time.Sleep(10 * time.Millisecond)
		return out.Write(data)
	})
	check(t, remux(t, engine, open(t, tsClip(t)), slow, "mpegts"))
	if !bytes.Equal(out.Bytes(), want) {
		t.Errorf("%d bytes when Run returns, the file has %d", out.Len(), len(want))
	}
}

func TestNotFragmentedIsRefused(t *testing.T) {
	engine := newEngine(t)
	err := remux(t, engine, open(t, clip(t)), struct{ io.Writer }{&bytes.Buffer{}}, "mp4")
	wantIs(t, err, ErrUnsupported)
	var failure *Error
	if !errors.As(err, &failure) || !bytes.Contains([]byte(failure.Hint), []byte("frag_keyframe")) {
		t.Errorf("error is %+v", failure)
	}
	job := newJob(t, engine)
	check(t, job.InputFrom(streamOnly(open(t, clip(t))), Opt("mt_seek_buffer", "4096")))
	check(t, job.Output(filepath.Join(t.TempDir(), "out.ts"), Opt("c", "copy")))
	wantIs(t, job.Run(within(t)), ErrLimit)
}

func TestHighWaterEvent(t *testing.T) {
	engine := newEngine(t)
	job := newJob(t, engine, "-i", tsClip(t), "-c", "copy", "-f", "mpegts", "mt:slow")
	check(t, job.BindOutput("slow", writerFunc(func(data []byte) (int, error) {
		time.Sleep(time.Millisecond)
		return len(data), nil
	}), WithCapacity(4096), WithChunkSize(1024), WithHighWater(50)))
	seen := PipeHighWater{}
	check(t, job.Run(within(t), func(event Event) {
		if high, ok := event.(PipeHighWater); ok {
			seen = high
		}
	}))
	if seen.Name != "slow" || seen.FillBytes < 2048 || seen.FillBytes > 4096 {
		t.Errorf("the event is %+v", seen)
	}
}

func TestQueueTimeout(t *testing.T) {
	engine := newEngine(t, WithMaxRunning(1), WithQueueTimeout(50*time.Millisecond))
	untilRunning(t, start(t, engine, endless...))
	wantIs(t, newJob(t, engine, endless...).Run(context.Background()), ErrTimeout)
}

// Without options of the program's a writer gets more at once than a pipe has as a chunk.
func TestWritersGetLargePieces(t *testing.T) {
	engine := newEngine(t)
	for want, options := range map[int][]BindOption{pumpChunk: nil, 1024: {WithChunkSize(1024)}, defaultChunk: {WithFlushInterval(-1)}} {
		job := newJob(t, engine, "-i", "mt:in", "-c", "copy", "-f", "mpegts", "mt:out")
		check(t, job.BindInput("in", bytes.NewReader(readFile(t, tsClip(t)))))
		check(t, job.BindOutput("out", streamOnlyWriter(io.Discard), options...))
		check(t, job.Run(within(t)))
		if got := job.host.bindings[1].(*outputPump).pipe.chunk; got != want {
			t.Errorf("a chunk has %d bytes, want %d", got, want)
		}
		check(t, job.Close())
	}
}
