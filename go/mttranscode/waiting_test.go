package mttranscode

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"runtime"
	"runtime/pprof"
	"strings"
	"sync"
	"testing"
	"time"
)

// 1,000 streams that wait for slow peers: no goroutine holds a thread, and only jobs that run have threads of the
// library's.
func TestWaitingStreamsCostNoThreads(t *testing.T) {
	if os.Getenv("MT_TRANSCODE_ISOLATION") == "process" {
		t.Skip("each stream of a job in a worker is served by a thread of the library's")
	}
	engine := newEngine(t, WithMaxRunning(4), WithMemoryBudget(-1))
	warmUp(t, engine)
	before, _ := threads(t)
	ctx, cancel := context.WithCancel(context.Background())
	var all sync.WaitGroup
	wait := func(f func() error) {
		all.Add(1)
		go func() { defer all.Done(); _ = f() }()
	}
	silent, silentEnd := io.Pipe() // a client that sends nothing
	for range 100 {
		job := remuxJob(t, engine, silent, io.Discard, "mpegts")
		wait(func() error { return job.Run(ctx) })
	}
	for range 450 {
		pipe := newPipeOf(t, engine, WithCapacity(4096))
		wait(func() error { _, err := pipe.Reader().ReadContext(ctx, make([]byte, 1)); return err })
		full := newPipeOf(t, engine, WithCapacity(4096))
		wait(func() error { _, err := full.Writer().WriteContext(ctx, make([]byte, 5000)); return err })
	}
	eventually(t, "four jobs run", func() bool { return engineStats(t, engine).JobsRunning == 4 })
	eventually(t, "all are there", func() bool { return runtime.NumGoroutine() > 1000 })
	time.Sleep(100 * time.Millisecond) // lets them park: a wait that held a thread would show by then
	after, library := threads(t)
	stats := engineStats(t, engine)
	if slack := 4 + 2*runtime.GOMAXPROCS(0) + library; after > before+slack {
		t.Errorf("%d threads before, %d while 1,000 streams wait", before, after)
	}
	if stats.Threads != 4 || stats.JobsQueued != 96 {
		t.Errorf("stats are %+v", stats)
	}
	cancel()
	silentEnd.Close()
	all.Wait()
}

func warmUp(t testing.TB, engine *Engine) {
	t.Helper()
	check(t, remux(t, engine, open(t, tsClip(t)), io.Discard, "mpegts"))
}

func TestStreamsLeaveNothing(t *testing.T) {
	engine := newEngine(t)
	data := readFile(t, tsClip(t))
	work := func() {
		check(t, remux(t, engine, streamOnly(bytes.NewReader(data)), io.Discard, "mpegts"))
		check(t, remux(t, engine, bytes.NewReader(data), &bytes.Buffer{}, "mpegts"))
		if err := remux(t, engine, streamOnly(bytes.NewReader(data[:50])), io.Discard, "mpegts"); err == nil {
			t.Error("50 bytes are media")
		}
		job := remuxJob(t, engine, bytes.NewReader(data), io.Discard, "mpegts")
		check(t, job.Start())
		check(t, job.Close())
		check(t, remuxJob(t, engine, streamOnly(bytes.NewReader(data)), io.Discard, "mpegts").Close()) // never started
		store := &MemoryStore{}
		job = hlsJob(t, engine, store)
		check(t, job.Run(within(t)))
		check(t, job.Close())
		pipe, err := engine.NewPipe()
		check(t, err)
		check(t, pipe.Close())
	}
	keyed(t)
	work()
	wantNothingLeft(t, engine)
	before := atRest(t)
	for range 10 {
		work()
	}
	wantNothingLeft(t, engine)
	before.wantAgain(t)
}

func TestManySmallRemuxes(t *testing.T) {
	engine := newEngine(t, WithMaxRunning(4))
	data := readFile(t, tsClip(t))
	want := fileToFile(t, engine, tsClip(t), "mpegts")
	warmUp(t, engine)
	before := atRest(t)
	var all sync.WaitGroup
	for range 8 {
		all.Add(1)
		go func() {
			defer all.Done()
			for range 25 {
				var out bytes.Buffer
				if err := remux(t, engine, streamOnly(bytes.NewReader(data)), &out, "mpegts"); err != nil {
					t.Errorf("a job fails: %v", err)
				}
				if !bytes.Equal(out.Bytes(), want) {
					t.Errorf("%d bytes, the file has %d", out.Len(), len(want))
				}
			}
		}()
	}
	all.Wait()
	before.wantAgain(t)
}

// A forgotten job or pipe is freed, also where something is bound to it.
func TestForgottenStreams(t *testing.T) {
	engine := newEngine(t)
	before := atRest(t)
	func() {
		for i := range 10 {
			job, err := engine.NewJob("-i", "mt:in", "-c", "copy", "-f", "mpegts", "mt:out")
			check(t, err)
			check(t, job.BindInput("in", bytes.NewReader(readFile(t, tsClip(t)))))
			check(t, job.BindOutput("out", io.Discard))
			if i%2 == 0 {
				check(t, job.Run(within(t)))
			}
			_, err = engine.NewPipe()
			check(t, err)
		}
	}()
	eventually(t, "the collector frees jobs and pipes", func() bool {
		runtime.GC()
		stats := engineStats(t, engine)
		return stats.Jobs == 0 && stats.Pipes == 0
	})
	before.wantAgain(t)
}

func profileText(t *testing.T) string {
	t.Helper()
	var text bytes.Buffer
	check(t, pprof.Lookup("mttranscode").WriteTo(&text, 1))
	return text.String()
}

func TestProfileShowsWhatIsOpen(t *testing.T) {
	before := pprof.Lookup("mttranscode").Count()
	engine, err := NewEngine()
	check(t, err)
	job, err := engine.NewJob(endless...)
	check(t, err)
	pipe, err := engine.NewPipe()
	check(t, err)
	if count := pprof.Lookup("mttranscode").Count(); count != before+3 {
		t.Errorf("%d are open, before %d", count, before)
	}
	text := profileText(t)
	for _, name := range []string{"NewEngine", "NewJob", "NewPipe", "TestProfileShowsWhatIsOpen"} {
		if !strings.Contains(text, name) {
			t.Errorf("%s is not in the profile:\n%s", name, text)
		}
	}
	check(t, errors.Join(pipe.Close(), job.Close(), engine.Close()))
	if count := pprof.Lookup("mttranscode").Count(); count != before {
		t.Errorf("%d are open, before %d:\n%s", count, before, profileText(t))
	}
}
