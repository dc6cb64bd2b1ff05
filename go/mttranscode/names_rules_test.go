package mttranscode

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

var clipTime = time.Unix(1, 0)

func quietLog() *log.Logger { return log.New(io.Discard, "", 0) }

// certificateFor makes an authority, as DER, and a certificate of it.
func certificateFor(t testing.TB, name string) ([]byte, tls.Certificate) {
	t.Helper()
	sign := func(template, parent *x509.Certificate, key, parentKey *ecdsa.PrivateKey) []byte {
		template.SerialNumber, template.NotBefore, template.NotAfter = big.NewInt(time.Now().UnixNano()), time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
		der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, parentKey)
		check(t, err)
		return der
	}
	newKey := func() *ecdsa.PrivateKey {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		check(t, err)
		return key
	}
	authorityKey, key := newKey(), newKey()
	authority := &x509.Certificate{
		Subject: pkix.Name{CommonName: "authority of the tests"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	leaf := &x509.Certificate{Subject: pkix.Name{CommonName: name}, DNSNames: []string{name}, KeyUsage: x509.KeyUsageDigitalSignature}
	leaf.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	der := sign(authority, authority, authorityKey, authorityKey)
	return der, tls.Certificate{Certificate: [][]byte{sign(leaf, authority, key, authorityKey), der}, PrivateKey: key}
}

func TestHostsOfURLs(t *testing.T) {
	for url, want := range map[string]string{
		"http://camera.test/a": "camera.test", "RTMP://u:p@camera.test:1935/live/key": "camera.test", "rtsp://cam:554": "cam",
		"srt://host?mode=caller": "host", "udp://239.0.0.1:5000": "", "http://[::1]:80/": "", "http://127.1/": "", "tcp://0x7f.1:1": "",
		"a.mp4": "", "file:a://b": "", "mt:in": "", "srt://:9000?mode=listener": "", "http://user@x/y@z.test/": "x",
	} {
		_, start, end := hostIn(url)
		got := url[start:end]
		if !isHostName(got) {
			got = ""
		}
		if got != want {
			t.Errorf("%s: %q", url, got)
		}
	}
}

func TestApplicationsOfRTMP(t *testing.T) {
	for path, want := range map[string]string{
		"live/key": "live", "live": "live", "app/instance/key": "app/instance", "app/mp4:a/b": "app", "ondemand/a/b": "ondemand",
		"a/b?slist=c": "a/b?slist=c", "live/key?token=a/b": "live/key?token=a", "": "",
	} {
		if got := appOf(path); got != want {
			t.Errorf("%s: %q", path, got)
		}
	}
	if got := tcURL("rtmp://u:p@h:1/live/key"); got != "rtmp://h:1/live" {
		t.Error(got)
	}
}

func TestArgumentsWithNames(t *testing.T) {
	n := newNamer(dnsServer(t))
	defer n.close()
	got, err := n.resolveArgs(strings.Fields("-re -i tcp://in.test:1 -headers http://a.test/ -c copy -f flv rtmp://out.test/live/key -an tcp://b.test:2 -metadata tcp://c.test:3 a.mp4"))
	check(t, err)
	want := strings.Fields("-re -i tcp://127.0.0.1:1 -headers http://a.test/ -c copy -f flv -rtmp_tcurl rtmp://out.test/live rtmp://127.0.0.1/live/key " +
		"-an tcp://127.0.0.1:2 -metadata tcp://c.test:3 a.mp4")
	if !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	got, err = n.resolveArgs(strings.Fields("-mt_alternate rtmp://a.test/live/b -i rtmp://in.test/live/b"))
	check(t, err)
	if want := strings.Fields("-mt_alternate rtmp://127.0.0.1/live/b -i rtmp://127.0.0.1/live/b"); !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	got, err = n.resolveArgs([]string{"-i", "https://in.test/a", "out.mp4"})
	check(t, err)
	if len(got) != 5 || got[0] != "-http_proxy" || !strings.HasPrefix(got[1], "http://127.0.0.1:") || got[3] != "https://in.test/a" {
		t.Errorf("%q", got)
	}
	t.Setenv("http_proxy", "http://127.0.0.1:1")
	for _, args := range [][]string{{"-i", "https://in.test/a"}, {"-http_proxy", "x", "-i", "http://in.test/a"}} {
		if got, err = n.resolveArgs(args); err != nil || !slices.Equal(got, args) {
			t.Errorf("%q, %v", got, err)
		}
	}
}

func TestAlternatesWithNames(t *testing.T) {
	n := newNamer(dnsServer(t))
	defer n.close()
	alternates := func(values ...string) (options []Option) {
		for _, value := range values {
			options = append(options, Opt("mt_alternate", value))
		}
		return options
	}
	// Those that need an address have one
	url, options, err := n.resolve("tcp://in.test:1", alternates("tcp://b.test:2"))
	check(t, err)
	if url != "tcp://127.0.0.1:1" || len(options) != 1 || options[0].value != "tcp://127.0.0.1:2" {
		t.Errorf("%q, %+v", url, options)
	}
	// one proxy is for all
	url, options, err = n.resolve("http://in.test/a", alternates("https://b.test/a", "https://c.test/a"))
	check(t, err)
	if url != "http://in.test/a" || len(options) != 3 || options[1].value != "https://c.test/a" || options[2].key != "http_proxy" {
		t.Errorf("%q, %+v", url, options)
	}
	// and none is where some would not take it
	url, options, err = n.resolve("tcp://in.test:1", alternates("https://b.test/a"))
	check(t, err)
	if url != "tcp://127.0.0.1:1" || len(options) != 1 || options[0].value != "https://b.test/a" {
		t.Errorf("%q, %+v", url, options)
	}
	args := []string{"-mt_alternate", "tcp://127.0.0.1:1", "-i", "https://b.test/a"}
	if got, err := n.resolveArgs(args); err != nil || !slices.Equal(got, args) {
		t.Errorf("%q, %v", got, err)
	}
}

// The proxy takes only what it is for, and its close leaves nothing.
func TestRelay(t *testing.T) {
	resolver := dnsServer(t)
	before := atRest(t)
	r, err := newRelay(resolver)
	check(t, err)
	for request, want := range map[string]string{
		"CONNECT nobody.none:80 HTTP/1.1\r\n\r\n": "HTTP/1.1 502 Bad Gateway", "GET /a HTTP/1.1\r\n\r\n": "", "hello\r\n\r\n": "",
		"GET ftp://a.test/ HTTP/1.1\r\n\r\n": "", "GET http://a.test/ HTTP/1.1\r\n" + strings.Repeat("a: b\r\n", 20_000): "",
	} {
		if got := askRelay(t, r, request); got != want {
			t.Errorf("%.40q: %q", request, got)
		}
	}
	// One that is in use ends, too
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	defer silent.Close()
	conn, err := net.Dial("tcp", strings.TrimPrefix(r.url(), "http://"))
	check(t, err)
	defer conn.Close()
	_, err = fmt.Fprintf(conn, "CONNECT silent.test:%s HTTP/1.1\r\n\r\n", portOf(silent.Addr()))
	check(t, err)
	answer, err := bufio.NewReader(conn).ReadString('\n')
	check(t, err)
	if !strings.HasPrefix(answer, "HTTP/1.1 200") {
		t.Errorf("it says %q", answer)
	}
	r.close()
	_, err = io.Copy(io.Discard, conn)
	check(t, err)
	silent.Close()
	conn.Close()
	for range 3 { // splice(2), which io.Copy uses, has pipes that Go keeps until then
		runtime.GC()
	}
	before.wantAgain(t)
	if _, err := (&net.Dialer{}).DialContext(context.Background(), "tcp", strings.TrimPrefix(r.url(), "http://")); err == nil {
		t.Error("it still listens")
	}
}

// askRelay returns the first line of the answer; nothing where it hangs up.
func askRelay(t testing.TB, r *relay, request string) string {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(r.url(), "http://"))
	check(t, err)
	defer conn.Close()
	_, _ = io.WriteString(conn, request) // one that is too long is not read to its end
	answer, _ := bufio.NewReader(conn).ReadString('\n')
	return strings.TrimSpace(answer)
}

func TestWhoResolvesByDefault(t *testing.T) {
	// This program is no static one: it depends on how the package was built
	if got := newEngine(t).poller.names != nil; got != goResolverByDefault {
		t.Errorf("Go resolves: %v", got)
	}
	if newEngine(t, WithGoResolver(nil)).poller.names == nil || newEngine(t, WithGoResolver(nil), WithCResolver()).poller.names != nil {
		t.Error("what was chosen is not so")
	}
}
