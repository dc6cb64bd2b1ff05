package mttranscode

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/binary"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// dnsServer answers on loopback that each name under "test" is 127.0.0.1, and that no other is there.
func dnsServer(t testing.TB) *net.Resolver {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	check(t, err)
	t.Cleanup(func() { conn.Close() })
	go func() {
		query := make([]byte, 1500)
		for {
			n, peer, err := conn.ReadFrom(query)
			if err != nil {
				return
			}
			if n >= 17 {
				_, _ = conn.WriteTo(dnsAnswer(query[:n]), peer)
			}
		}
	}()
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", conn.LocalAddr().String())
	}
	return &net.Resolver{PreferGo: true, Dial: dial}
}

// dnsAnswer is that to one question, RFC 1035.
func dnsAnswer(query []byte) []byte {
	end := 12
	labels := 0
	var last string
	for end < len(query)-5 && query[end] != 0 {
		size := int(query[end])
		last = string(query[end+1 : end+1+size])
		end, labels = end+1+size, labels+1
	}
	question := query[12 : end+5]
	answer := append([]byte{query[0], query[1], 0x81, 0x80, 0, 1, 0, 0, 0, 0, 0, 0}, question...)
	if labels < 2 || last != "test" {
		answer[3] |= 3 // NXDOMAIN
		return answer
	}
	if kind := binary.BigEndian.Uint16(question[len(question)-4:]); kind == 1 {
		answer[7] = 1
		answer = append(answer, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 127, 0, 0, 1)
	}
	return answer
}

// heard keeps what servers were told.
type heard struct {
	mu    sync.Mutex
	words []string
}

func (h *heard) add(word string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.words = append(h.words, word)
}

func (h *heard) has(word string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return strings.Contains(strings.Join(h.words, "\n"), word)
}

func (h *heard) want(t testing.TB, words ...string) {
	t.Helper()
	for _, word := range words {
		if !h.has(word) {
			t.Errorf("%q was not told, but %q", word, h.words)
		}
	}
}

func portOf(address net.Addr) string {
	_, port, _ := net.SplitHostPort(address.String())
	return port
}

func copyTo(t testing.TB, engine *Engine, url string, options ...string) error {
	t.Helper()
	args := append(append([]string{"-v", "error"}, options...), "-i", url, "-c", "copy", "-f", "null", "-")
	return newJob(t, engine, args...).Run(within(t))
}

func TestNamesInHTTPAreTheRequestsHost(t *testing.T) {
	media := readFile(t, tsClip(t))
	hosts := &heard{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		hosts.add(r.Method + " " + r.Host + " " + r.URL.String())
		switch r.URL.Path {
		case "/list.m3u8":
			_, _ = fmt.Fprintf(w, "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\nhttp://segments.test:%s/clip.ts\n#EXT-X-ENDLIST\n", portOf(r.Context().Value(http.LocalAddrContextKey).(net.Addr)))
		case "/moved.ts":
			http.Redirect(w, r, "http://elsewhere.test:"+portOf(r.Context().Value(http.LocalAddrContextKey).(net.Addr))+"/clip.ts", http.StatusFound)
		case "/put":
			body, _ := io.ReadAll(r.Body)
			hosts.add(fmt.Sprintf("got media: %v", len(body) > 1000))
		default:
			http.ServeContent(w, r, "clip.ts", clipTime, bytes.NewReader(media))
		}
	}))
	defer server.Close()
	port := portOf(server.Listener.Addr())
	engine := newEngine(t, WithGoResolver(dnsServer(t)))
	// Given names that no C library knows, then a file, a playlist whose segments have another host, and a redirect are read
	check(t, copyTo(t, engine, "http://camera.test:"+port+"/clip.ts?a=b%20c"))
	check(t, copyTo(t, engine, "http://camera.test:"+port+"/list.m3u8"))
	check(t, copyTo(t, engine, "http://camera.test:"+port+"/moved.ts"))
	info, err := engine.Probe(within(t), "http://probed.test:"+port+"/clip.ts")
	check(t, err)
	if info.Stream("video") == nil {
		t.Errorf("a probe found %s", info.JSON)
	}
	// and one is written
	job := newJob(t, engine)
	check(t, job.Input("http://user:secret@input.test:"+port+"/clip.ts"))
	check(t, job.Output("http://taker.test:"+port+"/put", Opt("c", "copy"), Opt("f", "mpegts")))
	check(t, job.Run(within(t)))
	eventually(t, "it is taken", func() bool { return hosts.has("got media") }) // FFmpeg does not wait for an answer
	hosts.want(t, "GET camera.test:"+port+" /clip.ts?a=b%20c", "GET segments.test:"+port+" /clip.ts", "GET elsewhere.test:"+port+" /clip.ts",
		"GET probed.test:", "GET input.test:", "POST taker.test:"+port+" /put", "got media: true")
}

// What Go's resolver and dialer say is what a job, an output that joins and a probe fail with.
func TestNamesThatAreNotThere(t *testing.T) {
	nobody, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	port := portOf(nobody.Addr())
	nobody.Close()
	engine := newEngine(t, WithGoResolver(dnsServer(t)))
	isNotFound := func(err error) {
		t.Helper()
		var lookup *net.DNSError
		if !errors.As(err, &lookup) || !lookup.IsNotFound || lookup.Name != "camera.none" || !errors.Is(err, syscall.EIO) || !strings.Contains(err.Error(), "no such host") {
			t.Errorf("error is %v", err)
		}
	}
	for _, scheme := range []string{"http", "https", "rtmps"} {
		isNotFound(copyTo(t, engine, scheme+"://user:secret@camera.none:"+port+"/live/clip.ts"))
		wantIs(t, copyTo(t, engine, scheme+"://camera.test:"+port+"/live/clip.ts"), syscall.ECONNREFUSED)
	}
	_, err = engine.Probe(within(t), "http://camera.none:"+port+"/clip.ts")
	isNotFound(err)
	if !isIsolated() {
		o, err := hub(t, engine).AddOutput("http://camera.none:"+port+"/put", copies()...)
		check(t, err)
		isNotFound(o.Wait(within(t)))
	}
}

func TestNamesInTLSAreVerified(t *testing.T) {
	names := &heard{}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		names.add("host " + r.Host)
		http.ServeContent(w, r, "clip.ts", clipTime, bytes.NewReader(readFile(t, tsClip(t))))
	}))
	server.TLS = &tls.Config{GetConfigForClient: func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		names.add("sni " + hello.ServerName)
		return nil, nil
	}}
	server.Config.ErrorLog = quietLog()
	authority, certificate := certificateFor(t, "camera.test")
	server.TLS.Certificates = []tls.Certificate{certificate}
	server.StartTLS()
	defer server.Close()
	file := filepath.Join(t.TempDir(), "ca.pem")
	check(t, os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: authority}), 0o600))
	port := portOf(server.Listener.Addr())
	engine := newEngine(t, WithGoResolver(dnsServer(t)))
	// The certificate is that of the name in the URL
	check(t, copyTo(t, engine, "https://camera.test:"+port+"/clip.ts", "-mt_ca_file", file))
	names.want(t, "sni camera.test", "host camera.test:"+port)
	// that of another name is none
	err := copyTo(t, engine, "https://other.test:"+port+"/clip.ts", "-mt_ca_file", file)
	if err == nil {
		t.Error("a certificate for another name was taken")
	}
	names.want(t, "sni other.test")
	// so for what is not HTTP, too
	_ = copyTo(t, engine, "rtmps://camera.test:"+port+"/live/one", "-mt_ca_file", file)
	_ = copyTo(t, engine, "rtmps://rtmps.test:"+port+"/live/one", "-mt_ca_file", file)
	names.want(t, "sni rtmps.test")
}

// TestNamesInRTMP looks at the tcUrl that the server is told.
func TestNamesInRTMP(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	defer listener.Close()
	told := make(chan []byte, 2)
	go func() {
		for {
			peer, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer peer.Close()
				told <- rtmpConnect(peer)
			}()
		}
	}()
	engine := newEngine(t, WithGoResolver(dnsServer(t)))
	url := "rtmp://user:secret@camera.test:" + portOf(listener.Addr()) + "/live/key"
	if err := copyTo(t, engine, url); err == nil {
		t.Error("a server that hangs up was read")
	}
	wants := []string{"rtmp://camera.test:" + portOf(listener.Addr()) + "/live", "\x03app\x02\x00\x04live"}
	got := <-told
	for _, want := range wants {
		if !bytes.Contains(got, []byte(want)) {
			t.Errorf("%q is not in %q", want, got)
		}
	}
	// What the user says goes before
	job := newJob(t, engine)
	check(t, job.Input(url, Opt("rtmp_tcurl", "rtmp://mine/live")))
	check(t, job.Output("-", Opt("f", "null")))
	_ = job.Run(within(t))
	if got := <-told; !bytes.Contains(got, []byte("rtmp://mine/live")) || bytes.Contains(got, []byte("camera.test")) {
		t.Errorf("the user's tcUrl is not in %q", got)
	}
}

// rtmpConnect shakes hands and returns the first message after that, without the chunks' headers.
func rtmpConnect(peer net.Conn) []byte {
	c0c1 := make([]byte, 1+1536)
	if _, err := io.ReadFull(peer, c0c1); err != nil {
		return nil
	}
	_, _ = peer.Write(append(append([]byte{3}, make([]byte, 1536)...), c0c1[1:]...))
	if _, err := io.ReadFull(peer, make([]byte, 1536)); err != nil {
		return nil
	}
	var message []byte
	header := 12
	for chunk := make([]byte, 128); ; header = 1 {
		if _, err := io.ReadFull(peer, chunk[:header]); err != nil {
			return message
		}
		n, err := io.ReadAtLeast(peer, chunk, 1)
		if err != nil || n < len(chunk) {
			return append(message, chunk[:n]...)
		}
		message = append(message, chunk...)
	}
}

func TestNamesInOtherURLs(t *testing.T) {
	camera := newCamera(t, readFile(t, tsClip(t)))
	engine := newEngine(t, WithGoResolver(dnsServer(t)))
	port := portOf(camera.listener.Addr())
	check(t, copyTo(t, engine, "tcp://camera.test:"+port, "-f", "mpegts"))
	// A name that is not there is said to be none, with Go's own error
	_, err := engine.NewJob("-i", "tcp://camera.none:"+port, "-f", "null", "-")
	var failure *Error
	var lookup *net.DNSError
	if !errors.As(err, &failure) || !errors.As(err, &lookup) || !lookup.IsNotFound || lookup.Name != "camera.none" {
		t.Errorf("error is %v", err)
	}
	// and an output that joins is treated as one that does not
	if !isIsolated() {
		job := hub(t, engine)
		o, err := job.AddOutput("tcp://taker.test:"+port, copies()...)
		check(t, err)
		eventually(t, "it connects", func() bool { return camera.connections.Load() >= 2 })
		check(t, o.Close())
	}
}
