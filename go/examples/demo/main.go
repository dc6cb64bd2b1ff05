// Demo is the program behind `make demo`: one job with one decode makes a 720p MP4 and an HLS ladder of two rungs of
// a film, with progress; then it reads back what was made, and draws a contact sheet.
//
//	demo [INPUT]
//
// INPUT, or the environment's INPUT, is a file or URL; without it a clip of 20 seconds is made. OUT names the folder
// of the results (demo-out).
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"mt-transcode.dev/go/mttranscode"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil {
		explain(err)
		os.Exit(1)
	}
}

// demo is what every step needs.
type demo struct {
	engine *mttranscode.Engine
	folder string
	input  string
	sound  bool
	length time.Duration
}

func run(ctx context.Context) error {
	began := time.Now()
	engine, err := mttranscode.NewEngine()
	if err != nil {
		return err
	}
	defer engine.Close()
	d := &demo{engine: engine, folder: outFolder()}
	fmt.Printf("mt-transcode %s, results in %s\n\n", mttranscode.Version(), d.folder)
	if err := d.prepare(); err != nil {
		return err
	}
	for _, step := range []func(context.Context) error{d.findInput, d.transcode, d.contactSheet, d.report} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	fmt.Printf("\nDone in %.1f s.\n", time.Since(began).Seconds())
	return nil
}

func outFolder() string {
	if folder := os.Getenv("OUT"); folder != "" {
		return folder
	}
	return "demo-out"
}

// prepare makes the folder, and takes away what an earlier run left in it, so that no segment of another film stays.
func (d *demo) prepare() error {
	if err := os.MkdirAll(d.folder, 0o755); err != nil {
		return err
	}
	for _, name := range []string{filmName, hlsFolder, sheetName} {
		if err := os.RemoveAll(d.path(name)); err != nil {
			return err
		}
	}
	return os.MkdirAll(d.path(hlsFolder), 0o755)
}

func (d *demo) path(name string) string { return filepath.Join(d.folder, name) }

// explain prints what failed and what to do about it.
func explain(err error) {
	if errors.Is(err, context.Canceled) {
		fmt.Fprintln(os.Stderr, "\nInterrupted: the job was cancelled, its files are not complete.")
		return
	}
	fmt.Fprintln(os.Stderr, "\nThe demo failed:", err)
	var failure *mttranscode.Error
	if errors.As(err, &failure) {
		if failure.Hint != "" {
			fmt.Fprintln(os.Stderr, failure.Hint)
		}
		if failure.Detail != "" {
			fmt.Fprintln(os.Stderr, failure.Detail)
		}
	}
}
