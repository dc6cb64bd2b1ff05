package mttranscode

import (
	"bytes"
	"errors"
	"io/fs"
	"syscall"
	"testing"
)

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
