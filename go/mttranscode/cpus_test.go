package mttranscode

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// nicer counts the threads of this process by whether they are nicer than usual.
func nicer(t *testing.T) (usual, nice int) {
	t.Helper()
	stats, err := filepath.Glob("/proc/self/task/*/stat")
	check(t, err)
	for _, path := range stats {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended
		}
		fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
		if niceness, err := strconv.Atoi(fields[16]); err == nil && niceness >= 7 {
			nice++
		} else {
			usual++
		}
	}
	return usual, nice
}

func TestThreadsAndNiceness(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out.mp4")
	engine := newEngine(t, WithThreadsPerJob(5), WithNiceness(7))
	check(t, newJob(t, engine, "-i", clip(t), "-an", "-c:v", "libx264", out).Run(within(t)))
	written, err := os.ReadFile(out)
	check(t, err)
	if !bytes.Contains(written, []byte(" threads=5 ")) {
		t.Error("x264 had other threads than five")
	}
	// Those of the engine stay for a while.
	if usual, nice := nicer(t); usual == 0 || os.Getenv("MT_TRANSCODE_ISOLATION") != "process" && nice == 0 {
		t.Errorf("%d usual threads, %d nicer ones", usual, nice)
	}
	for _, option := range []EngineOption{WithThreadsPerJob(65), WithNiceness(20)} {
		_, err := NewEngine(option)
		wantIs(t, err, syscall.EINVAL)
	}
}

// crowded keeps Go's threads busy, so that it starts another one whenever it is read.
type crowded struct {
	*bytes.Reader
	sleepers *sync.WaitGroup
}

func (c crowded) Read(buffer []byte) (int, error) {
	for range 3 {
		c.sleepers.Add(1)
		go func() {
			defer c.sleepers.Done()
			short := syscall.Timespec{Nsec: 50e6}
			_ = syscall.Nanosleep(&short, nil) // takes a thread
		}()
	}
	return c.Reader.Read(buffer[:min(len(buffer), 1024)])
}

func TestGosThreadsStayAsTheyAre(t *testing.T) {
	engine := newEngine(t, WithNiceness(7))
	var out bytes.Buffer
	var sleepers sync.WaitGroup
	check(t, remux(t, engine, crowded{bytes.NewReader(readFile(t, clip(t))), &sleepers}, &out, "mpegts"))
	sleepers.Wait()
	check(t, engine.Close())
	for until := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		if _, nice := nicer(t); nice == 0 {
			return
		} else if time.Now().After(until) {
			t.Fatalf("%d threads of Go's were cloned from one of the engine's", nice)
		}
	}
}
