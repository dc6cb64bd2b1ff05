package mttranscode

import (
	"bytes"
	"context"
	"io"
	"testing"
)

// BenchmarkRemux is a small remux in memory: with a warm engine, one job after another.
func BenchmarkRemux(b *testing.B) {
	engine := newEngine(b)
	data := readFile(b, tsClip(b))
	for name, reader := range map[string]func() io.Reader{
		"stream":   func() io.Reader { return streamOnly(bytes.NewReader(data)) },
		"seekable": func() io.Reader { return bytes.NewReader(data) },
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(data)))
			for range b.N {
				check(b, remuxOnce(engine, reader(), io.Discard))
			}
		})
	}
}

func remuxOnce(engine *Engine, r io.Reader, w io.Writer) error {
	job, err := engine.NewJob("-i", "mt:in", "-map", "0", "-c", "copy", "-f", "mpegts", "mt:out")
	if err != nil {
		return err
	}
	defer job.Close()
	if err := job.BindInput("in", r); err != nil {
		return err
	}
	if err := job.BindOutput("out", w); err != nil {
		return err
	}
	return job.Run(context.Background())
}

// BenchmarkPipe moves bytes through a pipe between two goroutines.
func BenchmarkPipe(b *testing.B) {
	engine := newEngine(b)
	pipe := newPipeOf(b, engine)
	chunk := make([]byte, 64<<10)
	b.SetBytes(int64(len(chunk)))
	writing := background(func() error {
		for range b.N {
			if _, err := pipe.Writer().Write(chunk); err != nil {
				return err
			}
		}
		return pipe.Writer().Close()
	})
	_, err := pipe.Reader().WriteTo(writerFunc(func(data []byte) (int, error) { return len(data), nil }))
	check(b, err)
	check(b, <-writing)
}
