package main

import (
	"fmt"
	"maps"
	"slices"
	"time"
)

func (s *soak) report(length time.Duration, rate int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	bad := 0
	for _, count := range s.bad {
		bad += count
	}
	fmt.Printf("%d jobs in %v, %d a second: %d good, %d bad on purpose that failed as they should, %d unexpected failures\n",
		s.started, length, rate, len(s.good), bad, s.failures())
	for _, name := range slices.Sorted(maps.Keys(s.bad)) {
		fmt.Printf("  %-26s %6d\n", name, s.bad[name])
	}
	if len(s.good) == 0 {
		return
	}
	slices.Sort(s.good)
	at := func(share float64) time.Duration {
		return s.good[int(share*float64(len(s.good)-1))].Round(10 * time.Microsecond)
	}
	fmt.Printf("latency of good jobs from the time when they were due: p50 %v, p99 %v, max %v\n", at(0.5), at(0.99), at(1))
}

func (s *soak) failures() (count int) {
	for _, times := range s.wrong {
		count += times
	}
	return count
}

func (s *soak) problems() (problems []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, text := range slices.Sorted(maps.Keys(s.wrong)) {
		problems = append(problems, fmt.Sprintf("%d times: %s", s.wrong[text], text))
	}
	return problems
}
