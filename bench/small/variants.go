package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"

	"mt-transcode.dev/go/mttranscode"
)

// inMemory gives the job all of the input at once, and takes all of the output at the end.
func inMemory(what remux, output *bytes.Buffer) error {
	return inProcess(what, bytes.NewReader(what.input), output)
}

// byPipes gives it a reader and a writer that cannot seek, as a request's body and its response.
func byPipes(what remux, output *bytes.Buffer) error {
	return inProcess(what, struct{ io.Reader }{bytes.NewReader(what.input)}, struct{ io.Writer }{output})
}

// bySeeking gives it a reader that can, as a file.
func bySeeking(what remux, output *bytes.Buffer) error {
	return inProcess(what, struct{ io.ReadSeeker }{bytes.NewReader(what.input)}, struct{ io.Writer }{output})
}

func inProcess(what remux, input io.Reader, output io.Writer) error {
	job, err := engine.NewJob()
	if err != nil {
		return err
	}
	defer job.Close()
	options := []mttranscode.Option{
		mttranscode.Opt("map", "0"), mttranscode.Opt("c", "copy"), mttranscode.Opt("f", what.format),
	}
	if what.key != "" {
		options = append(options, mttranscode.Opt(what.key, what.value))
	}
	if err := errors.Join(job.InputFrom(input), job.OutputTo(output, options...)); err != nil {
		return err
	}
	return job.Run(context.Background())
}

// byProgram starts a process for the job, which is fed and emptied through pipes by goroutines of os/exec.
func byProgram(what remux, output *bytes.Buffer) error {
	args := []string{"-nostdin", "-v", "error", "-i", "pipe:0", "-map", "0", "-c", "copy", "-f", what.format}
	if what.key != "" {
		args = append(args, "-"+what.key, what.value)
	}
	var said bytes.Buffer
	command := exec.Command("ffmpeg", append(args, "pipe:1")...)
	command.Stdin = bytes.NewReader(what.input)
	command.Stdout = output
	command.Stderr = &said
	if err := command.Run(); err != nil {
		return fmt.Errorf("ffmpeg: %w: %s", err, &said)
	}
	return nil
}
