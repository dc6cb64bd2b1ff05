package main

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"mt-transcode.dev/go/mttranscode"
)

func TestClockAndSize(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-1: "0:00.0", 8_460 * time.Millisecond: "0:08.4", 75 * time.Second: "1:15.0", 3723 * time.Second: "1:02:03",
	} {
		if got := clock(d); got != want {
			t.Errorf("%v is %s, want %s", d, got, want)
		}
	}
	if size(999_999) != "999 kB" || size(1_500_000) != "1.5 MB" {
		t.Errorf("sizes are %s and %s", size(999_999), size(1_500_000))
	}
}

// A film without sound goes through every step.
func TestSilentFilm(t *testing.T) {
	engine, err := mttranscode.NewEngine()
	if err != nil {
		t.Fatal(err)
	}
	defer engine.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	d := &demo{engine: engine, folder: t.TempDir()}
	t.Setenv("INPUT", filepath.Join(d.folder, "silent.mp4"))
	os.Args = os.Args[:1] // the flags of go test are no input
	source := []string{"-f", "lavfi", "-i", "testsrc2=s=320x180:r=10:d=2", "-c:v", "mpeg4", os.Getenv("INPUT")}
	if err := d.run(ctx, "A silent film", source); err != nil {
		t.Fatal(err)
	}
	if err := d.prepare(); err != nil {
		t.Fatal(err)
	}
	for _, step := range []func(context.Context) error{d.findInput, d.transcode, d.contactSheet, d.report} {
		if err := step(ctx); err != nil {
			t.Fatal(err)
		}
	}
	if d.sound {
		t.Error("the film has sound")
	}
}
