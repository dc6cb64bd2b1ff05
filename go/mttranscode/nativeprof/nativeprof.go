// Package nativeprof lets Go's CPU profiles and crashes show native frames: of FFmpeg, of mt-transcode, and of other C code that the program
// calls. It is imported for its effect:
//
//	import _ "mt-transcode.dev/go/mttranscode/nativeprof"
//
// Without it all that FFmpeg does is missing from CPU profiles, since its threads keep signals away, and a call into C is one frame,
// runtime.cgocall. With it threads of jobs are sampled as goroutines are, and the native calls stand in each sample.
//
// It does two things when the program begins: it registers a traceback function by [runtime.SetCgoTraceback], which only one package of a program may do, and
// opens threads of jobs to SIGPROF. Stacks are walked on x86-64; elsewhere a sample has only the innermost frame. Go keeps 32 frames of
// each. Jobs in processes of their own are not seen. See docs/go-crashes.md.
//
// A function has a name where the file that it is in exports it, which FFmpeg's own inner functions do not. Those are named by their place, as
// "libavcodec.so.59+0x344b00", the address of the function in the file; code without unwind tables (assembly) is its file's name. go tool
// pprof finds the names where debug information is installed on the machine that reads the profile.
package nativeprof

/*
#cgo !mttranscode_static pkg-config: mt_transcode
#cgo mttranscode_static pkg-config: mt_transcode-static
#include "traceback.h"
#include <sys/eventfd.h>
*/
import "C"

import (
	"os"
	"reflect"
	"runtime"
	"unsafe"
)

func init() {
	first, end := goCode()
	fd := C.eventfd(0, C.EFD_NONBLOCK|C.EFD_CLOEXEC)
	C.mt_nativeprof_begin(C.uintptr_t(first), C.uintptr_t(end), fd)
	runtime.SetCgoTraceback(0, unsafe.Pointer(C.mt_nativeprof_traceback), nil, unsafe.Pointer(C.mt_nativeprof_symbolize))
	if fd >= 0 {
		go flush(os.NewFile(uintptr(fd), "nativeprof"))
	}
}

// flush gives a thread of Go's a sample whenever the C side asks for it: Go's runtime drops samples of other threads that have waited for one in vain.
func flush(asked *os.File) {
	var count [8]byte
	for {
		if _, err := asked.Read(count[:]); err != nil {
			return
		}
		runtime.Gosched() // a thread that runs since before the profile began learns of it here
		C.mt_nativeprof_flush()
	}
}

// goCode is the range of addresses that are Go's own functions: native stacks end where it begins, as Go's runtime tells the rest. The runtime says of each address
// whether it is one, and they lie in one piece.
func goCode() (first, end uintptr) {
	inside := reflect.ValueOf(goCode).Pointer()
	isGo := func(address uintptr) bool { return runtime.FuncForPC(address) != nil }
	const most = 1 << 31 // a program's code is smaller
	first, end = inside, inside
	for step := uintptr(most); step > 0; step /= 2 {
		if first > step && isGo(first-step) {
			first -= step
		}
		if isGo(end + step) {
			end += step
		}
	}
	return first, end + 1
}
