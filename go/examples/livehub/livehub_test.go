package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image/jpeg"
	"io"
	"mime"
	"mime/multipart"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"mt-transcode.dev/go/examples/internal/testkit"
	"mt-transcode.dev/go/mttranscode"
)

// clip makes two seconds of picture and sound, some megabits a second, with a key frame every half second.
func clip(t testing.TB) string {
	t.Helper()
	engine, err := mttranscode.NewEngine()
	testkit.Check(t, err)
	defer engine.Close()
	path := filepath.Join(t.TempDir(), "clip.mp4")
	job, err := engine.NewJob("-f", "lavfi", "-i", "testsrc2=s=320x240:r=25:d=2", "-f", "lavfi", "-i", "sine=d=2",
		"-vf", "noise=alls=40:allf=t", "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", "12", "-bf", "0", "-c:a", "aac", path)
	testkit.Check(t, err)
	defer job.Close()
	testkit.Check(t, job.Run(context.Background()))
	return path
}

// running is a hub that serves, and what it ended with.
type running struct {
	url, address, folder string
	stop                 context.CancelFunc
	ended                chan error
	client               *http.Client
}

func start(t testing.TB, change func(*settings)) *running {
	t.Helper()
	s, err := parse([]string{"-source", clip(t), "-folder", t.TempDir()})
	testkit.Check(t, err)
	if change != nil {
		change(&s)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	testkit.Check(t, err)
	ctx, stop := context.WithCancel(context.Background())
	address := listener.Addr().String()
	r := &running{"http://" + address, address, s.folder, stop, make(chan error, 1), &http.Client{Transport: &http.Transport{}}}
	go func() { r.ended <- s.run(ctx, listener) }()
	t.Cleanup(func() {
		stop()
		r.client.CloseIdleConnections()
	})
	return r
}

func (r *running) get(t testing.TB, ctx context.Context, path string) *http.Response {
	t.Helper()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, r.url+path, nil)
	testkit.Check(t, err)
	response, err := r.client.Do(request)
	testkit.Check(t, err)
	return response
}

func (r *running) status(t testing.TB) (status hubStatus) {
	t.Helper()
	response := r.get(t, context.Background(), "/status")
	defer response.Body.Close()
	testkit.Check(t, json.NewDecoder(response.Body).Decode(&status))
	return status
}

// end stops it, and checks that it ends well.
func (r *running) end(t testing.TB) {
	t.Helper()
	r.stop()
	testkit.Ends(t, r.ended)
}

// wantStreams probes a file for picture and sound.
func wantStreams(t testing.TB, path string) {
	t.Helper()
	engine, err := mttranscode.NewEngine()
	testkit.Check(t, err)
	defer engine.Close()
	info, err := engine.Probe(context.Background(), path)
	testkit.Check(t, err)
	if video, audio := info.Stream("video"), info.Stream("audio"); video == nil || audio == nil || video.Codec != "h264" || audio.Codec != "aac" {
		t.Errorf("%s is %s", path, info.JSON)
	}
}

// silent is a client that asks and reads nothing.
func (r *running) silent(t testing.TB) net.Conn {
	t.Helper()
	dialer := net.Dialer{Timeout: testkit.Patience}
	conn, err := dialer.Dial("tcp", r.address)
	testkit.Check(t, err)
	t.Cleanup(func() { conn.Close() })
	testkit.Check(t, conn.(*net.TCPConn).SetReadBuffer(16<<10))
	_, err = fmt.Fprintf(conn, "GET /live.flv HTTP/1.1\r\nHost: %s\r\n\r\n", r.address)
	testkit.Check(t, err)
	return conn
}

func TestManyViewers(t *testing.T) {
	warm := start(t, nil) // what Go and FFmpeg keep for ever is there after this
	testkit.Eventually(t, "HLS", func() bool { return warm.status(t).HLSReady })
	warm.end(t)
	warm.client.CloseIdleConnections()
	before := testkit.Leftovers(t)

	r := start(t, func(s *settings) { s.queueBytes = 3_000_000 })
	silent := r.silent(t)
	testkit.Eventually(t, "it is the first", func() bool { return len(r.status(t).Viewers) == 1 })
	// Given many who watch, one who goes away, and one who never reads
	const watching = 8
	streams := make([]bytes.Buffer, watching)
	errs := make([]error, watching)
	var all sync.WaitGroup
	for i := range watching {
		response := r.get(t, context.Background(), "/live.flv")
		if response.StatusCode != http.StatusOK || response.Header.Get("Content-Type") != "video/x-flv" {
			t.Fatalf("%s %v", response.Status, response.Header)
		}
		all.Add(1)
		go func() {
			defer all.Done()
			defer response.Body.Close()
			_, errs[i] = io.Copy(&streams[i], response.Body)
		}()
	}
	ctx, goAway := context.WithCancel(context.Background())
	leaving := r.get(t, ctx, "/live.flv")
	_, err := io.CopyN(io.Discard, leaving.Body, 10_000)
	testkit.Check(t, err)
	testkit.Eventually(t, "all watch", func() bool { return r.status(t).Watch.Now == watching+2 })
	goAway()
	leaving.Body.Close()
	// then the one who went away is gone, the silent one is dropped from, and nobody else is
	testkit.Eventually(t, "one is gone", func() bool { return r.status(t).Watch.Now == watching+1 })
	testkit.Eventually(t, "one falls behind", func() bool {
		return len(r.status(t).Viewers) == watching+1 && r.status(t).Viewers[0].PacketsDropped > 0
	})
	for _, v := range r.status(t).Viewers[1:] {
		if v.PacketsDropped > 0 || v.State != "running" || v.PacketsWritten == 0 {
			t.Errorf("viewer is %+v", v)
		}
	}
	silent.Close()
	testkit.Eventually(t, "the silent one is gone", func() bool { return r.status(t).Watch.Now == watching })
	// when it is ended, then each has a whole stream, and so has the disk
	r.end(t)
	all.Wait()
	for i := range watching {
		testkit.Check(t, errs[i])
		path := filepath.Join(t.TempDir(), "viewer.flv")
		testkit.Check(t, os.WriteFile(path, streams[i].Bytes(), 0o600))
		wantStreams(t, path)
	}
	r.client.CloseIdleConnections()
	before.WantNoMore(t)
}

func TestHLSIsPlayableWhileItGrowsAndAtItsEnd(t *testing.T) {
	r := start(t, nil)
	segments := func() []string {
		response := r.get(t, context.Background(), "/hls/index.m3u8")
		defer response.Body.Close()
		var found []string
		for lines := bufio.NewScanner(response.Body); lines.Scan(); {
			if strings.HasSuffix(lines.Text(), ".ts") {
				found = append(found, lines.Text())
			}
		}
		return found
	}
	testkit.Eventually(t, "two segments", func() bool { return len(segments()) >= 2 })
	for _, name := range segments() {
		response := r.get(t, context.Background(), "/hls/"+name)
		data, err := io.ReadAll(response.Body)
		testkit.Check(t, err)
		response.Body.Close()
		path := filepath.Join(t.TempDir(), name)
		testkit.Check(t, os.WriteFile(path, data, 0o600))
		wantStreams(t, path)
	}
	for _, path := range []string{"/hls/../main.go", "/hls/none.ts", "/hls/a.txt", "/none"} {
		response := r.get(t, context.Background(), path)
		response.Body.Close()
		if response.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %s", path, response.Status)
		}
	}
	r.end(t)
	list, err := os.ReadFile(filepath.Join(r.folder, playlist))
	testkit.Check(t, err)
	if !bytes.Contains(list, []byte("#EXT-X-ENDLIST")) {
		t.Errorf("the playlist is not ended:\n%s", list)
	}
	wantStreams(t, filepath.Join(r.folder, playlist))
}

func TestPictures(t *testing.T) {
	r := start(t, func(s *settings) { s.pictures = 1 })
	response := r.get(t, context.Background(), "/mjpeg")
	defer response.Body.Close()
	kind, parameters, err := mime.ParseMediaType(response.Header.Get("Content-Type"))
	testkit.Check(t, err)
	if kind != "multipart/x-mixed-replace" {
		t.Fatalf("it is %q", kind)
	}
	parts := multipart.NewReader(response.Body, parameters["boundary"])
	for range 3 {
		part, err := parts.NextPart()
		testkit.Check(t, err)
		data, err := io.ReadAll(part)
		testkit.Check(t, err)
		picture, err := jpeg.Decode(bytes.NewReader(data))
		testkit.Check(t, err)
		if part.Header.Get("Content-Type") != "image/jpeg" || picture.Bounds().Dx() != 320 || picture.Bounds().Dy() != 240 {
			t.Errorf("%v, %v", part.Header, picture.Bounds())
		}
	}
	// There is room for one
	second := r.get(t, context.Background(), "/mjpeg")
	second.Body.Close()
	if second.StatusCode != http.StatusServiceUnavailable || second.Header.Get("Retry-After") == "" || r.status(t).Watch.Refused != 1 {
		t.Errorf("the second one: %s", second.Status)
	}
	r.end(t)
}

// A viewer that falls behind is ended where that is the policy, though it reads nothing that would tell it so.
func TestSlowViewersEnd(t *testing.T) {
	r := start(t, func(s *settings) { s.slow, s.queueBytes = "end", 50_000 })
	silent := r.silent(t)
	testkit.Eventually(t, "it watches", func() bool { return r.status(t).Watch.Now == 1 })
	testkit.Eventually(t, "it is ended", func() bool { return r.status(t).Watch.Now == 0 })
	_, err := io.Copy(io.Discard, silent) // to the end of the connection
	if err != nil && !errors.Is(err, net.ErrClosed) && !strings.Contains(err.Error(), "reset") {
		t.Error(err)
	}
	r.end(t)
}
