package main

import (
	"fmt"
	"os"
	"strings"
	"time"

	"mt-transcode.dev/go/mttranscode"
)

// quietTime is how often a line is written where it cannot be rewritten: to a file or a pipe.
const quietTime = 2 * time.Second

// progressLine rewrites one line on a terminal.
type progressLine struct {
	to       *os.File
	terminal bool
	last     mttranscode.Progress
	shown    time.Duration
	width    int
}

func newProgressLine(to *os.File) *progressLine {
	info, err := to.Stat()
	return &progressLine{to: to, terminal: err == nil && info.Mode()&os.ModeCharDevice != 0}
}

func (p *progressLine) show(event mttranscode.Event) {
	progress, ok := event.(mttranscode.Progress)
	if !ok {
		return
	}
	p.last = progress
	if p.terminal {
		line := format(progress)
		fmt.Fprintf(p.to, "\r%s%s", line, strings.Repeat(" ", max(p.width-len(line), 0)))
		p.width = len(line)
	} else if progress.Time-p.shown >= quietTime {
		p.shown = progress.Time
		fmt.Fprintln(p.to, format(progress))
	}
}

// end leaves the last numbers on the screen.
func (p *progressLine) end() {
	switch {
	case p.terminal && p.width > 0:
		fmt.Fprintln(p.to)
	case !p.terminal && p.last.Time > p.shown:
		fmt.Fprintln(p.to, format(p.last))
	}
}

func format(p mttranscode.Progress) string {
	percent, of, left := "  ?  %", "", ""
	if p.Percent >= 0 {
		percent = fmt.Sprintf("%5.1f%%", p.Percent)
	}
	if p.Duration >= 0 {
		of = " of " + clock(p.Duration)
	}
	if p.TimeLeft >= 0 {
		left = fmt.Sprintf("  %s left", clock(p.TimeLeft))
	}
	return fmt.Sprintf("  %s  %s%s  %4.0f fps  %5.2fx  %8s%s", percent, clock(p.Position), of, p.FPS, p.Speed, size(p.SizeBytes), left)
}

// clock writes 0:08.4, or 1:02:03.
func clock(d time.Duration) string {
	d = max(d, 0)
	if d >= time.Hour {
		return fmt.Sprintf("%d:%02d:%02d", int(d.Hours()), int(d.Minutes())%60, int(d.Seconds())%60)
	}
	tenths := d.Milliseconds() / 100
	return fmt.Sprintf("%d:%02d.%d", tenths/600, tenths/10%60, tenths%10)
}

func size(bytes uint64) string {
	if bytes < 1_000_000 {
		return fmt.Sprintf("%d kB", bytes/1000)
	}
	return fmt.Sprintf("%.1f MB", float64(bytes)/1e6)
}
