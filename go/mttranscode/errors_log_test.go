package mttranscode

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// logged is the attribute "err" of a line of JSON.
func logged(t *testing.T, value any) map[string]any {
	t.Helper()
	var written bytes.Buffer
	slog.New(slog.NewJSONHandler(&written, nil)).Error("failed", "err", value)
	var line struct {
		Err map[string]any `json:"err"`
	}
	if err := json.Unmarshal(written.Bytes(), &line); err != nil {
		t.Fatalf("%v: %s", err, &written)
	}
	return line.Err
}

func TestAnErrorInALogIsAGroup(t *testing.T) {
	failure := fails(t, newEngine(t), "-i", "http://user:secret@127.0.0.1:1/a.mp4?token=secret", "-f", "null", "-")
	group := logged(t, failure)
	for key, want := range map[string]any{"code": failure.Name, "message": failure.Message, "stage": failure.Stage, "url": failure.URL, "input": 0.0} {
		if group[key] != want || want == "" {
			t.Errorf("%s is %v, not %v", key, group[key], want)
		}
	}
	for _, key := range []string{"output", "crash", "detail"} {
		if value, has := group[key]; has {
			t.Errorf("%s is %v", key, value)
		}
	}
	if text := fmt.Sprint(group); strings.Contains(text, "secret") {
		t.Errorf("a secret is in %s", text)
	}
	var none *Error
	if group := logged(t, none); group != nil {
		t.Errorf("nil is %v", group)
	}
}

func TestACrashInALogIsAGroupOfItsError(t *testing.T) {
	failure := recorded(t)
	failure.Name = "CRASHED"
	group := logged(t, failure)
	crash, _ := group["crash"].(map[string]any)
	if group["code"] != "CRASHED" || crash["signal"] != "SIGSEGV" || crash["stage"] != "decode" || crash["job"] != 1.0 || crash["thread"] != "8499 job:camera 7" {
		t.Errorf("%v", group)
	}
	if frames, _ := crash["frames"].([]any); len(frames) != 13 {
		t.Errorf("%v", crash["frames"])
	}
}

func TestErrorsAreTheirCodesAlone(t *testing.T) {
	codes := []Code{
		ErrDemux, ErrDecode, ErrFilter, ErrEncode, ErrMux, ErrLimit, ErrUnsupported, ErrPanic, ErrInternal, ErrStaticResolver, ErrCrashed, ErrOOMKilled, ErrKilled,
		ErrHung, ErrSandbox, ErrSpawnFailed, ErrDetached, ErrCircuitOpen, ErrOption, ErrQuarantined, ErrTLS,
		ErrAgain, ErrBusy, ErrAlready, ErrCancelled, ErrInvalid, ErrNotUTF8, ErrShutdown, ErrTimeout,
	}
	for _, code := range codes {
		err := fmt.Errorf("the host's words: %w", &Error{Code: code})
		is := slices.DeleteFunc(slices.Clone(codes), func(other Code) bool { return !errors.Is(err, other) })
		if !reflect.DeepEqual(is, []Code{code}) {
			t.Errorf("%s is %v", code.Name(), is)
		}
		if code.Name() == "" || code.Error() == Code(-1999).Error() {
			t.Errorf("%d has no name", code)
		}
	}
}
