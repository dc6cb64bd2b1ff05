package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"mt-transcode.dev/go/mttranscode"
)

const (
	clipName  = "input-1080p.mp4"
	filmName  = "film-720p.mp4"
	hlsFolder = "hls"
	sheetName = "contact-sheet.png"
	tiles     = 12 // 4 by 3
)

// rung is a quality of the HLS ladder.
type rung struct {
	name   string
	height int
	rate   string
}

var ladder = []rung{{"480p", 480, "1400k"}, {"360p", 360, "800k"}}

// findInput takes the input that was given, or makes one.
func (d *demo) findInput(ctx context.Context) error {
	d.input = os.Getenv("INPUT")
	if len(os.Args) > 1 {
		d.input = os.Args[1]
	}
	if d.input == "" {
		if err := d.makeClip(ctx); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	info, err := d.engine.Probe(ctx, d.input)
	if err != nil {
		return err
	}
	video := info.Stream("video")
	if video == nil {
		return fmt.Errorf("%s has no picture", d.input)
	}
	d.sound, d.length = info.Stream("audio") != nil, info.Format.Duration
	fmt.Printf("Input: %s, %s, %s\n\n", d.input, describe(info), clock(d.length))
	return nil
}

func (d *demo) makeClip(ctx context.Context) error {
	d.input = d.path(clipName)
	return d.run(ctx, "Making a clip of 20 s", []string{
		"-f", "lavfi", "-i", "testsrc2=size=1920x1080:rate=25", "-f", "lavfi", "-i", "sine=frequency=330:beep_factor=4",
		"-t", "20", "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-c:a", "aac", "-b:a", "128k", d.input,
	})
}

// transcode makes everything from one decode: the graph splits the picture once, and each branch scales its own.
func (d *demo) transcode(ctx context.Context) error {
	args := []string{"-i", d.input, "-filter_complex", d.graph()}
	args = append(args, d.film()...)
	args = append(args, d.hls()...)
	return d.run(ctx, "One decode, three encodes", args)
}

func (d *demo) graph() string {
	var graph strings.Builder
	fmt.Fprintf(&graph, "[0:v:0]format=yuv420p,split=%d[s720]", 1+len(ladder))
	for _, r := range ladder {
		fmt.Fprintf(&graph, "[s%d]", r.height)
	}
	graph.WriteString(";[s720]scale=-2:720[v720]")
	for _, r := range ladder {
		fmt.Fprintf(&graph, ";[s%d]scale=-2:%d[v%d]", r.height, r.height, r.height)
	}
	return graph.String()
}

func (d *demo) film() []string {
	args := []string{"-map", "[v720]"}
	if d.sound {
		args = append(args, "-map", "0:a:0", "-c:a", "aac", "-b:a", "128k", "-ac", "2")
	}
	return append(args, "-c:v", "libx264", "-preset", "veryfast", "-crf", "23", "-movflags", "+faststart", d.path(filmName))
}

// hls pairs each rung's picture with a sound stream of its own: a variant of the master playlist is both.
func (d *demo) hls() []string {
	var args, variants []string
	for i, r := range ladder {
		args = append(args, "-map", fmt.Sprintf("[v%d]", r.height))
		variant := fmt.Sprintf("v:%d,name:%s", i, r.name)
		if d.sound {
			args = append(args, "-map", "0:a:0")
			variant = fmt.Sprintf("v:%d,a:%d,name:%s", i, i, r.name)
		}
		variants = append(variants, variant)
	}
	for i, r := range ladder {
		args = append(args, fmt.Sprintf("-b:v:%d", i), r.rate)
	}
	args = append(args, "-c:v", "libx264", "-preset", "superfast", "-g", "50", "-sc_threshold", "0")
	if d.sound {
		args = append(args, "-c:a", "aac", "-b:a", "96k", "-ac", "2")
	}
	return append(args, "-f", "hls", "-hls_time", "4", "-hls_playlist_type", "vod",
		"-hls_segment_filename", filepath.Join(d.folder, hlsFolder, "%v", "segment-%03d.ts"),
		"-master_pl_name", "master.m3u8", "-var_stream_map", strings.Join(variants, " "),
		filepath.Join(d.folder, hlsFolder, "%v", "index.m3u8"))
}

// contactSheet takes one picture of each twelfth of the film.
func (d *demo) contactSheet(ctx context.Context) error {
	rate := "1"
	if d.length > 0 {
		rate = fmt.Sprintf("%d/%.3f", tiles, d.length.Seconds())
	}
	return d.run(ctx, "Contact sheet", []string{
		"-i", d.path(filmName), "-vf", "fps=" + rate + ",scale=320:-2,tile=4x3:padding=4", "-frames:v", "1", d.path(sheetName),
	})
}

// run runs a job with progress, and prints the command that the ffmpeg program would need for the same.
func (d *demo) run(ctx context.Context, title string, args []string) error {
	job, err := d.engine.NewJob(args...)
	if err != nil {
		return err
	}
	defer job.Close()
	command, err := job.Command(mttranscode.CommandFFmpeg | mttranscode.CommandMasked)
	if err != nil {
		return err
	}
	fmt.Printf("%s. With the ffmpeg program:\n  %s\n", title, command)
	progress := newProgressLine(os.Stdout)
	err = job.Run(ctx, progress.show)
	progress.end()
	fmt.Println()
	return err
}
