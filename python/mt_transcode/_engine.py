"""Engines."""

from __future__ import annotations

import ctypes
import errno
import io
import os
import tempfile
import time
import weakref
from collections.abc import Callable, Iterable, Mapping
from ctypes import POINTER, byref, c_uint32, c_void_p
from typing import IO, Any, Union

from ._errors import Error, Event, _check
from ._job import Job
from ._library import Options, Text, _encode, _interruptible, _lib, _milliseconds, _option_array, _take_json
from ._pipe import Pipe
from ._structs import EngineStats, JobStats, LogMode, ShutdownCounts, _EngineConfig, _Error

Dumped = Union[int, IO[bytes], IO[str]]

_CRASH_REPORTS = 8  # MT_TRANSCODE_ENGINE_CRASH_REPORTS
_SANDBOXES = ("best", "required", "off")  # MT_TRANSCODE_SANDBOX_*


class Engine:
    """Owns limits and threads, and runs jobs. Several may live in one process; closing one cancels what it still runs.

    `max_running`, `max_queued`, `link_budget_bytes` and `memory_budget_bytes` are as in mt_transcode_engine_config, 0 being the
    default of each. A job that waits in the queue for more than `queue_timeout` seconds fails with -ETIMEDOUT.

    `crash_reports` names a file that a report is appended to, or a descriptor that it is written to (2: standard error), when native code of a job
    crashes; what handled the signal before, such as faulthandler, goes on afterwards. See docs/crashes.md.

    With `isolation="process"` each job and each probe runs in a worker, a process of its own: what crashes, hangs or is killed there is that one's Error. `worker_path`
    names the program mt-transcode where it is not found by itself; the limits are those of one worker, 0 being none. Workers give up what their jobs do not
    need: with `worker_sandbox` "best" as far as the kernel can, with "required" a job fails where it cannot, with "off" not at all.

    `capture_on_failure` names a folder that what is needed to repeat a job is written to when it fails: with `capture_bytes` of each input in memory
    (0: 1 MiB), and `capture_count` captures at most (0: 100). With `retry_crashed` a job whose worker crashed is run once more where it can begin
    anew; with `quarantine_crashed` inputs that crash workers are refused from then on. See docs/capture.md.
    A job that makes no progress for `hang_timeout` seconds, while it waits for nobody outside, gets a log event with the stacks of its threads and fails
    with EHUNG; None is never. See docs/hangs.md.

    Each codec and each filter graph of a job that does not say it itself gets `threads_per_job` threads (0: as many as suit the CPUs that may be used). The
    engine's threads are nicer than the calling one by `niceness`, 0 to 19. See docs/threading.md.
    """

    def __init__(self, max_running: int = 0, max_queued: int = 0, log_mode: LogMode = LogMode.TAKE, require_lgpl: bool = False,
                 link_budget_bytes: int = 0, queue_timeout: float | None = None, memory_budget_bytes: int = 0,
                 crash_reports: str | os.PathLike[str] | int | None = None, isolation: str = "thread",
                 worker_path: str | os.PathLike[str] | None = None, worker_memory_bytes: int = 0, worker_cpu_seconds: int = 0,
                 worker_descriptors: int = 0, worker_sandbox: str = "best",
                 capture_on_failure: str | os.PathLike[str] | None = None, capture_bytes: int = 0, capture_count: int = 0,
                 retry_crashed: bool = False, quarantine_crashed: bool = False, hang_timeout: float | None = None,
                 threads_per_job: int = 0, niceness: int = 0) -> None:
        config = _EngineConfig()
        _check(_lib.mt_transcode_engine_config_init(byref(config), ctypes.sizeof(config)))
        config.max_running, config.max_queued = max_running, max_queued
        config.log_mode, config.flags = int(log_mode), int(require_lgpl)
        config.link_budget_bytes, config.memory_budget_bytes = link_budget_bytes, memory_budget_bytes
        config.queue_timeout_ms = 0 if queue_timeout is None else max(1, _milliseconds(queue_timeout))
        self._reports_crashes = crash_reports is not None
        if isinstance(crash_reports, int):
            config.flags, config.crash_fd = config.flags | _CRASH_REPORTS, crash_reports
        elif crash_reports is not None:
            config.flags, config.crash_path = config.flags | _CRASH_REPORTS, os.fsencode(crash_reports)
        if isolation not in ("thread", "process"):
            raise ValueError(f"isolation is {isolation!r}; it takes 'thread' or 'process'")
        config.isolation = int(isolation == "process")
        config.worker_path = None if worker_path is None else os.fsencode(worker_path)
        config.worker_memory_bytes, config.worker_cpu_seconds = worker_memory_bytes, worker_cpu_seconds
        config.worker_descriptors = worker_descriptors
        config.capture_path = None if capture_on_failure is None else os.fsencode(capture_on_failure)
        config.capture_bytes, config.capture_count = capture_bytes, capture_count
        config.on_crash = int(retry_crashed) | 2 * int(quarantine_crashed)
        config.hang_timeout_ms = 0 if hang_timeout is None else min(max(1, _milliseconds(hang_timeout)), 2**32 - 1)
        config.threads_per_job, config.niceness = threads_per_job, niceness
        if worker_sandbox not in _SANDBOXES:
            raise ValueError(f"worker_sandbox is {worker_sandbox!r}; it takes 'best', 'required' or 'off'")
        config.worker_sandbox = _SANDBOXES.index(worker_sandbox)
        handle, text = c_void_p(), POINTER(_Error)()
        code = _lib.mt_transcode_engine_new(byref(config), byref(handle), byref(text))
        if code < 0:
            raise Error._take(code, text)
        self._handle = handle
        self._finalizer = weakref.finalize(self, _lib.mt_transcode_engine_free, handle)
        self._jobs: weakref.WeakValueDictionary[int, Job] = weakref.WeakValueDictionary()
        self._pipes: weakref.WeakValueDictionary[int, Pipe] = weakref.WeakValueDictionary()

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

    def pipe(self, capacity_bytes: int = 0, chunk_bytes: int = 0, flush_interval: float | None = 0.04,
             high_water_percent: int = 0) -> Pipe:
        """Makes a memory pipe; numbers of 0 are the defaults. What a job writes reaches the reader after `flush_interval`
        seconds at the latest, at once (0), or only in whole chunks (None)."""
        pipe = Pipe(self, capacity_bytes, chunk_bytes, flush_interval, high_water_percent)
        self._pipes[pipe._handle.value or 0] = pipe
        return pipe

    def run(self, args: Iterable[Text], label: Text | None = None, timeout: float | None = None,
            on_event: Callable[[Event], None] | None = None, bind: Mapping[str, Any] | None = None) -> JobStats:
        """Runs a whole ffmpeg command line and returns its numbers; `on_event` is called with each event, on this thread; `bind`
        says what each `mt:NAME` is, as `Job.bind` does."""
        with self.job(args, label) as job:
            for name, what in (bind or {}).items():
                job.bind(name, what)
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
        """Looks at a file or URL: `{"streams": [...], "format": {...}}`, as ffprobe's JSON. `timeout` in seconds.
        The option `mt_show` chooses other sections: "format,streams,chapters,programs,packets,frames"."""
        array = _option_array(options)
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

    def quarantine(self) -> list[dict[str, Any]]:
        """The inputs that are refused, oldest first: time, and job, label, code, text and stage of the crash."""
        text = c_void_p()
        _check(_lib.mt_transcode_engine_quarantine(self._handle, byref(text)))
        return list(_take_json(text))

    def clear_quarantine(self) -> int:
        """Lets them in again; returns how many there were."""
        return _check(_lib.mt_transcode_engine_quarantine_clear(self._handle))

    def dump(self, to: Dumped) -> None:
        """Writes what every job does at this moment, as text with native stacks, to a file or a descriptor; at any time, also when jobs hang. What
        a file object has buffered is flushed before. A file without a descriptor (io.BytesIO, io.StringIO) gets it too."""
        if isinstance(to, int):
            _check(_lib.mt_transcode_engine_dump(self._handle, to))
            return
        try:
            descriptor = to.fileno()
        except (AttributeError, io.UnsupportedOperation):
            with tempfile.TemporaryFile() as file:
                self.dump(file.fileno())
                file.seek(0)
                text = file.read()
            to.write(text.decode("utf-8", "replace") if isinstance(to, io.TextIOBase) else text)
        else:
            to.flush()
            self.dump(descriptor)

    def event_fd(self) -> int:
        """One descriptor for all jobs and watched pipes, readable while any is ready: for selectors and asyncio. Do not read or
        close it."""
        return _check(_lib.mt_transcode_engine_event_fd(self._handle))

    def next_ready(self) -> tuple[Job | Pipe, bool, bool] | None:
        """The next job that has something to tell: the job, whether it has events, whether it is done; or the next pipe that was
        watched: the pipe, whether it can be read, whether it can be written. None: there is none."""
        handle, bits = c_void_p(), c_uint32()
        while True:
            code = _lib.mt_transcode_engine_next_ready(self._handle, byref(handle), byref(bits))
            if code == -errno.EAGAIN:
                return None
            _check(code)
            job = self._jobs.get(handle.value or 0)
            if job is not None and bits.value & 3:
                return job, bool(bits.value & 1), bool(bits.value & 2)
            pipe = self._pipes.get(handle.value or 0)
            if pipe is not None:  # else it was dropped by the host just now
                return pipe, bool(bits.value & 4), bool(bits.value & 8)
