// Livehub takes one live source, or a file over and over, and gives it to many: as HLS on disk, as HTTP-FLV, and to viewers of
// cameras as JPEGs. Its page plays both.
//
//	livehub -source rtmp://camera.local/live/one -folder /srv/hls
//	livehub -source film.mp4
//
//	/                the page            /live.flv   HTTP-FLV
//	/hls/index.m3u8  HLS                 /mjpeg      multipart/x-mixed-replace
//	/status          what it is at, as JSON
//
// Media is copied; -encode makes H.264 and AAC of what is neither. Each viewer is an output of its own that joins the one job and
// leaves it, with a queue that -slow is the policy of. SIGTERM ends all in good order: viewers get the end of their streams, and the
// playlist its last line.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"mt-transcode.dev/go/mttranscode"
)

// settings are what the command line says.
type settings struct {
	listen, source, folder, scripts string
	encode                          bool
	viewers, pictures               int           // how many at once, of /live.flv and of /mjpeg
	slow                            string        // what happens to viewers that fall behind: mt_slow
	queueBytes                      int           // how much may wait for one
	stallTime                       time.Duration // for a viewer that takes nothing at all
	grace                           time.Duration // for viewers to take the last of their streams
}

func parse(args []string) (settings, error) {
	var s settings
	flags := flag.NewFlagSet("livehub", flag.ContinueOnError)
	flags.StringVar(&s.listen, "listen", "localhost:8080", "address to listen on")
	flags.StringVar(&s.source, "source", "", "URL of a live source, or a file")
	flags.StringVar(&s.folder, "folder", "", "where HLS is written (empty: a temporary folder, removed at the end)")
	flags.StringVar(&s.scripts, "scripts", "web/node_modules", "folder that npm ci in web/ put the players of the page into")
	flags.BoolVar(&s.encode, "encode", false, "encode to H.264 and AAC, for sources that are neither")
	flags.IntVar(&s.viewers, "viewers", 500, "how many watch HTTP-FLV at once")
	flags.IntVar(&s.pictures, "pictures", 8, "how many watch /mjpeg at once: each is encoded for itself")
	flags.StringVar(&s.slow, "slow", "skip", "what happens to viewers that fall behind: skip to the next key frame, or end")
	flags.IntVar(&s.queueBytes, "queue", 4<<20, "how many bytes may wait for a viewer")
	flags.DurationVar(&s.stallTime, "stall", 30*time.Second, "when a viewer who takes nothing is given up")
	flags.DurationVar(&s.grace, "grace", 10*time.Second, "how long the end may take")
	if err := flags.Parse(args); err != nil {
		return s, err
	}
	if s.source == "" {
		return s, errors.New("-source is needed")
	}
	if s.slow != "skip" && s.slow != "end" {
		return s, errors.New("-slow is skip or end: a viewer is never waited for")
	}
	return s, nil
}

func main() {
	s, err := parse(os.Args[1:])
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "livehub:", err)
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	listener, err := net.Listen("tcp", s.listen)
	if err == nil {
		err = s.run(ctx, listener)
	}
	if err != nil {
		slog.Error("livehub ended", "error", err)
		os.Exit(1)
	}
}

// run serves until ctx ends, or the source is over. It closes the listener.
func (s settings) run(ctx context.Context, listener net.Listener) error {
	defer listener.Close()
	if s.folder == "" {
		folder, err := os.MkdirTemp("", "livehub-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(folder)
		s.folder = folder
	}
	engine, err := mttranscode.NewEngine(mttranscode.WithLogger(slog.Default()))
	if err != nil {
		return err
	}
	defer engine.Close()
	hub, err := newHub(engine, s)
	if err != nil {
		return err
	}
	defer hub.job.Close()
	return hub.serve(ctx, listener)
}

// serve runs the job and the server, and ends both when one of them ends: the job first, so that its viewers' streams end, which
// is when their requests do.
func (h *hub) serve(ctx context.Context, listener net.Listener) error {
	if err := h.job.Start(); err != nil { // viewers join a job that was started
		return err
	}
	server := &http.Server{Handler: h.routes(), ReadHeaderTimeout: 10 * time.Second, ConnContext: withSmallBuffer}
	served, ended := make(chan error, 1), make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	go func() { ended <- h.follow() }()
	slog.Info("listening", "address", listener.Addr().String(), "hls", filepath.Join(h.settings.folder, playlist))
	var err error
	select {
	case err = <-ended:
		ended <- nil
	case err = <-served:
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.Background(), h.settings.grace)
	defer cancel()
	err = errors.Join(err, h.end(grace, ended))
	if stopped := server.Shutdown(grace); stopped != nil {
		return errors.Join(err, stopped, server.Close())
	}
	return err
}

// end stops the job in good order, or at once when there is no more time.
func (h *hub) end(grace context.Context, ended <-chan error) error {
	err := h.job.Stop()
	select {
	case over := <-ended:
		return errors.Join(err, over)
	case <-grace.Done():
		return errors.Join(err, h.job.Cancel(), <-ended)
	}
}

// withSmallBuffer: what lies in the system's buffer is not seen as waiting; with a small one it is seen soon that somebody is slow.
func withSmallBuffer(ctx context.Context, conn net.Conn) context.Context {
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetWriteBuffer(256 << 10)
	}
	return ctx
}
