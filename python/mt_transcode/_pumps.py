"""Streams of the host: threads that move bytes between them and a job."""

from __future__ import annotations

import errno
import io
import threading
from collections.abc import Iterator
from typing import Any

from ._errors import Error
from ._pipe import Pipe


def _code_of(exception: BaseException) -> int:
    """The code that an exception becomes."""
    if isinstance(exception, Error) and exception.code < 0:
        return exception.code
    if isinstance(exception, OSError) and exception.errno:
        return -exception.errno
    return -errno.ENOMEM if isinstance(exception, MemoryError) else -errno.EIO


class _Caught:
    """What objects of the host's raised in one job: the first exception for each code that it became."""

    def __init__(self) -> None:
        self._by_code: dict[int, BaseException] = {}

    def keep(self, exception: BaseException, *also: int) -> int:
        code = _code_of(exception)
        for one in (code, *also):
            self._by_code.setdefault(one, exception)
        return code

    def of(self, code: int) -> BaseException | None:
        return self._by_code.get(code)


def _put(file: Any, data: bytes) -> int:
    """Writes to a file object: how many bytes went. Objects that say nothing took all."""
    count = file.write(data)
    if count is None and isinstance(file, io.RawIOBase):
        raise BlockingIOError(errno.EAGAIN, "the file does not block; it has to")
    return len(data) if count is None else int(count)


class _Pump(threading.Thread):
    """Moves bytes between an object of the host's and an internal pipe, while the job runs."""

    def __init__(self, name: str, pipe: Pipe, host: Any, caught: _Caught) -> None:
        super().__init__(name=f"mt_transcode {name}", daemon=True)
        self._pipe, self._host, self._caught = pipe, host, caught
        self.failed: BaseException | None = None
        self.ends_itself = False

    def end(self) -> None:
        """The job is over: what is not moved by now never is."""
        self._pipe.close()


class _Feeder(_Pump):
    """From a file object or an iterator into the job."""

    def run(self) -> None:
        code = 0
        try:
            for chunk in self._chunks():
                if not self._give(chunk):
                    break
        except BaseException as exception:
            code = self._caught.keep(exception)
        try:
            self._pipe.close_write(code)
        except Error:  # the job is over
            pass

    def _chunks(self) -> Iterator[Any]:
        read = getattr(self._host, "read1", None) or getattr(self._host, "read", None)
        if read is None:
            yield from self._host
            return
        while chunk := read(1 << 16):
            yield chunk
        if chunk is None:
            raise BlockingIOError(errno.EAGAIN, "the file does not block; it has to")

    def _give(self, chunk: Any) -> bool:
        with memoryview(chunk) as whole, whole.cast("B") as view:
            done = 0
            while done < len(view):
                try:
                    done += self._pipe.write(view[done:])
                except Error:  # the job is over
                    return False
        return True


class _Drain(_Pump):
    """From the job to a file object."""

    def run(self) -> None:
        try:
            for chunk in self._chunks():
                while chunk:
                    chunk = chunk[_put(self._host, chunk):]
            if hasattr(self._host, "flush"):
                self._host.flush()
        except BaseException as exception:
            self.failed = exception
            self._caught.keep(exception, -errno.EPIPE)
            self._pipe.close_read()
        if self.ends_itself:
            self.end()

    def _chunks(self) -> Iterator[bytes]:
        try:
            yield from self._pipe
        except Error:  # the job's own failure, which it tells itself
            return
