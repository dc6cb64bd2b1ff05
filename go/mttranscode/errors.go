package mttranscode

// #include "library.h"
import "C"

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"syscall"
)

// Code is a result of the library: 0, -errno of Linux, or one of the library's own from -1001 down. The numbers are
// frozen. A Code is an error itself, so that errors.Is(err, mttranscode.ErrDemux) works.
type Code int32

// The library's own codes.
const (
	// ErrDemux: the input is not what it claims, is damaged, or ends too early.
	ErrDemux Code = C.MT_TRANSCODE_EDEMUX
	// ErrDecode: a decoder could not be opened, or too much of a stream could not be decoded.
	ErrDecode Code = C.MT_TRANSCODE_EDECODE
	// ErrFilter: a filter graph could not be built or failed.
	ErrFilter Code = C.MT_TRANSCODE_EFILTER
	// ErrEncode: an encoder could not be opened or failed.
	ErrEncode Code = C.MT_TRANSCODE_EENCODE
	// ErrMux: header, packet or trailer of an output was refused.
	ErrMux Code = C.MT_TRANSCODE_EMUX
	// ErrLimit: a limit was reached.
	ErrLimit Code = C.MT_TRANSCODE_ELIMIT
	// ErrUnsupported: the library, or the FFmpeg it is linked with, cannot do this. It is errors.ErrUnsupported too.
	ErrUnsupported Code = C.MT_TRANSCODE_EUNSUPPORTED
	// ErrPanic: code of the library panicked; the job ended, the process is unharmed.
	ErrPanic Code = C.MT_TRANSCODE_EPANIC
	// ErrInternal: a state that should not be. Please report it.
	ErrInternal Code = C.MT_TRANSCODE_EINTERNAL
	// ErrStaticResolver: a host name cannot be resolved safely in a statically linked glibc program.
	ErrStaticResolver Code = C.MT_TRANSCODE_ESTATIC_RESOLVER
	// ErrCrashed: the worker process crashed.
	ErrCrashed Code = C.MT_TRANSCODE_ECRASHED
	// ErrOOMKilled: the worker process was killed for its memory.
	ErrOOMKilled Code = C.MT_TRANSCODE_EOOM_KILLED
	// ErrKilled: the worker process was killed from outside.
	ErrKilled Code = C.MT_TRANSCODE_EKILLED
	// ErrHung: the job made no progress for too long.
	ErrHung Code = C.MT_TRANSCODE_EHUNG
	// ErrSandbox: the sandbox refused something that the job needed.
	ErrSandbox Code = C.MT_TRANSCODE_ESANDBOX
	// ErrSpawnFailed: a thread or a worker process could not be started.
	ErrSpawnFailed Code = C.MT_TRANSCODE_ESPAWN_FAILED
	// ErrDetached: a call into FFmpeg did not return in time and was left behind.
	ErrDetached Code = C.MT_TRANSCODE_EDETACHED
	// ErrCircuitOpen: a peer failed too often and is not tried again yet.
	ErrCircuitOpen Code = C.MT_TRANSCODE_ECIRCUIT_OPEN
	// ErrOption: an option is unknown, of the wrong direction, or its value is out of range.
	ErrOption Code = C.MT_TRANSCODE_EOPTION
	// ErrQuarantined: the input made workers crash before, and the engine refuses it; see [WithQuarantine].
	ErrQuarantined Code = C.MT_TRANSCODE_EQUARANTINED
	// ErrTLS: the certificate of a TLS peer has expired, is signed by an unknown authority, or is for another name; the message says which.
	ErrTLS Code = C.MT_TRANSCODE_ETLS
)

// Codes of Linux that a host asks for most.
const (
	// ErrAgain: the engine runs and queues as many jobs as it may, or its memory budget is used up; try again later.
	ErrAgain Code = -Code(syscall.EAGAIN)
	// ErrBusy: the job was started, so it can be described no further; or an end of a pipe is somebody else's.
	ErrBusy Code = -Code(syscall.EBUSY)
	// ErrAlready: the job was started before.
	ErrAlready Code = -Code(syscall.EALREADY)
	// ErrCancelled: the job ended by Cancel, Close, a shutdown, or the end of a context given to Run.
	ErrCancelled Code = -Code(syscall.ECANCELED)
	// ErrInvalid: an argument is wrong, or the call makes no sense in this state.
	ErrInvalid Code = -Code(syscall.EINVAL)
	// ErrNotUTF8: a label, a name or an option's key is not UTF-8. Names of files and values of options need not be.
	ErrNotUTF8 Code = -Code(syscall.EILSEQ)
	// ErrShutdown: the engine was shut down.
	ErrShutdown Code = -Code(syscall.ESHUTDOWN)
	// ErrTimeout: the time was over.
	ErrTimeout Code = -Code(syscall.ETIMEDOUT)
)

// ErrClosed is what methods of a closed engine, job or pipe give. It is fs.ErrClosed too.
var ErrClosed = fmt.Errorf("mt-transcode: %w", fs.ErrClosed)

// Error says what the code means, in a few words.
func (c Code) Error() string {
	return "mt-transcode: " + c.text()
}

// Name returns the symbolic name: "DEMUX", "ENOENT".
func (c Code) Name() string {
	return C.GoString(C.mt_transcode_error_name(C.int32_t(c)))
}

func (c Code) text() string {
	return C.GoString(C.mt_transcode_strerror(C.int32_t(c)))
}

// Error is what failed, where, and what to do. Secrets in URLs are masked.
type Error struct {
	// Code is what errors.Is compares.
	Code Code
	// Name is the code's symbolic name: "DEMUX", "ENOENT".
	Name string
	// FFmpegCode is FFmpeg's own code (an AVERROR), 0 where FFmpeg was not asked, and FFmpegText its words.
	FFmpegCode int
	FFmpegText string
	// Stage is what was being done: "options", "open input", "decode", "mux" ...
	Stage string
	// URL is the file or URL that it happened on.
	URL string
	// InputIndex, OutputIndex and StreamIndex are counted from 0; -1 where there is none.
	InputIndex, OutputIndex, StreamIndex int
	// Message says in one sentence what failed and where, Hint what to do about it.
	Message, Hint string
	// Detail is more, where there is more: the last log lines, the backtrace of a panic.
	Detail string

	causes []error
}

// Error returns the message. The hint is not part of it: it speaks to a person, while errors are wrapped and logged
// in one line.
func (e *Error) Error() string {
	if e.Message == "" {
		return e.Code.Error()
	}
	return "mt-transcode: " + e.Message
}

// Is tells whether target is this error's [Code], its errno, or what the standard library calls that errno.
func (e *Error) Is(target error) bool {
	if code, ok := target.(Code); ok {
		return code == e.Code
	}
	if target == errors.ErrUnsupported {
		return e.Code == ErrUnsupported
	}
	if e.Code >= 0 || e.Code <= ErrDemux { // the library's own codes begin there
		return false
	}
	errno := syscall.Errno(-e.Code)
	return target == errno || errno.Is(target)
}

// Unwrap gives what ended the call besides the code: [ErrClosed], or the error of a context.
func (e *Error) Unwrap() []error { return e.causes }

// Timeout tells whether the time was over, as net.Error does.
func (e *Error) Timeout() bool { return e.Code == ErrTimeout }

// callError makes the error of a call that has no text of its own.
func callError(code C.int32_t) *Error {
	e := &Error{Code: Code(code), InputIndex: -1, OutputIndex: -1, StreamIndex: -1}
	e.Name, e.Message = e.Code.Name(), e.Code.text()
	if e.Code == -Code(syscall.EBADF) {
		e.Message, e.causes = "the engine, job or pipe is closed", []error{ErrClosed}
	}
	return e
}

func invalid(message string) *Error {
	e := callError(C.int32_t(ErrInvalid))
	e.Message = message
	return e
}

// takeError copies an error of the library's and frees it.
func takeError(code C.int32_t, from *C.mt_transcode_error) *Error {
	if from == nil {
		return callError(code)
	}
	defer C.mt_transcode_error_free(from)
	return &Error{
		Code: Code(from.code), Name: C.GoString(from.name),
		FFmpegCode: int(from.ffmpeg_code), FFmpegText: C.GoString(from.ffmpeg_text),
		Stage: C.GoString(from.stage), URL: C.GoString(from.url),
		InputIndex: int(from.input_index), OutputIndex: int(from.output_index), StreamIndex: int(from.stream_index),
		Message: C.GoString(from.message), Hint: C.GoString(from.hint), Detail: C.GoString(from.detail),
	}
}

// contextError wraps why ctx ended: errors.Is finds both context.Canceled and the cause that was given.
func contextError(ctx context.Context, doing string) error {
	err, cause := ctx.Err(), context.Cause(ctx)
	if cause == nil || errors.Is(cause, err) {
		return fmt.Errorf("mt-transcode: %s: %w", doing, err)
	}
	return fmt.Errorf("mt-transcode: %s: %w: %w", doing, err, cause)
}
