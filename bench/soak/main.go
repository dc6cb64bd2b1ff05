// Soak remuxes small clips from memory to memory through one engine for SOAK_SECONDS (60), SOAK_RATE (250) jobs a second: a job starts
// when its time has come, however the others are doing. One job in twenty is bad on purpose, and must fail as it should.
//
//	go-soak FOLDER    with tiny.mp4, tiny.ts and small.mp4 in it
//
// It prints what became of the jobs and how the process did over time, and exits with status 1 where a job failed that should not have,
// a job gave other bytes than the same job before, or threads, descriptors, goroutines or memory grew.
package main

import (
	"fmt"
	"log"
	"os"
	"strconv"
	"sync"
	"time"

	"mt-transcode.dev/go/mttranscode"
)

// warmUp is how long the load runs before the first measurement: until then the Go runtime and the engine get their threads.
const warmUp = 2 * time.Second

func main() {
	log.SetFlags(0)
	seconds, rate := fromEnvironment("SOAK_SECONDS", 60), fromEnvironment("SOAK_RATE", 250)
	if len(os.Args) != 2 {
		log.Fatal("usage: go-soak FOLDER")
	}
	engine, err := mttranscode.NewEngine(mttranscode.WithMaxQueued(4 * rate))
	if err != nil {
		log.Fatal(err)
	}
	defer engine.Close()
	clips, err := loadClips(os.Args[1])
	if err == nil {
		err = clips.learn(engine)
	}
	if err != nil {
		log.Fatal(err)
	}
	soak := &soak{engine: engine, clips: clips, bad: map[string]int{}, wrong: map[string]int{}}
	soak.run(rate, warmUp, func() {})
	before := vitalsAtRest()
	soak.forget()

	length := time.Duration(seconds) * time.Second
	samples := []vitals{before}
	quarters := time.NewTicker(length / 4)
	defer quarters.Stop()
	soak.run(rate, length, func() {
		select {
		case <-quarters.C:
			samples = append(samples, takeVitals())
		default:
		}
	})
	after := vitalsAtRest()
	samples = append(samples[:min(len(samples), 4)], after)

	soak.report(length, rate)
	printVitals(samples)
	problems := append(soak.problems(), growth(before, after, soak.jobs())...)
	problems = append(problems, leftovers(engine)...)
	for _, problem := range problems {
		fmt.Println("PROBLEM:", problem)
	}
	if len(problems) > 0 {
		engine.Close()
		os.Exit(1)
	}
	fmt.Println("nothing failed that should not have, nothing is left, nothing grew")
}

func fromEnvironment(name string, otherwise int) int {
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	value, err := strconv.Atoi(text)
	if err != nil || value < 1 {
		log.Fatalf("%s=%s is no number above 0", name, text)
	}
	return value
}

// soak is the load and what became of it.
type soak struct {
	engine *mttranscode.Engine
	clips  *clips

	mu      sync.Mutex
	good    []time.Duration // how long a good job took, from the time when it was due
	bad     map[string]int  // bad jobs that failed as they should, by kind
	wrong   map[string]int  // what should not have been, by text
	started int
}

// run starts jobs for so long, calling tick between them, and waits for all of them.
func (s *soak) run(rate int, length time.Duration, tick func()) {
	var all sync.WaitGroup
	begin := time.Now()
	for i := range int(length.Seconds() * float64(rate)) {
		due := begin.Add(time.Duration(i) * time.Second / time.Duration(rate))
		time.Sleep(time.Until(due))
		all.Add(1)
		go func() {
			defer all.Done()
			s.job(i, due)
		}()
		tick()
	}
	all.Wait()
	tick()
}

// job runs the i-th job.
func (s *soak) job(i int, due time.Time) {
	kind := kindOf(i)
	err := kind.run(s.engine, s.clips, i)
	took := time.Since(due)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.started++
	switch {
	case err != nil:
		s.wrong[fmt.Sprintf("%s: %v", kind.name, err)]++
	case kind.isBad:
		s.bad[kind.name]++
	default:
		s.good = append(s.good, took)
	}
}

// forget empties the counts: what came before was for warming up. Failures are kept.
func (s *soak) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.good, s.started, s.bad = nil, 0, map[string]int{}
}

func (s *soak) jobs() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.started
}
