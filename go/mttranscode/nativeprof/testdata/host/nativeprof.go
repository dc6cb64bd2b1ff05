//go:build nativeprof

package main

import _ "mt-transcode.dev/go/mttranscode/nativeprof"
