package mttranscode

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"math/rand/v2"
	"syscall"
	"testing"
	"testing/iotest"
	"time"
)

func newPipeOf(t testing.TB, engine *Engine, options ...PipeOption) *Pipe {
	t.Helper()
	pipe, err := engine.NewPipe(options...)
	check(t, err)
	t.Cleanup(func() { pipe.Close() })
	return pipe
}

func pipeStats(t testing.TB, pipe *Pipe) PipeStats {
	t.Helper()
	stats, err := pipe.Stats()
	check(t, err)
	return stats
}

func randomBytes(size int) []byte {
	data := make([]byte, size)
	random := rand.NewChaCha8([32]byte{byte(size), byte(size >> 8)})
	_, _ = random.Read(data)
	return data
}

// background runs f in a goroutine and gives what it returns.
func background(f func() error) <-chan error {
	done := make(chan error, 1)
	go func() { done <- f() }()
	return done
}

func TestPipeMovesEveryByteInOrder(t *testing.T) {
	engine := newEngine(t)
	for _, size := range []int{0, 1, 4095, 4096, 4097, 3_000_001} {
		pipe := newPipeOf(t, engine, WithCapacity(4096), WithChunkSize(1000))
		data := randomBytes(size)
		writing := background(func() error {
			rest := data
			for len(rest) > 0 {
				n := min(1+rand.IntN(9000), len(rest))
				if _, err := pipe.Writer().Write(rest[:n]); err != nil {
					return err
				}
				rest = rest[n:]
			}
			return pipe.Writer().Close()
		})
		var reader io.Reader = pipe.Reader()
		if size < 100_000 {
			reader = iotest.OneByteReader(reader)
		}
		got, err := io.ReadAll(reader)
		check(t, err)
		check(t, <-writing)
		if !bytes.Equal(got, data) {
			t.Errorf("%d bytes came out as %d others", size, len(got))
		}
	}
}

func TestPipeReadFromAndWriteTo(t *testing.T) {
	engine := newEngine(t)
	data := randomBytes(3_000_001)
	for name, wrap := range map[string]func(io.Reader) io.Reader{
		"whole": func(r io.Reader) io.Reader { return r }, "halves": iotest.HalfReader, "last with EOF": iotest.DataErrReader,
	} {
		t.Run(name, func(t *testing.T) {
			pipe := newPipeOf(t, engine, WithCapacity(100_000), WithChunkSize(7001))
			writing := background(func() error {
				n, err := pipe.Writer().ReadFrom(wrap(bytes.NewReader(data)))
				if n != int64(len(data)) {
					t.Errorf("ReadFrom says %d", n)
				}
				return errors.Join(err, pipe.Writer().Close())
			})
			chunks := &chunkSizes{}
			n, err := pipe.Reader().WriteTo(chunks)
			check(t, err)
			check(t, <-writing)
			if n != int64(len(data)) || !bytes.Equal(chunks.Bytes(), data) {
				t.Errorf("WriteTo says %d, %d bytes came out", n, chunks.Len())
			}
			if chunks.largest > 7001 {
				t.Errorf("a chunk had %d bytes", chunks.largest)
			}
			stats := pipeStats(t, pipe)
			if stats.Written != uint64(n) || stats.Read != uint64(n) || stats.Fill != 0 || !stats.WriteClosed || stats.HighWater > 100_000 {
				t.Errorf("stats are %+v", stats)
			}
		})
	}
}

// chunkSizes notes the largest write.
type chunkSizes struct {
	bytes.Buffer
	largest int
}

func (c *chunkSizes) Write(data []byte) (int, error) {
	c.largest = max(c.largest, len(data))
	return c.Buffer.Write(data)
}

func TestPipeErrorsReachTheOtherEnd(t *testing.T) {
	engine := newEngine(t)
	cause := errors.New("the upload was broken off")

	pipe := newPipeOf(t, engine)
	_, err := pipe.Writer().Write([]byte("abc"))
	check(t, err)
	check(t, pipe.Writer().CloseWithError(cause))
	check(t, pipe.Writer().Close()) // the first counts
	got, err := io.ReadAll(pipe.Reader())
	if string(got) != "abc" {
		t.Errorf("read %q before the error", got)
	}
	wantIs(t, err, cause)
	wantIs(t, err, syscall.EIO)
	_, err = pipe.Reader().Read(make([]byte, 1))
	wantIs(t, err, cause)

	pipe = newPipeOf(t, engine)
	check(t, pipe.Writer().CloseWithError(&fs.PathError{Op: "read", Path: "x", Err: syscall.EACCES}))
	_, err = pipe.Reader().Read(make([]byte, 1))
	wantIs(t, err, fs.ErrPermission)

	pipe = newPipeOf(t, engine)
	check(t, pipe.Reader().CloseWithError(cause))
	_, err = pipe.Writer().Write([]byte("abc"))
	for _, target := range []error{syscall.EPIPE, io.ErrClosedPipe, cause} {
		wantIs(t, err, target)
	}
	_, err = pipe.Writer().ReadFrom(bytes.NewReader(make([]byte, 10)))
	wantIs(t, err, syscall.EPIPE)
}

func TestPipeErrorsOfReadersAndWriters(t *testing.T) {
	engine := newEngine(t)
	cause := errors.New("no more")
	pipe := newPipeOf(t, engine)
	_, err := pipe.Writer().ReadFrom(iotest.ErrReader(cause))
	if err != cause {
		t.Errorf("ReadFrom gives %v", err)
	}
	_, err = pipe.Writer().ReadFrom(readerFunc(func([]byte) (int, error) { return 0, nil }))
	wantIs(t, err, io.ErrNoProgress)
	_, err = pipe.Writer().ReadFrom(readerFunc(func(b []byte) (int, error) { return len(b) + 1, nil }))
	wantIs(t, err, errInvalidCount)
	_, err = pipe.Writer().Write([]byte("abcdef"))
	check(t, err)
	_, err = pipe.Reader().WriteTo(writerFunc(func([]byte) (int, error) { return 2, nil }))
	wantIs(t, err, io.ErrShortWrite)
	_, err = pipe.Reader().WriteTo(writerFunc(func([]byte) (int, error) { return 1, cause }))
	if err != cause {
		t.Errorf("WriteTo gives %v", err)
	}
	check(t, pipe.Writer().Close())
	rest, err := io.ReadAll(pipe.Reader())
	check(t, err)
	if string(rest) != "def" {
		t.Errorf("%q is left", rest)
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(buffer []byte) (int, error) { return f(buffer) }

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(data []byte) (int, error) { return f(data) }

func TestPipeContexts(t *testing.T) {
	engine := newEngine(t)
	pipe := newPipeOf(t, engine, WithCapacity(4096), WithChunkSize(4096))
	short, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	_, err := pipe.Reader().ReadContext(short, make([]byte, 1))
	wantIs(t, err, context.DeadlineExceeded)
	cause := errors.New("enough")
	ctx, cancelCause := context.WithCancelCause(context.Background())
	time.AfterFunc(20*time.Millisecond, func() { cancelCause(cause) })
	n, err := pipe.Writer().WriteContext(ctx, make([]byte, 10_000))
	wantIs(t, err, context.Canceled)
	wantIs(t, err, cause)
	if n != 4096 {
		t.Errorf("%d bytes were written", n)
	}
	if n, err := pipe.Reader().Read(make([]byte, 10_000)); n != 4096 || err != nil {
		t.Errorf("%d bytes were read: %v", n, err)
	}
	if n, err := pipe.Reader().Read(nil); n != 0 || err != nil {
		t.Errorf("an empty Read gives %d, %v", n, err)
	}
	if n, err := pipe.Writer().Write(nil); n != 0 || err != nil {
		t.Errorf("an empty Write gives %d, %v", n, err)
	}
}
