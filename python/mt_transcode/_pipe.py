"""Memory pipes."""

from __future__ import annotations

import ctypes
import errno
import weakref
from collections.abc import Iterator
from ctypes import POINTER, byref, c_ubyte, c_uint64, c_void_p
from typing import TYPE_CHECKING, Any

from ._errors import Error, _check
from ._library import Options, _interruptible, _is_late, _lib, _milliseconds, _option_array, _slices, _take_json
from ._structs import PipeStats, _Error, _PipeConfig

if TYPE_CHECKING:
    from ._engine import Engine


def _address(data: Any) -> tuple[int, int, Any]:
    """Where the bytes of a bytes-like object are, how many, and what keeps them there meanwhile."""
    if isinstance(data, bytes):
        return ctypes.cast(data, c_void_p).value or 0, len(data), data
    view = memoryview(data).cast("B")
    if view.readonly or len(view) == 0:
        return _address(view.tobytes())
    held = c_ubyte.from_buffer(view)
    return ctypes.addressof(held), len(view), held


class _Lent:
    """A part of a pipe's memory as a memoryview, until the host commits or consumes it. Of a pipe that was dropped the library keeps
    the memory until the last view of it is gone."""

    def __init__(self, handle: c_void_p, give_back: Any, address: int, size: int, writable: bool) -> None:
        self.size = size
        self._give_back = give_back, handle, 0
        self._memory: Any = (c_ubyte * size).from_address(address)
        self._watch()
        view = memoryview(self._memory).cast("B")
        self.view = view if writable else view.toreadonly()

    def end(self) -> None:
        """Ends the view, before a commit or consume: what uses it from now on gets a ValueError. A slice of it that lives on is a
        BufferError."""
        self.view.release()
        if self._memory is None:
            return
        self._finalizer.detach()
        alive, self._memory = weakref.ref(self._memory), None
        self._memory = alive()
        if self._memory is not None:
            self._watch()
            raise BufferError("a slice of the pipe's memory is still in use: release it first")

    def _watch(self) -> None:
        self._finalizer = weakref.finalize(self._memory, *self._give_back)
        self._finalizer.atexit = False


class Pipe:
    """A bounded ring of bytes between threads of the host and jobs. Made by `Engine.pipe`, given to a job by `Job.bind`.

    One thread at a time writes, one reads. Timeouts are in seconds; None waits without end; what does not come in time raises
    TimeoutError. Closing the pipe breaks off what is still open: a job that reads or writes it fails with -EPIPE.
    """

    def __init__(self, engine: Engine, capacity_bytes: int = 0, chunk_bytes: int = 0, flush_interval: float | None = 0.04,
                 high_water_percent: int = 0) -> None:
        config, handle = _PipeConfig(), c_void_p()
        _check(_lib.mt_transcode_pipe_config_init(byref(config), ctypes.sizeof(config)))
        for value, bits in ((capacity_bytes, 64), (chunk_bytes, 32), (high_water_percent, 32)):
            if not 0 <= value < 1 << bits:  # ctypes would cut it short
                raise Error(-errno.EINVAL)
        config.capacity_bytes, config.chunk_bytes = capacity_bytes, chunk_bytes
        config.flush_interval_ms = -1 if flush_interval is None else min(_milliseconds(flush_interval), (1 << 31) - 1)
        config.high_water_percent = high_water_percent
        _check(_lib.mt_transcode_pipe_new(engine._handle, byref(config), byref(handle)))
        self._handle = handle
        self._finalizer = weakref.finalize(self, _lib.mt_transcode_pipe_free, handle)
        self._acquired: _Lent | None = None
        self._peeked: _Lent | None = None

    def __enter__(self) -> Pipe:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Frees the pipe. Calls after it raise EBADF; a second close does nothing. Views of its memory stay valid."""
        self._finalizer()

    # --- writing

    def write(self, data: Any, timeout: float | None = None) -> int:
        """Writes a bytes-like object, and returns how many bytes went: all, unless the time was over or the reader left."""
        address, size, held = _address(data)
        done = 0
        for left_ms in _slices(timeout):
            count = _lib.mt_transcode_pipe_write(self._handle, address + done, size - done, left_ms)
            if count < 0 and not _is_late(count):
                if done == 0:
                    raise Error(count)
                break  # the next call says why
            done += max(count, 0)
            if done == size:
                break
        del held
        if done == 0 < size:
            raise TimeoutError(f"the pipe took no byte within {timeout} s")
        return done

    def acquire(self, timeout: float | None = None) -> memoryview:
        """A part of the pipe's memory, to be filled; `commit` then says how much of it, and ends the view."""
        address, size = self._look(_lib.mt_transcode_pipe_acquire, timeout)
        self._acquired = _Lent(self._handle, _lib.mt_transcode_pipe_commit, address, size, True)
        return self._acquired.view

    def commit(self, size: int) -> None:
        """Gives the reader the first `size` bytes of what was acquired."""
        self._end(self._acquired, _lib.mt_transcode_pipe_commit, size)
        self._acquired = None

    def close_write(self, code: int = 0) -> None:
        """Ends the writing: 0 well, a negative code as an error that the reader gets after the last byte."""
        _check(_lib.mt_transcode_pipe_close_write(self._handle, code))

    # --- reading

    def read(self, size: int = -1, timeout: float | None = None) -> bytes:
        """Returns at least one byte and at most `size`; b"" at the end. Without a size: all there is, up to the end, where the
        timeout is for each part of it."""
        if size < 0:
            return b"".join(iter(lambda: self.read(1 << 20, timeout), b""))
        if size == 0:
            return b""
        address, there = self._look(_lib.mt_transcode_pipe_peek, timeout)
        if there == 0:
            return b""
        taken = ctypes.string_at(address, min(size, there))
        _check(_lib.mt_transcode_pipe_consume(self._handle, len(taken)))
        return taken

    def readinto(self, buffer: Any, timeout: float | None = None) -> int:
        """Reads into a writable bytes-like object; 0 at the end."""
        view = memoryview(buffer).cast("B")
        held = (c_ubyte * len(view)).from_buffer(view)
        for left_ms in _slices(timeout):
            count = _lib.mt_transcode_pipe_read(self._handle, ctypes.addressof(held), len(view), left_ms)
            if not _is_late(count):
                return _check(count)
        raise TimeoutError(f"no byte came within {timeout} s")

    def peek(self, timeout: float | None = None) -> memoryview:
        """What can be read, without a copy; empty at the end. `consume` then says how much of it was used, and ends the view."""
        address, size = self._look(_lib.mt_transcode_pipe_peek, timeout)
        if size == 0:
            return memoryview(b"")
        self._peeked = _Lent(self._handle, _lib.mt_transcode_pipe_consume, address, size, False)
        return self._peeked.view

    def consume(self, size: int) -> None:
        """Takes the first `size` bytes of what was peeked out of the pipe."""
        self._end(self._peeked, _lib.mt_transcode_pipe_consume, size)
        self._peeked = None

    def close_read(self) -> None:
        """Ends the reading: the writer gets -EPIPE."""
        _check(_lib.mt_transcode_pipe_close_read(self._handle))

    def __iter__(self) -> Iterator[bytes]:
        """Chunks of bytes, up to the end; an error that the writer closed with is raised after the last one."""
        return iter(lambda: self.read(1 << 16), b"")

    def _end(self, lent: _Lent | None, call: Any, size: int) -> None:
        if not 0 <= size < 1 << 64:
            raise Error(-errno.EINVAL)
        if lent is not None and size <= lent.size:
            lent.end()
        _check(call(self._handle, size))

    def _look(self, call: Any, timeout: float | None) -> tuple[int, int]:
        region, size = c_void_p(), c_uint64()
        for left_ms in _slices(timeout):
            code = call(self._handle, left_ms, byref(region), byref(size))
            if not _is_late(code):
                _check(code)
                return region.value or 0, size.value
        raise TimeoutError(f"the pipe was not ready within {timeout} s")

    def probe(self, options: Options = (), limit_bytes: int = 0, timeout: float | None = None) -> dict[str, Any]:
        """Looks at the first bytes without losing them; as `Engine.probe`. The writer has to go on writing in another thread, or
        to have written enough. `limit_bytes` of 0: 5 MB."""
        array = _option_array(options)
        text, error = c_void_p(), POINTER(_Error)()
        milliseconds = 0 if timeout is None else max(1, _milliseconds(timeout))
        code = _interruptible(lambda: _lib.mt_transcode_pipe_probe(self._handle, array, limit_bytes, milliseconds, byref(text),
                                                                   byref(error)))
        if code < 0:
            raise Error._take(code, error)
        return dict(_take_json(text))

    # --- waiting for many, looking at it

    def readable_fd(self) -> int:
        """A descriptor that is readable while `read` would not wait. The library's: do not read or close it."""
        return _check(_lib.mt_transcode_pipe_readable_fd(self._handle))

    def writable_fd(self) -> int:
        """A descriptor that is readable while `write` would not wait. The library's: do not read or close it."""
        return _check(_lib.mt_transcode_pipe_writable_fd(self._handle))

    def watch(self, readable: bool = False, writable: bool = False) -> None:
        """Lets the pipe come out of `Engine.next_ready` once, the next time that it can be read, or written."""
        _check(_lib.mt_transcode_pipe_watch(self._handle, readable * 4 + writable * 8))

    def stats(self) -> PipeStats:
        """Numbers of the pipe."""
        stats = PipeStats(struct_size=ctypes.sizeof(PipeStats))
        _check(_lib.mt_transcode_pipe_stats(self._handle, byref(stats)))
        return stats
