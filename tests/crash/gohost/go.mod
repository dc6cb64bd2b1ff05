module mt-transcode.dev/tests/crash/gohost

go 1.24

require mt-transcode.dev/go/mttranscode v0.0.0

replace mt-transcode.dev/go/mttranscode => ../../../go/mttranscode
