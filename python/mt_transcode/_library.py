"""The loaded library, and how strings go in and out of it."""

from __future__ import annotations

import ctypes
import errno
import json
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from ctypes import POINTER, c_char_p, c_int32, c_int64, c_uint32, c_uint64, c_void_p
from typing import Any, Optional, Union

from ._structs import (
    ABI_VERSION, EngineStats, JobStats, OutputStats, PipeStats, ShutdownCounts, _EngineConfig, _Error, _Event, _Io, _PipeConfig, _Store,
)

Text = Union[str, bytes, "os.PathLike[str]", "os.PathLike[bytes]"]
Options = Union[Mapping[str, Optional[Text]], Iterable[tuple[str, Optional[Text]]]]

_H, _OUT, _TEXT, _I32, _I64, _U32 = c_void_p, POINTER(c_void_p), c_char_p, c_int32, c_int64, c_uint32

# Name without prefix: what it returns, what it takes. Strings to be freed are void pointers: of a char pointer ctypes would make
# a copy, and lose what is to be freed.
_FUNCTIONS: dict[str, tuple[Any, list[Any]]] = {
    "abi_version": (_U32, []),
    "version": (_TEXT, []),
    "strerror": (_TEXT, [_I32]),
    "error_name": (_TEXT, [_I32]),
    "string_free": (None, [c_void_p]),
    "diagnostics": (_I32, [_OUT]),
    "histogram_bound_us": (_I64, [_U32]),
    "engine_config_init": (_I32, [POINTER(_EngineConfig), _U32]),
    "engine_new": (_I32, [POINTER(_EngineConfig), _OUT, POINTER(POINTER(_Error))]),
    "engine_set_limits": (_I32, [_H, _U32, _U32]),
    "engine_shutdown": (_I32, [_H, _I64, POINTER(ShutdownCounts)]),
    "engine_free": (None, [_H]),
    "engine_jobs": (_I32, [_H, _OUT]),
    "engine_quarantine": (_I32, [_H, _OUT]),
    "engine_quarantine_clear": (_I32, [_H]),
    "engine_event_fd": (_I32, [_H]),
    "engine_next_ready": (_I32, [_H, _OUT, POINTER(_U32)]),
    "engine_dump": (_I32, [_H, _I32]),
    "engine_stats": (_I32, [_H, POINTER(EngineStats)]),
    "error_free": (None, [POINTER(_Error)]),
    "event_free": (None, [POINTER(_Event)]),
    "job_new": (_I32, [_H, _OUT]),
    "job_set_args": (_I32, [_H, _I32, POINTER(_TEXT)]),
    "job_set_option": (_I32, [_H, _TEXT, _TEXT]),
    "job_set_label": (_I32, [_H, _TEXT]),
    "job_set_call_site": (_I32, [_H, _TEXT]),
    "job_id": (_I64, [_H]),
    "job_command": (_I32, [_H, _U32, _OUT]),
    "job_error": (_I32, [_H, POINTER(POINTER(_Error))]),
    "job_free": (None, [_H]),
    "job_start": (_I32, [_H]),
    "job_wait": (_I32, [_H, _I64, POINTER(_I32)]),
    "job_stop": (_I32, [_H]),
    "job_cancel": (_I32, [_H]),
    "job_state": (_I32, [_H]),
    "job_event_fd": (_I32, [_H]),
    "job_next_event": (_I32, [_H, _I64, POINTER(POINTER(_Event))]),
    "job_stats": (_I32, [_H, POINTER(JobStats)]),
    "job_input_new": (_I32, [_H, _TEXT, _OUT]),
    "job_output_new": (_I32, [_H, _TEXT, _OUT]),
    "job_input": (_I32, [_H, _I32, _OUT]),
    "job_output": (_I32, [_H, _I32, _OUT]),
    "input_index": (_I32, [_H]),
    "output_index": (_I32, [_H]),
    "input_set_option": (_I32, [_H, _TEXT, _TEXT]),
    "input_commit": (_I32, [_H]),
    "input_free": (None, [_H]),
    "input_state": (_I32, [_H]),
    "input_status": (_I32, [_H, _OUT]),
    "input_stop": (_I32, [_H]),
    "output_set_option": (_I32, [_H, _TEXT, _TEXT]),
    "output_commit": (_I32, [_H]),
    "output_free": (None, [_H]),
    "output_stop": (_I32, [_H, _U32]),
    "output_state": (_I32, [_H]),
    "output_stats": (_I32, [_H, POINTER(OutputStats)]),
    "output_error": (_I32, [_H, POINTER(POINTER(_Error))]),
    "probe": (_I32, [_H, _TEXT, POINTER(_TEXT), _I64, _OUT, POINTER(POINTER(_Error))]),
    "pipe_config_init": (_I32, [POINTER(_PipeConfig), _U32]),
    "pipe_new": (_I32, [_H, POINTER(_PipeConfig), _OUT]),
    "pipe_write": (_I64, [_H, c_void_p, c_uint64, _I64]),
    "pipe_read": (_I64, [_H, c_void_p, c_uint64, _I64]),
    "pipe_acquire": (_I32, [_H, _I64, _OUT, POINTER(c_uint64)]),
    "pipe_commit": (_I32, [_H, c_uint64]),
    "pipe_peek": (_I32, [_H, _I64, _OUT, POINTER(c_uint64)]),
    "pipe_consume": (_I32, [_H, c_uint64]),
    "pipe_close_write": (_I32, [_H, _I32]),
    "pipe_close_read": (_I32, [_H]),
    "pipe_readable_fd": (_I32, [_H]),
    "pipe_writable_fd": (_I32, [_H]),
    "pipe_watch": (_I32, [_H, _U32]),
    "pipe_stats": (_I32, [_H, POINTER(PipeStats)]),
    "pipe_probe": (_I32, [_H, POINTER(_TEXT), c_uint64, _I64, _OUT, POINTER(POINTER(_Error))]),
    "pipe_free": (None, [_H]),
    "job_bind_pipe": (_I32, [_H, _TEXT, _H, _U32]),
    "job_bind_io": (_I32, [_H, _TEXT, POINTER(_Io)]),
    "job_bind_store": (_I32, [_H, _TEXT, POINTER(_Store)]),
    "job_bind_memory": (_I32, [_H, _TEXT, c_void_p, c_uint64, c_void_p, c_void_p]),
    "job_bind_buffer": (_I32, [_H, _TEXT, c_uint64]),
    "job_take_buffer": (_I32, [_H, _TEXT, _OUT, POINTER(c_uint64)]),
    "buffer_free": (None, [c_void_p]),
}


def _candidates() -> list[str]:
    asked = os.environ.get("MT_TRANSCODE_LIBRARY")
    if asked:
        return [asked]
    here = os.path.dirname(os.path.abspath(__file__))
    outside = os.path.dirname(here)
    name = "libmt_transcode.so"
    beside = [os.path.join(folder, file) for folder in (here, outside) for file in (name + ".0", name)]
    built = [os.path.join(os.path.dirname(outside), "target", profile, name) for profile in ("release", "debug")]
    return [path for path in beside if os.path.exists(path)] + [name + ".0"] + [path for path in built if os.path.exists(path)]


def _load() -> ctypes.CDLL:
    tried = []
    for path in _candidates():
        try:
            library = ctypes.CDLL(path)
            break
        except OSError as error:
            tried.append(str(error))
    else:
        raise ImportError("mt_transcode: the library was not found; set MT_TRANSCODE_LIBRARY to the path of libmt_transcode.so.0"
                          f" ({'; '.join(tried)})")
    for name, (returns, takes) in _FUNCTIONS.items():
        function = getattr(library, "mt_transcode_" + name, None)
        if function is None:
            raise ImportError(f"mt_transcode: {path} has no mt_transcode_{name}: it is older than this module")
        function.restype, function.argtypes = returns, takes
    found = library.mt_transcode_abi_version()
    if found != ABI_VERSION:
        raise ImportError(f"mt_transcode: {path} has interface number {found}, this module needs {ABI_VERSION}")
    return library


_lib = _load()

# How long one call into the library may last before Python gets a look at signals (Ctrl-C).
_SLICE_MS = 200


def _encode(text: Text) -> bytes:
    """As the library takes it: bytes, also those of a file name that are no UTF-8; where it needs text it refuses them itself with EILSEQ."""
    plain = os.fspath(text)
    raw = plain.encode("utf-8", "surrogateescape") if isinstance(plain, str) else plain
    if b"\0" in raw:
        raise ValueError("a string for mt_transcode has a NUL inside")
    return raw


def _encode_value(value: Text | None) -> bytes | None:
    return None if value is None else _encode(value)


def _decode(raw: bytes | None) -> str:
    return (raw or b"").decode("utf-8", "replace")


def _take_string(pointer: c_void_p) -> str:
    try:
        return _decode(ctypes.string_at(pointer)) if pointer.value else ""
    finally:
        _lib.mt_transcode_string_free(pointer)


def _take_json(pointer: c_void_p) -> Any:
    return json.loads(_take_string(pointer))


def _milliseconds(seconds: float) -> int:
    return max(0, min(int(seconds * 1000), 1 << 62))


def _interruptible(call: Callable[[], int]) -> int:
    """Makes a call that may block for long and cannot be cut into slices: on the main thread, which alone gets Ctrl-C, another
    thread makes it meanwhile. What the call was given stays alive with it when the wait is interrupted."""
    if threading.current_thread() is not threading.main_thread():
        return call()
    codes: list[int] = []
    worker = threading.Thread(target=lambda: codes.append(call()), name="mt_transcode call", daemon=True)
    worker.start()
    worker.join()
    return codes[0]


def _option_array(options: Options) -> Any:
    """Pairs of options as C takes them: key, value, ..., NULL."""
    raw: list[bytes | None] = []
    for key, value in _pairs(options):
        raw += [_encode(key), _encode("" if value is None else value)]
    return (c_char_p * (len(raw) + 1))(*raw, None)


def _pairs(options: Options) -> Iterator[tuple[str, Text | None]]:
    return iter(options.items()) if isinstance(options, Mapping) else iter(options)


def _is_late(code: int) -> bool:
    return code in (-errno.EAGAIN, -errno.ETIMEDOUT)


def _slices(timeout: float | None) -> Iterator[int]:
    """Milliseconds for call after call until the time is over: so that Python gets a look at signals."""
    end = None if timeout is None else time.monotonic() + timeout
    while True:
        left_ms = _SLICE_MS if end is None else _milliseconds(end - time.monotonic())
        yield min(left_ms, _SLICE_MS)
        if left_ms == 0:
            return
