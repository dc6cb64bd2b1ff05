"""Jobs."""

from __future__ import annotations

import ctypes
import errno
import io
import os
import time
import traceback
import weakref
from collections.abc import Iterable
from ctypes import POINTER, byref, c_char_p, c_int32, c_uint64, c_void_p, sizeof
from typing import TYPE_CHECKING, Any

from ._errors import Error, _check
from ._events import _Events
from ._files import Input, Output, _AnyFile
from ._hosts import _FileHost, _StoreHost, _can, _is_seekable
from ._library import _SLICE_MS, Options, Text, _decode, _encode, _encode_value, _lib, _pairs, _take_string
from ._pipe import Pipe
from ._pumps import _Caught, _code_of, _Drain, _Feeder, _Pump
from ._structs import JobStats, State, _Error

if TYPE_CHECKING:
    from ._engine import Engine


class Job(_Events):
    """A job: what one ffmpeg command line says. Made by `Engine.job`; closing it cancels it if it still runs."""

    def __init__(self, engine: Engine) -> None:
        handle = c_void_p()
        _check(_lib.mt_transcode_job_new(engine._handle, byref(handle)))
        super().__init__(handle)
        self._finalizer = weakref.finalize(self, _lib.mt_transcode_job_free, handle)
        self._engine = engine
        self._caught = _Caught()
        self._pumps: list[_Pump] = []
        self._started = False
        self._late: dict[str, _Caught] = {}  # of what was bound after the start, by name
        self._late_pumps: list[_Pump] = []

    def __enter__(self) -> Job:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Frees the job; one that runs is cancelled first. Calls after it raise EBADF; a second close does nothing."""
        self._finalizer()
        self._end_pumps()

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
        """Adds an output: `job.output("out.mp4", {"c:v": "libx264", "an": None})`. Repeated keys: give a list of pairs.

        On a job that was started and has not ended the output joins at once, with these options: a viewer, or a recording. It takes the packets of
        the job's inputs, or with the option mt_from those of another output, mostly with `"c": "copy"`; see mt_gop_bytes and mt_slow. What is wrong
        with its file is told by `Output.error` and an event. Raises Error with -EBUSY where the job ends, -EPIPE where it has no more media.
        """
        output = Output(self, url)
        if self._started:
            name = _decode(_encode(url)).removeprefix("mt:").partition("/")[0]
            output._caught = self._late.pop(name, None)
        self._described(output, options)
        if self._started:
            output.commit()
        return output

    def get_input(self, index: int) -> Input:
        """The input of that number, from 0, also of a job that was described by an argument vector."""
        return Input(self, index)

    def get_output(self, index: int) -> Output:
        """The output of that number, from 0, that the job began with."""
        return Output(self, index)

    @staticmethod
    def _described(file: _AnyFile, options: Options) -> _AnyFile:
        for key, value in _pairs(options):
            file.set(key, value)
        return file

    # --- memory

    def bind(self, name: str, what: Any, mode: str | None = None) -> None:
        """Says what `mt:NAME` is as a URL of this job.

        - A `Pipe`, with mode "r" where the job reads it and "w" where it writes it.
        - A binary file object. One that can seek is read and written by the job's thread; another, such as a socket's, by a thread of
          its own, and needs a mode only where it can do both. It is not closed; it is flushed.
        - bytes, as an input, of which the library gets a copy; or an iterator of bytes.
        - A store, as an output of many files (`mt:NAME/index.m3u8`): `open(name)` gives a file object to be written, which is
          closed, or, if the job breaks it off and it has that, discarded by `discard()`; `remove(name)` removes a file. With the
          attribute `seekable` true its files can seek. See `MemoryStore`.

        What such an object raises fails the job, and is the `__cause__` of the Error that `wait` and `run` raise. After the start it is for one
        output that joins the job, and fails that one only: see `Output.error`.
        """
        raw = _encode(name)
        caught = _Caught() if self._started else self._caught
        if self._started:
            self._late[name] = caught
        try:
            self._bind(raw, what, mode, caught)
        except BaseException:
            self._late.pop(name, None)
            raise

    def _bind(self, raw: bytes, what: Any, mode: str | None, caught: _Caught) -> None:
        if isinstance(what, (str, os.PathLike, io.TextIOBase)):
            raise TypeError(f"{type(what).__name__} has no bytes to be read or written: open the file in binary mode")
        if isinstance(what, Pipe):
            self._bind_pipe(raw, what, {"r": 1, "w": 2}.get(mode or "", 0))
        elif isinstance(what, (bytes, bytearray, memoryview)):
            data = bytes(what)
            self._check(_lib.mt_transcode_job_bind_memory(self._handle, raw, data, len(data), None, None))
        elif hasattr(what, "read") or hasattr(what, "write"):
            self._bind_file(raw, what, mode, caught)
        elif hasattr(what, "open"):
            self._bind_host(_lib.mt_transcode_job_bind_store, raw, _StoreHost(what, caught))
        else:
            self._bind_pump(raw, caught, _Feeder, iter(what), 1)

    def bind_buffer(self, name: str, limit: int = 0) -> None:
        """Makes `mt:NAME` an output in memory, of `limit` bytes at most (0: 64 MiB), which can seek: plain MP4 works. `take_buffer` gives
        its bytes after the end."""
        self._check(_lib.mt_transcode_job_bind_buffer(self._handle, _encode(name), limit))

    def take_buffer(self, name: str) -> bytes:
        """What the job wrote to `bind_buffer`'s output, once, when the job has ended, well or not. Raises Error with -EBUSY before."""
        data, size = c_void_p(), c_uint64()
        self._check(_lib.mt_transcode_job_take_buffer(self._handle, _encode(name), byref(data), byref(size)))
        try:
            return ctypes.string_at(data, size.value) if data else b""
        finally:
            _lib.mt_transcode_buffer_free(data)

    def _bind_file(self, name: bytes, file: Any, mode: str | None, caught: _Caught) -> None:
        if _is_seekable(file):
            self._bind_host(_lib.mt_transcode_job_bind_io, name, _FileHost(file, caught))
            return
        can = [letter for letter, word in (("r", "read"), ("w", "write")) if _can(file, word) and mode in (None, letter)]
        if len(can) != 1:
            raise ValueError("say by mode \"r\" or \"w\" whether the job reads or writes the file" if can or mode is None
                             else f"the file has no mode {mode!r}")
        self._bind_pump(name, caught, *((_Feeder, file, 1) if can == ["r"] else (_Drain, file, 2)))

    def _bind_pipe(self, name: bytes, pipe: Pipe, side: int) -> None:
        self._check(_lib.mt_transcode_job_bind_pipe(self._handle, name, pipe._handle, side))

    def _bind_pump(self, name: bytes, caught: _Caught, kind: type[_Pump], host: Any, side: int) -> None:
        pipe = self._engine.pipe()
        try:
            self._bind_pipe(name, pipe, side)
        except BaseException:
            pipe.close()
            raise
        pump = kind(_decode(name), pipe, host, caught)
        if not self._started:
            self._pumps.append(pump)
            return
        pump.ends_itself = True  # whoever joins has ended long before the job
        self._late_pumps = [other for other in self._late_pumps if other.is_alive()] + [pump]
        pump.start()

    def _bind_host(self, call: Any, name: bytes, host: Any) -> None:
        self._check(host.bind(call, self._handle, name, host.struct()))

    def _join_pumps(self, end: float | None) -> int:
        """After the job's end: waits until its outputs have reached the host's objects. 0, or the code that this failed with."""
        for pump in self._pumps:
            while isinstance(pump, _Drain) and pump.is_alive():
                left = None if end is None else end - time.monotonic()
                if left is not None and left <= 0:
                    raise TimeoutError("the job ended, but what it wrote did not reach its file in time")
                pump.join(_SLICE_MS / 1000 if left is None else min(left, _SLICE_MS / 1000))
        failed = [pump.failed for pump in self._pumps if pump.failed is not None]
        for pump in self._pumps:
            pump.end()
        return _code_of(failed[0]) if failed else 0

    def _end_pumps(self) -> None:
        for pump in self._pumps + self._late_pumps:
            pump.end()

    # --- life

    def start(self) -> None:
        """Starts the job and returns at once; it runs, or waits in the engine's queue."""
        if self._engine._reports_crashes:
            frames = reversed(traceback.extract_stack(limit=17)[:-1])
            site = "; ".join(f"{frame.name} {frame.filename}:{frame.lineno}" for frame in frames)
            self._check(_lib.mt_transcode_job_set_call_site(self._handle, _encode(site)))
        self._check(_lib.mt_transcode_job_start(self._handle))
        self._started = True
        for pump in self._pumps:
            pump.start()

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
                return ended.value or self._join_pumps(end)
            if code != -errno.ETIMEDOUT:
                raise Error(code)
            if left is not None and left <= 0:
                raise TimeoutError(f"the job did not end within {timeout} s")

    def wait(self, timeout: float | None = None) -> None:
        """Waits for the end. Raises Error where the job failed or was cancelled, TimeoutError after `timeout` seconds. What an object
        given to `bind` raised is the error's `__cause__`."""
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

    # --- events: pulling them is in _Events

    def event_fd(self) -> int:
        """A descriptor that is readable while events wait. The library's: do not read or close it."""
        return self._check(_lib.mt_transcode_job_event_fd(self._handle))

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
        stats = JobStats(struct_size=sizeof(JobStats))
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
        error = Error(code)
        if _lib.mt_transcode_job_error(self._handle, byref(pointer)) == 0 and pointer:
            told = Error._take(code, pointer)
            error = told if told.code == code else error
        cause = self._caught.of(code)
        if cause is not None:
            raise error from cause
        raise error
