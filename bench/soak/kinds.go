package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math/rand"
	"os"
	"path/filepath"
	"time"

	"mt-transcode.dev/go/mttranscode"
)

// kind is a sort of job. run returns nil where all was as it should be: for a bad job, where it failed with the right error.
type kind struct {
	name  string
	isBad bool
	run   func(*mttranscode.Engine, *clips, int) error
}

var goodJobs = kind{name: "good", run: runGood}

var badJobs = []kind{
	{"garbage as input", true, runGarbage},
	{"an empty input", true, runEmpty},
	{"a reader that fails", true, runFailingReader},
	{"a consumer that vanishes", true, runVanishingConsumer},
	{"a cancelled context", true, runCancelled},
}

// kindOf makes every twentieth job a bad one, each sort in its turn.
func kindOf(i int) kind {
	if i%20 != 19 {
		return goodJobs
	}
	return badJobs[i/20%len(badJobs)]
}

// clip is a remux: what goes in, what it becomes, and what came out the first time.
type clip struct {
	name    string
	input   []byte
	options []mttranscode.Option
	output  uint32 // CRC-32
}

type clips struct{ all []*clip }

func loadClips(folder string) (*clips, error) {
	to := func(format string, more ...mttranscode.Option) []mttranscode.Option {
		return append([]mttranscode.Option{mttranscode.Opt("map", "0"), mttranscode.Opt("c", "copy"), mttranscode.Opt("f", format)}, more...)
	}
	loaded := &clips{all: []*clip{
		{name: "tiny.mp4", options: to("mpegts")},
		{name: "tiny.ts", options: to("flv", mttranscode.Opt("flvflags", "no_duration_filesize"))},
		{name: "tiny.mp4", options: to("mp4", mttranscode.Opt("movflags", "+frag_keyframe+empty_moov"))},
		{name: "small.mp4", options: to("mpegts")},
	}}
	for _, clip := range loaded.all {
		var err error
		if clip.input, err = os.ReadFile(filepath.Join(folder, clip.name)); err != nil {
			return nil, err
		}
	}
	return loaded, nil
}

// learn runs each remux once, so that all others can be compared with it.
func (c *clips) learn(engine *mttranscode.Engine) error {
	for _, clip := range c.all {
		sum := crc32.NewIEEE()
		if err := clip.remux(context.Background(), engine, stream(clip.input), sum); err != nil {
			return fmt.Errorf("%s: %w", clip.name, err)
		}
		clip.output = sum.Sum32()
	}
	return nil
}

func (c *clips) of(i int) *clip { return c.all[i%len(c.all)] }

// remux copies what r gives to w.
func (c *clip) remux(ctx context.Context, engine *mttranscode.Engine, r io.Reader, w io.Writer) error {
	job, err := engine.NewJob()
	if err != nil {
		return err
	}
	defer job.Close()
	if err := errors.Join(job.InputFrom(r), job.OutputTo(w, c.options...)); err != nil {
		return err
	}
	return job.Run(ctx)
}

// stream hides that a reader can seek.
func stream(data []byte) io.Reader { return struct{ io.Reader }{bytes.NewReader(data)} }

func runGood(engine *mttranscode.Engine, clips *clips, i int) error {
	clip, sum := clips.of(i), crc32.NewIEEE()
	var input io.Reader = bytes.NewReader(clip.input) // can seek
	if i%2 == 0 || clip.name == "tiny.ts" {
		input = stream(clip.input) // an MPEG-TS that can seek is looked at in another way, and has another first timestamp
	}
	if err := clip.remux(context.Background(), engine, input, sum); err != nil {
		return err
	}
	if sum.Sum32() != clip.output {
		return fmt.Errorf("%s became other bytes than the first time", clip.name)
	}
	return nil
}

// want makes sure that a job failed, and how.
func want(err error, is error) error {
	switch {
	case err == nil:
		return fmt.Errorf("it succeeded, instead of failing with %w", is)
	case !errors.Is(err, is):
		return fmt.Errorf("it failed in another way than with '%v': %w", is, err)
	}
	return nil
}

func runGarbage(engine *mttranscode.Engine, clips *clips, i int) error {
	garbage := make([]byte, 50_000)
	rand.New(rand.NewSource(int64(i))).Read(garbage)
	garbage[0] = 0 // no mark of any format
	return want(clips.of(i).remux(context.Background(), engine, stream(garbage), io.Discard), mttranscode.ErrDemux)
}

func runEmpty(engine *mttranscode.Engine, clips *clips, i int) error {
	return want(clips.of(i).remux(context.Background(), engine, stream(nil), io.Discard), mttranscode.ErrDemux)
}

var errReader = errors.New("the reader failed")

func runFailingReader(engine *mttranscode.Engine, clips *clips, i int) error {
	clip := clips.of(i)
	reader := io.MultiReader(bytes.NewReader(clip.input[:len(clip.input)/2]), failing{})
	return want(clip.remux(context.Background(), engine, reader, io.Discard), errReader)
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errReader }

var errWriter = errors.New("the consumer is gone")

func runVanishingConsumer(engine *mttranscode.Engine, clips *clips, i int) error {
	clip := clips.of(i)
	return want(clip.remux(context.Background(), engine, stream(clip.input), vanishing{}), errWriter)
}

type vanishing struct{}

func (vanishing) Write([]byte) (int, error) { return 0, errWriter }

// runCancelled cancels a job in the middle: its reader gives the first half, and then nothing any more.
func runCancelled(engine *mttranscode.Engine, clips *clips, i int) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Duration(5+i%50)*time.Millisecond)
	defer cancel()
	clip := clips.of(i)
	reader := io.MultiReader(bytes.NewReader(clip.input[:len(clip.input)/2]), stalling{ctx})
	return want(clip.remux(ctx, engine, reader, io.Discard), context.DeadlineExceeded)
}

// stalling is a reader whose peer says nothing more until the request is over.
type stalling struct{ ctx context.Context }

func (s stalling) Read([]byte) (int, error) {
	<-s.ctx.Done()
	return 0, s.ctx.Err()
}
