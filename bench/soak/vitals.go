package main

import (
	"fmt"
	"log"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"mt-transcode.dev/go/mttranscode"
)

// vitals are what must not grow.
type vitals struct {
	libraryThreads, goThreads int
	descriptors, goroutines   int
	rssKB                     int
}

func takeVitals() vitals {
	taken := vitals{
		descriptors: len(list("/proc/self/fd")) - 1, // one is what lists them
		goroutines:  runtime.NumGoroutine(), rssKB: statusNumber("VmRSS:"),
	}
	for _, thread := range list("/proc/self/task") {
		name, err := os.ReadFile("/proc/self/task/" + thread.Name() + "/comm")
		switch {
		case err != nil: // it has ended
		case strings.HasPrefix(string(name), "mt-"):
			taken.libraryThreads++
		default:
			taken.goThreads++
		}
	}
	return taken
}

func list(folder string) []os.DirEntry {
	entries, err := os.ReadDir(folder)
	if err != nil {
		log.Fatal(err)
	}
	return entries
}

// vitalsAtRest waits until the library's idle threads have ended.
func vitalsAtRest() vitals {
	last := takeVitals()
	for still := 0; still < 8; still++ {
		time.Sleep(500 * time.Millisecond)
		runtime.GC()
		now := takeVitals()
		if now.libraryThreads < last.libraryThreads || now.goroutines < last.goroutines || now.descriptors < last.descriptors {
			still = 0
		}
		last = now
	}
	return last
}

func statusNumber(name string) int {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		log.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(status), "\n"+name)
	var number int
	if _, err := fmt.Sscan(rest, &number); err != nil {
		log.Fatalf("%s in /proc/self/status: %v", name, err)
	}
	return number
}

func printVitals(samples []vitals) {
	names := []string{"start (at rest)", "1/4", "1/2", "3/4", "end (at rest)"}
	fmt.Printf("\n%-16s %18s %13s %12s %11s %9s\n", "", "library's threads", "Go's threads", "descriptors", "goroutines", "RSS MiB")
	for i, sample := range samples {
		name := names[min(i, 3)]
		if i == len(samples)-1 {
			name = names[4]
		}
		fmt.Printf("%-16s %18d %13d %12d %11d %9.1f\n", name, sample.libraryThreads, sample.goThreads, sample.descriptors,
			sample.goroutines, float64(sample.rssKB)/1024)
	}
	fmt.Printf("peak RSS %.1f MiB\n\n", float64(statusNumber("VmHWM:"))/1024)
}

// spareThreads is how many threads Go may have made beyond those of the warm-up: it makes one where others are held up in C
// for longer than usual, and never ends any.
const spareThreads = 32

// growth compares two moments of rest with many jobs between them.
func growth(before, after vitals, jobs int) (problems []string) {
	grew := func(what string, from, to, spare int) {
		if to > from+spare {
			problems = append(problems, fmt.Sprintf("%s grew from %d to %d in %d jobs", what, from, to, jobs))
		}
	}
	grew("the library's threads", before.libraryThreads, after.libraryThreads, 0)
	grew("Go's threads", before.goThreads, after.goThreads, spareThreads)
	grew("descriptors", before.descriptors, after.descriptors, 0)
	grew("goroutines", before.goroutines, after.goroutines, 0)
	grew("RSS in KiB", before.rssKB, after.rssKB, before.rssKB/4+16<<10)
	return problems
}

// leftovers asks the engine what it still has.
func leftovers(engine *mttranscode.Engine) (problems []string) {
	stats, err := engine.Stats()
	if err != nil {
		return []string{err.Error()}
	}
	for name, count := range map[string]uint64{
		"jobs": stats.Jobs, "running jobs": stats.JobsRunning, "queued jobs": stats.JobsQueued, "pipes": stats.Pipes,
		"busy threads": stats.Threads, "queued bytes": stats.QueuedBytes, "reserved bytes": stats.MemoryReserved, "detached calls": stats.Detached,
	} {
		if count != 0 {
			problems = append(problems, fmt.Sprintf("the engine still has %d %s", count, name))
		}
	}
	slices.Sort(problems)
	return problems
}
