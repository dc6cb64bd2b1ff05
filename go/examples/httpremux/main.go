// Httpremux is a service that copies the streams of media from one container to another while it is uploaded: the body of a
// POST goes to a job as it comes, and what the job writes goes out as the response, with no file between.
//
//	httpremux -listen localhost:8080 &
//	curl -T film.mp4 -X POST 'http://localhost:8080/remux?to=ts' > film.ts
//
// The query's `to` is ts (MPEG-TS, the default) or mp4 (fragmented). What is wrong with a request is said before the
// response begins: 503 with Retry-After when the engine is full, 413 when the media is too large, 422 when it is none.
package main

import (
	"context"
	"errors"
	"flag"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"mt-transcode.dev/go/mttranscode"
)

func main() {
	listen := flag.String("listen", "localhost:8080", "address to listen on")
	running := flag.Int("running", 0, "how many jobs run at once (0: twice the CPUs)")
	queued := flag.Int("queued", 16, "how many more wait")
	largest := flag.Int64("largest", 4<<30, "largest body, in bytes")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	engine, err := mttranscode.NewEngine(
		mttranscode.WithMaxRunning(*running), mttranscode.WithMaxQueued(*queued),
		mttranscode.WithQueueTimeout(10*time.Second), mttranscode.WithLogger(slog.Default()),
	)
	if err == nil {
		defer engine.Close()
		err = serve(ctx, *listen, &remuxer{engine: engine, largest: *largest, headerTime: 10 * time.Second, stallTime: 30 * time.Second})
	}
	if err != nil {
		slog.Error("the service ended", "error", err)
		os.Exit(1)
	}
}

// serve returns when ctx has ended and the requests are done, or are cancelled after 20 seconds.
func serve(ctx context.Context, address string, remuxer *remuxer) error {
	mux := http.NewServeMux()
	mux.Handle("POST /remux", remuxer)
	server := &http.Server{Addr: address, Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	ended := make(chan error, 1)
	go func() { ended <- server.ListenAndServe() }()
	slog.Info("listening", "address", address)
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if err := server.Shutdown(grace); err != nil {
		return errors.Join(err, server.Close())
	}
	return nil
}
