"""Numbers and structs of the C interface."""

from __future__ import annotations

import ctypes
import enum
from ctypes import CFUNCTYPE, POINTER, c_char_p, c_double, c_int32, c_int64, c_ubyte, c_uint32, c_uint64, c_void_p
from typing import Any


ABI_VERSION = 0
#: For `max_queued`: a job is refused when it cannot run at once.
NONE = 0xFFFFFFFF


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
    QUARANTINED = -1020
    TLS = -1021


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
    PIPE_HIGH_WATER = 7
    SOURCE = 8
    DEGRADED = 9


class OutputState(enum.IntEnum):
    """States of an output; the last three are final."""

    NEW = 0
    OPENING = 1
    RUNNING = 2
    STOPPING = 3
    FINISHED = 4
    FAILED = 5
    CANCELLED = 6

    @property
    def is_final(self) -> bool:
        return self >= OutputState.FINISHED


class SourceState(enum.IntEnum):
    """What an input is at; see the option mt_source."""

    IDLE = 0
    CONNECTING = 1
    LIVE = 2
    WAITING = 3
    BLOCKED = 4
    ENDED = 5


class Choice(enum.IntEnum):
    """What is done of a stream that cannot be made as it was asked for; see the option mt_degrade."""

    FAIL = 1
    DROP = 2
    COPY = 3


class LogMode(enum.IntEnum):
    """What an engine does with FFmpeg's log."""

    LEAVE = 0
    TAKE = 1
    FORWARDED = 2


class Command(enum.IntFlag):
    """How `Job.command` prints."""

    FFMPEG = 1
    MASKED = 2


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
    _fields_ = (_fields(c_uint32, "struct_size max_running max_queued flags log_mode queue_timeout_ms")
                + _fields(c_uint64, "link_budget_bytes memory_budget_bytes") + [("crash_path", c_char_p)]
                + _fields(c_int32, "crash_fd") + _fields(c_uint32, "isolation") + [("worker_path", c_char_p)]
                + _fields(c_uint64, "worker_memory_bytes") + _fields(c_uint32, "worker_cpu_seconds worker_descriptors")
                + [("capture_path", c_char_p), ("capture_bytes", c_uint64)]
                + _fields(c_uint32, "capture_count on_crash worker_sandbox hang_timeout_ms threads_per_job niceness")
                + [("reserved", c_uint64 * 1)])


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
                + _fields(c_double, "fps speed percent") + _fields(c_uint64, "encode_errors packets_skipped"))


class OutputStats(_Struct):
    """Numbers of an output; the fields are those of mt_transcode_output_stats_data."""

    _fields_ = (_fields(c_uint32, "struct_size state") + [("code", c_int32), ("reserved32", c_uint32)]
                + _fields(c_uint64, "packets_written size_bytes") + [("position_us", c_int64)]
                + _fields(c_uint64, "packets_queued bytes_queued bytes_queued_peak packets_dropped bytes_dropped skips"))


class _ResultCount(_Struct):
    _fields_ = [("code", c_int32), ("reserved", c_uint32), ("count", c_uint64)]


class Histogram(_Struct):
    """Durations in buckets; `bounds_us()` has the upper bound of each, None for the last."""

    _fields_ = [("count", c_uint64), ("sum_us", c_uint64), ("buckets", c_uint64 * 16)]

    @staticmethod
    def bounds_us() -> list[int | None]:
        from ._library import _lib  # that module needs this one

        bounds = [int(_lib.mt_transcode_histogram_bound_us(bucket)) for bucket in range(16)]
        return [bound if bound >= 0 else None for bound in bounds]


class EngineStats(_Struct):
    """Numbers of an engine; the fields are those of mt_transcode_engine_stats_data."""

    _fields_ = (_fields(c_uint32, "struct_size health")
                + _fields(c_uint64, "jobs jobs_running jobs_queued pipes threads threads_idle descriptors queued_bytes detached"
                                    " jobs_started jobs_refused")
                + _fields(c_uint32, "results_used reserved32") + [("results", _ResultCount * 32)]
                + _fields(Histogram, "queue_wait open first_output duration") + [("health_reason", c_ubyte * 128)]
                + _fields(c_uint64, "memory_reserved_bytes memory_budget_bytes quarantined jobs_retried"))

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


class _PipeConfig(_Struct):
    _fields_ = (_fields(c_uint32, "struct_size chunk_bytes") + [("capacity_bytes", c_uint64), ("flush_interval_ms", c_int32),
                                                               ("high_water_percent", c_uint32), ("reserved", c_uint64 * 4)])


class PipeStats(_Struct):
    """Numbers of a pipe; the fields are those of mt_transcode_pipe_stats_data."""

    _fields_ = (_fields(c_uint32, "struct_size closed")
                + _fields(c_uint64, "capacity_bytes chunk_bytes fill_bytes high_water_bytes written_bytes read_bytes writes"
                                    " reads full_us empty_us"))


_MOVE = CFUNCTYPE(c_int64, c_void_p, c_void_p, c_uint64)
_SEEK = CFUNCTYPE(c_int64, c_void_p, c_int64)
_SIZE = CFUNCTYPE(c_int64, c_void_p)
_RELEASE = CFUNCTYPE(None, c_void_p)
_OPEN = CFUNCTYPE(c_int32, c_void_p, c_char_p, POINTER(c_void_p))
_WRITE_FILE = CFUNCTYPE(c_int64, c_void_p, c_void_p, c_void_p, c_uint64)
_SEEK_FILE = CFUNCTYPE(c_int64, c_void_p, c_void_p, c_int64)
_CLOSE_FILE = CFUNCTYPE(c_int32, c_void_p, c_void_p, c_int32)
_REMOVE = CFUNCTYPE(c_int32, c_void_p, c_char_p)


class _Io(_Struct):
    _fields_ = (_fields(c_uint32, "struct_size reserved32")
                + [("user", c_void_p), ("read", _MOVE), ("write", _MOVE), ("seek", _SEEK), ("size", _SIZE), ("release", _RELEASE)])


class _Store(_Struct):
    _fields_ = (_fields(c_uint32, "struct_size reserved32")
                + [("user", c_void_p), ("open", _OPEN), ("write", _WRITE_FILE), ("seek", _SEEK_FILE), ("close", _CLOSE_FILE),
                   ("remove", _REMOVE), ("release", _RELEASE)])
