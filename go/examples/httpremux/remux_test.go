package main

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mt-transcode.dev/go/mttranscode"
)

const patience = time.Minute

// service is a server on an engine of its own.
type service struct {
	*httptest.Server
	engine *mttranscode.Engine
}

func newService(t *testing.T, largest int64, options ...mttranscode.EngineOption) service {
	t.Helper()
	engine, err := mttranscode.NewEngine(options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { engine.Close() })
	return serveWith(t, &remuxer{engine: engine, largest: largest, headerTime: patience, stallTime: patience})
}

func serveWith(t *testing.T, handler *remuxer) service {
	t.Helper()
	mux := http.NewServeMux()
	mux.Handle("POST /remux", handler)
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return service{server, handler.engine}
}

// fragments make MP4 whose header tells all: a job begins at once, where a transport stream is looked at for longer.
var fragments = []string{"-movflags", "+frag_keyframe+empty_moov"}

// media makes a clip in the format that the name's ending says.
func media(t *testing.T, name string, options ...string) []byte {
	t.Helper()
	engine, err := mttranscode.NewEngine()
	if err != nil {
		t.Fatal(err)
	}
	defer engine.Close()
	path := filepath.Join(t.TempDir(), name)
	args := []string{"-f", "lavfi", "-i", "testsrc2=s=160x120:r=25:d=2", "-f", "lavfi", "-i", "sine=d=2",
		"-c:v", "libx264", "-preset", "ultrafast", "-g", "25", "-c:a", "aac"}
	job, err := engine.NewJob(append(append(args, options...), path)...)
	if err != nil {
		t.Fatal(err)
	}
	defer job.Close()
	if err := job.Run(context.Background()); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func (s service) post(t *testing.T, ctx context.Context, to string, body io.Reader) (*http.Response, error) {
	t.Helper()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.URL+"/remux?to="+to, body)
	if err != nil {
		t.Fatal(err)
	}
	return http.DefaultClient.Do(request)
}

// answer posts, and returns the whole response.
func (s service) answer(t *testing.T, to string, body io.Reader) (*http.Response, []byte) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	response, err := s.post(t, ctx, to, body)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	data, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, data
}

func (s service) wantIdle(t *testing.T) {
	t.Helper()
	var stats mttranscode.EngineStats
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		var err error
		if stats, err = s.engine.Stats(); err != nil {
			t.Fatal(err)
		}
		if stats.Jobs == 0 && stats.Pipes == 0 && stats.JobsRunning == 0 {
			return
		}
	}
	t.Fatalf("the engine is not idle: %+v", stats)
}

func (s service) wantMedia(t *testing.T, data []byte, format string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "response")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	info, err := s.engine.Probe(context.Background(), path)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(info.Format.Name, format) || info.Stream("video") == nil || info.Stream("audio") == nil {
		t.Errorf("the response is %s", info.JSON)
	}
	job, err := s.engine.NewJob("-i", path, "-f", "null", "-")
	if err != nil {
		t.Fatal(err)
	}
	defer job.Close()
	err = job.Run(context.Background(), func(event mttranscode.Event) {
		if line, ok := event.(mttranscode.LogLine); ok && line.Level <= 16 {
			t.Errorf("decoding the response: %s", line.Text)
		}
	})
	if err != nil {
		t.Error(err)
	}
}

func TestRemuxesWhileUploading(t *testing.T) {
	s := newService(t, 1<<30)
	ts, mp4 := media(t, "clip.ts"), media(t, "clip.mp4")
	for name, c := range map[string]struct {
		body       []byte
		to, format string
	}{
		"TS to MP4": {ts, "mp4", "mp4"}, "TS to TS": {ts, "ts", "mpegts"},
		"MP4 with its index at the end": {mp4, "", "mpegts"},
		"MP4 with its index first":      {media(t, "fast.mp4", "-movflags", "+faststart"), "mp4", "mp4"},
	} {
		t.Run(name, func(t *testing.T) {
			response, data := s.answer(t, c.to, bytes.NewReader(c.body))
			if response.StatusCode != http.StatusOK || !strings.HasPrefix(response.Header.Get("Content-Type"), "video/") {
				t.Fatalf("status %s, %v: %s", response.Status, response.Header, data)
			}
			s.wantMedia(t, data, c.format)
		})
	}
	s.wantIdle(t)
}

// The first bytes come back while the client still sends.
func TestFlushes(t *testing.T) {
	s := newService(t, 1<<30)
	body, client := io.Pipe()
	go func() { _, _ = client.Write(media(t, "clip.mp4", fragments...)) }()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	response, err := s.post(t, ctx, "ts", body)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if _, err := io.ReadFull(response.Body, make([]byte, 188)); err != nil {
		t.Fatal(err)
	}
	client.Close()
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		t.Fatal(err)
	}
	s.wantIdle(t)
}

func TestRefuses(t *testing.T) {
	s := newService(t, 100_000)
	ts := media(t, "clip.ts")
	for name, c := range map[string]struct {
		body   []byte
		to     string
		status int
	}{
		"text":            {[]byte("This is a letter, and no film."), "ts", http.StatusUnprocessableEntity},
		"nothing":         {nil, "ts", http.StatusUnprocessableEntity},
		"zeros":           {make([]byte, 50_000), "ts", http.StatusUnprocessableEntity},
		"cut short":       {ts[:1000], "ts", http.StatusUnprocessableEntity},
		"too large":       {make([]byte, 200_000), "ts", http.StatusRequestEntityTooLarge},
		"unknown format":  {ts, "avi", http.StatusBadRequest},
		"a playlist":      {[]byte("#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n"), "ts", http.StatusUnprocessableEntity},
		"a concat script": {[]byte("ffconcat version 1.0\nfile /etc/passwd\n"), "ts", http.StatusUnprocessableEntity},
	} {
		t.Run(name, func(t *testing.T) {
			response, data := s.answer(t, c.to, bytes.NewReader(c.body))
			if response.StatusCode != c.status {
				t.Errorf("status %s: %s", response.Status, data)
			}
		})
	}
	s.wantIdle(t)
}

func TestBusy(t *testing.T) {
	s := newService(t, 1<<30, mttranscode.WithMaxRunning(1), mttranscode.WithMaxQueued(0))
	clip := media(t, "clip.mp4", fragments...)
	body, client := io.Pipe() // a client that sends and does not end
	go func() { _, _ = client.Write(clip) }()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	first, err := s.post(t, ctx, "ts", body)
	if err != nil {
		t.Fatal(err)
	}
	defer first.Body.Close()
	second, data := s.answer(t, "ts", bytes.NewReader(clip))
	if second.StatusCode != http.StatusServiceUnavailable || second.Header.Get("Retry-After") == "" {
		t.Errorf("status %s, %v: %s", second.Status, second.Header, data)
	}
	client.Close()
	if _, err := io.Copy(io.Discard, first.Body); err != nil {
		t.Fatal(err)
	}
	s.wantIdle(t)
	third, data := s.answer(t, "ts", bytes.NewReader(clip))
	if third.StatusCode != http.StatusOK {
		t.Errorf("status %s: %s", third.Status, data)
	}
	s.wantIdle(t)
}

func TestMemoryBudget(t *testing.T) {
	s := newService(t, 1<<30, mttranscode.WithMemoryBudget(100_000)) // a pipe does not fit
	response, data := s.answer(t, "ts", bytes.NewReader(nil))
	if response.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("status %s: %s", response.Status, data)
	}
}

// A client that sends nothing more, and does not go away, loses its place.
func TestClientStalls(t *testing.T) {
	engine := newService(t, 1).engine
	s := serveWith(t, &remuxer{engine: engine, largest: 1 << 30, headerTime: patience, stallTime: 50 * time.Millisecond})
	clip := media(t, "clip.mp4", fragments...)
	for _, sent := range [][]byte{clip, clip[:100]} {
		body, client := io.Pipe()
		go func() { _, _ = client.Write(sent) }()
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		go func() {
			if response, err := s.post(t, ctx, "ts", body); err == nil {
				_, _ = io.Copy(io.Discard, response.Body)
				response.Body.Close()
			}
		}()
		for stats, err := s.engine.Stats(); err == nil && stats.Pipes == 0; stats, err = s.engine.Stats() {
			time.Sleep(time.Millisecond)
		}
		s.wantIdle(t)
		client.Close()
	}
}

// A client that goes away ends its job, and leaves nothing.
func TestClientGoesAway(t *testing.T) {
	s := newService(t, 1<<30)
	clip := media(t, "clip.mp4", fragments...)
	for _, sent := range [][]byte{clip, clip[:100], nil} {
		body, client := io.Pipe()
		ctx, cancel := context.WithCancel(context.Background())
		go func() {
			_, _ = client.Write(sent)
			cancel()
			client.Close() // or the transport waits for it
		}()
		if response, err := s.post(t, ctx, "ts", body); err == nil {
			_, _ = io.Copy(io.Discard, response.Body)
			response.Body.Close()
		}
		s.wantIdle(t)
	}
}
