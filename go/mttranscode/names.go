package mttranscode

// #include "library.h"
import "C"

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

// WithGoResolver has host names in the URLs of jobs and probes resolved by Go, not by the C library of FFmpeg: with resolver, or with
// Go's own where it is nil. This is how a program that is linked with a static glibc, whose resolver crashes, opens URLs with
// names; there, and in programs built with the tag netgo, it is so by default. See docs/go-live.md.
//
// For http, https, tls and rtmps the job is told of a proxy (the option http_proxy) that this package has on loopback, for this
// user's processes alone: names stay in the requests, in TLS handshakes and in certificates, and hold for redirects and playlists,
// too. In URLs of rtmp, rtsp, tcp, udp, rtp and srt the name is replaced by the first address, where the URL is given
// to the job; rtmp is still told the name (the option rtmp_tcurl). That asks the resolver, and may block for 10 s. What has the option
// http_proxy, or the environment's variable, is left alone, and so are URLs of other kinds.
func WithGoResolver(resolver *net.Resolver) EngineOption {
	return func(c *engineConfig) {
		if resolver == nil {
			resolver = &net.Resolver{PreferGo: true}
		}
		c.resolver = resolver
	}
}

// WithCResolver leaves host names to the C library of FFmpeg, also where [WithGoResolver] would be the default: with a static glibc they are
// refused then ([ErrStaticResolver]).
func WithCResolver() EngineOption {
	return func(c *engineConfig) { c.resolver = nil }
}

// defaultResolver is Go's own where the C library's cannot be used, or this package was built for that.
func defaultResolver() *net.Resolver {
	if !goResolverByDefault && !isStaticGlibc() {
		return nil
	}
	return &net.Resolver{PreferGo: true}
}

var isStaticGlibc = sync.OnceValue(func() bool {
	raw, err := Diagnostics()
	if err != nil {
		return false
	}
	var about struct {
		Linking string `json:"program_linking"`
		Libc    string `json:"libc"`
	}
	return json.Unmarshal(raw, &about) == nil && about.Linking == "static" && strings.HasPrefix(about.Libc, "glibc")
})

// namer resolves host names for an engine. nil leaves all URLs as they are.
type namer struct {
	resolver *net.Resolver

	mu     sync.Mutex
	relay  *relay // from the first URL that needs it
	closed bool
}

func newNamer(resolver *net.Resolver) *namer {
	if resolver == nil {
		return nil
	}
	return &namer{resolver: resolver}
}

// proxied say by FFmpeg's option http_proxy what they connect to; the others need an address.
var (
	proxied   = map[string]bool{"http": true, "https": true, "tls": true, "rtmps": true}
	addressed = map[string]bool{"rtmp": true, "rtsp": true, "tcp": true, "udp": true, "rtp": true, "srt": true}
)

// resolve returns the URL and the options that a file is to have instead.
func (n *namer) resolve(url string, options []Option) (string, []Option, error) {
	if n == nil {
		return url, options, nil
	}
	alternates := []string{}
	for _, option := range options {
		if option.key == "mt_alternate" {
			alternates = append(alternates, option.value)
		}
	}
	mixed := areMixed([]string{url}, alternates)
	has := func(key string) bool {
		isKey := func(option Option) bool { return option.key == key }
		return mixed && key == "http_proxy" || slices.ContainsFunc(options, isKey)
	}
	url, added, err := n.change(url, has)
	changed := make([]Option, 0, len(options)+1)
	for _, option := range options {
		if option.key == "mt_alternate" && err == nil {
			option.value, _, err = n.change(option.value, has)
		}
		changed = append(changed, option)
	}
	if err != nil {
		return url, options, err
	}
	return url, append(changed, added...), nil
}

// areMixed tells whether some of an input's URLs take the option http_proxy and some do not: those would be refused with it.
func areMixed(urls, alternates []string) bool {
	takesProxy := func(url string) bool {
		scheme, _, _ := hostIn(url)
		return proxied[scheme]
	}
	return slices.ContainsFunc(urls, func(url string) bool {
		return slices.ContainsFunc(alternates, func(alternate string) bool { return takesProxy(url) != takesProxy(alternate) })
	})
}

// change returns another URL, or the same, and the options to add; has tells which the user gave.
func (n *namer) change(url string, has func(key string) bool) (string, []Option, error) {
	scheme, start, end := hostIn(url)
	host := url[start:end]
	if !isHostName(host) {
		return url, nil, nil
	}
	switch {
	case proxied[scheme]:
		if has("http_proxy") || os.Getenv("http_proxy") != "" {
			return url, nil, nil
		}
		proxy, err := n.proxy()
		return url, []Option{Opt("http_proxy", proxy)}, err
	case addressed[scheme]:
		address, err := n.address(host)
		if err != nil {
			return url, nil, err
		}
		var added []Option
		if scheme == "rtmp" && !has("rtmp_tcurl") && !has("mt_alternate") { // an option holds for the alternates, too
			added = []Option{Opt("rtmp_tcurl", tcURL(url))}
		}
		return url[:start] + address + url[end:], added, nil
	}
	return url, nil, nil
}

const resolveTime = 10 * time.Second

// address asks for the first address of a name, as it stands in a URL.
func (n *namer) address(host string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), resolveTime)
	defer cancel()
	found, err := n.resolver.LookupNetIP(ctx, "ip", host)
	if err == nil && len(found) == 0 {
		err = &net.DNSError{Err: "no address", Name: host, IsNotFound: true}
	}
	if err != nil {
		e := callError(-C.int32_t(syscall.EIO)) // as FFmpeg has it
		e.Stage, e.Message, e.causes = "resolve", fmt.Sprintf("the name '%s' cannot be resolved: %v", host, err), []error{err}
		return "", e
	}
	if address := found[0].Unmap(); address.Is4() {
		return address.String(), nil
	}
	return "[" + found[0].String() + "]", nil
}

func (n *namer) proxy() (string, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		return "", closedError()
	}
	if n.relay == nil {
		relay, err := newRelay(n.resolver)
		if err != nil {
			return "", err
		}
		n.relay = relay
	}
	return n.relay.url(), nil
}

// ofProxy are what FFmpeg makes of a proxy that says 502 and hangs up: AVERROR_HTTP_SERVER_ERROR where it reads the answer, these where it writes on.
var ofProxy = []int{-(0xf8 | '5'<<8 | 'X'<<16 | 'X'<<24), -int(syscall.ECONNRESET), -int(syscall.EPIPE)}

// explain says of a failure what this package's proxy knows of it: the name that is not there, the errno of a connection.
func (n *namer) explain(err error) error {
	var failure *Error
	if n == nil || !errors.As(err, &failure) || !slices.Contains(ofProxy, failure.FFmpegCode) {
		return err
	}
	scheme, start, end := hostIn(failure.URL)
	n.mu.Lock()
	relay := n.relay
	n.mu.Unlock()
	if relay == nil || !proxied[scheme] {
		return err
	}
	why := relay.lastFailure(failure.URL[start:end])
	if why == nil {
		return err
	}
	explained, base := *failure, callError(C.int32_t(codeOf(why)))
	explained.Code, explained.Name = base.Code, base.Name
	explained.Message = fmt.Sprintf("%s: %v", failure.Message, why)
	explained.causes = append(failure.causes[:len(failure.causes):len(failure.causes)], why)
	return &explained
}

func (n *namer) close() {
	if n == nil {
		return
	}
	n.mu.Lock()
	relay := n.relay
	n.relay, n.closed = nil, true
	n.mu.Unlock()
	if relay != nil {
		relay.close()
	}
}

// hostIn returns the scheme of a URL, in lower case, and where its host stands, as FFmpeg finds it (libavformat/utils.c: av_url_split).
func hostIn(url string) (scheme string, start, end int) {
	scheme, rest, ok := strings.Cut(url, "://")
	if !ok || strings.ContainsAny(scheme, ":/?#@[]") {
		return "", 0, 0
	}
	start = len(scheme) + len("://")
	if at := strings.IndexAny(rest, "/?#"); at >= 0 {
		rest = rest[:at]
	}
	if at := strings.LastIndexByte(rest, '@'); at >= 0 {
		start, rest = start+at+1, rest[at+1:]
	}
	if strings.HasPrefix(rest, "[") { // an address
		return scheme, start, start
	}
	host, _, _ := strings.Cut(rest, ":")
	return strings.ToLower(scheme), start, start + len(host)
}

// numbers is what inet_aton takes: 127.1, 0x7f.1, 2130706433.
var numbers = regexp.MustCompile(`^(0[xX][0-9a-fA-F]+|[0-9]+)(\.(0[xX][0-9a-fA-F]+|[0-9]+)){0,3}$`)

func isHostName(host string) bool {
	if host == "" || numbers.MatchString(host) {
		return false
	}
	_, err := netip.ParseAddr(host)
	return err != nil
}

// tcURL is what FFmpeg would tell the server that it wants, made of the URL with its name (libavformat/rtmpproto.c: rtmp_open).
func tcURL(url string) string {
	scheme, rest, _ := strings.Cut(url, "://")
	authority, path, _ := strings.Cut(rest, "/")
	if at := strings.LastIndexByte(authority, '@'); at >= 0 {
		authority = authority[at+1:] // not the password
	}
	return scheme + "://" + authority + "/" + appOf(path)
}

// appOf is the part of the path, without its first slash, that names the application.
func appOf(path string) string {
	if _, query, ok := strings.Cut(path, "?"); ok && strings.Contains(query, "slist=") {
		return path
	}
	if strings.HasPrefix(path, "ondemand/") {
		return "ondemand"
	}
	app, rest, ok := strings.Cut(path, "/")
	if !ok {
		return path
	}
	instance, _, ok := strings.Cut(rest, "/")
	if !ok || strings.Contains(instance, ":") {
		return app
	}
	return app + "/" + instance
}
