package main

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"sync"

	"mt-transcode.dev/go/examples/internal/watch"
	"mt-transcode.dev/go/mttranscode"
)

const playlist = "index.m3u8"

// hub is the one job, and who watches it.
type hub struct {
	settings settings
	job      *mttranscode.Job
	crowd    *watch.Crowd
	source   *mttranscode.Source

	mu      sync.Mutex
	taken   map[kind]int // places
	total   int
	refused int
}

func newHub(engine *mttranscode.Engine, s settings) (*hub, error) {
	job, err := engine.NewJob()
	if err != nil {
		return nil, err
	}
	h := &hub{settings: s, job: job, crowd: watch.NewCrowd(job, s.stallTime), taken: map[kind]int{}}
	if err := h.describe(); err != nil {
		job.Close()
		return nil, err
	}
	return h, nil
}

// describe says what the job is: one input, and HLS, which the viewers' outputs take their packets from.
func (h *hub) describe() error {
	if err := h.job.SetOption("loglevel", "warning"); err != nil {
		return err
	}
	if err := h.job.Input(h.settings.source, inputOptions(h.settings.source)...); err != nil {
		return err
	}
	options := append(h.codecs(),
		mttranscode.Opt("map", "0:v:0?"), mttranscode.Opt("map", "0:a:0?"),
		mttranscode.Opt("mt_gop_bytes", "16M"), // a viewer begins at once, with the last key frame
		mttranscode.Opt("f", "hls"), mttranscode.Opt("hls_time", "2"), mttranscode.Opt("hls_list_size", "6"),
		mttranscode.Opt("hls_flags", "delete_segments+temp_file"),
		mttranscode.Opt("hls_segment_filename", filepath.Join(h.settings.folder, "%d.ts")),
	)
	if err := h.job.Output(filepath.Join(h.settings.folder, playlist), options...); err != nil {
		return err
	}
	var err error
	h.source, err = h.job.Source(0)
	return err
}

// inputOptions are those of a file, which is played over and over at its own speed, or of a live source, which may come and go.
func inputOptions(source string) []mttranscode.Option {
	if info, err := os.Stat(source); err == nil && info.Mode().IsRegular() {
		return []mttranscode.Option{mttranscode.Flag("re"), mttranscode.Opt("stream_loop", "-1")}
	}
	return []mttranscode.Option{mttranscode.Opt("mt_live", "1"), mttranscode.Opt("mt_source", "1")}
}

func (h *hub) codecs() []mttranscode.Option {
	if !h.settings.encode {
		return []mttranscode.Option{mttranscode.Opt("c", "copy")}
	}
	return []mttranscode.Option{
		mttranscode.Opt("c:v", "libx264"), mttranscode.Opt("preset", "veryfast"), mttranscode.Opt("tune", "zerolatency"),
		mttranscode.Opt("pix_fmt", "yuv420p"), mttranscode.Opt("force_key_frames", "expr:gte(t,n_forced*2)"), mttranscode.Opt("c:a", "aac"),
	}
}

// follow takes the job's events until it has ended, and returns what with.
func (h *hub) follow() error {
	for event := range h.job.Events(context.Background()) {
		h.event(event)
	}
	return h.job.Wait(context.Background())
}

// event is called with each event of the job, in order.
func (h *hub) event(event mttranscode.Event) {
	h.crowd.Event(event)
	if changed, ok := event.(mttranscode.SourceChanged); ok {
		slog.Info("source", "state", changed.Status.State, "url", changed.Status.URL, "reason", changed.Status.Reason)
	}
}
