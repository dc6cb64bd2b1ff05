// Rtmpserver lets publishers in by RTMP and gives what they send to many by HTTP-FLV. The protocol is a Go library's; what it takes goes as
// FLV through a pipe into a job, and each viewer is an output that joins it.
//
//	rtmpserver -rtmp localhost:1935 -http localhost:8080
//	ffmpeg -re -i film.mp4 -c copy -f flv rtmp://localhost:1935/live/KEY
//	ffplay http://localhost:8080/live/KEY.flv
//
// Whoever knows a key may watch it, and publish under it while nobody else does. Keys are in no log: streams are numbered there.
package main

import (
	"context"
	"errors"
	"flag"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"mt-transcode.dev/go/mttranscode"
)

func main() {
	rtmpAddress := flag.String("rtmp", "localhost:1935", "address that publishers come to")
	httpAddress := flag.String("http", "localhost:8080", "address that viewers come to")
	most := flag.Int("publishers", 16, "how many publish at once")
	silence := flag.Duration("silence", 10*time.Second, "when a publisher who sends nothing is given up")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	publishers, err := net.Listen("tcp", *rtmpAddress)
	if err == nil {
		var viewers net.Listener
		if viewers, err = net.Listen("tcp", *httpAddress); err == nil {
			err = run(ctx, publishers, viewers, *most, *silence)
		}
	}
	if err != nil {
		slog.Error("rtmpserver ended", "error", err)
		os.Exit(1)
	}
}

// run serves until ctx ends: then streams end in good order, and with them the viewers' responses. It closes both listeners.
func run(ctx context.Context, publishers, viewers net.Listener, most int, silence time.Duration) error {
	engine, err := mttranscode.NewEngine(mttranscode.WithMaxRunning(most), mttranscode.WithLogger(slog.Default()))
	if err != nil {
		return errors.Join(err, publishers.Close(), viewers.Close())
	}
	defer engine.Close()
	live := newStreams(engine, most)
	accepting := acceptPublishers(publishers, live, silence)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /live/{file}", live.watch)
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	served := make(chan error, 1)
	go func() { served <- server.Serve(viewers) }()
	slog.Info("listening", "rtmp", publishers.Addr().String(), "http", viewers.Addr().String())
	select {
	case err = <-served:
	case <-ctx.Done():
	}
	live.close()
	accepting.close()
	grace, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if stopped := server.Shutdown(grace); stopped != nil {
		return errors.Join(err, stopped, server.Close())
	}
	return err
}
