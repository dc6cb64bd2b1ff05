package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"mt-transcode.dev/go/mttranscode"
)

// container is what a client may ask for.
type container struct {
	contentType string
	options     []mttranscode.Option
	// wantsRawAAC: AAC comes without the headers that it has in a transport stream.
	wantsRawAAC bool
}

// copying are the options that take picture and sound as they are.
func (c container) copying(info *mttranscode.MediaInfo) []mttranscode.Option {
	options := []mttranscode.Option{
		mttranscode.Opt("map", "0:v?"), mttranscode.Opt("map", "0:a?"), mttranscode.Opt("c", "copy"),
	}
	sound := 0
	for _, stream := range info.Streams {
		if stream.Type != "audio" {
			continue
		}
		if c.wantsRawAAC && stream.Codec == "aac" {
			options = append(options, mttranscode.Opt(fmt.Sprintf("bsf:a:%d", sound), "aac_adtstoasc"))
		}
		sound++
	}
	return options
}

var containers = map[string]container{
	"":   transportStream,
	"ts": transportStream,
	"mp4": {"video/mp4", []mttranscode.Option{
		mttranscode.Opt("f", "mp4"),
		mttranscode.Opt("movflags", "+frag_keyframe+delay_moov+default_base_moof"), // a response cannot be gone back in
	}, true},
}

var transportStream = container{"video/mp2t", []mttranscode.Option{mttranscode.Opt("f", "mpegts")}, false}

// remuxer answers requests.
type remuxer struct {
	engine     *mttranscode.Engine
	largest    int64         // body, in bytes
	headerTime time.Duration // for the first bytes of the media to come
	stallTime  time.Duration // for a client that neither sends nor takes anything
}

// ServeHTTP reads the first bytes and refuses what is no media, before a job is started and the response begins.
func (s *remuxer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	to, ok := containers[r.URL.Query().Get("to")]
	if !ok {
		http.Error(w, "to is ts or mp4", http.StatusBadRequest)
		return
	}
	control := http.NewResponseController(w)
	// HTTP/1 reads a body to its end before it answers, unless told otherwise.
	if err := control.EnableFullDuplex(); err != nil && !errors.Is(err, errors.ErrUnsupported) {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	request := &receiving{body: http.MaxBytesReader(w, r.Body, s.largest), control: control, stallTime: s.stallTime}
	response := &flushing{writer: w, control: control, stallTime: s.stallTime, contentType: to.contentType}
	err := s.remux(r.Context(), request, response, to)
	if err == nil {
		return
	}
	slog.Warn("remux failed", "error", err, "begun", response.begun.Load())
	if response.begun.Load() {
		panic(http.ErrAbortHandler) // the status is gone already: a broken connection is how the client learns it
	}
	refuse(w, err)
}

func (s *remuxer) remux(ctx context.Context, request *receiving, response *flushing, to container) (err error) {
	pipe, err := s.engine.NewPipe()
	if err != nil {
		return err
	}
	uploaded := upload(request, pipe)
	defer func() {
		pipe.Close()
		if err != nil && request.cutOff(uploaded) {
			response.writer.Header().Set("Connection", "close") // what the client still sends is no request
		}
		<-uploaded // nobody reads the body after the handler's return
	}()
	header, cancel := context.WithTimeout(ctx, s.headerTime)
	defer cancel()
	info, err := pipe.Probe(header, 0)
	if err != nil {
		return err
	}
	job, err := s.engine.NewJob()
	if err != nil {
		return err
	}
	defer job.Close()
	options := append(to.copying(info), to.options...)
	if err := errors.Join(job.InputFrom(pipe.Reader()), job.OutputTo(response, options...)); err != nil {
		return err
	}
	return job.Run(ctx)
}

// refuse says what was wrong, with the status that a client can act on.
func refuse(w http.ResponseWriter, err error) {
	status := statusOf(err)
	if status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "1")
	}
	http.Error(w, err.Error(), status)
}

func statusOf(err error) int {
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return http.StatusRequestEntityTooLarge
	case errors.Is(err, context.DeadlineExceeded):
		return http.StatusRequestTimeout
	}
	for _, known := range []struct {
		code   mttranscode.Code
		status int
	}{
		{mttranscode.ErrAgain, http.StatusServiceUnavailable},
		{mttranscode.ErrTimeout, http.StatusServiceUnavailable}, // waited too long in the queue
		{mttranscode.ErrShutdown, http.StatusServiceUnavailable},
		{mttranscode.ErrLimit, http.StatusRequestEntityTooLarge},
		{mttranscode.ErrDemux, http.StatusUnprocessableEntity},
		{mttranscode.ErrUnsupported, http.StatusUnprocessableEntity},
		{mttranscode.ErrMux, http.StatusUnprocessableEntity},    // the container cannot hold what is inside
		{mttranscode.ErrOption, http.StatusUnprocessableEntity}, // it holds neither picture nor sound
	} {
		if errors.Is(err, known.code) {
			return known.status
		}
	}
	return http.StatusInternalServerError
}
