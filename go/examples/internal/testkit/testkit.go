// Package testkit is what the tests of the live examples share.
package testkit

import (
	"os"
	"runtime"
	"testing"
	"time"
)

// Patience bounds every wait of the tests. It is no expectation.
const Patience = time.Minute

// Check ends the test where there is an error.
func Check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Eventually waits until it is so, or ends the test with the stacks of all goroutines.
func Eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(Patience); !holds(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			stacks := make([]byte, 1<<20)
			t.Fatalf("never came: %s\n%s", what, stacks[:runtime.Stack(stacks, true)])
		}
	}
}

// Ends waits for what a server ended with, which must be no error.
func Ends(t testing.TB, ended <-chan error) {
	t.Helper()
	select {
	case err := <-ended:
		Check(t, err)
	case <-time.After(Patience):
		t.Fatal("it does not end")
	}
}

// Left is what a program has: goroutines and descriptors.
type Left struct{ goroutines, descriptors int }

// Leftovers counts.
func Leftovers(t testing.TB) Left {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	Check(t, err)
	return Left{runtime.NumGoroutine(), len(entries)}
}

// WantNoMore waits until there is no more than there was.
func (l Left) WantNoMore(t testing.TB) {
	t.Helper()
	Eventually(t, "nothing is left", func() bool {
		now := Leftovers(t)
		return now.goroutines <= l.goroutines && now.descriptors <= l.descriptors
	})
}
