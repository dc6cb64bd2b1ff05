package main

import (
	"errors"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/yutopp/go-rtmp"
	"github.com/yutopp/go-rtmp/message"
)

// accepting is the server of RTMP with its connections, which the library itself does not keep.
type accepting struct {
	server   *rtmp.Server
	listener net.Listener
	served   chan struct{}

	mu     sync.Mutex
	closed bool
	open   map[net.Conn]struct{}
	ended  sync.WaitGroup
}

// acceptPublishers serves a listener. The library's own log, which has stream keys, goes nowhere.
func acceptPublishers(listener net.Listener, live *streams, silence time.Duration) *accepting {
	a := &accepting{listener: listener, served: make(chan struct{}), open: map[net.Conn]struct{}{}}
	a.server = rtmp.NewServer(&rtmp.ServerConfig{OnConnect: func(conn net.Conn) (io.ReadWriteCloser, *rtmp.ConnConfig) {
		kept := a.keep(conn, silence)
		return kept, &rtmp.ConnConfig{
			Handler:      &publisher{live: live, from: conn.RemoteAddr().String()},
			ControlState: rtmp.StreamControlStateConfig{DefaultBandwidthWindowSize: 6 << 20},
		}
	}})
	go func() {
		defer close(a.served)
		_ = a.server.Serve(listener)
	}()
	return a
}

// keep remembers a connection until it is closed.
func (a *accepting) keep(conn net.Conn, silence time.Duration) io.ReadWriteCloser {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed {
		conn.Close()
	}
	a.open[conn] = struct{}{}
	a.ended.Add(1)
	return &keptConn{Conn: conn, silence: silence, forget: sync.OnceFunc(func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		delete(a.open, conn)
		a.ended.Done()
	})}
}

// close returns when no connection is left.
func (a *accepting) close() {
	_ = a.server.Close()
	_ = a.listener.Close() // the server knows it only once it has begun
	<-a.served
	a.mu.Lock()
	a.closed = true
	for conn := range a.open {
		conn.Close()
	}
	a.mu.Unlock()
	a.ended.Wait()
}

// keptConn gives up a peer that is silent.
type keptConn struct {
	net.Conn
	silence time.Duration
	forget  func()
}

func (c *keptConn) Read(buffer []byte) (int, error) {
	_ = c.SetReadDeadline(time.Now().Add(c.silence))
	return c.Conn.Read(buffer)
}

func (c *keptConn) Write(data []byte) (int, error) {
	_ = c.SetWriteDeadline(time.Now().Add(c.silence))
	return c.Conn.Write(data)
}

func (c *keptConn) Close() error {
	defer c.forget()
	return c.Conn.Close()
}

// publisher is what one connection does, called by the library from one goroutine, OnClose last.
type publisher struct {
	rtmp.DefaultHandler
	live   *streams
	from   string
	app    string
	stream *stream
}

var errNotHere = errors.New("publishers come to /live/KEY, and players to HTTP")

func (p *publisher) OnConnect(_ uint32, command *message.NetConnectionConnect) error {
	p.app = command.Command.App
	return nil
}

func (p *publisher) OnPublish(_ *rtmp.StreamContext, _ uint32, command *message.NetStreamPublish) error {
	key, _, _ := strings.Cut(command.PublishingName, "?")
	if p.app != "live" || p.stream != nil {
		return errNotHere
	}
	stream, err := p.live.publish(key)
	if err != nil {
		slog.Warn("a publisher was refused", "from", p.from, "error", err)
		return err
	}
	slog.Info("a publisher came", "stream", stream.number, "from", p.from)
	p.stream = stream
	return nil
}

func (p *publisher) OnPlay(*rtmp.StreamContext, uint32, *message.NetStreamPlay) error {
	return errNotHere
}

func (p *publisher) OnSetDataFrame(timestamp uint32, data *message.NetStreamSetDataFrame) error {
	return p.write(tagScript, timestamp, data.Payload)
}

func (p *publisher) OnAudio(timestamp uint32, payload io.Reader) error {
	return p.read(tagAudio, timestamp, payload)
}

func (p *publisher) OnVideo(timestamp uint32, payload io.Reader) error {
	return p.read(tagVideo, timestamp, payload)
}

func (p *publisher) read(kind byte, timestamp uint32, payload io.Reader) error {
	data, err := io.ReadAll(payload)
	if err != nil {
		return err
	}
	return p.write(kind, timestamp, data)
}

// write returns an error, which ends the connection, where the job has ended.
func (p *publisher) write(kind byte, timestamp uint32, payload []byte) error {
	if p.stream == nil {
		return errNotHere
	}
	return writeTag(p.stream.pipe.Writer(), kind, timestamp, payload)
}

func (p *publisher) OnClose() {
	if p.stream != nil {
		slog.Info("a publisher left", "stream", p.stream.number, "from", p.from)
		p.stream.end()
		p.stream = nil
	}
}
