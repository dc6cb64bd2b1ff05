package mttranscode

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"time"
)

func TestPipeSizes(t *testing.T) {
	engine := newEngine(t)
	for _, bad := range [][]PipeOption{
		{WithCapacity(4095)}, {WithCapacity(1<<30 + 1)}, {WithCapacity(-1)}, {WithChunkSize(511)}, {WithChunkSize(-1)},
		{WithCapacity(8192), WithChunkSize(8193)}, {WithHighWater(101)}, {WithHighWater(-1)}, {WithChunkSize(1 << 40)},
	} {
		_, err := engine.NewPipe(bad...)
		wantIs(t, err, ErrInvalid)
	}
	stats := pipeStats(t, newPipeOf(t, engine))
	if stats.Capacity != 1<<20 || stats.Chunk != 64<<10 {
		t.Errorf("stats are %+v", stats)
	}
	stats = pipeStats(t, newPipeOf(t, engine, WithCapacity(10_000)))
	if stats.Capacity != 10_000 || stats.Chunk > 10_000 {
		t.Errorf("stats are %+v", stats)
	}
}

func TestPipeBudget(t *testing.T) {
	engine := newEngine(t, WithMemoryBudget(3<<20))
	_, err := engine.NewPipe(WithCapacity(4 << 20))
	wantIs(t, err, ErrLimit)
	first := newPipeOf(t, engine, WithCapacity(2<<20))
	if stats := engineStats(t, engine); stats.MemoryBudget != 3<<20 || stats.MemoryReserved < 2<<20 || stats.Pipes != 1 {
		t.Errorf("stats are %+v", stats)
	}
	_, err = engine.NewPipe(WithCapacity(2 << 20))
	wantIs(t, err, ErrAgain)
	check(t, first.Close())
	newPipeOf(t, engine, WithCapacity(2<<20))
}

func TestPipeClose(t *testing.T) {
	engine := newEngine(t)
	pipe := newPipeOf(t, engine, WithCapacity(4096), WithChunkSize(4096))
	reading := background(func() error { _, err := pipe.Reader().Read(make([]byte, 1)); return err })
	other := newPipeOf(t, engine, WithCapacity(4096), WithChunkSize(4096))
	writing := background(func() error { _, err := other.Writer().Write(make([]byte, 5000)); return err })
	time.Sleep(20 * time.Millisecond)
	check(t, pipe.Close())
	check(t, pipe.Close())
	check(t, other.Close())
	wantIs(t, <-reading, ErrClosed)
	wantIs(t, <-writing, ErrClosed)
	_, readErr := pipe.Reader().Read(make([]byte, 1))
	_, writeErr := pipe.Writer().Write(make([]byte, 1))
	_, toErr := pipe.Reader().WriteTo(io.Discard)
	_, fromErr := pipe.Writer().ReadFrom(bytes.NewReader(make([]byte, 1)))
	_, statsErr := pipe.Stats()
	_, probeErr := pipe.Probe(within(t), 0)
	for what, err := range map[string]error{
		"Read": readErr, "Write": writeErr, "WriteTo": toErr, "ReadFrom": fromErr, "Stats": statsErr, "Probe": probeErr,
	} {
		if !errors.Is(err, ErrClosed) {
			t.Errorf("%s after Close: %v", what, err)
		}
	}
	check(t, pipe.Reader().Close())
	check(t, pipe.Writer().Close())
	if stats := engineStats(t, engine); stats.Pipes != 0 || stats.QueuedBytes != 0 || stats.MemoryReserved != 0 {
		t.Errorf("stats are %+v", stats)
	}
}

// A Read of the program's that does not return has a part of the ring: the memory stays until then.
func TestPipeCloseWhileMemoryIsOut(t *testing.T) {
	engine := newEngine(t)
	pipe := newPipeOf(t, engine, WithCapacity(4096))
	inside, leave := make(chan struct{}), make(chan struct{})
	reading := background(func() error {
		_, err := pipe.Writer().ReadFrom(readerFunc(func(buffer []byte) (int, error) {
			close(inside)
			<-leave
			for i := range buffer {
				buffer[i] = 7
			}
			return len(buffer), nil
		}))
		return err
	})
	<-inside
	check(t, pipe.Close())
	close(leave)
	wantIs(t, <-reading, ErrClosed)
	if stats := engineStats(t, engine); stats.Pipes != 0 {
		t.Errorf("stats are %+v", stats)
	}
}

func TestPipeOfClosedEngine(t *testing.T) {
	engine := newEngine(t)
	pipe := newPipeOf(t, engine)
	reading := background(func() error { _, err := pipe.Reader().Read(make([]byte, 1)); return err })
	time.Sleep(20 * time.Millisecond)
	check(t, engine.Close())
	if err := <-reading; err == nil {
		t.Error("a pipe of a closed engine was read")
	}
	_, err := engine.NewPipe()
	wantIs(t, err, ErrClosed)
	check(t, pipe.Close())
}
