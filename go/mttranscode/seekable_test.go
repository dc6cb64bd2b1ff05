package mttranscode

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// fakeFile is a file that is no *os.File.
type fakeFile struct {
	*os.File
	reads, writes int
}

func (f *fakeFile) Read(buffer []byte) (int, error) { f.reads++; return f.File.Read(buffer) }

func (f *fakeFile) Write(data []byte) (int, error) { f.writes++; return f.File.Write(data) }

func create(t testing.TB) *os.File {
	t.Helper()
	file, err := os.Create(filepath.Join(t.TempDir(), "out.mp4"))
	check(t, err)
	t.Cleanup(func() { file.Close() })
	return file
}

func TestSeekableEqualsFile(t *testing.T) {
	engine := newEngine(t)
	want := fileToFile(t, engine, clip(t), "mp4")
	data := readFile(t, clip(t))
	for name, r := range map[string]io.Reader{
		"file": open(t, clip(t)), "bytes": bytes.NewReader(data), "string": strings.NewReader(string(data)),
		"other": &fakeFile{File: open(t, clip(t))}, "section": io.NewSectionReader(open(t, clip(t)), 0, int64(len(data))),
	} {
		t.Run(name, func(t *testing.T) {
			out := &fakeFile{File: create(t)}
			check(t, remux(t, engine, r, out, "mp4"))
			if got := readFile(t, out.Name()); !bytes.Equal(got, want) || out.writes == 0 {
				t.Errorf("%d bytes, the file has %d", len(got), len(want))
			}
		})
	}
	t.Run("TS to fragments", func(t *testing.T) {
		var out bytes.Buffer
		options := append(fragmented(), Opt("bsf:a", "aac_adtstoasc"))
		check(t, remux(t, engine, open(t, tsClip(t)), &out, "mp4", options...))
		want := fileToFile(t, engine, tsClip(t), "mp4", "-movflags", "+frag_keyframe+empty_moov", "-bsf:a", "aac_adtstoasc")
		if !bytes.Equal(out.Bytes(), want) {
			t.Errorf("%d bytes, the file has %d", out.Len(), len(want))
		}
	})
	t.Run("faststart", func(t *testing.T) {
		out := create(t)
		check(t, remux(t, engine, open(t, clip(t)), out, "mp4", Opt("movflags", "+faststart")))
		want := fileToFile(t, engine, clip(t), "mp4", "-movflags", "+faststart")
		if got := readFile(t, out.Name()); !bytes.Equal(got, want) {
			t.Errorf("%d bytes, the file has %d", len(got), len(want))
		}
	})
	wantNothingLeftOf(t, engine)
}

// The job's first byte is where the reader or writer stands.
func TestSeekableBeginsWhereItStands(t *testing.T) {
	engine := newEngine(t)
	data := append([]byte("a header of the program's"), readFile(t, clip(t))...)
	in := bytes.NewReader(data)
	_, err := in.Seek(25, io.SeekStart)
	check(t, err)
	out := create(t)
	_, err = out.WriteString("header")
	check(t, err)
	check(t, remux(t, engine, in, out, "mp4"))
	want := fileToFile(t, engine, clip(t), "mp4")
	if got := readFile(t, out.Name()); !bytes.Equal(got, append([]byte("header"), want...)) {
		t.Errorf("%d bytes, the file has %d", len(got), len(want))
	}
}

// What has Seek and cannot seek is a stream.
func TestSeekersThatCannot(t *testing.T) {
	engine := newEngine(t)
	r, w, err := os.Pipe()
	check(t, err)
	defer r.Close()
	go func() {
		defer w.Close()
		_, _ = w.Write(readFile(t, tsClip(t)))
	}()
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	check(t, err)
	defer null.Close()
	check(t, remux(t, engine, r, null, "mpegts"))
	path := filepath.Join(t.TempDir(), "appended.ts")
	appended, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	check(t, err)
	defer appended.Close()
	wantIs(t, remux(t, engine, open(t, clip(t)), appended, "mp4"), ErrUnsupported)
}

func TestSeekableErrs(t *testing.T) {
	engine := newEngine(t)
	cause := errors.New("the disk is broken")
	for name, r := range map[string]io.Reader{
		"read":  failingFile{ReadSeeker: open(t, clip(t)), read: cause},
		"errno": failingFile{ReadSeeker: open(t, clip(t)), read: errors.Join(cause, syscall.ENXIO)},
	} {
		err := remux(t, engine, r, io.Discard, "null")
		wantIs(t, err, cause)
		if name == "errno" {
			wantIs(t, err, syscall.ENXIO)
		}
	}
	out := failingOutput{create(t), cause}
	wantIs(t, remux(t, engine, open(t, clip(t)), out, "mp4"), cause)
	wantIs(t, remux(t, engine, open(t, clip(t)), failingOutput{create(t), syscall.ENOSPC}, "mp4"), syscall.ENOSPC)
	wantNothingLeftOf(t, engine)
}

type failingFile struct {
	io.ReadSeeker
	read error
}

func (f failingFile) Read([]byte) (int, error) { return 0, f.read }

type failingOutput struct {
	io.WriteSeeker
	err error
}

func (f failingOutput) Write([]byte) (int, error) { return 0, f.err }

// Numbers that no Read or Write may return.
func TestSeekableNonsense(t *testing.T) {
	engine := newEngine(t)
	for _, n := range []int{-1, 1 << 40} {
		r := readerFunc(func([]byte) (int, error) { return n, nil })
		wantIs(t, remux(t, engine, seekingReader{r}, io.Discard, "null"), errInvalidCount)
		w := writerFunc(func([]byte) (int, error) { return n, nil })
		wantIs(t, remux(t, engine, open(t, tsClip(t)), seekingWriter{w}, "mpegts"), errInvalidCount)
	}
	wantIs(t, remux(t, engine, seekingReader{readerFunc(func([]byte) (int, error) { return 0, nil })}, io.Discard, "null"), io.ErrNoProgress)
}

// countedFile counts the calls of it, and may have bytes added.
type countedFile struct {
	data         []byte
	at           int64
	reads, seeks int
}

func (c *countedFile) Read(buffer []byte) (int, error) {
	c.reads++
	n := copy(buffer, c.data[min(c.at, int64(len(c.data))):])
	if c.at += int64(n); n == 0 {
		return 0, io.EOF
	}
	return n, nil
}

func (c *countedFile) Seek(offset int64, whence int) (int64, error) {
	c.seeks++
	switch whence {
	case io.SeekCurrent:
		offset += c.at
	case io.SeekEnd:
		offset += int64(len(c.data))
	}
	c.at = offset
	return c.at, nil
}

// A small input is read when its size is asked for, once; what it has beyond that is read when it is wanted.
func TestSmallSeekableIsReadAhead(t *testing.T) {
	file := &countedFile{data: []byte("header0123456789"), at: 6}
	host := newHost(hostOwner{}, make(chan struct{}))
	s := newSeekable("in", host, bindConfig{}, file, 6, file, nil)
	read := func(want string) {
		t.Helper()
		buffer := make([]byte, 100)
		if n := s.read(buffer); n < 0 || string(buffer[:n]) != want {
			t.Fatalf("read %d: %q, want %q", n, buffer[:max(n, 0)], want)
		}
	}
	if size := s.size(); size != 10 {
		t.Fatalf("the size is %d", size)
	}
	seeks := file.seeks
	read("0123456789")
	for _, at := range []int64{4, 0, 7} {
		if got := s.seek(at); got != at {
			t.Fatalf("a seek to %d gives %d", at, got)
		}
		read("0123456789"[at:])
	}
	if file.reads != 1 || file.seeks != seeks {
		t.Errorf("%d reads and %d seeks for what was there", file.reads, file.seeks-seeks)
	}
	file.data = append(file.data, "grown"...)
	read("grown")
	read("")
	if got := s.seek(3); got != 3 {
		t.Fatalf("a seek gives %d", got)
	}
	read("3456789grown")

	file = &countedFile{data: []byte("0123456789")}
	s = newSeekable("in", host, bindConfig{}, file, 0, file, nil)
	s.size()
	if got := s.seek(12); got != 12 {
		t.Fatalf("a seek behind the end gives %d", got)
	}
	read("")
	host.interrupt()
	if n := s.read(make([]byte, 1)); n != codeCancelled {
		t.Errorf("after a cancel a read gives %d", n)
	}
}

// What a Read gave before an error comes first, and less than the whole is no end.
func TestSmallSeekableInPieces(t *testing.T) {
	engine := newEngine(t)
	data, cause := readFile(t, tsClip(t)), errors.New("the disk is broken")
	want := fileToFile(t, engine, tsClip(t), "mpegts")
	for name, fails := range map[string]bool{"pieces": false, "fails": true} {
		var out bytes.Buffer
		in := &countedFile{data: data}
		pieces := readerFunc(func(buffer []byte) (int, error) {
			if fails && in.at > int64(len(data)/2) {
				return 0, cause
			}
			return in.Read(buffer[:min(len(buffer), 5000)])
		})
		err := remux(t, engine, struct {
			io.Reader
			io.Seeker
		}{pieces, in}, &out, "mpegts")
		if fails {
			wantIs(t, err, cause)
		} else if check(t, err); !bytes.Equal(out.Bytes(), want) {
			t.Errorf("%s: %d bytes, the file has %d", name, out.Len(), len(want))
		}
	}
	wantNothingLeftOf(t, engine)
}
