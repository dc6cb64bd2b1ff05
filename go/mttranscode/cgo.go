package mttranscode

/*
#cgo !mttranscode_static pkg-config: mt_transcode
#cgo mttranscode_static pkg-config: mt_transcode-static
#include <stdlib.h>
#include "library.h"
*/
import "C"

import (
	"math"
	"strings"
	"time"
	"unsafe"
)

// headerABI is the interface that this package was compiled against.
const headerABI = C.MT_TRANSCODE_ABI_VERSION

// cString is text for the one call that it is passed to: it lies in Go's memory, which a call may read while it lasts. A NUL inside
// would silently cut it off there, so it is refused.
func cString(text string) (*C.char, error) {
	if strings.IndexByte(text, 0) >= 0 {
		return nil, errNUL()
	}
	terminated := make([]byte, len(text)+1)
	copy(terminated, text)
	return (*C.char)(unsafe.Pointer(unsafe.SliceData(terminated))), nil
}

func errNUL() error { return invalid("a string has a NUL byte inside") }

// cPair is a key and its value, nil for an option without one.
func cPair(option Option) (key, value *C.char, err error) {
	if key, err = cString(option.key); err != nil || option.flag {
		return key, nil, err
	}
	value, err = cString(option.value)
	return key, value, err
}

// cVector is an array of strings that ends with NULL, in one piece of C's memory: freeVector frees it.
func cVector(texts []string) (**C.char, error) {
	size := 0
	for _, text := range texts {
		if strings.IndexByte(text, 0) >= 0 {
			return nil, errNUL()
		}
		size += len(text) + 1
	}
	head := (len(texts) + 1) * int(unsafe.Sizeof((*C.char)(nil)))
	memory := C.calloc(1, C.size_t(head+size))
	pointers := unsafe.Slice((**C.char)(memory), len(texts)+1)
	rest := unsafe.Slice((*byte)(memory), head+size)[head:]
	for i, text := range texts {
		pointers[i] = (*C.char)(unsafe.Pointer(unsafe.SliceData(rest)))
		rest = rest[copy(rest, text)+1:]
	}
	return (**C.char)(memory), nil
}

func freeVector(vector **C.char) { C.free(unsafe.Pointer(vector)) }

// takeString copies a string of the library's and frees it.
func takeString(text *C.char) string {
	defer C.mt_transcode_string_free(text)
	return C.GoString(text)
}

// fromMicroseconds keeps a negative number, which stands for "unknown", as -1.
func fromMicroseconds(us C.int64_t) time.Duration {
	if us < 0 {
		return -1
	}
	if int64(us) > math.MaxInt64/int64(time.Microsecond) {
		return math.MaxInt64
	}
	return time.Duration(us) * time.Microsecond
}

// toLimit makes an engine's limit of an int: negative stands for the library's default, which it calls 0.
func toLimit(limit, zero int64) C.uint32_t {
	switch {
	case limit < 0:
		return 0
	case limit == 0:
		return C.uint32_t(zero)
	case limit >= C.MT_TRANSCODE_NONE:
		return C.MT_TRANSCODE_NONE - 1
	}
	return C.uint32_t(limit)
}
