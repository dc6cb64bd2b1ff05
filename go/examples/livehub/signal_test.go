package main

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"mt-transcode.dev/go/examples/internal/testkit"
)

// What main does with a signal: the stream of a viewer ends as a stream does, and so does the playlist.
func TestTerminates(t *testing.T) {
	s, err := parse([]string{"-source", clip(t), "-folder", t.TempDir()})
	testkit.Check(t, err)
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	testkit.Check(t, err)
	r := &running{url: "http://" + listener.Addr().String(), ended: make(chan error, 1), client: &http.Client{Transport: &http.Transport{}}}
	defer r.client.CloseIdleConnections()
	go func() { r.ended <- s.run(ctx, listener) }()
	response := r.get(t, context.Background(), "/live.flv")
	defer response.Body.Close()
	_, err = io.CopyN(io.Discard, response.Body, 10_000)
	testkit.Check(t, err)
	testkit.Eventually(t, "HLS", func() bool { return r.status(t).HLSReady })
	testkit.Check(t, syscall.Kill(os.Getpid(), syscall.SIGTERM))
	_, err = io.Copy(io.Discard, response.Body) // no broken connection
	testkit.Check(t, err)
	testkit.Check(t, <-r.ended)
	list, err := os.ReadFile(filepath.Join(s.folder, playlist))
	testkit.Check(t, err)
	if !bytes.Contains(list, []byte("#EXT-X-ENDLIST")) {
		t.Errorf("the playlist is not ended:\n%s", list)
	}
}

// A source that is not there yet is told as such, without its password, and viewers wait for it.
func TestStatusOfASourceThatIsAway(t *testing.T) {
	away, err := net.Listen("tcp", "127.0.0.1:0")
	testkit.Check(t, err)
	url := "tcp://user:hunter2@" + away.Addr().String() + "?key=hunter2"
	away.Close()
	r := start(t, func(s *settings) { s.source = url })
	testkit.Eventually(t, "it was tried", func() bool { return r.status(t).Source.Failures > 0 })
	status := r.status(t)
	if status.Source.Reason == "" || status.HLSReady || status.Viewers == nil || strings.Contains(status.Source.URL, "hunter2") {
		t.Errorf("status is %+v", status)
	}
	r.stop()
	<-r.ended // whether that is an error is the library's to say
}

func TestRefusedArguments(t *testing.T) {
	for _, args := range [][]string{{}, {"-source", "a.mp4", "-slow", "wait"}, {"-no-such-flag"}} {
		if _, err := parse(args); err == nil {
			t.Errorf("%q was taken", args)
		}
	}
}
