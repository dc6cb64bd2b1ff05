package mttranscode

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestS01VersionAndCodes(t *testing.T) {
	if ABIVersion() != headerABI {
		t.Errorf("loaded ABI %d, header %d", ABIVersion(), headerABI)
	}
	if Version() == "" {
		t.Error("no version")
	}
	unknown, names := Code(-999_999), map[string]Code{}
	codes := []Code{ErrAgain, ErrBusy, ErrAlready, ErrCancelled, ErrInvalid, ErrNotUTF8, ErrShutdown, ErrTimeout}
	for code := ErrDemux; code >= ErrOption; code-- {
		codes = append(codes, code)
	}
	for _, code := range codes {
		if code.Error() == "mt-transcode: " || code.Error() == unknown.Error() {
			t.Errorf("%d has no words", code)
		}
		if other, taken := names[code.Name()]; taken || code.Name() == "" {
			t.Errorf("%d is named %q, as %d is", code, code.Name(), other)
		}
		names[code.Name()] = code
	}
	if unknown.Error() == "mt-transcode: " {
		t.Error("an unknown code has no words")
	}
}

func TestS02Generate(t *testing.T) {
	engine := newEngine(t)
	job := newJob(t, engine, clipArgs(filepath.Join(t.TempDir(), "clip.mp4"))...)
	check(t, job.Run(within(t)))
	if job.State() != StateSucceeded || job.Err() != nil {
		t.Errorf("state %v, error %v", job.State(), job.Err())
	}
}

func wantClip(t *testing.T, info *MediaInfo, width, height int) {
	t.Helper()
	video, audio := info.Stream("video"), info.Stream("audio")
	if video == nil || video.Codec != "h264" || video.Width != width || video.Height != height {
		t.Errorf("video is %+v", video)
	}
	if audio == nil || audio.Codec != "aac" {
		t.Errorf("audio is %+v", audio)
	}
	if off := info.Format.Duration - 2*time.Second; off.Abs() > 100*time.Millisecond {
		t.Errorf("duration is %v", info.Format.Duration)
	}
}

func TestS03Probe(t *testing.T) {
	engine := newEngine(t)
	info := probe(t, engine, clip(t))
	wantClip(t, info, 320, 240)
	if !json.Valid(info.JSON) || info.Format.StreamCount != 2 || info.Format.SizeBytes <= 0 {
		t.Errorf("format is %+v, JSON %s", info.Format, info.JSON)
	}
	video := info.Stream("video")
	if video.FrameRate.Float() != 25 || video.PixelFormat != "yuv420p" {
		t.Errorf("video is %+v", video)
	}
}

func TestS83ProbeShows(t *testing.T) {
	engine := newEngine(t)
	info, err := engine.Probe(within(t), clip(t), Opt("mt_show", "packets,format"), Opt("mt_read_intervals", "%+#3"))
	check(t, err)
	var found struct{ Packets []struct{ Flags string } }
	check(t, json.Unmarshal(info.JSON, &found))
	if len(found.Packets) != 3 || found.Packets[1].Flags != "K_" || info.Format.Duration <= 0 || info.Streams != nil {
		t.Errorf("found %s", info.JSON)
	}
	if _, err := engine.Probe(within(t), clip(t), Opt("mt_show", "nonsense")); !errors.Is(err, ErrOption) {
		t.Errorf("an unknown word: %v", err)
	}
}

func TestS04RemuxByFunctions(t *testing.T) {
	engine := newEngine(t)
	job := newJob(t, engine)
	target := filepath.Join(t.TempDir(), "out.mkv")
	check(t, job.Input(clip(t)))
	check(t, job.Output(target, Opt("c", "copy")))
	check(t, job.Run(within(t)))
	wantClip(t, probe(t, engine, target), 320, 240)
	stats, err := job.Stats()
	check(t, err)
	if stats.PacketsRead == 0 || stats.PacketsRead != stats.PacketsWritten {
		t.Errorf("read %d packets, wrote %d", stats.PacketsRead, stats.PacketsWritten)
	}
}

func TestOptionsByFunctions(t *testing.T) {
	engine := newEngine(t)
	job := newJob(t, engine)
	target := filepath.Join(t.TempDir(), "out.mp4")
	check(t, job.SetOption("filter_complex", "[0:v]scale=160:-2[v]"))
	check(t, job.Input(clip(t), Opt("t", "1")))
	check(t, job.Output(target, Opt("map", "[v]"), Opt("c:v", "libx264"), Opt("preset", "ultrafast"), Flag("an")))
	check(t, job.Run(within(t)))
	info := probe(t, engine, target)
	if video := info.Stream("video"); len(info.Streams) != 1 || video == nil || video.Width != 160 || video.Height != 120 {
		t.Errorf("streams are %+v", info.Streams)
	}
}

func TestS23Command(t *testing.T) {
	engine := newEngine(t)
	folder := filepath.Join(t.TempDir(), "it's a folder")
	check(t, os.Mkdir(folder, 0o755))
	target := filepath.Join(folder, "$HOME `x` \"y\".mkv")
	job := newJob(t, engine, "-i", clip(t), "-metadata", "title=don't; echo", "-c", "copy", target)
	command, err := job.Command(CommandFFmpeg)
	check(t, err)
	if !strings.HasPrefix(command, "ffmpeg ") {
		t.Fatalf("command is %s", command)
	}
	// The shell prints each argument on a line, as the program would get it.
	output, err := exec.CommandContext(within(t), "sh", "-c", "ffmpeg() { printf '%s\\n' \"$@\"; }; "+command).Output()
	check(t, err)
	lines := strings.Split(strings.TrimSuffix(string(output), "\n"), "\n")
	for _, argument := range []string{"-i", clip(t), "-metadata", "title=don't; echo", "copy", target} {
		if !slices.Contains(lines, argument) {
			t.Errorf("%q is not among %q", argument, lines)
		}
	}
}

func TestS28TwoOutputsOneDecode(t *testing.T) {
	engine := newEngine(t)
	folder := t.TempDir()
	film, list := filepath.Join(folder, "small.mp4"), filepath.Join(folder, "list.m3u8")
	job := newJob(t, engine, "-i", clip(t),
		"-c:v", "libx264", "-preset", "ultrafast", "-s", "160x120", "-c:a", "aac", film,
		"-vn", "-c:a", "aac", "-f", "hls", "-hls_time", "1", "-hls_list_size", "0", list)
	check(t, job.Run(within(t)))
	wantClip(t, probe(t, engine, film), 160, 120)
	if audio := probe(t, engine, list).Stream("audio"); audio == nil || audio.Codec != "aac" {
		t.Errorf("audio is %+v", audio)
	}
}

func TestS29Diagnostics(t *testing.T) {
	raw, err := Diagnostics()
	check(t, err)
	if !json.Valid(raw) || !strings.Contains(string(raw), Version()) {
		t.Fatalf("diagnostics are %s", raw)
	}
	lower := strings.ToLower(string(raw))
	for _, word := range []string{"libavformat", "libavcodec", "licen"} {
		if !strings.Contains(lower, word) {
			t.Errorf("diagnostics do not say %s: %s", word, raw)
		}
	}
	if !strings.Contains(lower, "gpl") {
		t.Errorf("diagnostics name no licence: %s", raw)
	}
}
