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

// cStrings owns C strings until free is called.
type cStrings struct {
	allocated []unsafe.Pointer
}

func (s *cStrings) free() {
	for _, pointer := range s.allocated {
		C.free(pointer)
	}
}

// add copies text to C. A NUL inside would silently cut it off there, so it is refused.
func (s *cStrings) add(text string) (*C.char, error) {
	if strings.ContainsRune(text, 0) {
		return nil, invalid("a string has a NUL byte inside")
	}
	pointer := C.CString(text)
	s.allocated = append(s.allocated, unsafe.Pointer(pointer))
	return pointer, nil
}

// pair adds a key and its value, nil for an option without one.
func (s *cStrings) pair(option Option) (key, value *C.char, err error) {
	if key, err = s.add(option.key); err != nil || option.flag {
		return key, nil, err
	}
	value, err = s.add(option.value)
	return key, value, err
}

// vector adds an array of strings that ends with NULL.
func (s *cStrings) vector(texts []string) (**C.char, error) {
	size := unsafe.Sizeof((*C.char)(nil))
	memory := C.calloc(C.size_t(len(texts)+1), C.size_t(size))
	s.allocated = append(s.allocated, memory)
	pointers := unsafe.Slice((**C.char)(memory), len(texts)+1)
	for i, text := range texts {
		pointer, err := s.add(text)
		if err != nil {
			return nil, err
		}
		pointers[i] = pointer
	}
	return (**C.char)(memory), nil
}

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
