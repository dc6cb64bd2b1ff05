package mttranscode

// #include "bridge.h"
import "C"

import (
	"runtime"
	"runtime/cgo"
	"unsafe"
)

// The functions that C calls, on threads of the job's.

// called finds the object of a callback, and calls it: what may wait is handed to a goroutine by it. While a goroutine waits there, Go's runtime may start a
// thread, and would clone this one, with its niceness (WithNiceness): locked, it asks another one to do it.
func called[O, R any](handle C.uintptr_t, call func(O) R) R {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	return call(cgo.Handle(handle).Value().(O))
}

//export mttranscodeRead
func mttranscodeRead(handle C.uintptr_t, buffer *C.uint8_t, size C.uint64_t) C.int64_t {
	return called(handle, func(s *seekable) C.int64_t { return C.int64_t(s.read(memory(buffer, size))) })
}

//export mttranscodeWrite
func mttranscodeWrite(handle C.uintptr_t, data *C.uint8_t, size C.uint64_t) C.int64_t {
	return called(handle, func(s *seekable) C.int64_t { return C.int64_t(s.write(memory(data, size))) })
}

//export mttranscodeSeek
func mttranscodeSeek(handle C.uintptr_t, position C.int64_t) C.int64_t {
	return called(handle, func(s *seekable) C.int64_t { return C.int64_t(s.seek(int64(position))) })
}

//export mttranscodeSize
func mttranscodeSize(handle C.uintptr_t) C.int64_t {
	return called(handle, func(s *seekable) C.int64_t { return C.int64_t(s.size()) })
}

//export mttranscodeStoreOpen
func mttranscodeStoreOpen(handle C.uintptr_t, name *C.char, file *C.uintptr_t) C.int32_t {
	return called(handle, func(s *storeBinding) C.int32_t {
		id, code := s.open(C.GoString(name))
		*file = C.uintptr_t(id)
		return C.int32_t(code)
	})
}

//export mttranscodeStoreWrite
func mttranscodeStoreWrite(handle, file C.uintptr_t, data *C.uint8_t, size C.uint64_t) C.int64_t {
	return called(handle, func(s *storeBinding) C.int64_t { return C.int64_t(s.write(uintptr(file), memory(data, size))) })
}

//export mttranscodeStoreSeek
func mttranscodeStoreSeek(handle, file C.uintptr_t, position C.int64_t) C.int64_t {
	return called(handle, func(s *storeBinding) C.int64_t { return C.int64_t(s.seek(uintptr(file), int64(position))) })
}

//export mttranscodeStoreClose
func mttranscodeStoreClose(handle, file C.uintptr_t, code C.int32_t) C.int32_t {
	return called(handle, func(s *storeBinding) C.int32_t { return C.int32_t(s.close(uintptr(file), Code(code))) })
}

//export mttranscodeStoreRemove
func mttranscodeStoreRemove(handle C.uintptr_t, name *C.char) C.int32_t {
	return called(handle, func(s *storeBinding) C.int32_t { return C.int32_t(s.remove(C.GoString(name))) })
}

//export mttranscodeRelease
func mttranscodeRelease(handle C.uintptr_t) {
	if s, ok := cgo.Handle(handle).Value().(*seekable); ok {
		s.release()
	}
	cgo.Handle(handle).Delete()
}

// memory is C's, and good until the callback returns.
func memory(pointer *C.uint8_t, size C.uint64_t) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(pointer)), int(size))
}

// bindHandle gives C a number for object, which lives until the library calls release.
func bindHandle(j *Job, name string, object any, bind func(job *C.mt_transcode_job, name *C.char, handle C.uintptr_t) C.int32_t) error {
	cName, err := cString(name)
	if err != nil {
		return err
	}
	handle := cgo.NewHandle(object)
	if err := j.check(bind(j.handle, cName, C.uintptr_t(handle))); err != nil {
		handle.Delete()
		return err
	}
	return nil
}

func bindIO(j *Job, name string, object *seekable, can C.uint32_t) error {
	return bindHandle(j, name, object, func(job *C.mt_transcode_job, name *C.char, handle C.uintptr_t) C.int32_t {
		return C.mttranscode_bind_io(job, name, handle, can)
	})
}

func bindStore(j *Job, name string, object *storeBinding) error {
	return bindHandle(j, name, object, func(job *C.mt_transcode_job, name *C.char, handle C.uintptr_t) C.int32_t {
		return C.mttranscode_bind_store(job, name, handle)
	})
}
