package main

import (
	"embed"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"mt-transcode.dev/go/examples/internal/watch"
	"mt-transcode.dev/go/mttranscode"
)

//go:embed web/index.html
var web embed.FS

// The players of the page come from the npm registry, pinned by web/package-lock.json, and are read from where `npm ci` put them: they are
// not part of this program, so neither are their licences.
var scripts = []string{"hls.js/dist/hls.min.js", "mpegts.js/dist/mpegts.js"}

func (h *hub) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) { http.ServeFileFS(w, r, web, "web/index.html") })
	for _, script := range scripts {
		path := filepath.Join(h.settings.scripts, filepath.FromSlash(script))
		mux.HandleFunc("GET /scripts/"+script, func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, path) })
	}
	mux.Handle("GET /hls/", http.StripPrefix("/hls/", h.segments()))
	mux.HandleFunc("GET /live.flv", h.watch(flv))
	mux.HandleFunc("GET /mjpeg", h.watch(mjpeg))
	mux.HandleFunc("GET /status", h.status)
	return mux
}

// segments serves what is of HLS in the folder, which may have other files too.
func (h *hub) segments() http.Handler {
	types := map[string]string{".m3u8": "application/vnd.apple.mpegurl", ".ts": "video/mp2t"}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		contentType, ok := types[filepath.Ext(r.URL.Path)]
		if !ok || strings.ContainsAny(r.URL.Path, `/\`) {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", contentType)
		w.Header().Set("Cache-Control", "no-cache")
		w.Header().Set("Access-Control-Allow-Origin", "*")
		http.ServeFile(w, r, filepath.Join(h.settings.folder, r.URL.Path))
	})
}

type sourceStatus struct {
	State       string `json:"state"`
	URL         string `json:"url"` // secrets are masked
	Reason      string `json:"reason,omitempty"`
	Failures    int    `json:"failures"`
	Connections int    `json:"connections"`
	RetryInMS   *int64 `json:"retry_in_ms"`
}

type viewerStatus struct {
	ID             int    `json:"id"`
	Kind           string `json:"kind"`
	State          string `json:"state"`
	Seconds        int    `json:"seconds"`
	SizeBytes      uint64 `json:"size_bytes"`
	PacketsWritten uint64 `json:"packets_written"`
	PacketsDropped uint64 `json:"packets_dropped"`
	Skips          uint64 `json:"skips"`
	BytesQueued    uint64 `json:"bytes_queued"`
}

// watchStatus is how many watch now, have ever, and were refused; who plays HLS is not known.
type watchStatus struct {
	Now     int `json:"now"`
	Total   int `json:"total"`
	Refused int `json:"refused"`
}

type hubStatus struct {
	Job      string         `json:"job"`
	HLSReady bool           `json:"hls_ready"` // the playlist is there
	Source   sourceStatus   `json:"source"`
	Watch    watchStatus    `json:"watch"`
	Viewers  []viewerStatus `json:"viewers"`
}

func (h *hub) status(w http.ResponseWriter, _ *http.Request) {
	now := hubStatus{Job: h.job.State().String()}
	_, err := os.Stat(filepath.Join(h.settings.folder, playlist))
	now.HLSReady = err == nil
	if source, err := h.source.Status(); err == nil {
		now.Source = statusOf(source)
	}
	h.mu.Lock()
	now.Watch = watchStatus{Now: h.taken[flv] + h.taken[mjpeg], Total: h.total, Refused: h.refused}
	h.mu.Unlock()
	viewers := h.crowd.Viewers()
	now.Viewers = make([]viewerStatus, len(viewers))
	for i, v := range viewers {
		now.Viewers[i] = viewerStatusOf(v)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_ = json.NewEncoder(w).Encode(now)
}

func statusOf(s mttranscode.SourceStatus) sourceStatus {
	status := sourceStatus{State: s.State.String(), URL: s.URL, Reason: s.Reason, Failures: s.Failures, Connections: s.Connections}
	if s.RetryIn >= 0 {
		ms := s.RetryIn.Milliseconds()
		status.RetryInMS = &ms
	}
	return status
}

func viewerStatusOf(v *watch.Viewer) viewerStatus {
	stats := v.Output.Stats()
	return viewerStatus{
		ID: v.ID, Kind: v.Kind, State: stats.State.String(), Seconds: int(time.Since(v.Since).Seconds()), SizeBytes: stats.SizeBytes,
		PacketsWritten: stats.PacketsWritten, PacketsDropped: stats.PacketsDropped, Skips: stats.Skips, BytesQueued: stats.BytesQueued,
	}
}
