package mttranscode_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"mt-transcode.dev/go/mttranscode"
)

func ExampleJob_Run() {
	engine, err := mttranscode.NewEngine()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer engine.Close()
	job, err := engine.NewJob("-f", "lavfi", "-i", "testsrc2=d=1", "-f", "null", "-")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer job.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	fmt.Println(job.Run(ctx), job.State())
	// Output: <nil> succeeded
}

// The body of a request goes to a job as it comes, and what the job writes goes out as the response.
func ExampleJob_InputFrom() {
	engine, err := mttranscode.NewEngine()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer engine.Close()
	http.HandleFunc("POST /remux", func(w http.ResponseWriter, r *http.Request) {
		job, err := engine.NewJob()
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		defer job.Close()
		_ = http.NewResponseController(w).EnableFullDuplex()
		err = errors.Join(job.InputFrom(r.Body), job.OutputTo(w, mttranscode.Opt("c", "copy"), mttranscode.Opt("f", "mpegts")))
		if err == nil {
			err = job.Run(r.Context())
		}
		slog.Info("remuxed", "error", err)
	})
}

// HLS goes to memory, from where it is served while it is written.
func ExampleJob_OutputStore() {
	engine, err := mttranscode.NewEngine()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer engine.Close()
	job, err := engine.NewJob("-f", "lavfi", "-i", "testsrc2=s=160x120:r=25:d=4")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer job.Close()
	store := &mttranscode.MemoryStore{}
	http.Handle("/live/", http.FileServerFS(store))
	err = job.OutputStore(store, "live/index.m3u8", mttranscode.Opt("c:v", "mpeg4"), mttranscode.Opt("f", "hls"))
	if err == nil {
		err = job.Run(context.Background())
	}
	playlist, _ := store.ReadFile("live/index.m3u8")
	fmt.Println(err, strings.HasPrefix(string(playlist), "#EXTM3U"))
	// Output: <nil> true
}

// The first bytes are looked at before a job takes a place of the engine's.
func ExamplePipe_Probe() {
	engine, err := mttranscode.NewEngine()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer engine.Close()
	pipe, err := engine.NewPipe()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pipe.Close()
	go func() {
		_, err := pipe.Writer().ReadFrom(strings.NewReader("This is a letter, and no film."))
		_ = pipe.Writer().CloseWithError(err)
	}()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	_, err = pipe.Probe(ctx, 0)
	fmt.Println(errors.Is(err, mttranscode.ErrDemux))
	// Output: true
}

func ExampleJob_Input() {
	engine, err := mttranscode.NewEngine()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer engine.Close()
	job, err := engine.NewJob()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer job.Close()
	err = errors.Join(
		job.SetLabel("request 42"),
		job.Input("in.mp4", mttranscode.Opt("ss", "10")),
		job.Output("out.mkv", mttranscode.Opt("c:v", "copy"), mttranscode.Flag("an")),
	)
	fmt.Println(err, job.State())
	// Output: <nil> new
}

// The errors of a job are told apart by errors.Is, and their words taken by errors.As.
func ExampleError() {
	engine, err := mttranscode.NewEngine()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer engine.Close()
	job, err := engine.NewJob("-i", "/nonexistent/in.mp4", "-f", "null", "-")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer job.Close()
	err = job.Run(context.Background())
	var failure *mttranscode.Error
	switch {
	case errors.Is(err, mttranscode.ErrDemux):
		fmt.Println("this is no media file")
	case errors.Is(err, fs.ErrNotExist) && errors.As(err, &failure):
		fmt.Println(failure.Stage, failure.InputIndex, failure.URL)
	}
	// Output: open input 0 /nonexistent/in.mp4
}

func ExampleJob_Events() {
	engine, err := mttranscode.NewEngine()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer engine.Close()
	job, err := engine.NewJob("-f", "lavfi", "-i", "testsrc2=d=1", "-f", "null", "-")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer job.Close()
	ctx := context.Background()
	if err := job.Start(); err != nil {
		fmt.Println(err)
		return
	}
	for event := range job.Events(ctx) {
		switch e := event.(type) {
		case mttranscode.InputOpened:
			fmt.Println("opened input", e.Index)
		case mttranscode.Done:
			fmt.Println("done with code", int(e.Code))
		}
	}
	fmt.Println(job.Wait(ctx))
	// Output:
	// opened input 0
	// done with code 0
	// <nil>
}

// A service that is told to end takes no new jobs, gives those that run 20 seconds, and then has their outputs finished so that they play.
func ExampleEngine_Shutdown() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()

	engine, err := mttranscode.NewEngine(mttranscode.WithMaxRunning(4), mttranscode.WithLogger(slog.Default()))
	if err != nil {
		slog.Error("no engine", "error", err)
		return
	}
	defer engine.Close()
	// ... serve requests, each with a job of this engine ...
	<-ctx.Done()
	stop() // a second signal ends the process at once

	grace, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	counts, err := engine.Shutdown(grace)
	slog.Info("engine ended", "finished", counts.Finished, "stopped", counts.Stopped, "never ran", counts.NeverRan, "error", err)
}
