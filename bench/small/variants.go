package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"

	"mt-transcode.dev/bench/worker"
	"mt-transcode.dev/go/mttranscode"
)

// inMemory gives the job all of the input at once, and takes all of the output at the end.
func inMemory(what worker.Remux, output *bytes.Buffer) error {
	return inProcess(what, bytes.NewReader(what.Input), output)
}

// byPipes gives it a reader and a writer that cannot seek, as a request's body and its response.
func byPipes(what worker.Remux, output *bytes.Buffer) error {
	return inProcess(what, struct{ io.Reader }{bytes.NewReader(what.Input)}, struct{ io.Writer }{output})
}

// bySeeking gives it a reader that can, as a file.
func bySeeking(what worker.Remux, output *bytes.Buffer) error {
	return inProcess(what, struct{ io.ReadSeeker }{bytes.NewReader(what.Input)}, struct{ io.Writer }{output})
}

func inProcess(what worker.Remux, input io.Reader, output io.Writer) error {
	job, err := engine.NewJob()
	if err != nil {
		return err
	}
	defer job.Close()
	options := []mttranscode.Option{
		mttranscode.Opt("map", "0"), mttranscode.Opt("c", "copy"), mttranscode.Opt("f", what.Format),
	}
	if what.Key != "" {
		options = append(options, mttranscode.Opt(what.Key, what.Value))
	}
	if err := errors.Join(job.InputFrom(input), job.OutputTo(output, options...)); err != nil {
		return err
	}
	return job.Run(context.Background())
}

// staticFFmpeg is what bench/competitors.sh has put there; the program runs in the root of the tree.
const staticFFmpeg = "build/bench/ffmpeg-static"

// byProgram starts a process for the job, which is fed and emptied through pipes by goroutines of os/exec.
func byProgram(program string) func(worker.Remux, *bytes.Buffer) error {
	return func(what worker.Remux, output *bytes.Buffer) error {
		args := []string{"-nostdin", "-v", "error", "-i", "pipe:0", "-map", "0", "-c", "copy", "-f", what.Format}
		if what.Key != "" {
			args = append(args, "-"+what.Key, what.Value)
		}
		var said bytes.Buffer
		command := exec.Command(program, append(args, "pipe:1")...)
		command.Stdin = bytes.NewReader(what.Input)
		command.Stdout = output
		command.Stderr = &said
		if err := command.Run(); err != nil {
			return fmt.Errorf("%s: %w: %s", program, err, &said)
		}
		return nil
	}
}

// byProbe asks the library what is in the file.
func byProbe(what worker.Remux, output *bytes.Buffer) error {
	info, err := engine.Probe(context.Background(), what.Path)
	if err != nil {
		return err
	}
	output.Write(info.JSON) // read already: info has it as a struct, too
	return nil
}

// byProbeProgram asks ffprobe.
func byProbeProgram(what worker.Remux, output *bytes.Buffer) error {
	said, err := exec.Command("ffprobe", "-v", "error", "-of", "json", "-show_format", "-show_streams", what.Path).Output()
	if err != nil {
		return fmt.Errorf("ffprobe: %w", err)
	}
	output.Write(said)
	return nil
}

// inWorker runs the job in a process of its own, from file to file.
func inWorker(what worker.Remux, output *bytes.Buffer) error {
	isolated, err := workers()
	if err != nil {
		return err
	}
	return toFile(what, output, func(args []string) error {
		job, err := isolated.NewJob(args...)
		if err != nil {
			return err
		}
		defer job.Close()
		return job.Run(context.Background())
	})
}

// byProgramWithFiles starts the ffmpeg program for the same.
func byProgramWithFiles(what worker.Remux, output *bytes.Buffer) error {
	return toFile(what, output, func(args []string) error {
		said, err := exec.Command("ffmpeg", append([]string{"-nostdin", "-v", "error"}, args...)...).CombinedOutput()
		if err != nil {
			return fmt.Errorf("ffmpeg: %w: %s", err, said)
		}
		return nil
	})
}

// toFile has an output file made, and reads it: both variants pay for that.
func toFile(what worker.Remux, output *bytes.Buffer, run func([]string) error) error {
	file, err := os.CreateTemp("", "bench")
	if err != nil {
		return err
	}
	defer os.Remove(file.Name())
	defer file.Close()
	args := []string{"-y", "-i", what.Path, "-map", "0", "-c", "copy", "-f", what.Format}
	if what.Key != "" {
		args = append(args, "-"+what.Key, what.Value)
	}
	if err := run(append(args, file.Name())); err != nil {
		return err
	}
	_, err = output.ReadFrom(file)
	return err
}
