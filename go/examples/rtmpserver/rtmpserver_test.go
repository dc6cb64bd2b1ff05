package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"mt-transcode.dev/go/examples/internal/testkit"
	"mt-transcode.dev/go/mttranscode"
)

const key = "hunter2-Key_0815"

// logged is what the program logs.
type logged struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logged) Write(data []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(data)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

type running struct {
	rtmp, http string
	log        *logged
	stop       context.CancelFunc
	ended      chan error
}

func start(t *testing.T) *running {
	t.Helper()
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		t.Fatal("the ffmpeg program, which publishes here, is not installed: scripts/setup.sh test does it")
	}
	before := slog.Default()
	r := &running{log: &logged{}, ended: make(chan error, 1)}
	slog.SetDefault(slog.New(slog.NewTextHandler(r.log, &slog.HandlerOptions{Level: slog.LevelDebug})))
	publishers, err := net.Listen("tcp", "127.0.0.1:0")
	testkit.Check(t, err)
	viewers, err := net.Listen("tcp", "127.0.0.1:0")
	testkit.Check(t, err)
	ctx, stop := context.WithCancel(context.Background())
	r.rtmp, r.http, r.stop = "rtmp://"+publishers.Addr().String(), "http://"+viewers.Addr().String(), stop
	go func() { r.ended <- run(ctx, publishers, viewers, 2, 5*time.Second) }()
	t.Cleanup(func() {
		stop()
		http.DefaultClient.CloseIdleConnections()
		slog.SetDefault(before)
		if t.Failed() {
			t.Log(r.log)
		}
		if strings.Contains(r.log.String(), key) {
			t.Errorf("the key is in the log:\n%s", r.log)
		}
	})
	return r
}

func (r *running) end(t testing.TB) {
	t.Helper()
	r.stop()
	testkit.Ends(t, r.ended)
}

// publish has the ffmpeg program publish for so many seconds; the result is what it said and ended with.
func (r *running) publish(t testing.TB, path, seconds string) (done chan error, said *bytes.Buffer) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), testkit.Patience)
	t.Cleanup(cancel)
	line := "-v warning -nostdin -re -f lavfi -i testsrc2=s=320x240:r=25:d=" + seconds + " -f lavfi -i sine=d=" + seconds +
		" -c:v libx264 -preset ultrafast -tune zerolatency -g 25 -pix_fmt yuv420p -c:a aac -f flv " + r.rtmp + path
	command := exec.CommandContext(ctx, "ffmpeg", strings.Fields(line)...)
	said = &bytes.Buffer{}
	command.Stderr = said
	testkit.Check(t, command.Start())
	done = make(chan error, 1)
	go func() { done <- command.Wait() }()
	return done, said
}

// watch asks until the stream is there.
func (r *running) watch(t testing.TB) *http.Response {
	t.Helper()
	for end := time.Now().Add(testkit.Patience); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		response, err := http.Get(r.http + "/live/" + key + ".flv")
		testkit.Check(t, err)
		if response.StatusCode == http.StatusOK {
			return response
		}
		response.Body.Close()
	}
	t.Fatalf("the stream never came:\n%s", r.log)
	return nil
}

// wantMedia decodes FLV that a viewer got.
func wantMedia(t testing.TB, data []byte) {
	t.Helper()
	engine, err := mttranscode.NewEngine()
	testkit.Check(t, err)
	defer engine.Close()
	path := filepath.Join(t.TempDir(), "viewer.flv")
	testkit.Check(t, os.WriteFile(path, data, 0o600))
	info, err := engine.Probe(context.Background(), path)
	testkit.Check(t, err)
	if video, audio := info.Stream("video"), info.Stream("audio"); video == nil || audio == nil || video.Codec != "h264" || video.Width != 320 || audio.Codec != "aac" {
		t.Errorf("a viewer got %s", info.JSON)
	}
	job, err := engine.NewJob("-xerror", "-i", path, "-f", "null", "-")
	testkit.Check(t, err)
	defer job.Close()
	testkit.Check(t, job.Run(context.Background()))
}

func TestPublisherAndTwoViewers(t *testing.T) {
	start(t).end(t) // what Go and FFmpeg keep for ever is there after this
	before := testkit.Leftovers(t)
	r := start(t)
	published, said := r.publish(t, "/live/"+key, "6")
	var viewers sync.WaitGroup
	got, errs := make([][]byte, 2), make([]error, 2)
	for i := range got {
		response := r.watch(t)
		if response.Header.Get("Content-Type") != "video/x-flv" {
			t.Errorf("%v", response.Header)
		}
		viewers.Add(1)
		go func() {
			defer viewers.Done()
			defer response.Body.Close()
			got[i], errs[i] = io.ReadAll(response.Body)
		}()
	}
	// A second publisher under the same key is refused, and the first one goes on
	second, secondSaid := r.publish(t, "/live/"+key, "2")
	if err := <-second; err == nil {
		t.Errorf("the second publisher was let in: %s", secondSaid)
	}
	// When the publisher leaves, the viewers' streams end as streams do
	if err := <-published; err != nil {
		t.Errorf("%v: %s", err, said)
	}
	viewers.Wait()
	for i := range got {
		testkit.Check(t, errs[i])
		wantMedia(t, got[i])
	}
	// and the key is free again
	again, said := r.publish(t, "/live/"+key, "30")
	response := r.watch(t)
	defer response.Body.Close()
	_, err := io.CopyN(io.Discard, response.Body, 10_000)
	testkit.Check(t, err)
	// The end of the server is the end of a stream, too
	r.end(t)
	_, err = io.Copy(io.Discard, response.Body)
	testkit.Check(t, err)
	if err := <-again; err == nil {
		t.Errorf("the publisher did not learn that the server ended: %s", said)
	}
	http.DefaultClient.CloseIdleConnections()
	before.WantNoMore(t)
}

func TestRefusedPublishersAndViewers(t *testing.T) {
	r := start(t)
	for _, path := range []string{"/other/" + key, "/live/" + key + "/../x", "/live/"} {
		done, said := r.publish(t, path, "2")
		if err := <-done; err == nil {
			t.Errorf("%s: let in: %s", path, said)
		}
	}
	for _, path := range []string{"/live/none.flv", "/live/" + key + ".ts", "/live/", "/"} {
		response, err := http.Get(r.http + path)
		testkit.Check(t, err)
		response.Body.Close()
		if response.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %s", path, response.Status)
		}
	}
	// Who says nothing, or something else, is no publisher, and holds nothing up
	for _, first := range []string{"", "GET / HTTP/1.1\r\n\r\n"} {
		conn, err := net.Dial("tcp", strings.TrimPrefix(r.rtmp, "rtmp://"))
		testkit.Check(t, err)
		defer conn.Close()
		_, err = io.WriteString(conn, first)
		testkit.Check(t, err)
	}
	r.end(t)
}

func TestTags(t *testing.T) {
	var out bytes.Buffer
	testkit.Check(t, writeTag(&out, tagVideo, 0x12345678, []byte{1, 2, 3}))
	want := []byte{9, 0, 0, 3, 0x34, 0x56, 0x78, 0x12, 0, 0, 0, 1, 2, 3, 0, 0, 0, 14}
	if !bytes.Equal(out.Bytes(), want) {
		t.Errorf("% x", out.Bytes())
	}
	boom := errors.New("boom")
	if err := writeTag(refusing{boom}, tagAudio, 0, nil); !errors.Is(err, boom) {
		t.Error(err)
	}
}

type refusing struct{ err error }

func (r refusing) Write([]byte) (int, error) { return 0, r.err }
