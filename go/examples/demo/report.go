package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"mt-transcode.dev/go/mttranscode"
)

// made is a line of the table.
type made struct {
	name     string
	segments string // how many a playlist has
	bytes    int64
}

// report prints what was made, as the library reads it back.
func (d *demo) report(ctx context.Context) error {
	files, err := d.made()
	if err != nil {
		return err
	}
	fmt.Println("Made, as the library reads it back:")
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "  file\tduration\tcodecs\tresolution\tbit rate\tsize\tsegments")
	for _, file := range files {
		info, err := d.probe(ctx, file.name)
		if err != nil {
			return err
		}
		fmt.Fprintf(table, "  %s\t%s\t%s\t%s\t%s\t%s\t%s\n", file.name, length(info), codecs(info), resolution(info),
			bitRate(info, file.bytes), size(uint64(file.bytes)), file.segments)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	fmt.Printf("\nTo watch: %s (all rungs: %s)\n", d.path(filmName), d.path(filepath.Join(hlsFolder, "master.m3u8")))
	return nil
}

func (d *demo) probe(ctx context.Context, name string) (*mttranscode.MediaInfo, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	return d.engine.Probe(ctx, d.path(name))
}

func (d *demo) made() ([]made, error) {
	var files []made
	for _, name := range []string{filmName, sheetName} {
		bytes, err := fileSize(d.path(name))
		if err != nil {
			return nil, err
		}
		files = append(files, made{name: name, segments: "-", bytes: bytes})
	}
	for _, r := range ladder {
		folder := filepath.Join(hlsFolder, r.name)
		segments, err := filepath.Glob(filepath.Join(d.path(folder), "segment-*.ts"))
		if err != nil {
			return nil, err
		}
		playlist := made{name: filepath.Join(folder, "index.m3u8"), segments: fmt.Sprint(len(segments))}
		for _, segment := range segments {
			bytes, err := fileSize(segment)
			if err != nil {
				return nil, err
			}
			playlist.bytes += bytes
		}
		files = append(files, playlist)
	}
	return files, nil
}

func fileSize(path string) (int64, error) {
	info, err := os.Stat(path)
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

// describe says in a few words what a film is.
func describe(info *mttranscode.MediaInfo) string {
	return codecs(info) + ", " + resolution(info)
}

func codecs(info *mttranscode.MediaInfo) string {
	var names []string
	for _, stream := range info.Streams {
		if stream.Type == "video" || stream.Type == "audio" {
			names = append(names, stream.Codec)
		}
	}
	return strings.Join(names, " + ")
}

func resolution(info *mttranscode.MediaInfo) string {
	video := info.Stream("video")
	if video == nil {
		return "-"
	}
	return fmt.Sprintf("%dx%d", video.Width, video.Height)
}

func length(info *mttranscode.MediaInfo) string {
	if !isFilm(info) {
		return "-"
	}
	return clock(info.Format.Duration)
}

// isFilm tells a film from a picture, which is given the duration of one frame.
func isFilm(info *mttranscode.MediaInfo) bool {
	video := info.Stream("video")
	return info.Format.Duration > 0 && (video == nil || video.Codec != "png")
}

// bitRate is reckoned from the size where a playlist's format does not know it.
func bitRate(info *mttranscode.MediaInfo, bytes int64) string {
	if !isFilm(info) {
		return "-"
	}
	rate := float64(bytes) * 8 / info.Format.Duration.Seconds()
	return fmt.Sprintf("%.0f kbit/s", rate/1000)
}
