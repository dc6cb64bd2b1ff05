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

With bytes instead of files (`mt:NAME` in the arguments is what `bind` gives to the job)::

    with open("in.mp4", "rb") as source, socket.makefile("wb") as target:
        mt_transcode.run(["-i", "mt:in", "-c", "copy", "-f", "mpegts", "mt:out"], bind={"in": source, "out": target})

What fails raises `Error`, which says what failed, where, and what to do. FFmpeg's log lines become records of the logger
"mt_transcode", each with `job_id`, `label` and `stage`, while the job's events are pulled: by `wait`, `run`, `result`,
`events` or `next_event`; the job's option `-loglevel` decides how many there are. Calls release the GIL, may come from any
thread, and can be interrupted by Ctrl-C.

The library is looked for at $MT_TRANSCODE_LIBRARY, in and beside this folder, by its name where the system looks, and in
../../target (a checkout). After os.fork() every call in the child raises EPERM: use multiprocessing's "spawn".

SPDX-License-Identifier: MIT OR Apache-2.0
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from ctypes import byref, c_void_p
from typing import Any

from ._engine import Engine
from ._errors import Error, Event, _check, error_name, strerror
from ._files import Input, Output
from ._hosts import MemoryStore
from ._job import Job
from ._library import _FUNCTIONS, Options, Text, _decode, _lib, _take_json
from ._pipe import Pipe
from ._structs import (
    ABI_VERSION, NONE, Choice, Code, Command, EngineStats, EventType, Histogram, JobStats, LogMode, OutputState, OutputStats, PipeStats, ShutdownCounts,
    SourceState, State,
    _EngineConfig, _Error, _Event, _Io, _PipeConfig, _ResultCount, _Store,
)

__all__ = [
    "ABI_VERSION", "NONE", "Choice", "Code", "Command", "Engine", "EngineStats", "Error", "Event", "EventType", "Histogram",
    "Input", "Job", "JobStats", "LogMode", "MemoryStore", "Output", "OutputState", "OutputStats", "Pipe", "PipeStats",
    "ShutdownCounts", "SourceState", "State", "diagnostics", "error_name", "probe", "run", "strerror", "version",
]


def version() -> str:
    """Version of the loaded library."""
    return _decode(_lib.mt_transcode_version())


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
        on_event: Callable[[Event], None] | None = None, bind: Mapping[str, Any] | None = None) -> JobStats:
    """Runs an ffmpeg command line, without the program's name, on an engine that the module keeps; see `Engine.run`."""
    return _shared_engine().run(args, label, timeout, on_event, bind)


def probe(url: Text, options: Options = (), timeout: float | None = None) -> dict[str, Any]:
    """Looks at a file or URL by an engine that the module keeps."""
    return _shared_engine().probe(url, options, timeout)


for _name in __all__:  # where it is, is of no interest to who reads a traceback
    if isinstance(globals()[_name], type):
        globals()[_name].__module__ = __name__
