// A host in Go: gohost REPORT HANDLER LABEL ARGS... runs one job, with crash reports appended to REPORT. Before it a fault of Go's own is recovered: it must not
// become a report.
package main

import (
	"context"
	"fmt"
	"os"

	"mt-transcode.dev/go/mttranscode"
)

type record struct{ next *record }

// recoverFromNil dereferences nil, as a bug in a service would, and recovers.
func recoverFromNil() (recovered any) {
	defer func() { recovered = recover() }()
	var none *record
	none.next = none
	return nil
}

func run() error {
	engine, err := mttranscode.NewEngine(mttranscode.WithCrashReports(os.Args[1]))
	if err != nil {
		return err
	}
	defer engine.Close()
	fmt.Fprintln(os.Stderr, "recovered:", recoverFromNil())
	job, err := engine.NewJob(os.Args[4:]...)
	if err != nil {
		return err
	}
	defer job.Close()
	if err := job.SetLabel(os.Args[3]); err != nil {
		return err
	}
	return job.Run(context.Background())
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(3)
	}
}
