package mttranscode

import "log/slog"

// LogValue makes a group of what a log should hold, without what is empty: code, message, stage, url, input, output, stream, ffmpeg, hint and, after a crash
// of a worker, crash, which is the report's. URLs have no secrets; Detail is left out, as it is long.
func (e *Error) LogValue() slog.Value {
	if e == nil {
		return slog.Value{}
	}
	attrs := []slog.Attr{slog.String("code", e.Name)}
	text := func(key, value string) {
		if value != "" {
			attrs = append(attrs, slog.String(key, value))
		}
	}
	index := func(key string, value int) {
		if value >= 0 {
			attrs = append(attrs, slog.Int(key, value))
		}
	}
	text("message", e.Message)
	text("stage", e.Stage)
	text("url", e.URL)
	index("input", e.InputIndex)
	index("output", e.OutputIndex)
	index("stream", e.StreamIndex)
	text("ffmpeg", e.FFmpegText)
	text("hint", e.Hint)
	if len(e.causes) > 0 {
		text("cause", e.causes[0].Error())
	}
	if report := e.CrashReport(); report != nil {
		attrs = append(attrs, slog.Any("crash", report))
	}
	return slog.GroupValue(attrs...)
}
