// A host whose native side is looked at, with the package (build tag nativeprof) or without: `host profile FILE` writes a CPU profile of
// encoding, `host fault [REPORTS]` dies in C.
package main

/*
#include <stdlib.h>

// Not static and not inlined: they are to be frames.
__attribute__((noinline)) int mt_test_inner(volatile int *place) { return *place + 1; }
__attribute__((noinline)) int mt_test_outer(volatile int *place) { return mt_test_inner(place) * 2; }
*/
import "C"

import (
	"context"
	"fmt"
	"os"
	"runtime/pprof"
	"syscall"
	"time"

	"mt-transcode.dev/go/mttranscode"
)

// The native threads are to use so much CPU time, and not longer than so long.
const (
	enough  = 2 * time.Second
	longest = 2 * time.Minute
)

func used() time.Duration {
	var usage syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

func encode(engine *mttranscode.Engine, codec string) error {
	job, err := engine.NewJob("-f", "lavfi", "-i", "testsrc2=s=640x360:r=25:d=8", "-c:v", codec, "-f", "null", "-")
	if err != nil {
		return err
	}
	defer job.Close()
	return job.Run(context.Background())
}

func profile(path string) error {
	engine, err := mttranscode.NewEngine()
	if err != nil {
		return err
	}
	defer engine.Close()
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	defer file.Close()
	if err := pprof.StartCPUProfile(file); err != nil {
		return err
	}
	defer pprof.StopCPUProfile()
	began, before := time.Now(), used()
	for used()-before < enough && time.Since(began) < longest {
		for _, codec := range []string{"mpeg4", "libx264"} {
			if err := encode(engine, codec); err != nil {
				return err
			}
		}
	}
	return nil
}

// fault dies on the place of a goroutine, with an engine that makes crash reports where a file for them is given.
//
//go:noinline
func fault(reports ...string) {
	if len(reports) > 0 {
		engine, err := mttranscode.NewEngine(mttranscode.WithCrashReports(reports[0]))
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(3)
		}
		defer engine.Close()
	}
	fmt.Println(C.mt_test_outer((*C.int)(nil)))
}

func main() {
	switch os.Args[1] {
	case "profile":
		if err := profile(os.Args[2]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(3)
		}
	case "fault":
		fault(os.Args[2:]...)
	}
}
