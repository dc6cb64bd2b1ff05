package main

import (
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"mt-transcode.dev/go/examples/internal/testkit"
	"mt-transcode.dev/go/mttranscode"
)

// convert makes another file of the clip.
func convert(t testing.TB, name string, options ...string) string {
	t.Helper()
	engine, err := mttranscode.NewEngine()
	testkit.Check(t, err)
	defer engine.Close()
	path := filepath.Join(t.TempDir(), name)
	job, err := engine.NewJob(append(append([]string{"-i", clip(t)}, options...), path)...)
	testkit.Check(t, err)
	defer job.Close()
	testkit.Check(t, job.Run(context.Background()))
	return path
}

// keep reads a viewer's stream until it has so many bytes, and returns them.
func keep(t testing.TB, response *http.Response, bytes int) []byte {
	t.Helper()
	data := make([]byte, bytes)
	_, err := io.ReadFull(response.Body, data)
	testkit.Check(t, err)
	return data
}

func TestSourceThatComesAndGoes(t *testing.T) {
	// Given a source that gives two seconds and hangs up, again and again
	data, err := os.ReadFile(convert(t, "clip.ts", "-c", "copy"))
	testkit.Check(t, err)
	source, err := net.Listen("tcp", "127.0.0.1:0")
	testkit.Check(t, err)
	defer source.Close()
	go func() {
		for {
			peer, err := source.Accept()
			if err != nil {
				return
			}
			go func() {
				defer peer.Close()
				_, _ = peer.Write(data)
			}()
		}
	}()
	r := start(t, func(s *settings) { s.source = "tcp://" + source.Addr().String() })
	response := r.get(t, context.Background(), "/live.flv")
	defer response.Body.Close()
	// then a viewer's stream goes on
	path := filepath.Join(t.TempDir(), "viewer.flv")
	testkit.Check(t, os.WriteFile(path, keep(t, response, 3*len(data)), 0o600))
	wantStreams(t, path)
	status := r.status(t)
	if status.Source.Connections < 3 || status.Watch.Now != 1 || status.Source.URL == "" {
		t.Errorf("status is %+v", status)
	}
	go func() { _, _ = io.Copy(io.Discard, response.Body) }()
	r.end(t)
}

func TestEncodesWhatBrowsersDoNotPlay(t *testing.T) {
	path := convert(t, "clip.ts", "-c:v", "mpeg2video", "-c:a", "mp2")
	r := start(t, func(s *settings) { s.source, s.encode = path, true })
	response := r.get(t, context.Background(), "/live.flv")
	defer response.Body.Close()
	viewer := filepath.Join(t.TempDir(), "viewer.flv")
	testkit.Check(t, os.WriteFile(viewer, keep(t, response, 300_000), 0o600))
	wantStreams(t, viewer)
	testkit.Eventually(t, "HLS", func() bool { return r.status(t).HLSReady })
	wantStreams(t, filepath.Join(r.folder, playlist))
	go func() { _, _ = io.Copy(io.Discard, response.Body) }()
	r.end(t)
}
