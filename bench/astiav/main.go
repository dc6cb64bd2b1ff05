// Astiav remuxes small files from memory to memory as go-astiav's example does from file to file, with its IOContext that calls Go functions.
// Package worker says how it is spoken to.
package main

import (
	"bytes"
	"errors"
	"io"
	"log"

	"github.com/asticode/go-astiav"

	"mt-transcode.dev/bench/worker"
)

const bufferBytes = 64 << 10

func main() {
	log.SetFlags(0)
	astiav.SetLogLevel(astiav.LogLevelError)
	if err := worker.Serve(worker.Variants{"astiav": remux}); err != nil {
		log.Fatal(err)
	}
}

func remux(what worker.Remux, output *bytes.Buffer) error {
	input, err := openInput(what.Input)
	if err != nil {
		return err
	}
	defer input.close()
	if err := input.context.FindStreamInfo(nil); err != nil {
		return err
	}
	target, err := astiav.AllocOutputFormatContext(nil, what.Format, "")
	if err != nil {
		return err
	}
	defer target.Free()
	streams, err := copyStreams(input.context, target)
	if err != nil {
		return err
	}
	writing, err := astiav.AllocIOContext(bufferBytes, true, nil, nil, output.Write)
	if err != nil {
		return err
	}
	defer writing.Free()
	target.SetPb(writing)
	if err := writeHeader(target, what); err != nil {
		return err
	}
	if err := copyPackets(input.context, target, streams); err != nil {
		return err
	}
	return target.WriteTrailer()
}

type source struct {
	context *astiav.FormatContext
	reading *astiav.IOContext
}

func openInput(data []byte) (*source, error) {
	reader := bytes.NewReader(data)
	reading, err := astiav.AllocIOContext(bufferBytes, false, func(b []byte) (int, error) {
		n, err := reader.Read(b)
		if errors.Is(err, io.EOF) {
			err = astiav.ErrEof
		}
		return n, err
	}, reader.Seek, nil)
	if err != nil {
		return nil, err
	}
	context := astiav.AllocFormatContext()
	context.SetPb(reading)
	if err := context.OpenInput("", nil, nil); err != nil { // frees the context when it fails
		reading.Free()
		return nil, err
	}
	return &source{context, reading}, nil
}

func (s *source) close() {
	s.context.CloseInput()
	s.reading.Free()
}

// copyStreams returns the output's stream for each of the input's.
func copyStreams(from, to *astiav.FormatContext) (map[int][2]*astiav.Stream, error) {
	streams := map[int][2]*astiav.Stream{}
	for _, stream := range from.Streams() {
		made := to.NewStream(nil)
		if made == nil {
			return nil, errors.New("no stream")
		}
		if err := stream.CodecParameters().Copy(made.CodecParameters()); err != nil {
			return nil, err
		}
		made.CodecParameters().SetCodecTag(0)
		streams[stream.Index()] = [2]*astiav.Stream{stream, made}
	}
	return streams, nil
}

func writeHeader(to *astiav.FormatContext, what worker.Remux) error {
	if what.Key == "" {
		return to.WriteHeader(nil)
	}
	options := astiav.NewDictionary()
	defer options.Free()
	if err := options.Set(what.Key, what.Value, 0); err != nil {
		return err
	}
	return to.WriteHeader(options)
}

func copyPackets(from, to *astiav.FormatContext, streams map[int][2]*astiav.Stream) error {
	packet := astiav.AllocPacket()
	defer packet.Free()
	for {
		if err := from.ReadFrame(packet); errors.Is(err, astiav.ErrEof) {
			return nil
		} else if err != nil {
			return err
		}
		pair := streams[packet.StreamIndex()]
		packet.SetStreamIndex(pair[1].Index())
		packet.RescaleTs(pair[0].TimeBase(), pair[1].TimeBase())
		packet.SetPos(-1)
		if err := to.WriteInterleavedFrame(packet); err != nil {
			return err
		}
	}
}
