"""FFmpeg jobs in process: mt-transcode for Python, by ctypes and without a build step.

The shortest program::

    import mt_transcode
    mt_transcode.run(["-i", "in.mp4", "-c", "copy", "out.mkv"])

With progress, and an engine of one's own::

    with mt_transcode.Engine(max_running=4) as engine, engine.job(["-i", "in.mp4", "out.webm"]) as job:
        job.start()
        for event in job.events():
            if event.type == mt_transcode.EventType.PROGRESS:
                print(event.percent)
        job.wait()

What fails raises `Error`, which says what failed, where, and what to do. FFmpeg's log lines become records of the logger
"mt_transcode", each with `job_id`, `label` and `stage`, while the job's events are pulled: by `wait`, `run`, `result`,
`events` or `next_event`; the job's option `-loglevel` decides how many there are. Calls release the GIL, may come from any
thread, and can be interrupted by Ctrl-C.

The library is looked for at $MT_TRANSCODE_LIBRARY, beside this file, by its name where the system looks, and in ../target
(a checkout). After os.fork() every call in the child raises EPERM: use multiprocessing's "spawn".

SPDX-License-Identifier: MIT OR Apache-2.0
"""

from __future__ import annotations

import collections
import ctypes
import dataclasses
import enum
import errno
import json
import logging
import os
import threading
import time
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping
from ctypes import POINTER, byref, c_char_p, c_double, c_int32, c_int64, c_ubyte, c_uint32, c_uint64, c_void_p
from typing import Any, Optional, TypeVar, Union

__all__ = [
    "ABI_VERSION", "NONE", "Code", "Command", "Engine", "EngineStats", "Error", "Event", "EventType", "Histogram", "Input",
    "Job", "JobStats", "LogMode", "Output", "ShutdownCounts", "State", "diagnostics", "error_name", "probe", "run", "strerror",
    "version",
]

ABI_VERSION = 0
#: For `max_queued`: a job is refused when it cannot run at once.
NONE = 0xFFFFFFFF

Text = Union[str, bytes, "os.PathLike[str]", "os.PathLike[bytes]"]
Options = Union[Mapping[str, Optional[Text]], Iterable[tuple[str, Optional[Text]]]]

logger = logging.getLogger("mt_transcode")
logger.addHandler(logging.NullHandler())


class Code(enum.IntEnum):
    """The library's own codes; the others are negative errno values: `-errno.ENOENT`."""

    DEMUX = -1001
    DECODE = -1002
    FILTER = -1003
    ENCODE = -1004
    MUX = -1005
    LIMIT = -1006
    UNSUPPORTED = -1007
    PANIC = -1008
    INTERNAL = -1009
    STATIC_RESOLVER = -1010
    CRASHED = -1011
    OOM_KILLED = -1012
    KILLED = -1013
    HUNG = -1014
    SANDBOX = -1015
    SPAWN_FAILED = -1016
    DETACHED = -1017
    CIRCUIT_OPEN = -1018
    OPTION = -1019


class State(enum.IntEnum):
    """States of a job; the last three are final."""

    NEW = 0
    QUEUED = 1
    OPENING = 2
    RUNNING = 3
    STOPPING = 4
    SUCCEEDED = 5
    FAILED = 6
    CANCELLED = 7

    @property
    def is_final(self) -> bool:
        return self >= State.SUCCEEDED


class EventType(enum.IntEnum):
    """Types of events. A newer library may send others: they stay plain numbers."""

    STATE = 1
    INPUT_OPENED = 2
    PROGRESS = 3
    LOG = 4
    OUTPUT_FINISHED = 5
    DONE = 6


class LogMode(enum.IntEnum):
    """What an engine does with FFmpeg's log."""

    LEAVE = 0
    TAKE = 1
    FORWARDED = 2


class Command(enum.IntFlag):
    """How `Job.command` prints."""

    FFMPEG = 1
    MASKED = 2


# ------------------------------------------------------------------------------------------------ structs of the C interface


class _Struct(ctypes.Structure):
    def as_dict(self) -> dict[str, Any]:
        """The fields as plain Python values."""
        names = [name for name, *_ in self._fields_ if not name.startswith(("reserved", "struct_size"))]
        return {name: _plain(getattr(self, name)) for name in names}

    def __repr__(self) -> str:
        fields = ", ".join(f"{name}={value!r}" for name, value in self.as_dict().items())
        return f"{type(self).__name__}({fields})"


def _plain(value: Any) -> Any:
    if isinstance(value, _Struct):
        return value.as_dict()
    return [_plain(item) for item in value] if isinstance(value, ctypes.Array) else value


def _fields(kind: Any, names: str) -> list[tuple[str, Any]]:
    return [(name, kind) for name in names.split()]


class _EngineConfig(_Struct):
    _fields_ = (_fields(c_uint32, "struct_size max_running max_queued flags log_mode reserved32")
                + [("link_budget_bytes", c_uint64), ("reserved", c_uint64 * 8)])


class _Error(_Struct):
    _fields_ = (_fields(c_uint32, "struct_size") + _fields(c_int32, "code ffmpeg_code input_index output_index stream_index")
                + _fields(c_char_p, "name stage url ffmpeg_text message hint detail"))


class _Event(_Struct):
    _fields_ = (_fields(c_uint32, "struct_size event_type") + [("sequence", c_uint64), ("time_us", c_int64), ("state", c_uint32)]
                + _fields(c_int32, "code level file_index stream_index") + [("repeated", c_uint32)]
                + _fields(c_int64, "position_us duration_us time_left_us") + _fields(c_uint64, "frames size_bytes")
                + _fields(c_double, "fps speed percent") + _fields(c_char_p, "label stage text json"))


class ShutdownCounts(_Struct):
    """What became of an engine's jobs: finished, stopped, cancelled, never_ran, detached."""

    _fields_ = _fields(c_uint32, "struct_size finished stopped cancelled never_ran detached")


class JobStats(_Struct):
    """Numbers of a job; the fields are those of mt_transcode_job_stats_data."""

    _fields_ = (_fields(c_uint32, "struct_size state")
                + _fields(c_int64, "position_us duration_us time_left_us elapsed_us queue_wait_us open_us first_output_us")
                + _fields(c_uint64, "frames frames_duplicated frames_dropped size_bytes packets_read packets_written"
                                    " packets_corrupt decode_errors timestamps_repaired link_bytes link_bytes_peak"
                                    " log_lines_dropped threads")
                + _fields(c_double, "fps speed percent"))


class _ResultCount(_Struct):
    _fields_ = [("code", c_int32), ("reserved", c_uint32), ("count", c_uint64)]


class Histogram(_Struct):
    """Durations in buckets; `bounds_us()` has the upper bound of each, None for the last."""

    _fields_ = [("count", c_uint64), ("sum_us", c_uint64), ("buckets", c_uint64 * 16)]

    @staticmethod
    def bounds_us() -> list[int | None]:
        bounds = [int(_lib.mt_transcode_histogram_bound_us(bucket)) for bucket in range(16)]
        return [bound if bound >= 0 else None for bound in bounds]


class EngineStats(_Struct):
    """Numbers of an engine; the fields are those of mt_transcode_engine_stats_data."""

    _fields_ = (_fields(c_uint32, "struct_size health")
                + _fields(c_uint64, "jobs jobs_running jobs_queued pipes threads threads_idle descriptors queued_bytes detached"
                                    " jobs_started jobs_refused")
                + _fields(c_uint32, "results_used reserved32") + [("results", _ResultCount * 32)]
                + _fields(Histogram, "queue_wait open first_output duration") + [("health_reason", c_ubyte * 128)])

    def as_dict(self) -> dict[str, Any]:
        plain = super().as_dict()
        for name in ("results", "results_used", "health_reason"):  # fixed arrays, mostly empty
            del plain[name]
        return {**plain, "by_result": self.by_result, "reason": self.reason}

    @property
    def by_result(self) -> dict[int, int]:
        """How many jobs ended with each code: `{0: 12, -errno.ENOENT: 1}`."""
        return {int(one.code): int(one.count) for one in self.results[: self.results_used]}

    @property
    def reason(self) -> str:
        """Why the health is what it is; empty where all is well."""
        return bytes(self.health_reason).split(b"\0", 1)[0].decode("utf-8", "replace")


# ----------------------------------------------------------------------------------------------------------- the library

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
    "engine_event_fd": (_I32, [_H]),
    "engine_next_ready": (_I32, [_H, _OUT, POINTER(_U32)]),
    "engine_stats": (_I32, [_H, POINTER(EngineStats)]),
    "error_free": (None, [POINTER(_Error)]),
    "event_free": (None, [POINTER(_Event)]),
    "job_new": (_I32, [_H, _OUT]),
    "job_set_args": (_I32, [_H, _I32, POINTER(_TEXT)]),
    "job_set_option": (_I32, [_H, _TEXT, _TEXT]),
    "job_set_label": (_I32, [_H, _TEXT]),
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
    "input_set_option": (_I32, [_H, _TEXT, _TEXT]),
    "input_commit": (_I32, [_H]),
    "input_free": (None, [_H]),
    "output_set_option": (_I32, [_H, _TEXT, _TEXT]),
    "output_commit": (_I32, [_H]),
    "output_free": (None, [_H]),
    "probe": (_I32, [_H, _TEXT, POINTER(_TEXT), _I64, _OUT, POINTER(POINTER(_Error))]),
}


def _candidates() -> list[str]:
    asked = os.environ.get("MT_TRANSCODE_LIBRARY")
    if asked:
        return [asked]
    here = os.path.dirname(os.path.abspath(__file__))
    name = "libmt_transcode.so"
    beside = [os.path.join(here, name + ".0"), os.path.join(here, name)]
    built = [os.path.join(os.path.dirname(here), "target", profile, name) for profile in ("release", "debug")]
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
    """As the library takes it: UTF-8; what is not (a file name of undecodable bytes) it refuses itself with EILSEQ."""
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


def _pairs(options: Options) -> Iterator[tuple[str, Text | None]]:
    return iter(options.items()) if isinstance(options, Mapping) else iter(options)


class Error(Exception):
    """What failed, where, and what to do. Indexes are -1 and strings empty where there is nothing to say."""

    def __init__(self, code: int, **known: Any) -> None:
        self.code = code
        self.name: str = known.get("name") or error_name(code)
        self.message: str = known.get("message") or strerror(code)
        self.stage: str = known.get("stage", "")
        self.url: str = known.get("url", "")
        self.hint: str = known.get("hint", "")
        self.detail: str = known.get("detail", "")
        self.ffmpeg_code: int = known.get("ffmpeg_code", 0)
        self.ffmpeg_text: str = known.get("ffmpeg_text", "")
        self.input_index: int = known.get("input_index", -1)
        self.output_index: int = known.get("output_index", -1)
        self.stream_index: int = known.get("stream_index", -1)
        super().__init__(code, self.name, self.message)

    def __str__(self) -> str:
        return f"{self.message} ({self.name})" + (f"; {self.hint}" if self.hint else "")

    def __reduce__(self) -> tuple[Any, ...]:  # so that it survives multiprocessing
        return (_rebuild_error, (dict(self.__dict__),))

    @classmethod
    def _take(cls, code: int, pointer: Any) -> Error:
        """Copies the library's error object and frees it."""
        if not pointer:
            return cls(code)
        raw = pointer.contents.as_dict()
        _lib.mt_transcode_error_free(pointer)
        known = {name: _decode(value) if isinstance(value, (bytes, type(None))) else value for name, value in raw.items()}
        return cls(int(known.pop("code")), **known)


def _rebuild_error(known: dict[str, Any]) -> Error:
    return Error(known.pop("code"), **known)


def _check(code: int) -> int:
    if code < 0:
        raise Error(code)
    return code


@dataclasses.dataclass(frozen=True)
class Event:
    """One event of a job. Which fields a type fills stands at mt_transcode_event; None is an unknown duration or percentage."""

    type: int
    sequence: int
    time_us: int
    state: State
    code: int
    level: int
    file_index: int
    stream_index: int
    repeated: int
    position_us: int
    duration_us: int | None
    time_left_us: int | None
    frames: int
    size_bytes: int
    fps: float
    speed: float
    percent: float | None
    label: str
    stage: str
    text: str
    json: str

    @classmethod
    def _take(cls, pointer: Any) -> Event:
        """Copies the library's event and frees it."""
        raw = pointer.contents.as_dict()
        _lib.mt_transcode_event_free(pointer)
        kind = raw.pop("event_type")
        raw["type"] = EventType(kind) if kind in EventType._value2member_map_ else kind
        raw["state"] = State(raw["state"]) if raw["state"] in State._value2member_map_ else State.NEW
        for name in ("label", "stage", "text", "json"):
            raw[name] = _decode(raw[name])
        for name in ("duration_us", "time_left_us", "percent"):
            raw[name] = raw[name] if kind == EventType.PROGRESS and raw[name] >= 0 else None
        return cls(**raw)


# ------------------------------------------------------------------------------------------------------- inputs and outputs


class _File:
    """An input or output of a job, while it is being described."""

    _kind = ""

    def __init__(self, job: Job, url: Text) -> None:
        self._job = job
        handle = c_void_p()
        job._check(getattr(_lib, f"mt_transcode_job_{self._kind}_new")(job._handle, _encode(url), byref(handle)))
        self._handle = handle
        self._finalizer = weakref.finalize(self, getattr(_lib, f"mt_transcode_{self._kind}_free"), handle)

    def set(self, key: str, value: Text | None = None) -> _File:
        """Sets an option by ffmpeg's name, without the dash; returns itself, so that calls can be chained."""
        call = getattr(_lib, f"mt_transcode_{self._kind}_set_option")
        self._job._check(call(self._handle, _encode(key), _encode_value(value)))
        return self

    def commit(self) -> None:
        """Ends the description. Before the job starts this is implied by the start."""
        self._job._check(getattr(_lib, f"mt_transcode_{self._kind}_commit")(self._handle))

    def close(self) -> None:
        """Frees the handle; the file stays in its job."""
        self._finalizer()


class Input(_File):
    """An input of a job: made by `Job.input`."""

    _kind = "input"


class Output(_File):
    """An output of a job: made by `Job.output`."""

    _kind = "output"


_AnyFile = TypeVar("_AnyFile", Input, Output)


# ------------------------------------------------------------------------------------------------------------------- jobs


def _logging_level(level: int) -> int:
    """FFmpeg's level as one of Python's."""
    for bound, known in ((8, logging.CRITICAL), (16, logging.ERROR), (24, logging.WARNING), (32, logging.INFO)):
        if level <= bound:
            return known
    return logging.DEBUG


class Job:
    """A job: what one ffmpeg command line says. Made by `Engine.job`; closing it cancels it if it still runs."""

    def __init__(self, engine: Engine) -> None:
        handle = c_void_p()
        _check(_lib.mt_transcode_job_new(engine._handle, byref(handle)))
        self._handle = handle
        self._finalizer = weakref.finalize(self, _lib.mt_transcode_job_free, handle)
        self._pulling = threading.Lock()  # whoever holds it pulls; so events stay in order
        self._kept: collections.deque[Event] = collections.deque()  # pulled by a wait, and not yet seen by the host

    def __enter__(self) -> Job:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Frees the job; one that runs is cancelled first. Calls after it raise EBADF; a second close does nothing."""
        self._finalizer()

    # --- description

    def set_args(self, args: Iterable[Text]) -> None:
        """Describes the whole job by an ffmpeg command line, without the program's name."""
        raw = [_encode(argument) for argument in args]
        self._check(_lib.mt_transcode_job_set_args(self._handle, len(raw), (c_char_p * len(raw))(*raw)))

    def set_option(self, key: str, value: Text | None = None) -> None:
        """Sets a global option by ffmpeg's name, without the dash."""
        self._check(_lib.mt_transcode_job_set_option(self._handle, _encode(key), _encode_value(value)))

    def set_label(self, label: Text) -> None:
        """Gives the job a label of the host's (128 bytes at most), which comes back in events and log records."""
        self._check(_lib.mt_transcode_job_set_label(self._handle, _encode(label)))

    def input(self, url: Text, options: Options = ()) -> Input:
        """Adds an input: `job.input("in.mp4", {"ss": "10"})`."""
        return self._described(Input(self, url), options)

    def output(self, url: Text, options: Options = ()) -> Output:
        """Adds an output: `job.output("out.mp4", {"c:v": "libx264", "an": None})`. Repeated keys: give a list of pairs."""
        return self._described(Output(self, url), options)

    @staticmethod
    def _described(file: _AnyFile, options: Options) -> _AnyFile:
        for key, value in _pairs(options):
            file.set(key, value)
        return file

    # --- life

    def start(self) -> None:
        """Starts the job and returns at once; it runs, or waits in the engine's queue."""
        self._check(_lib.mt_transcode_job_start(self._handle))

    def result(self, timeout: float | None = None) -> int:
        """Waits for the end and returns the job's code: 0, -ECANCELED, or that of its error. Raises TimeoutError after `timeout`
        seconds."""
        end = None if timeout is None else time.monotonic() + timeout
        ended = c_int32()
        while True:
            left = None if end is None else end - time.monotonic()
            code = _lib.mt_transcode_job_wait(self._handle, self._pull_meanwhile(left), byref(ended))
            if code == 0:
                self._pull_rest()
                return ended.value
            if code != -errno.ETIMEDOUT:
                raise Error(code)
            if left is not None and left <= 0:
                raise TimeoutError(f"the job did not end within {timeout} s")

    def wait(self, timeout: float | None = None) -> None:
        """Waits for the end. Raises Error where the job failed or was cancelled, TimeoutError after `timeout` seconds."""
        self._check(self.result(timeout))

    def run(self, timeout: float | None = None) -> JobStats:
        """Starts the job, waits for its end, and returns its numbers. Raises as `wait` does; what is interrupted is cancelled."""
        self.start()
        try:
            self.wait(timeout)
        except BaseException:
            self.cancel()
            raise
        return self.stats()

    def stop(self) -> None:
        """Asks the job to end in good order: its outputs get their trailers and play. Returns at once."""
        self._check(_lib.mt_transcode_job_stop(self._handle))

    def cancel(self) -> None:
        """Ends the job at once, without trailers. Returns at once; wait for the end."""
        self._check(_lib.mt_transcode_job_cancel(self._handle))

    # --- events

    def events(self, timeout: float | None = None) -> Iterator[Event]:
        """Yields the job's events up to DONE. Raises TimeoutError where none comes for `timeout` seconds."""
        while True:
            try:
                event = self.next_event(timeout)
            except Error as error:
                if error.code != -errno.ENODATA:
                    raise
                return
            if event is None:
                raise TimeoutError(f"the job had no event for {timeout} s")
            yield event

    def ready_events(self) -> list[Event]:
        """The events that wait now, without blocking: what one pulls after `Engine.next_ready` or when `event_fd` is readable."""
        ready: list[Event] = []
        try:
            while (event := self.next_event(0)) is not None:
                ready.append(event)
        except Error as error:
            if error.code != -errno.ENODATA:
                raise
        return ready

    def next_event(self, timeout: float | None = None) -> Event | None:
        """The next event; None where none came within `timeout` seconds. Raises Error with -ENODATA when none will come."""
        end = None if timeout is None else time.monotonic() + timeout
        while True:
            left_ms = _SLICE_MS if end is None else _milliseconds(end - time.monotonic())
            with self._pulling:
                if self._kept:
                    return self._kept.popleft()
                event = self._pull(min(left_ms, _SLICE_MS))
            if event is not None or left_ms <= 0:
                return event

    def event_fd(self) -> int:
        """A descriptor that is readable while events wait. The library's: do not read or close it."""
        return self._check(_lib.mt_transcode_job_event_fd(self._handle))

    def _pull(self, timeout_ms: int) -> Event | None:
        """Takes one event from the library and logs it if it is a line of the log; None where none came in time."""
        pointer = POINTER(_Event)()
        code = _lib.mt_transcode_job_next_event(self._handle, timeout_ms, byref(pointer))
        if code in (-errno.EAGAIN, -errno.ETIMEDOUT):
            return None
        _check(code)
        event = Event._take(pointer)
        if event.type == EventType.LOG:
            self._log(event)
        return event

    def _log(self, event: Event) -> None:
        level = _logging_level(event.level)
        if logger.isEnabledFor(level):
            extra = {"job_id": _lib.mt_transcode_job_id(self._handle), "label": event.label, "stage": event.stage}
            again = f" ({event.repeated} times more)" if event.repeated else ""
            logger.log(level, "%s: %s%s", event.stage, event.text, again, extra=extra)

    def _keep(self, event: Event) -> None:
        """Keeps an event that a wait pulled for the host: but no log lines, which were logged, and only the last progress."""
        if event.type == EventType.LOG:
            return
        if event.type == EventType.PROGRESS and self._kept and self._kept[-1].type == EventType.PROGRESS:
            self._kept.pop()
        self._kept.append(event)

    def _pull_meanwhile(self, left: float | None) -> int:
        """Spends a slice of a wait pulling an event, and returns how many milliseconds the wait itself may then last: it is the
        wait that blocks where another thread pulls, or all events were pulled."""
        slice_ms = _SLICE_MS if left is None else min(_SLICE_MS, _milliseconds(left))
        if not self._pulling.acquire(blocking=False):
            return slice_ms
        try:
            event = self._pull(slice_ms)
            if event is not None:
                self._keep(event)
        except Error:  # a job that was not started, was closed, or is done: the wait says it better
            return slice_ms
        finally:
            self._pulling.release()
        return 0

    def _pull_rest(self) -> None:
        """After the end: logs the last lines, unless another thread pulls and will."""
        if not self._pulling.acquire(blocking=False):
            return
        try:
            while True:
                event = self._pull(_SLICE_MS)
                if event is None:
                    return
                self._keep(event)
        except Error:  # ENODATA
            return
        finally:
            self._pulling.release()

    # --- looking at it

    @property
    def id(self) -> int:
        """A number that no other job of this process has or had."""
        return self._check(_lib.mt_transcode_job_id(self._handle))

    @property
    def state(self) -> State:
        return State(self._check(_lib.mt_transcode_job_state(self._handle)))

    def stats(self) -> JobStats:
        """Numbers of the job, now or at its end."""
        stats = JobStats(struct_size=ctypes.sizeof(JobStats))
        self._check(_lib.mt_transcode_job_stats(self._handle, byref(stats)))
        return stats

    def command(self, flags: int = 0) -> str:
        """The job as a command line, quoted for a shell; `flags`: `Command.FFMPEG | Command.MASKED`."""
        text = c_void_p()
        self._check(_lib.mt_transcode_job_command(self._handle, flags, byref(text)))
        return _take_string(text)

    def error(self) -> Error | None:
        """What the job ended with, or what the last call failed with that described it."""
        pointer = POINTER(_Error)()
        _check(_lib.mt_transcode_job_error(self._handle, byref(pointer)))
        return Error._take(0, pointer) if pointer else None

    def _check(self, code: int) -> int:
        """Raises what failed: with its text where the job has it, as calls such as a wait leave none."""
        if code >= 0:
            return code
        pointer = POINTER(_Error)()
        if _lib.mt_transcode_job_error(self._handle, byref(pointer)) == 0 and pointer:
            error = Error._take(code, pointer)
            if error.code == code:
                raise error
        raise Error(code)


# ----------------------------------------------------------------------------------------------------------------- engines


class Engine:
    """Owns limits and threads, and runs jobs. Several may live in one process; closing one cancels what it still runs.

    `max_running`, `max_queued` and `link_budget_bytes` are as in mt_transcode_engine_config, 0 being the default of each.
    """

    def __init__(self, max_running: int = 0, max_queued: int = 0, log_mode: LogMode = LogMode.TAKE, require_lgpl: bool = False,
                 link_budget_bytes: int = 0) -> None:
        config = _EngineConfig()
        _check(_lib.mt_transcode_engine_config_init(byref(config), ctypes.sizeof(config)))
        config.max_running, config.max_queued = max_running, max_queued
        config.log_mode, config.flags = int(log_mode), int(require_lgpl)
        config.link_budget_bytes = link_budget_bytes
        handle, text = c_void_p(), POINTER(_Error)()
        code = _lib.mt_transcode_engine_new(byref(config), byref(handle), byref(text))
        if code < 0:
            raise Error._take(code, text)
        self._handle = handle
        self._finalizer = weakref.finalize(self, _lib.mt_transcode_engine_free, handle)
        self._jobs: weakref.WeakValueDictionary[int, Job] = weakref.WeakValueDictionary()

    def __enter__(self) -> Engine:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Frees the engine; jobs that still run are cancelled. A second close does nothing."""
        self._finalizer()

    def job(self, args: Iterable[Text] | None = None, label: Text | None = None) -> Job:
        """Makes a job, described by `args` or, where there are none, by functions of the job."""
        job = Job(self)
        self._jobs[job._handle.value or 0] = job
        if args is not None:
            job.set_args(args)
        if label is not None:
            job.set_label(label)
        return job

    def run(self, args: Iterable[Text], label: Text | None = None, timeout: float | None = None,
            on_event: Callable[[Event], None] | None = None) -> JobStats:
        """Runs a whole ffmpeg command line and returns its numbers; `on_event` is called with each event, on this thread."""
        with self.job(args, label) as job:
            if on_event is None:
                return job.run(timeout)
            end = None if timeout is None else time.monotonic() + timeout
            job.start()
            for event in job.events(timeout):
                on_event(event)
                if end is not None and time.monotonic() > end:
                    raise TimeoutError(f"the job did not end within {timeout} s")
            job.wait()
            return job.stats()

    def probe(self, url: Text, options: Options = (), timeout: float | None = None) -> dict[str, Any]:
        """Looks at a file or URL: `{"streams": [...], "format": {...}}`, as ffprobe's JSON. `timeout` in seconds."""
        raw: list[bytes | None] = []
        for key, value in _pairs(options):
            raw += [_encode(key), _encode("" if value is None else value)]
        array = (c_char_p * (len(raw) + 1))(*raw, None)
        text, error = c_void_p(), POINTER(_Error)()
        milliseconds = -1 if timeout is None else max(1, _milliseconds(timeout))
        raw_url = _encode(url)
        code = _interruptible(
            lambda: _lib.mt_transcode_probe(self._handle, raw_url, array, milliseconds, byref(text), byref(error)))
        if code < 0:
            raise Error._take(code, error)
        return dict(_take_json(text))

    def set_limits(self, max_running: int, max_queued: int) -> None:
        """Changes the limits while the engine runs."""
        _check(_lib.mt_transcode_engine_set_limits(self._handle, max_running, max_queued))

    def shutdown(self, timeout: float | None = 0) -> ShutdownCounts:
        """Ends the engine in good order: jobs have `timeout` seconds (None: any time) to end by themselves, then are stopped."""
        counts = ShutdownCounts(struct_size=ctypes.sizeof(ShutdownCounts))
        milliseconds = -1 if timeout is None else _milliseconds(timeout)
        _check(_interruptible(lambda: _lib.mt_transcode_engine_shutdown(self._handle, milliseconds, byref(counts))))
        return counts

    def stats(self) -> EngineStats:
        """Numbers of the engine: for service levels, alerts and a readiness page."""
        stats = EngineStats(struct_size=ctypes.sizeof(EngineStats))
        _check(_lib.mt_transcode_engine_stats(self._handle, byref(stats)))
        return stats

    def jobs(self) -> list[dict[str, Any]]:
        """All jobs of the engine that were not closed: id, label, state, position, command; secrets masked."""
        text = c_void_p()
        _check(_lib.mt_transcode_engine_jobs(self._handle, byref(text)))
        return list(_take_json(text))

    def event_fd(self) -> int:
        """One descriptor for all jobs, readable while any is ready: for selectors and asyncio. Do not read or close it."""
        return _check(_lib.mt_transcode_engine_event_fd(self._handle))

    def next_ready(self) -> tuple[Job, bool, bool] | None:
        """The next job that has something to tell: the job, whether it has events, whether it is done. None: none has."""
        handle, bits = c_void_p(), c_uint32()
        while True:
            code = _lib.mt_transcode_engine_next_ready(self._handle, byref(handle), byref(bits))
            if code == -errno.EAGAIN:
                return None
            _check(code)
            job = self._jobs.get(handle.value or 0)
            if job is not None:  # else it was dropped by the host just now
                return job, bool(bits.value & 1), bool(bits.value & 2)


# ------------------------------------------------------------------------------------------------------------- conveniences


def version() -> str:
    """Version of the loaded library."""
    return _decode(_lib.mt_transcode_version())


def strerror(code: int) -> str:
    """What a code means, in a few words."""
    return _decode(_lib.mt_transcode_strerror(code))


def error_name(code: int) -> str:
    """Symbolic name of a code: "DEMUX", "ENOENT"."""
    return _decode(_lib.mt_transcode_error_name(code))


def diagnostics() -> dict[str, Any]:
    """Versions, licence and surroundings, for bug reports."""
    text = c_void_p()
    _check(_lib.mt_transcode_diagnostics(byref(text)))
    return dict(_take_json(text))


_shared_lock = threading.Lock()
_shared: Engine | None = None


def _shared_engine() -> Engine:
    global _shared
    with _shared_lock:
        if _shared is None:
            _shared = Engine()
        return _shared


def run(args: Iterable[Text], label: Text | None = None, timeout: float | None = None,
        on_event: Callable[[Event], None] | None = None) -> JobStats:
    """Runs an ffmpeg command line, without the program's name, on an engine that the module keeps."""
    return _shared_engine().run(args, label, timeout, on_event)


def probe(url: Text, options: Options = (), timeout: float | None = None) -> dict[str, Any]:
    """Looks at a file or URL by an engine that the module keeps."""
    return _shared_engine().probe(url, options, timeout)
