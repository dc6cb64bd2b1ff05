package mttranscode

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestErrorsIs(t *testing.T) {
	missing := error(&Error{Code: -Code(syscall.ENOENT), Message: "x"})
	for _, target := range []error{syscall.ENOENT, fs.ErrNotExist, -Code(syscall.ENOENT)} {
		wantIs(t, missing, target)
	}
	for _, target := range []error{fs.ErrExist, syscall.EPERM, ErrDemux, ErrClosed} {
		if errors.Is(missing, target) {
			t.Errorf("ENOENT is %v", target)
		}
	}
	wantIs(t, &Error{Code: ErrUnsupported}, errors.ErrUnsupported)
	wantIs(t, callError(closedCode), ErrClosed)
	wantIs(t, callError(closedCode), fs.ErrClosed)
	if errors.Is(&Error{Code: -Code(syscall.EBADF)}, ErrClosed) { // what FFmpeg says of a descriptor
		t.Error("any EBADF is ErrClosed")
	}
	if errors.Is(&Error{Code: ErrDemux}, syscall.Errno(-ErrDemux)) {
		t.Error("a code of the library is an errno")
	}
	if !(&Error{Code: ErrTimeout}).Timeout() || (&Error{Code: ErrDemux}).Timeout() {
		t.Error("Timeout is wrong")
	}
}

func TestCodeOfErrors(t *testing.T) {
	io := -Code(syscall.EIO)
	for err, want := range map[error]Code{
		nil: 0, errors.New("x"): io, syscall.ENOSPC: -Code(syscall.ENOSPC), ErrDemux: ErrDemux,
		&os.PathError{Err: syscall.EACCES}: -Code(syscall.EACCES), &Error{Code: ErrLimit}: ErrLimit, fs.ErrNotExist: -Code(syscall.ENOENT),
		syscall.EAGAIN: io, syscall.EBUSY: io, syscall.ETIMEDOUT: io, syscall.EBADF: io, syscall.Errno(0): io, // states of a call
		syscall.Errno(100_000): io, Code(7): io, ErrCancelled: ErrCancelled, context.Canceled: io,
	} {
		if got := codeOf(err); got != want {
			t.Errorf("%v is %d, want %d", err, got, want)
		}
	}
}

func TestS08MissingFile(t *testing.T) {
	engine := newEngine(t)
	path := filepath.Join(t.TempDir(), "missing.mp4")
	failure := fails(t, engine, "-i", path, "-f", "null", "-")
	wantIs(t, failure, fs.ErrNotExist)
	wantIs(t, failure, syscall.ENOENT)
	if failure.Name != "ENOENT" || failure.Stage != "open input" || failure.InputIndex != 0 || failure.URL != path {
		t.Errorf("error is %+v", failure)
	}
	if failure.Message == "" || failure.Hint == "" || !strings.Contains(failure.Error(), failure.Message) {
		t.Errorf("error is %+v", failure)
	}
	_, err := engine.Probe(within(t), path)
	wantIs(t, err, fs.ErrNotExist)
}

func TestS09NotMedia(t *testing.T) {
	engine := newEngine(t)
	path := filepath.Join(t.TempDir(), "x.mp4")
	check(t, os.WriteFile(path, []byte("This is a text file, and no film.\n"), 0o600))
	failure := fails(t, engine, "-i", path, "-f", "null", "-")
	wantIs(t, failure, ErrDemux)
	if failure.URL != path || !strings.Contains(failure.Message, "x.mp4") {
		t.Errorf("error is %+v", failure)
	}
	_, err := engine.Probe(within(t), path)
	wantIs(t, err, ErrDemux)
}

func TestS10UnknownNames(t *testing.T) {
	engine := newEngine(t)
	target := filepath.Join(t.TempDir(), "out.mkv")
	cases := map[string][]string{
		"option":  {"-i", clip(t), "-nosuchoption", "1", target},
		"encoder": {"-i", clip(t), "-c:v", "nosuchencoder", target},
		"format":  {"-i", clip(t), "-f", "nosuchformat", target},
		"filter":  {"-i", clip(t), "-vf", "nosuchfilter", target},
	}
	for kind, args := range cases {
		failure := fails(t, engine, args...)
		if failure.Code != ErrOption && (kind != "filter" || failure.Code != ErrFilter) {
			t.Errorf("an unknown %s gives %s", kind, failure.Name)
		}
		if !strings.Contains(failure.Message, "nosuch"+kind) {
			t.Errorf("an unknown %s: %+v", kind, failure)
		}
	}
}

func TestUnknownOptionByFunctions(t *testing.T) {
	engine := newEngine(t)
	job := newJob(t, engine)
	for _, err := range []error{
		job.SetOption("nosuchoption", "1"),
		job.Input("in.mp4", Opt("nosuchoption", "1")),
		job.Output("out.mp4", Opt("nosuchoption", "1")),
	} {
		var failure *Error
		if !errors.As(err, &failure) || failure.Code != ErrOption || !strings.Contains(failure.Message, "nosuchoption") {
			t.Errorf("error is %+v", err)
		}
	}
}

func TestS17NotUTF8(t *testing.T) {
	engine := newEngine(t)
	job := newJob(t, engine)
	bad := "a\xff"
	for what, err := range map[string]error{"label": job.SetLabel(bad), "key": job.SetOption(bad, "1")} {
		if !errors.Is(err, ErrNotUTF8) || !errors.Is(err, syscall.EILSEQ) {
			t.Errorf("%s: %v", what, err)
		}
	}
	// Names of files and values of options are bytes.
	byArgs, err := engine.NewJob("-i", bad, "-f", "null", "-")
	if err != nil {
		t.Fatalf("arguments: %v", err)
	}
	defer byArgs.Close()
	if err := job.Input(bad); err != nil {
		t.Errorf("input: %v", err)
	}
	if err := job.Output("x.mkv", Opt("metadata", "title="+bad)); err != nil {
		t.Errorf("output: %v", err)
	}
	if _, err := engine.Probe(within(t), bad); !errors.Is(err, syscall.ENOENT) {
		t.Errorf("probe: %v", err)
	}
}

func TestNULIsRefused(t *testing.T) {
	engine := newEngine(t)
	job := newJob(t, engine)
	_, byArgs := engine.NewJob("-i", "a\x00b", "-f", "null", "-")
	_, byProbe := engine.Probe(within(t), "a\x00b")
	for what, err := range map[string]error{
		"label": job.SetLabel("a\x00b"), "URL": job.Input("a\x00b"), "argument": byArgs, "probe": byProbe,
	} {
		if !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestS24CannotWrite(t *testing.T) {
	engine := newEngine(t)
	wantIs(t, fails(t, engine, "-i", clip(t), "-c", "copy", "-f", "matroska", "/dev/full"), syscall.ENOSPC)
	path := filepath.Join(t.TempDir(), "missing", "out.mkv")
	failure := fails(t, engine, "-i", clip(t), "-c", "copy", path)
	wantIs(t, failure, fs.ErrNotExist)
	if failure.OutputIndex != 0 || failure.URL != path {
		t.Errorf("error is %+v", failure)
	}
}

func TestProbeErrors(t *testing.T) {
	engine := newEngine(t)
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := engine.Probe(ended, clip(t))
	wantIs(t, err, context.Canceled)
	_, err = engine.Probe(within(t), clip(t), Opt("nosuchoption", "1"))
	wantIs(t, err, ErrOption)
	// Nobody sends to this address, so the probe waits for ever.
	short, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	_, err = engine.Probe(short, "udp://127.0.0.1:49251")
	wantIs(t, err, context.DeadlineExceeded)
	check(t, engine.Close())
	_, err = engine.Probe(within(t), clip(t))
	wantIs(t, err, ErrClosed)
}
