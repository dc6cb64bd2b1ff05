package nativeprof_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"
)

// run gives what a command writes, and how it ended. Nothing here asserts a time: the limit only ends what hangs.
func run(t *testing.T, name string, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	var out, complaints bytes.Buffer
	command := exec.CommandContext(ctx, name, args...)
	command.Stdout, command.Stderr = &out, &complaints
	err = command.Run()
	return out.String(), complaints.String(), err
}

// host builds testdata/host, with the package (tag nativeprof) or without.
func host(t *testing.T, tags string) string {
	t.Helper()
	if runtime.GOARCH != "amd64" {
		t.Skip("stacks are walked on x86-64 only")
	}
	path := filepath.Join(t.TempDir(), "host")
	args := []string{"build", "-buildvcs=false", "-tags", tags, "-o", path}
	if isRace {
		args = append(args, "-race")
	}
	if _, complaints, err := run(t, "go", append(args, "./testdata/host")...); err != nil {
		t.Fatalf("%v: %s", err, complaints)
	}
	return path
}

// sample is a stack of a profile, innermost call first: of each place the function's name and the file that is loaded there.
type sample struct {
	count            int
	functions, files []string
}

var (
	mappingLine  = regexp.MustCompile(`^(\d+): 0x[0-9a-f]+/0x[0-9a-f]+/0x[0-9a-f]+ (\S+)`)
	locationLine = regexp.MustCompile(`^\s*(\d+): 0x[0-9a-f]+ (?:M=(\d+) )?(\S*)`)
	sampleLine   = regexp.MustCompile(`^\s*(\d+)\s+\d+: ?([\d ]*)$`)
)

// profile runs the host's encoding and reads its profile by what `go tool pprof -raw` prints.
func profile(t *testing.T, host string) []sample {
	t.Helper()
	path := filepath.Join(t.TempDir(), "cpu.prof")
	if _, complaints, err := run(t, host, "profile", path); err != nil {
		t.Fatalf("%v: %s", err, complaints)
	}
	raw, complaints, err := run(t, "go", "tool", "pprof", "-symbolize=none", "-raw", path)
	if err != nil {
		t.Fatalf("%v: %s", err, complaints)
	}
	samples, rest, _ := strings.Cut(raw, "\nLocations\n")
	locations, mappings, _ := strings.Cut(rest, "\nMappings\n")
	files, places := map[string]string{}, map[string][2]string{}
	for line := range strings.Lines(mappings) {
		if m := mappingLine.FindStringSubmatch(line); m != nil {
			files[m[1]] = filepath.Base(m[2])
		}
	}
	for line := range strings.Lines(locations) {
		if m := locationLine.FindStringSubmatch(line); m != nil {
			places[m[1]] = [2]string{m[3], files[m[2]]}
		}
	}
	var found []sample
	for line := range strings.Lines(samples) {
		m := sampleLine.FindStringSubmatch(strings.TrimRight(line, " \n"))
		if m == nil {
			continue
		}
		one := sample{}
		for _, digit := range m[1] {
			one.count = one.count*10 + int(digit-'0')
		}
		for id := range strings.FieldsSeq(m[2]) {
			one.functions, one.files = append(one.functions, places[id][0]), append(one.files, places[id][1])
		}
		found = append(found, one)
	}
	return found
}

func (s sample) isIn(libraries ...string) bool {
	for _, file := range s.files {
		for _, library := range libraries {
			if strings.HasPrefix(file, library) {
				return true
			}
		}
	}
	return false
}

func (s sample) calls(name string) bool {
	for _, function := range s.functions {
		if strings.Contains(function, name) {
			return true
		}
	}
	return false
}

// counted is how often a thread was met in what fits.
func counted(samples []sample, fits func(sample) bool) (count int) {
	for _, one := range samples {
		if fits(one) {
			count += one.count
		}
	}
	return count
}

func TestProfilesShowFFmpegsFunctions(t *testing.T) {
	samples := profile(t, host(t, "nativeprof"))

	all := counted(samples, func(sample) bool { return true })
	codecs := counted(samples, func(s sample) bool { return s.isIn("libavcodec", "libx264") })
	if codecs*2 < all || codecs < 20 {
		t.Errorf("%d of %d samples are in the codecs", codecs, all)
	}
	whole := counted(samples, func(s sample) bool { return s.isIn("libavcodec") && s.isIn("libmt_transcode") })
	if whole == 0 {
		t.Error("no stack leads from libavcodec to this library")
	}
	if counted(samples, func(s sample) bool { return s.calls("avcodec_send_frame") }) == 0 {
		t.Error("no function has its name")
	}
	if lost := counted(samples, func(s sample) bool { return s.calls("_LostExternalCode") }); lost*10 > all {
		t.Errorf("%d of %d samples were dropped", lost, all)
	}
}

func TestWithoutThePackageProfilesDoNotShowThem(t *testing.T) {
	samples := profile(t, host(t, ""))
	if native := counted(samples, func(s sample) bool { return s.isIn("libav", "libx264", "libmt_transcode") }); native != 0 {
		t.Errorf("%d samples are native", native)
	}
}

func TestACrashInCShowsNativeFrames(t *testing.T) {
	path := host(t, "nativeprof")
	for name, args := range map[string][]string{"alone": {"fault"}, "behind crash reports": {"fault", filepath.Join(t.TempDir(), "report")}} {
		t.Run(name, func(t *testing.T) {
			_, printed, err := run(t, path, args...)
			var exit *exec.ExitError
			if !errors.As(err, &exit) || exit.ExitCode() != 2 {
				t.Errorf("it ended otherwise than Go's crashes: %v", err)
			}
			// The two functions in C, what cgo made of the call, and the goroutine.
			inOrder := regexp.MustCompile(`(?s)SIGSEGV.*goroutine 1 .*(host\+0x[0-9a-f]+\n\t\S+/host:0 pc=\S+\n){3}runtime\.cgocall.*main\.fault\(.*main\.main\(`)
			if !inOrder.MatchString(printed) {
				t.Errorf("printed:\n%s", printed)
			}
			if report, err := os.ReadFile(filepath.Join(filepath.Dir(args[len(args)-1]), "report")); err == nil && len(report) > 0 {
				t.Errorf("a fault of the host's own code made a report:\n%s", report)
			}
		})
	}
}
