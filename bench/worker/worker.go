// Package worker is the half of a measuring program in Go that is always the same: it is spoken to as bench/c/small.c is. For each line on
// standard input
//
//	VARIANT SECONDS THREADS FILE FORMAT [KEY VALUE]
//
// it prints how many jobs, wall seconds, CPU seconds, and the bytes of one output.
package worker

import (
	"bufio"
	"bytes"
	"fmt"
	"log"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Remux is what a command line would say: -i input -map 0 -c copy -f FORMAT [-KEY VALUE] output.
type Remux struct {
	Path       string
	Input      []byte
	Format     string
	Key, Value string
}

// Variants make one job from beginning to end.
type Variants map[string]func(Remux, *bytes.Buffer) error

// Serve answers until standard input ends, or something fails.
func Serve(variants Variants) error {
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		if err := variants.answer(lines.Text()); err != nil {
			return fmt.Errorf("%s: %w", lines.Text(), err)
		}
	}
	return lines.Err()
}

func (v Variants) answer(line string) error {
	var name, path, format string
	var seconds float64
	var threads int
	if _, err := fmt.Sscan(line, &name, &seconds, &threads, &path, &format); err != nil {
		return err
	}
	run := v[name]
	if run == nil {
		return fmt.Errorf("no variant is named %s", name)
	}
	input, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	what := Remux{Path: path, Input: input, Format: format}
	if fields := strings.Fields(line); len(fields) == 7 {
		what.Key, what.Value = fields[5], fields[6]
	}
	slice := slice{run: func(output *bytes.Buffer) error { return run(what, output) }}
	return slice.measure(time.Duration(seconds*float64(time.Second)), threads)
}

// slice is a turn of one variant.
type slice struct {
	run func(*bytes.Buffer) error

	mu     sync.Mutex
	jobs   int
	bytes  int
	failed error
}

func (s *slice) measure(length time.Duration, threads int) error {
	cpu, begin := cpuTime(), time.Now()
	var all sync.WaitGroup
	for range threads {
		all.Add(1)
		go func() {
			defer all.Done()
			s.runJobs(begin.Add(length))
		}()
	}
	all.Wait()
	fmt.Printf("%d %.6f %.6f %d\n", s.jobs, time.Since(begin).Seconds(), (cpuTime() - cpu).Seconds(), s.bytes)
	return s.failed
}

func (s *slice) runJobs(until time.Time) {
	var output bytes.Buffer // keeps its memory from one job to the next, as a service would
	var failed error
	jobs := 0
	for first := true; failed == nil && (first || time.Now().Before(until)); first = false {
		output.Reset()
		failed = s.run(&output)
		jobs++
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.jobs += jobs
	s.bytes = output.Len()
	if failed != nil {
		s.failed = failed
	}
}

// cpuTime is that of this process and of its children that have ended, user and system.
func cpuTime() time.Duration {
	var total time.Duration
	for _, who := range []int{syscall.RUSAGE_SELF, syscall.RUSAGE_CHILDREN} {
		var usage syscall.Rusage
		if err := syscall.Getrusage(who, &usage); err != nil {
			log.Fatal(err)
		}
		total += time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
	}
	return total
}
