package mttranscode

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

// relay is the proxy of HTTP that jobs are told of: it connects to names that Go resolves, and passes bytes on. It listens on
// loopback, and serves who has the same user.
type relay struct {
	listener net.Listener
	dialer   net.Dialer
	ctx      context.Context
	cancel   context.CancelFunc

	mu     sync.Mutex
	conns  map[net.Conn]struct{} // nil: closed
	failed map[string]error      // by host, what the last try ended with where it failed
	ended  sync.WaitGroup
}

func newRelay(resolver *net.Resolver) (*relay, error) {
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("mt-transcode: a proxy for host names: %w", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	r := &relay{
		listener: listener, dialer: net.Dialer{Resolver: resolver, Timeout: 30 * time.Second}, ctx: ctx, cancel: cancel,
		conns: map[net.Conn]struct{}{}, failed: map[string]error{},
	}
	r.ended.Add(1)
	go r.serve()
	return r, nil
}

func (r *relay) url() string { return "http://" + r.listener.Addr().String() }

func (r *relay) serve() {
	defer r.ended.Done()
	for {
		client, err := r.listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil { // too many files are open
			time.Sleep(20 * time.Millisecond)
			continue
		}
		if !r.keep(client) {
			client.Close()
			return
		}
		go func() {
			defer r.ended.Done()
			defer r.drop(client)
			r.pass(client)
		}()
	}
}

// keep counts a connection and its goroutine; false: the relay is closed.
func (r *relay) keep(conn net.Conn) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.conns == nil {
		return false
	}
	r.conns[conn] = struct{}{}
	r.ended.Add(1)
	return true
}

func (r *relay) drop(conn net.Conn) {
	conn.Close()
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.conns, conn)
}

// close returns when all goroutines have ended.
func (r *relay) close() {
	r.cancel()
	r.listener.Close()
	r.mu.Lock()
	for conn := range r.conns {
		conn.Close()
	}
	r.conns = nil
	r.mu.Unlock()
	r.ended.Wait()
}

// pass serves one connection of a job's.
func (r *relay) pass(client net.Conn) {
	if !isOfThisUser(client) {
		return
	}
	in := bufio.NewReader(client)
	first, err := readHead(in)
	if err != nil {
		return
	}
	server, err := r.dialer.DialContext(r.ctx, "tcp", first.address)
	r.remember(first.address, err)
	if err != nil {
		_, _ = fmt.Fprint(client, "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
		return
	}
	if !r.keep(server) {
		server.Close()
		return
	}
	defer r.ended.Done()
	defer r.drop(server)
	if first.method == "CONNECT" {
		_, err = io.WriteString(client, "HTTP/1.1 200 OK\r\n\r\n")
	} else {
		_, err = io.WriteString(server, first.text)
	}
	if err != nil {
		return
	}
	splice(client, server.(*net.TCPConn), in, first)
}

// splice passes bytes on both ways until both are done.
func splice(client net.Conn, server *net.TCPConn, in *bufio.Reader, first head) {
	answered := make(chan struct{})
	go func() {
		defer close(answered)
		_, _ = io.Copy(client, server)
		_ = client.(*net.TCPConn).CloseWrite() // it may still send, as one that did not wait for the answer does
	}()
	_ = sendOn(server, in, first)
	// The job sends no more: what the server still has to say has some time.
	_ = server.CloseWrite()
	_ = server.SetReadDeadline(time.Now().Add(5 * time.Second))
	<-answered
}

const mostFailed = 256

// remember keeps what a try to connect ended with: FFmpeg hears a number of HTTP alone.
func (r *relay) remember(address string, err error) {
	host, _, _ := net.SplitHostPort(address)
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.failed, host)
	if err != nil {
		if len(r.failed) >= mostFailed {
			clear(r.failed)
		}
		r.failed[host] = err
	}
}

func (r *relay) lastFailure(host string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.failed[host]
}

// sendOn passes on what the job sends after the first head: more heads where a connection is used again, else anything.
func sendOn(server io.Writer, in *bufio.Reader, first head) error {
	for next := first; next.method == "GET" || next.method == "HEAD"; {
		var err error
		if next, err = readHead(in); err != nil {
			return err
		}
		if next.address != first.address {
			return errors.New("another server is asked for on one connection")
		}
		if _, err := io.WriteString(server, next.text); err != nil {
			return err
		}
	}
	_, err := io.Copy(server, in)
	return err
}

// head is that of a request to a proxy; text is what the server itself is to get.
type head struct{ method, address, text string }

const longestHead = 64 << 10

func readHead(in *bufio.Reader) (head, error) {
	line, rest, left := "", strings.Builder{}, longestHead
	for {
		part, err := in.ReadString('\n')
		if err != nil {
			return head{}, err
		}
		if left -= len(part); left < 0 {
			return head{}, errors.New("the head of a request is too long")
		}
		if line == "" {
			line = part
			continue
		}
		rest.WriteString(part)
		if part == "\r\n" {
			return parseHead(line, rest.String())
		}
	}
}

func parseHead(line, rest string) (head, error) {
	words := strings.Fields(line)
	if len(words) != 3 {
		return head{}, errors.New("no request")
	}
	if words[0] == "CONNECT" {
		return head{method: words[0], address: words[1]}, nil
	}
	target, err := url.Parse(words[1])
	if err != nil || target.Scheme != "http" || target.Host == "" {
		return head{}, errors.New("no request to a proxy")
	}
	address := target.Host
	if target.Port() == "" {
		address = net.JoinHostPort(target.Hostname(), "80")
	}
	// As it was written, but for scheme and host: url.URL would write some of it otherwise.
	path := strings.TrimPrefix(words[1], words[1][:strings.Index(words[1], "://")+3])
	if at := strings.IndexAny(path, "/?"); at >= 0 {
		path = path[at:]
	} else {
		path = "/"
	}
	if !strings.HasPrefix(path, "/") {
		path = "/" + path
	}
	return head{words[0], address, words[0] + " " + path + " " + words[2] + "\r\n" + rest}, nil
}

// isOfThisUser looks at whose socket the other end of a connection over loopback is.
func isOfThisUser(conn net.Conn) bool {
	peer, ok := conn.RemoteAddr().(*net.TCPAddr)
	own, isTCP := conn.LocalAddr().(*net.TCPAddr)
	table, err := os.ReadFile("/proc/self/net/tcp")
	if !ok || !isTCP || err != nil {
		return false
	}
	local, remote := fmt.Sprintf(":%04X", peer.Port), fmt.Sprintf(":%04X", own.Port)
	for line := range strings.Lines(string(table)) {
		// sl local_address rem_address st queues timer retransmissions uid ...
		fields := strings.Fields(line)
		if len(fields) > 7 && strings.HasSuffix(fields[1], local) && strings.HasSuffix(fields[2], remote) && isLoopback(fields[1]) && isLoopback(fields[2]) {
			return fields[7] == strconv.Itoa(os.Geteuid())
		}
	}
	return false
}

// isLoopback is for the kernel's way to write 127.0.0.1, in the order of the machine's bytes.
func isLoopback(address string) bool {
	return strings.HasPrefix(address, "0100007F:") || strings.HasPrefix(address, "7F000001:")
}
