package mttranscode

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// CrashReport is what a crash report says, as its line of JSON has it. Strings are empty and numbers 0 where there is nothing to say. The
// text of the report, which is in [Error.Detail], says more: `mt-transcode symbolize` reads it. See docs/crashes.md.
type CrashReport struct {
	Time time.Time `json:"-"`
	// Signal is what the process died of, and Code, its si_code, why: positive for a fault of the code, else somebody sent the signal.
	Signal     syscall.Signal `json:"signal"`
	SignalName string         `json:"signal_name"`
	Code       int            `json:"code"`
	CodeName   string         `json:"code_name"`
	// Address is what a SIGSEGV or SIGBUS was about, or where the code of a SIGILL or SIGFPE stands; Mapping is the line of
	// /proc/self/maps that it lies in.
	Address Address `json:"address"`
	Mapping string  `json:"mapping"`
	// SystemCall and SystemCallName are what the sandbox stopped, with SIGSYS.
	SystemCall     int    `json:"system_call"`
	SystemCallName string `json:"system_call_name"`

	Process int `json:"process"`
	Thread  int `json:"thread"`
	// ThreadName is at most 15 bytes. Threads of FFmpeg's own have that of the thread that started them.
	ThreadName string `json:"thread_name"`
	// Job is the job's id; 0 for a probe, and for a thread of no job.
	Job     int64  `json:"job"`
	Label   string `json:"label"`
	Command string `json:"command"`
	// HostCall says from where in Go the job was started, with [WithCrashReports].
	HostCall string `json:"host_call"`
	// Stage is what the thread did: "decode", "mux" ...; "host" is a thread of the program's that was inside FFmpeg.
	Stage    string `json:"stage"`
	Versions string `json:"versions"`
	// Frames begin where it happened.
	Frames []CrashFrame `json:"frames"`
}

// CrashFrame is a place in code.
type CrashFrame struct {
	Address Address `json:"address"`
	// Module is the file that was loaded there, Offset the address in it, BuildID the file's build id.
	Module  string  `json:"module"`
	Offset  Address `json:"offset"`
	BuildID string  `json:"build_id"`
	// How is "searched" where the stack was searched for it, since there are no unwind tables: it may be a leftover; "interrupted" where a signal
	// came in; else empty.
	How string `json:"how"`
	// Repeats is how often the frame follows itself.
	Repeats int `json:"repeats"`
}

// Address is shown as reports show it: 0x7f00.
type Address uint64

func (a Address) String() string { return "0x" + strconv.FormatUint(uint64(a), 16) }

// UnmarshalText reads what String gives.
func (a *Address) UnmarshalText(text []byte) error {
	number, err := strconv.ParseUint(string(text), 0, 64)
	*a = Address(number)
	return err
}

// CrashReport is the report of the worker that crashed; nil where there is none: the error is another than [ErrCrashed], or the worker
// ended without a report.
func (e *Error) CrashReport() *CrashReport {
	for line := range strings.Lines(e.Detail) {
		if !strings.HasPrefix(line, `{"report":"mt-transcode crash"`) {
			continue
		}
		var report struct {
			CrashReport
			TimeMS int64 `json:"time_ms"`
		}
		if err := json.Unmarshal([]byte(line), &report); err != nil {
			return nil // broken off
		}
		report.Time = time.UnixMilli(report.TimeMS)
		return &report.CrashReport
	}
	return nil
}

// String is the frame in a report's words: "/usr/lib/libavcodec.so.59+0x344b7f".
func (f CrashFrame) String() string {
	if f.Module == "" {
		return f.Address.String()
	}
	return f.Module + "+" + f.Offset.String()
}

// LogValue makes a group of what a log should hold: all but registers, versions and times.
func (r *CrashReport) LogValue() slog.Value {
	if r == nil {
		return slog.Value{}
	}
	frames := make([]string, len(r.Frames))
	for i, frame := range r.Frames {
		frames[i] = strings.TrimSpace(frame.String() + " " + frame.BuildID)
	}
	attrs := []slog.Attr{slog.String("signal", r.SignalName), slog.String("code", r.CodeName)}
	if r.Code > 0 && r.Signal != syscall.SIGABRT { // a fault: what is only sent has no address
		attrs = append(attrs, slog.String("address", r.Address.String()))
	}
	attrs = append(attrs, slog.String("thread", fmt.Sprintf("%d %s", r.Thread, r.ThreadName)), slog.String("stage", r.Stage),
		slog.Int64("job", r.Job), slog.String("label", r.Label), slog.String("command", r.Command))
	if r.HostCall != "" {
		attrs = append(attrs, slog.String("host_call", r.HostCall))
	}
	return slog.GroupValue(append(attrs, slog.Any("frames", frames))...)
}
