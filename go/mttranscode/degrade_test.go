package mttranscode

import (
	"strings"
	"testing"
)

func TestS96Degrade(t *testing.T) {
	engine := newEngine(t)
	// Given sound that is not a number from 0.2 s on: the encoder refuses it
	job := start(t, engine, "-f", "lavfi", "-i", "testsrc2=s=160x120:r=25:d=1", "-f", "lavfi", "-i", `aevalsrc=if(gt(t\,0.2)\,NAN\,0):d=2`,
		"-c:v", "mpeg2video", "-c:a", "aac", "-mt_degrade:a", "drop", "-mt_degrade_after:a", "3", "-f", "null", "-")
	// then its stream ends, which one event says, and the job succeeds
	var told []Degraded
	for event := range job.Events(within(t)) {
		if degraded, ok := event.(Degraded); ok {
			told = append(told, degraded)
		}
	}
	check(t, job.Wait(within(t)))
	if len(told) != 1 {
		t.Fatalf("events are %+v", told)
	}
	event := told[0]
	if event.Index != 0 || event.StreamIndex != 1 || event.Choice != ChoiceDrop || event.Stage != "encode" || event.Failures != 3 {
		t.Errorf("event is %+v", event)
	}
	if event.Code != ErrEncode || !strings.Contains(event.Message, "the stream ends here") {
		t.Errorf("event is %+v", event)
	}
	stats, err := job.Stats()
	check(t, err)
	if stats.EncodeErrors != 3 || stats.PacketsSkipped != 0 {
		t.Errorf("stats are %+v", stats)
	}
	check(t, job.Close())
	wantNothingLeft(t, engine)
}
