// Names runs the job that its arguments say, as a program that is linked statically may: it prints the code that the job ended with. With the
// first argument "c" the C library is to resolve host names, with "go" what is the default.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"mt-transcode.dev/go/mttranscode"
)

func main() {
	var options []mttranscode.EngineOption
	if os.Args[1] == "c" {
		options = append(options, mttranscode.WithCResolver())
	}
	code, err := run(os.Args[2:], options)
	fmt.Println("code", int(code))
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}

func run(args []string, options []mttranscode.EngineOption) (mttranscode.Code, error) {
	engine, err := mttranscode.NewEngine(options...)
	if err != nil {
		return 0, err
	}
	defer engine.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	job, err := engine.NewJob(args...)
	if err == nil {
		defer job.Close()
		err = job.Run(ctx)
	}
	var failure *mttranscode.Error
	if errors.As(err, &failure) {
		return failure.Code, err
	}
	return 0, err
}
