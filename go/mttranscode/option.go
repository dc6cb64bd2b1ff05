package mttranscode

// Option is one of ffmpeg's options for an input or output: see [Opt] and [Flag].
type Option struct {
	key, value string
	flag       bool
}

// Opt sets key to value, by ffmpeg's name without the dash, with a stream specifier where wanted: Opt("c:v",
// "libx264"). Options that may come more than once (map, metadata ...) are given once for each; of any other the last
// one holds.
func Opt(key, value string) Option { return Option{key: key, value: value} }

// Flag is an option without a value: Flag("an").
func Flag(key string) Option { return Option{key: key, flag: true} }
