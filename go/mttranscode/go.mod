module mt-transcode.dev/go/mttranscode

go 1.24
