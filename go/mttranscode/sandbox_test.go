package mttranscode

import (
	"path/filepath"
	"syscall"
	"testing"
)

func TestAWorkersSandboxIsChosen(t *testing.T) {
	for _, sandbox := range []Sandbox{SandboxBest, SandboxOff} {
		engine := newEngine(t, WithIsolation(Isolation{Sandbox: sandbox}))
		out := filepath.Join(t.TempDir(), "out.mkv")
		check(t, newJob(t, engine, "-f", "lavfi", "-i", "testsrc2=d=0.2", "-c:v", "mpeg4", out).Run(within(t)))
	}
	_, err := NewEngine(WithIsolation(Isolation{Sandbox: SandboxOff + 1}))
	wantIs(t, err, syscall.EINVAL)
}
