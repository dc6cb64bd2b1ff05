package mttranscode

import (
	"path/filepath"
	"runtime"
	"testing"
)

func TestForgottenJobIsFreed(t *testing.T) {
	engine := newEngine(t)
	func() {
		for range 10 {
			job, err := engine.NewJob("-i", clip(t), "-f", "null", "-")
			check(t, err)
			if job.ID()%2 == 0 {
				check(t, job.Run(within(t)))
			}
		}
	}()
	eventually(t, "the collector frees the jobs", func() bool {
		runtime.GC()
		return engineStats(t, engine).Jobs == 0
	})
}

func TestForgottenRunningJobGoesOn(t *testing.T) {
	engine := newEngine(t)
	path := filepath.Join(t.TempDir(), "out.mkv")
	func() {
		job, err := engine.NewJob("-re", "-i", clip(t), "-c", "copy", path)
		check(t, err)
		check(t, job.Start())
	}()
	eventually(t, "the job succeeds and is freed", func() bool {
		runtime.GC()
		stats := engineStats(t, engine)
		return stats.Jobs == 0 && stats.Results[0] == 1
	})
	wantClip(t, probe(t, engine, path), 320, 240)
}

func TestForgottenEngineIsClosed(t *testing.T) {
	clip(t)
	goroutines, fds := runtime.NumGoroutine(), descriptors(t)
	func() {
		for range 5 {
			engine, err := NewEngine()
			check(t, err)
			job, err := engine.NewJob("-i", clip(t), "-f", "null", "-")
			check(t, err)
			check(t, job.Run(within(t)))
		}
	}()
	eventually(t, "the collector closes the engines", func() bool {
		runtime.GC()
		return runtime.NumGoroutine() <= goroutines && descriptors(t) <= fds
	})
}
