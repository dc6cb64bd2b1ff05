package mttranscode

import (
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"testing"
)

// camera serves a clip on loopback to who connects, and hangs up.
type camera struct {
	listener    net.Listener
	connections atomic.Int64
}

func newCamera(t testing.TB, clip []byte) *camera {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	c := &camera{listener: listener}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			peer, err := listener.Accept()
			if err != nil {
				return
			}
			c.connections.Add(1)
			go func() {
				defer peer.Close()
				_, _ = peer.Write(clip)
			}()
		}
	}()
	return c
}

func (c *camera) url() string { return fmt.Sprintf("tcp://%s?secret=hunter2", c.listener.Addr()) }

func TestS95SourceComesAndGoes(t *testing.T) {
	engine := newEngine(t)
	camera := newCamera(t, readFile(t, tsClip(t)))
	good := newSink()
	job := newJob(t, engine)
	check(t, job.Input(camera.url(), Opt("mt_source", "1"), Opt("mt_retry_ms", "20"), Opt("f", "mpegts")))
	check(t, job.OutputTo(good, Opt("c", "copy"), Opt("f", "mpegts")))
	source, err := job.Source(0)
	check(t, err)
	if source.State() != SourceIdle || source.Index() != 0 {
		t.Errorf("before the start it is %v", source.State())
	}
	_, err = job.Source(1)
	wantIs(t, err, ErrInvalid)
	check(t, job.Start())
	// Given a camera that hangs up again and again, then the output goes on, and events say what happens
	seen := map[SourceState]bool{}
	until(t, job, func(event Event) bool {
		changed, ok := event.(SourceChanged)
		if !ok {
			return false
		}
		status := changed.Status
		seen[status.State] = true
		if changed.Index != 0 || strings.Contains(status.URL, "hunter2") || !strings.HasPrefix(status.URL, "tcp://") {
			t.Errorf("event is %+v", changed)
		}
		return status.Connections >= 4
	})
	for _, state := range []SourceState{SourceConnecting, SourceLive} {
		if !seen[state] {
			t.Errorf("no event said %v: %v", state, seen)
		}
	}
	status, err := source.Status()
	check(t, err)
	if status.Connections < 4 || status.State.String() == "unknown" {
		t.Errorf("status is %+v", status)
	}
	// when it is taken out, then it is never tried again, and the job ends in good order
	check(t, source.Stop())
	check(t, job.Wait(within(t)))
	if source.State() != SourceEnded || good.size() == 0 {
		t.Errorf("state %v, %d bytes", source.State(), good.size())
	}
	check(t, source.Stop())
	after := camera.connections.Load()
	check(t, job.Close())
	if source.State() != SourceEnded || camera.connections.Load() != after {
		t.Errorf("it was tried again")
	}
	_, err = source.Status()
	wantIs(t, err, ErrClosed)
	_, err = job.Source(0)
	wantIs(t, err, ErrClosed)
	wantNothingLeft(t, engine)
}

func TestInputThatIsNoSource(t *testing.T) {
	job := start(t, newEngine(t), endless...)
	source, err := job.Source(0)
	check(t, err)
	untilRunning(t, job)
	if status, err := source.Status(); err != nil || status.State != SourceLive || status.RetryIn != -1 {
		t.Errorf("status is %+v, error %v", status, err)
	}
	wantIs(t, source.Stop(), ErrUnsupported)
	if again, err := job.Source(0); err != nil || again.handle != source.handle {
		t.Errorf("a second handle was made: %v", err)
	}
}
