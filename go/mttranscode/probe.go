package mttranscode

// #include "library.h"
import "C"

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// MediaInfo is what a file or URL holds.
type MediaInfo struct {
	Streams []StreamInfo
	Format  FormatInfo
	// JSON is the whole answer, in the form of `ffprobe -show_format -show_streams -of json`. The option "mt_show" chooses what
	// is in it: "format,streams,chapters,programs,packets,frames".
	JSON json.RawMessage
}

// Stream returns the first stream of a type ("video", "audio", "subtitle"), or nil.
func (m *MediaInfo) Stream(kind string) *StreamInfo {
	for i := range m.Streams {
		if m.Streams[i].Type == kind {
			return &m.Streams[i]
		}
	}
	return nil
}

// FormatInfo describes the file. What is unknown is 0 or empty.
type FormatInfo struct {
	URL         string
	Name        string
	LongName    string
	StreamCount int
	StartTime   time.Duration
	Duration    time.Duration
	SizeBytes   int64
	BitRate     int64
	Tags        map[string]string
}

// StreamInfo describes a stream. What is unknown, or does not apply to its type, is 0 or empty.
type StreamInfo struct {
	Index int
	// Type is "video", "audio", "subtitle", "data" or "attachment".
	Type          string
	Codec         string
	CodecLongName string
	Profile       string
	Width, Height int
	PixelFormat   string
	FrameRate     Rational
	SampleRate    int
	Channels      int
	ChannelLayout string
	StartTime     time.Duration
	Duration      time.Duration
	BitRate       int64
	Frames        int64
	Disposition   map[string]int
	Tags          map[string]string
}

// Rational is a fraction, such as a frame rate of 30000/1001.
type Rational struct{ Num, Den int64 }

// Float returns the value, 0 where it is unknown.
func (r Rational) Float() float64 {
	if r.Den == 0 {
		return 0
	}
	return float64(r.Num) / float64(r.Den)
}

// Probe opens a file or URL, with input options where given, and reads as much as is needed to know its streams.
//
// When ctx ends, Probe returns an error that wraps ctx.Err() at once. The library's work ends at the deadline that
// ctx had, or else when the probe or the engine ends; until then it holds a thread of the system. So give ctx a
// deadline for what may never answer. Errors: an *[Error] that is fs.ErrNotExist, fs.ErrPermission, [ErrDemux] (not
// media), [ErrOption], [ErrShutdown] and others.
func (e *Engine) Probe(ctx context.Context, url string, options ...Option) (*MediaInfo, error) {
	return probeWithin(ctx, func(timeoutMS int64) (*MediaInfo, error) { return e.probe(url, options, timeoutMS) })
}

// probeWithin runs a probe in a goroutine that may be left behind. A timeout of 0 is none.
func probeWithin(ctx context.Context, probe func(timeoutMS int64) (*MediaInfo, error)) (*MediaInfo, error) {
	if ctx.Err() != nil {
		return nil, contextError(ctx, "probe")
	}
	timeout := int64(0)
	if deadline, ok := ctx.Deadline(); ok {
		timeout = max(time.Until(deadline).Milliseconds(), 0) + 1 // ctx comes first; 0 would be no limit
	}
	type answer struct {
		info *MediaInfo
		err  error
	}
	answers := make(chan answer, 1)
	go func() {
		info, err := probe(timeout)
		answers <- answer{info, err}
	}()
	select {
	case got := <-answers:
		if deadline, ok := ctx.Deadline(); got.err != nil && ok && !time.Now().Before(deadline) {
			<-ctx.Done() // its timer is due
			return nil, contextError(ctx, "probe")
		}
		return got.info, got.err
	case <-ctx.Done():
		return nil, contextError(ctx, "probe")
	}
}

func (e *Engine) probe(url string, options []Option, timeoutMS int64) (*MediaInfo, error) {
	defer runtime.KeepAlive(e)
	url, options, err := e.poller.names.resolve(url, options)
	if err != nil {
		return nil, err
	}
	cURL, err := cString(url)
	if err != nil {
		return nil, err
	}
	cOptions, err := cVector(flatten(options))
	if err != nil {
		return nil, err
	}
	defer freeVector(cOptions)
	var text *C.char
	var failure *C.mt_transcode_error
	code := C.mt_transcode_probe(e.poller.engine, cURL, cOptions, C.int64_t(timeoutMS), &text, &failure)
	if code < 0 {
		return nil, e.poller.names.explain(takeProbeError(code, failure))
	}
	return parseMediaInfo([]byte(takeString(text)))
}

func flatten(options []Option) []string {
	flat := make([]string, 0, 2*len(options))
	for _, option := range options {
		value := option.value
		if option.flag {
			value = "1" // the array is ended by NULL, so a value cannot be left out
		}
		flat = append(flat, option.key, value)
	}
	return flat
}

func takeProbeError(code C.int32_t, failure *C.mt_transcode_error) error {
	if code == closedCode {
		C.mt_transcode_error_free(failure)
		return callError(code) // the library's text speaks of a handle, which Go has none of
	}
	return takeError(code, failure)
}

// probed is the JSON. ffprobe writes some numbers as numbers and some as strings.
type probed struct {
	Streams []probedStream `json:"streams"`
	Format  probedFormat   `json:"format"`
}

type probedStream struct {
	Index       int64             `json:"index"`
	Type        string            `json:"codec_type"`
	Codec       string            `json:"codec_name"`
	CodecLong   string            `json:"codec_long_name"`
	Profile     text              `json:"profile"`
	Width       text              `json:"width"`
	Height      text              `json:"height"`
	PixelFormat string            `json:"pix_fmt"`
	FrameRate   string            `json:"avg_frame_rate"`
	SampleRate  text              `json:"sample_rate"`
	Channels    text              `json:"channels"`
	Layout      string            `json:"channel_layout"`
	StartTime   text              `json:"start_time"`
	Duration    text              `json:"duration"`
	BitRate     text              `json:"bit_rate"`
	Frames      text              `json:"nb_frames"`
	Disposition map[string]int    `json:"disposition"`
	Tags        map[string]string `json:"tags"`
}

type probedFormat struct {
	URL       string            `json:"filename"`
	Name      string            `json:"format_name"`
	LongName  string            `json:"format_long_name"`
	Streams   text              `json:"nb_streams"`
	StartTime text              `json:"start_time"`
	Duration  text              `json:"duration"`
	Size      text              `json:"size"`
	BitRate   text              `json:"bit_rate"`
	Tags      map[string]string `json:"tags"`
}

func parseMediaInfo(raw json.RawMessage) (*MediaInfo, error) {
	var from probed
	if err := json.Unmarshal(raw, &from); err != nil {
		return nil, fmt.Errorf("mt-transcode: what a probe found: %w", err)
	}
	f := from.Format
	info := &MediaInfo{JSON: raw, Format: FormatInfo{
		URL: f.URL, Name: f.Name, LongName: f.LongName, StreamCount: int(f.Streams.integer()),
		StartTime: f.StartTime.seconds(), Duration: f.Duration.seconds(),
		SizeBytes: f.Size.integer(), BitRate: f.BitRate.integer(), Tags: f.Tags,
	}}
	for _, s := range from.Streams {
		info.Streams = append(info.Streams, StreamInfo{
			Index: int(s.Index), Type: s.Type, Codec: s.Codec, CodecLongName: s.CodecLong, Profile: string(s.Profile),
			Width: int(s.Width.integer()), Height: int(s.Height.integer()), PixelFormat: s.PixelFormat,
			FrameRate: parseRational(s.FrameRate), SampleRate: int(s.SampleRate.integer()),
			Channels: int(s.Channels.integer()), ChannelLayout: s.Layout,
			StartTime: s.StartTime.seconds(), Duration: s.Duration.seconds(),
			BitRate: s.BitRate.integer(), Frames: s.Frames.integer(), Disposition: s.Disposition, Tags: s.Tags,
		})
	}
	return info, nil
}

// text is a JSON string or number, as text.
type text string

// UnmarshalJSON takes both.
func (t *text) UnmarshalJSON(raw []byte) error {
	var quoted string
	if err := json.Unmarshal(raw, &quoted); err == nil {
		*t = text(quoted)
		return nil
	}
	*t = text(raw)
	return nil
}

func (t text) integer() int64 {
	value, _ := strconv.ParseInt(string(t), 10, 64)
	return value
}

func (t text) seconds() time.Duration {
	value, err := strconv.ParseFloat(string(t), 64)
	if err != nil || math.Abs(value) > math.MaxInt64/float64(time.Second) {
		return 0
	}
	return time.Duration(math.Round(value*1e6)) * time.Microsecond
}

func parseRational(fraction string) Rational {
	num, den, _ := strings.Cut(fraction, "/")
	return Rational{text(num).integer(), text(den).integer()}
}
