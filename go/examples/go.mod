module mt-transcode.dev/go/examples

go 1.24

require (
	github.com/yutopp/go-rtmp v0.0.7
	mt-transcode.dev/go/mttranscode v0.0.0
)

require (
	github.com/hashicorp/errwrap v1.1.0 // indirect
	github.com/hashicorp/go-multierror v1.1.0 // indirect
	github.com/mitchellh/mapstructure v1.4.1 // indirect
	github.com/pkg/errors v0.9.1 // indirect
	github.com/sirupsen/logrus v1.7.0 // indirect
	github.com/yutopp/go-amf0 v0.1.0 // indirect
	golang.org/x/sys v0.3.0 // indirect
)

replace mt-transcode.dev/go/mttranscode => ../mttranscode
