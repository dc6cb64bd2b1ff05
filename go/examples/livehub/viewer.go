package main

import (
	"fmt"
	"net/http"

	"mt-transcode.dev/go/examples/internal/watch"
	"mt-transcode.dev/go/mttranscode"
)

// kind is what a viewer is given.
type kind string

const (
	flv   kind = "flv"
	mjpeg kind = "mjpeg"
)

func (k kind) most(s settings) int {
	if k == mjpeg {
		return s.pictures
	}
	return s.viewers
}

// media is what an output that joins makes: copied from HLS, or, for pictures, encoded.
func (k kind) media(s settings) watch.Media {
	options := []mttranscode.Option{
		mttranscode.Opt("mt_from", "0"), mttranscode.Opt("mt_slow", s.slow),
		mttranscode.Opt("mt_queue_bytes", fmt.Sprint(s.queueBytes)), mttranscode.Opt("mt_live", "1"),
	}
	if k == mjpeg {
		options = append(options, mttranscode.Flag("an"), mttranscode.Opt("c:v", "mjpeg"), mttranscode.Opt("q:v", "6"),
			mttranscode.Opt("vf", "fps=5,scale='min(640,iw)':-2,format=yuvj420p"), mttranscode.Opt("f", "mpjpeg"), mttranscode.Opt("boundary_tag", "picture"))
		return watch.Media{Kind: string(k), ContentType: "multipart/x-mixed-replace; boundary=picture", Options: options}
	}
	options = append(options, mttranscode.Opt("c", "copy"), mttranscode.Opt("f", "flv"), mttranscode.Opt("flvflags", "no_duration_filesize"))
	return watch.Media{Kind: string(k), ContentType: "video/x-flv", Options: options}
}

func (h *hub) watch(of kind) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if !h.enter(of) {
			w.Header().Set("Retry-After", "5")
			http.Error(w, "there is no room for another viewer", http.StatusServiceUnavailable)
			return
		}
		defer h.leave(of)
		h.crowd.Serve(w, r, of.media(h.settings))
	}
}

// enter takes a place for a viewer, where there is one.
func (h *hub) enter(of kind) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.taken[of] >= of.most(h.settings) {
		h.refused++
		return false
	}
	h.taken[of]++
	h.total++
	return true
}

func (h *hub) leave(of kind) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.taken[of]--
}
