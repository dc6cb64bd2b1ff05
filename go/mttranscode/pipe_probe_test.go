package mttranscode

import (
	"bytes"
	"context"
	"errors"
	"os"
	"testing"
	"time"
)

// fill writes data to a pipe from a goroutine, and closes it.
func fill(pipe *Pipe, data []byte, ended error) {
	go func() {
		if _, err := pipe.Writer().Write(data); err == nil {
			_ = pipe.Writer().CloseWithError(ended)
		}
	}()
}

func TestPipeProbeThenRun(t *testing.T) {
	engine := newEngine(t)
	data, err := os.ReadFile(tsClip(t))
	check(t, err)
	var plain, probed bytes.Buffer
	check(t, remux(t, engine, bytes.NewReader(data), &plain, "mpegts"))
	for _, capacity := range []int64{4096, 1 << 20} {
		probed.Reset()
		pipe := newPipeOf(t, engine, WithCapacity(capacity))
		fill(pipe, data, nil)
		info, err := pipe.Probe(within(t), 0)
		check(t, err)
		if video := info.Stream("video"); video == nil || video.Codec != "h264" || info.Format.Name != "mpegts" {
			t.Errorf("probe says %s", info.JSON)
		}
		check(t, remux(t, engine, pipe.Reader(), &probed, "mpegts"))
		if !bytes.Equal(plain.Bytes(), probed.Bytes()) {
			t.Errorf("after a probe %d bytes come out, without one %d", probed.Len(), plain.Len())
		}
		check(t, pipe.Close())
	}
}

func TestPipeProbeRefuses(t *testing.T) {
	engine := newEngine(t)
	media, err := os.ReadFile(tsClip(t))
	check(t, err)
	for name, data := range map[string][]byte{
		"nothing": nil, "text": bytes.Repeat([]byte("no media at all\n"), 100), "zeros": make([]byte, 100_000), "too short": media[:100],
	} {
		t.Run(name, func(t *testing.T) {
			pipe := newPipeOf(t, engine)
			fill(pipe, data, nil)
			_, err := pipe.Probe(within(t), 0)
			wantIs(t, err, ErrDemux)
		})
	}
	t.Run("limit", func(t *testing.T) {
		pipe := newPipeOf(t, engine)
		endless := background(func() error {
			_, err := pipe.Writer().ReadFrom(readerFunc(func(buffer []byte) (int, error) { clear(buffer); return len(buffer), nil }))
			return err
		})
		_, err := pipe.Probe(within(t), 200_000)
		if !errors.Is(err, ErrLimit) && !errors.Is(err, ErrDemux) {
			t.Errorf("endless zeros give %v", err)
		}
		check(t, pipe.Close())
		<-endless
	})
	t.Run("writer failed", func(t *testing.T) {
		pipe := newPipeOf(t, engine)
		cause := errors.New("the client went away")
		fill(pipe, nil, cause)
		_, err := pipe.Probe(within(t), 0)
		wantIs(t, err, cause)
	})
	if stats := engineStats(t, engine); stats.JobsStarted != 0 || stats.Jobs != 0 {
		t.Errorf("stats are %+v", stats)
	}
}

func TestPipeProbeEndsWithContext(t *testing.T) {
	engine := newEngine(t)
	for name, first := range map[string][]byte{"no byte": nil, "few bytes": make([]byte, 10)} {
		t.Run(name, func(t *testing.T) {
			pipe := newPipeOf(t, engine)
			_, err := pipe.Writer().Write(first)
			check(t, err)
			ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
			defer cancel()
			_, err = pipe.Probe(ctx, 0)
			wantIs(t, err, context.DeadlineExceeded)
			check(t, pipe.Close())
		})
	}
	eventually(t, "nothing is left", func() bool {
		stats := engineStats(t, engine)
		return stats.Pipes == 0 && stats.Threads == 0 && stats.Detached == 0
	})
}
