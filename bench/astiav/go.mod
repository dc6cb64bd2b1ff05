module mt-transcode.dev/bench/astiav

go 1.24

require (
	github.com/asticode/go-astiav v0.16.0
	mt-transcode.dev/bench v0.0.0
)

require github.com/asticode/go-astikit v0.42.0 // indirect

replace (
	mt-transcode.dev/bench => ../
	mt-transcode.dev/go/mttranscode => ../../go/mttranscode
)
