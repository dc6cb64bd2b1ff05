package mttranscode

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// recorded is the error of a crash whose report was recorded.
func recorded(t *testing.T) *Error {
	t.Helper()
	report, err := os.ReadFile("testdata/crash_report.txt")
	check(t, err)
	return &Error{Code: ErrCrashed, Detail: string(report)}
}

func TestACrashReportIsRead(t *testing.T) {
	report := recorded(t).CrashReport()
	if report == nil {
		t.Fatal("no report")
	}
	got := fmt.Sprintln(report.Time.UnixMilli(), report.Signal == syscall.SIGSEGV, report.SignalName, report.Code, report.CodeName, report.Address,
		report.Process, report.Thread, report.ThreadName, report.Job, report.Label, report.Command, report.Stage, len(report.Frames))
	want := fmt.Sprintln(1795279702848, true, "SIGSEGV", 1, "SEGV_MAPERR: nothing is mapped there", "0x10", 8488, 8499, "job:camera 7", 1, "camera 7",
		"ffmpeg -y -threads 2 -i in.mp4 -c:v mpeg4 -c:a aac out.mkv", "decode", 13)
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if !strings.Contains(report.HostCall, "main.run /srv/app/main.go:38") || !strings.Contains(report.Versions, "libavcodec 59.37.100") {
		t.Errorf("%+v", report)
	}
	frame := report.Frames[3]
	if want := (CrashFrame{0x7fd61eb44b7f, "/lib/x86_64-linux-gnu/libavcodec.so.59", 0x344b7f, "1b2f4a8337c5c3cfce03bf8edf6cbbf55c342124", "", 0}); frame != want {
		t.Errorf("%+v", frame)
	}
}

func TestWithoutAWholeReportThereIsNone(t *testing.T) {
	whole := recorded(t).Detail
	for name, detail := range map[string]string{"empty": "", "other": "{\"a\":1}\n", "head only": whole[:400], "cut": whole[:strings.LastIndex(whole, "how")]} {
		if report := (&Error{Code: ErrCrashed, Detail: detail}).CrashReport(); report != nil {
			t.Errorf("%s: %+v", name, report)
		}
	}
}

func TestACrashReportInALog(t *testing.T) {
	var written bytes.Buffer
	logger := slog.New(slog.NewJSONHandler(&written, nil))
	logger.Error("crashed", "crash", recorded(t).CrashReport())
	for _, part := range []string{
		`"crash":{"signal":"SIGSEGV"`, `"address":"0x10"`, `"thread":"8499 job:camera 7"`, `"stage":"decode","job":1,"label":"camera 7"`,
		`"/lib/x86_64-linux-gnu/libavcodec.so.59+0x344b7f 1b2f4a8337c5c3cfce03bf8edf6cbbf55c342124"`,
	} {
		if !strings.Contains(written.String(), part) {
			t.Errorf("%s is not in %s", part, &written)
		}
	}
	written.Reset()
	logger.Error("no report", "crash", (&Error{}).CrashReport())
	if !strings.Contains(written.String(), `"crash":null`) {
		t.Error(&written)
	}
}

// children of a process, zombies too.
func children(pid int) (found []int) {
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, path := range stats {
		stat, err := os.ReadFile(path)
		if err != nil {
			continue // it ended meanwhile
		}
		fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
		// One that waits for a job is nobody's worker yet.
		if fields[1] == strconv.Itoa(pid) && !bytes.Contains(stat, []byte("(mt-spare)")) {
			child, _ := strconv.Atoi(filepath.Base(filepath.Dir(path)))
			found = append(found, child)
		}
	}
	return found
}

// onlyChild waits for the one child of a process.
func onlyChild(t *testing.T, pid int) (child int) {
	t.Helper()
	eventually(t, "one child", func() bool {
		found := children(pid)
		if len(found) == 1 {
			child = found[0]
		}
		return len(found) == 1
	})
	return child
}

func TestAWorkerThatCrashesIsOneJobsError(t *testing.T) {
	path := filepath.Join(t.TempDir(), "report")
	engine := newEngine(t, WithIsolation(Isolation{}), WithCrashReports(path))
	job := newJob(t, engine, endless...)
	check(t, job.SetLabel("camera 7"))
	check(t, job.Start())
	untilRunning(t, job)

	before := time.Now()
	check(t, syscall.Kill(onlyChild(t, onlyChild(t, os.Getpid())), syscall.SIGSEGV))
	err := job.Wait(within(t))

	wantIs(t, err, ErrCrashed)
	var failure *Error
	errors.As(err, &failure)
	report := failure.CrashReport()
	if report == nil {
		t.Fatalf("no report: %+v", failure)
	}
	if report.Signal != syscall.SIGSEGV || report.Label != "camera 7" || report.Code != 0 || len(report.Frames) == 0 || report.Time.Before(before.Add(-time.Second)) {
		t.Errorf("%+v", report)
	}
	if !strings.Contains(report.HostCall, "TestAWorkerThatCrashes") || !strings.Contains(report.Command, "testsrc2") {
		t.Errorf("%+v", report)
	}
	if written, err := os.ReadFile(path); err != nil || string(written) != failure.Detail {
		t.Errorf("the file says %q, %v", written, err)
	}
	check(t, newJob(t, engine, "-f", "lavfi", "-i", "testsrc2=d=0.2", "-f", "null", "-").Run(within(t)))
}
