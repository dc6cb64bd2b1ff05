package mttranscode

import (
	"bytes"
	"errors"
	"io"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// encodes starts an encode that goes on until it is cancelled.
func encodes(t *testing.T, engine *Engine, label string) *Job {
	t.Helper()
	job, err := engine.NewJob("-re", "-f", "lavfi", "-i", "testsrc2=s=160x120:r=25", "-c:v", "mpeg4", "-f", "null", "-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { job.Close() })
	if err := job.SetLabel(label); err != nil {
		t.Fatal(err)
	}
	if err := job.Start(); err != nil {
		t.Fatal(err)
	}
	return job
}

func dumpUntil(t *testing.T, dump func(io.Writer) error, wanted ...string) string {
	t.Helper()
	for until := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		var text bytes.Buffer
		if err := dump(&text); err != nil {
			t.Fatal(err)
		}
		found := 0
		for _, part := range wanted {
			if strings.Contains(text.String(), part) {
				found++
			}
		}
		if found == len(wanted) {
			return text.String()
		}
		if time.Now().After(until) {
			t.Fatalf("never came: %q\n%s", wanted, text.String())
		}
	}
}

func TestDumpTellsWhatJobsDo(t *testing.T) {
	engine := newEngine(t)
	encodes(t, engine, "camera 7")
	text := dumpUntil(t, engine.Dump, "label: camera 7\n", "enc0:0: ", "frame 0: 0x", "link 'encoder 0:0': ")
	if !strings.HasPrefix(text, "mt-transcode dump 1\n") || !strings.HasSuffix(text, "end of dump\n") {
		t.Errorf("not whole:\n%s", text)
	}
}

func TestDebugHandlersAnswerBesideRunningJobs(t *testing.T) {
	one, other := newEngine(t), newEngine(t)
	encodes(t, one, "one")
	encodes(t, other, "other")
	var all sync.WaitGroup
	for range 8 {
		all.Add(1)
		go func() {
			defer all.Done()
			for range 5 {
				answer := httptest.NewRecorder()
				one.DebugHandler().ServeHTTP(answer, httptest.NewRequest("GET", "/debug/mttranscode", nil))
				text := answer.Body.String()
				if !strings.Contains(text, "label: one\n") || strings.Contains(text, "label: other\n") {
					t.Errorf("not the dump of one engine:\n%s", text)
				}
				answer = httptest.NewRecorder()
				DebugHandler().ServeHTTP(answer, httptest.NewRequest("GET", "/debug/mttranscode", nil))
				text = answer.Body.String()
				if !strings.Contains(text, "label: one\n") || !strings.Contains(text, "label: other\n") {
					t.Errorf("not the dump of all engines:\n%s", text)
				}
			}
		}()
	}
	all.Wait()
}

type failingWriter struct{}

func (failingWriter) Write([]byte) (int, error) { return 0, io.ErrShortWrite }

func TestDumpToAWriterThatFailsReturnsItsError(t *testing.T) {
	engine := newEngine(t)
	encodes(t, engine, "one")
	if err := engine.Dump(failingWriter{}); !errors.Is(err, io.ErrShortWrite) {
		t.Errorf("got %v", err)
	}
}

func TestHangTimeoutLeavesAJobAloneThatPacesItself(t *testing.T) {
	engine := newEngine(t, WithHangTimeout(200*time.Millisecond))
	job := encodes(t, engine, "slow")
	time.Sleep(time.Second)
	if state := job.State(); state.Final() {
		t.Errorf("the job is %v: %v", state, job.Wait(t.Context()))
	}
}
