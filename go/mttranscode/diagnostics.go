package mttranscode

// #include "library.h"
import "C"

import "encoding/json"

// Version returns the version of the loaded library, such as "0.1.0".
func Version() string { return C.GoString(C.mt_transcode_version()) }

// ABIVersion returns the number of the loaded library's binary interface. [NewEngine] refuses one that this package
// was not built for.
func ABIVersion() uint32 { return uint32(C.mt_transcode_abi_version()) }

// Diagnostics returns, as JSON, what a bug report needs: versions of the library and of FFmpeg, FFmpeg's licence and
// configuration, linking mode, libc, kernel, resolver, usable CPUs, and what the sandbox of workers can do here. It never blocks for long.
func Diagnostics() (json.RawMessage, error) {
	var text *C.char
	if code := C.mt_transcode_diagnostics(&text); code < 0 {
		return nil, callError(code)
	}
	return json.RawMessage(takeString(text)), nil
}
