// Small remuxes small files from memory to memory, or from file to file, for a while, as often as it can, or probes them: with the Go
// package, on threads and in workers, and by the ffmpeg program as services start it today. Package worker says how it is spoken to.
package main

import (
	"log"
	"sync"

	"mt-transcode.dev/bench/worker"
	"mt-transcode.dev/go/mttranscode"
)

var variants = worker.Variants{
	"go_memory":  inMemory,
	"go_pipe":    byPipes,
	"go_io":      bySeeking,
	"go_exec":    byProgram("ffmpeg"),
	"go_static":  byProgram(staticFFmpeg),
	"go_worker":  inWorker,
	"go_files":   byProgramWithFiles,
	"go_probe":   byProbe,
	"go_ffprobe": byProbeProgram,
}

var (
	engine *mttranscode.Engine
	// workers runs each job in a process of its own. Made when it is asked for.
	workers = sync.OnceValues(func() (*mttranscode.Engine, error) {
		return mttranscode.NewEngine(mttranscode.WithMaxRunning(64), mttranscode.WithIsolation(mttranscode.Isolation{}))
	})
)

func main() {
	log.SetFlags(0)
	var err error
	if engine, err = mttranscode.NewEngine(mttranscode.WithMaxRunning(64)); err != nil {
		log.Fatal(err)
	}
	defer engine.Close()
	if err := worker.Serve(variants); err != nil {
		log.Fatal(err)
	}
}
