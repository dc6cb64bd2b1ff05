package mttranscode

// #include "library.h"
import "C"

import (
	"runtime"
	"sync"
	"time"
	"unsafe"
)

// Pipe is a bounded ring of bytes in memory between this program and a job, or between two jobs: what is written to its
// [PipeWriter] comes out of its [PipeReader]. A full pipe holds up its writer, an empty one its reader.
//
// Each end belongs to one goroutine at a time, or to a job that it was given to: see [Job.BindInput] and
// [Job.BindOutput]. For most programs those, with a reader or writer of their own, are enough, and make pipes
// themselves.
type Pipe struct {
	poller  *poller
	handle  *C.mt_transcode_pipe
	chunk   int
	reader  PipeReader
	writer  PipeWriter
	opened  *opened
	cleanup runtime.Cleanup

	readable, writable broadcast

	mu                sync.Mutex
	writeErr, readErr error // what the program closed each end with

	closeOnce sync.Once
}

type pipeConfig struct {
	capacity  int64
	chunk     int
	flush     time.Duration
	flushSet  bool
	highWater int
}

// PipeOption is an argument of [Engine.NewPipe], and of [Job.BindInput] and [Job.BindOutput] for the pipes that they
// make.
type PipeOption func(*pipeConfig)

// WithCapacity sets how many bytes a pipe holds: 4 KiB to 1 GiB. 0, and by default: 1 MiB.
func WithCapacity(bytes int64) PipeOption {
	return func(c *pipeConfig) { c.capacity = bytes }
}

// WithChunkSize sets how many bytes are moved at once: 512 to the pipe's capacity. 0, and by default: 64 KiB; 256 KiB for
// an output that is bound without any option.
func WithChunkSize(bytes int) PipeOption {
	return func(c *pipeConfig) { c.chunk = bytes }
}

// WithFlushInterval sets when what a job writes reaches the reader: 0 at once, otherwise after the interval at the
// latest, or when a chunk is full; negative only when a chunk is full and at the end. By default: 40 ms. What this
// program writes is visible at once.
func WithFlushInterval(interval time.Duration) PipeOption {
	return func(c *pipeConfig) { c.flush, c.flushSet = interval, true }
}

// WithHighWater sets at what percentage of its capacity a pipe of a job's makes a [PipeHighWater] event: 1 to 100. 0,
// and by default: 90.
func WithHighWater(percent int) PipeOption {
	return func(c *pipeConfig) { c.highWater = percent }
}

// NewPipe makes a pipe; the caller closes it. Its capacity counts against the engine's memory budget at once; its
// memory is taken as it fills. Errors: [ErrInvalid] where a size is out of its range, [ErrAgain] where the budget is
// used up at the moment, [ErrLimit] where it can never be enough. It never blocks.
func (e *Engine) NewPipe(options ...PipeOption) (*Pipe, error) {
	defer runtime.KeepAlive(e)
	var chosen pipeConfig
	for _, option := range options {
		option(&chosen)
	}
	return newPipe(e.poller, chosen)
}

func newPipe(poller *poller, chosen pipeConfig) (*Pipe, error) {
	config, err := chosen.toC()
	if err != nil {
		return nil, err
	}
	pipe := &Pipe{poller: poller, chunk: int(config.chunk_bytes)}
	if code := C.mt_transcode_pipe_new(poller.engine, &config, &pipe.handle); code < 0 {
		return nil, callError(code)
	}
	pipe.reader.pipe, pipe.writer.pipe = pipe, pipe
	pipe.opened = profileOpened()
	poller.addPipe(pipe)
	pipe.cleanup = runtime.AddCleanup(pipe, forgottenPipe.free, forgottenPipe{poller, pipe.handle, pipe.opened})
	return pipe, nil
}

func (c *pipeConfig) toC() (C.mt_transcode_pipe_config, error) {
	var config C.mt_transcode_pipe_config
	C.mt_transcode_pipe_config_init(&config, C.uint32_t(unsafe.Sizeof(config)))
	if c.capacity < 0 || c.chunk < 0 || int64(c.chunk) > maxPipeBytes || c.highWater < 0 || c.highWater > 100 {
		return config, invalid("a size of a pipe is out of its range")
	}
	config.capacity_bytes = C.uint64_t(c.capacity)
	config.chunk_bytes = C.uint32_t(c.chunk)
	config.high_water_percent = C.uint32_t(c.highWater)
	if c.chunk == 0 {
		config.chunk_bytes = C.uint32_t(defaultChunk)
		if c.capacity > 0 {
			config.chunk_bytes = C.uint32_t(min(defaultChunk, c.capacity))
		}
	}
	switch {
	case !c.flushSet:
	case c.flush < 0:
		config.flush_interval_ms = C.MT_TRANSCODE_FLUSH_CHUNKS
	default: // rounded up, so that only 0 is 0
		ms := (min(c.flush, time.Hour) + time.Millisecond - 1) / time.Millisecond
		config.flush_interval_ms = C.int32_t(ms)
	}
	return config, nil
}

const (
	defaultChunk = 64 << 10
	maxPipeBytes = 1 << 30
)

// Reader returns the end that bytes come out of.
func (p *Pipe) Reader() *PipeReader { return &p.reader }

// Writer returns the end that bytes go into.
func (p *Pipe) Writer() *PipeWriter { return &p.writer }

// Close frees the pipe. An end that is still open counts as broken off: a job that reads or writes at the other side
// fails. Calls that wait return [ErrClosed]. A call of ReadFrom or WriteTo that is inside the caller's own Read or
// Write keeps the memory until that returns. Close returns nil; a second call does nothing. It never blocks.
func (p *Pipe) Close() error {
	p.closeOnce.Do(func() {
		p.cleanup.Stop()
		p.opened.close()
		p.poller.forgetPipe(p.handle)
		C.mt_transcode_pipe_free(p.handle)
		p.readable.wake()
		p.writable.wake()
	})
	return nil
}

// await parks until a side of the pipe may be tried again. The watch tells at once where that is so already, so
// nothing is missed between the caller's last try and this call.
func (p *Pipe) await(side *broadcast, bit C.uint32_t, stop <-chan struct{}) error {
	ready := side.wait()
	if code := C.mt_transcode_pipe_watch(p.handle, bit); code < 0 {
		return callError(code)
	}
	select {
	case <-ready:
		return nil
	case <-p.poller.closed:
		return closedError()
	case <-stop:
		return errStopped
	}
}

func (p *Pipe) awaitReadable(stop <-chan struct{}) error {
	return p.await(&p.readable, C.MT_TRANSCODE_READY_READABLE, stop)
}

func (p *Pipe) awaitWritable(stop <-chan struct{}) error {
	return p.await(&p.writable, C.MT_TRANSCODE_READY_WRITABLE, stop)
}

// PipeStats is what went through a pipe.
type PipeStats struct {
	// WriteClosed and ReadClosed tell which ends are closed.
	WriteClosed, ReadClosed bool
	// Capacity is how many bytes fit, Chunk how many are moved at once, Fill how many are inside now, HighWater how many
	// were at the highest.
	Capacity, Chunk, Fill, HighWater uint64
	// Written and Read count bytes, Writes and Reads calls.
	Written, Read, Writes, Reads uint64
	// Full is how long the pipe was full, so that its reader held up its writer; Empty how long it was empty.
	Full, Empty time.Duration
}

// forgottenPipe is the argument of a pipe's cleanup: it must not lead to the pipe.
type forgottenPipe struct {
	poller *poller
	handle *C.mt_transcode_pipe
	opened *opened
}

func (f forgottenPipe) free() {
	f.opened.close()
	f.poller.forgetPipe(f.handle)
	C.mt_transcode_pipe_free(f.handle)
}

// Stats returns the numbers of the pipe. It never blocks.
func (p *Pipe) Stats() (PipeStats, error) {
	defer runtime.KeepAlive(p)
	var from C.mt_transcode_pipe_stats_data
	from.struct_size = C.uint32_t(unsafe.Sizeof(from))
	if code := C.mt_transcode_pipe_stats(p.handle, &from); code < 0 {
		return PipeStats{}, callError(code)
	}
	return PipeStats{
		WriteClosed: from.closed&1 != 0, ReadClosed: from.closed&2 != 0,
		Capacity: uint64(from.capacity_bytes), Chunk: uint64(from.chunk_bytes), Fill: uint64(from.fill_bytes),
		HighWater: uint64(from.high_water_bytes),
		Written:   uint64(from.written_bytes), Read: uint64(from.read_bytes), Writes: uint64(from.writes), Reads: uint64(from.reads),
		Full: fromMicroseconds(C.int64_t(from.full_us)), Empty: fromMicroseconds(C.int64_t(from.empty_us)),
	}, nil
}
