"""Seekable files and stores of the host's: callbacks that the library calls."""

from __future__ import annotations

import ctypes
import errno
import io
import itertools
import os
from collections.abc import Iterator, Mapping
from ctypes import byref, c_ubyte
from typing import Any

from ._library import _decode
from ._pumps import _Caught, _put
from ._structs import _CLOSE_FILE, _MOVE, _OPEN, _RELEASE, _REMOVE, _SEEK, _SEEK_FILE, _SIZE, _WRITE_FILE, _Io, _Store


# Objects that callbacks find by the number that the library gives back to them, until it releases them.
_hosts: dict[int, Any] = {}
_tokens = itertools.count(1)


class _Host:
    """An object of the host's that the library calls. Nothing it raises gets through to C: it becomes a code."""

    def __init__(self, host: Any, caught: _Caught) -> None:
        self.host, self.caught = host, caught
        self.token = next(_tokens)

    def bind(self, call: Any, job: Any, name: bytes, struct: Any) -> int:
        struct.struct_size, struct.user = ctypes.sizeof(struct), self.token
        _hosts[self.token] = self
        code = call(job, name, byref(struct))
        if code < 0:
            del _hosts[self.token]
        return int(code)

    def released(self) -> None:
        """No call will come."""


def _call(user: int, method: str, *args: Any) -> int:
    """What the callbacks below do."""
    host = _hosts.get(user)
    if host is None:
        return -errno.EBADF
    try:
        result = int(getattr(host, method)(*args))
        if not -1 << 63 <= result < 1 << 63:
            raise OverflowError(f"{method} returned {result}")
        return result
    except BaseException as exception:
        return int(host.caught.keep(exception))


@_RELEASE
def _released(user: int) -> None:
    host = _hosts.pop(user, None)
    try:
        if host is not None:
            host.released()
    except BaseException as exception:
        host.caught.keep(exception)


class _FileHost(_Host):
    """A seekable file object."""

    def struct(self) -> _Io:
        reads, writes = _can(self.host, "read"), _can(self.host, "write")
        return _Io(read=_io_read if reads else _MOVE(), write=_io_write if writes else _MOVE(), seek=_io_seek, size=_io_size,
                   release=_released)

    def read(self, buffer: int, size: int) -> int:
        if hasattr(self.host, "readinto"):
            with memoryview((c_ubyte * size).from_address(buffer)) as whole, whole.cast("B") as view:
                count = self.host.readinto(view)
        else:
            data = self.host.read(size)
            count = None if data is None else len(data)
            if count is not None and count <= size:
                ctypes.memmove(buffer, bytes(data), count)
        if count is None:
            raise BlockingIOError(errno.EAGAIN, "the file does not block; it has to")
        return int(count)

    def write(self, data: int, size: int) -> int:
        return _put(self.host, ctypes.string_at(data, size))

    def seek(self, position: int) -> int:
        found = self.host.seek(position)
        return position if found is None else int(found)

    def size(self) -> int:
        before = self.host.tell()
        end = self.host.seek(0, os.SEEK_END)
        self.host.seek(before)
        return -1 if end is None else int(end)

    def released(self) -> None:
        if _can(self.host, "write") and hasattr(self.host, "flush"):
            self.host.flush()


_io_read = _MOVE(lambda user, buffer, size: _call(user, "read", buffer, size))
_io_write = _MOVE(lambda user, data, size: _call(user, "write", data, size))
_io_seek = _SEEK(lambda user, position: _call(user, "seek", position))
_io_size = _SIZE(lambda user: _call(user, "size"))


class _StoreHost(_Host):
    """A store: `open(name)` gives a file object to be written, `remove(name)` removes it."""

    def __init__(self, host: Any, caught: _Caught) -> None:
        super().__init__(host, caught)
        self._files: dict[int, Any] = {}

    def struct(self) -> _Store:
        seekable = getattr(self.host, "seekable", False)
        seekable = seekable() if callable(seekable) else seekable
        return _Store(open=_store_open, write=_store_write, seek=_store_seek if seekable else _SEEK_FILE(), close=_store_close,
                      remove=_store_remove if hasattr(self.host, "remove") else _REMOVE(), release=_released)

    def open(self, name: bytes, file_out: Any) -> int:
        file = self.host.open(_decode(name))
        token = next(_tokens)
        self._files[token] = file
        file_out[0] = token
        return 0

    def write(self, file: int, data: int, size: int) -> int:
        return _put(self._files[file], ctypes.string_at(data, size))

    def seek(self, file: int, position: int) -> int:
        found = self._files[file].seek(position)
        return position if found is None else int(found)

    def close(self, file: int, code: int) -> int:
        host = self._files.pop(file)
        if code < 0 and hasattr(host, "discard"):
            host.discard()
        else:
            host.close()
        return 0

    def remove(self, name: bytes) -> int:
        self.host.remove(_decode(name))
        return 0


_store_open = _OPEN(lambda user, name, file_out: _call(user, "open", name, file_out))
_store_write = _WRITE_FILE(lambda user, file, data, size: _call(user, "write", file, data, size))
_store_seek = _SEEK_FILE(lambda user, file, position: _call(user, "seek", file, position))
_store_close = _CLOSE_FILE(lambda user, file, code: _call(user, "close", file, code))
_store_remove = _REMOVE(lambda user, name: _call(user, "remove", name))


def _can(host: Any, what: str) -> bool:
    """Whether a file object can "read" or "write"."""
    asked = getattr(host, {"read": "readable", "write": "writable"}[what], None)
    return hasattr(host, what) and (asked is None or bool(asked()))


def _is_seekable(host: Any) -> bool:
    return hasattr(host, "seek") and hasattr(host, "tell") and hasattr(host, "seekable") and bool(host.seekable())


class _MemoryFile(io.BytesIO):
    def __init__(self, files: dict[str, bytes], name: str) -> None:
        super().__init__()
        self._files, self._name = files, name

    def close(self) -> None:
        if not self.closed:
            self._files[self._name] = self.getvalue()
        super().close()

    def discard(self) -> None:
        super().close()


class MemoryStore(Mapping[str, bytes]):
    """A store in memory, for outputs of many files: a mapping of names to the bytes of what is complete.

        store = mt_transcode.MemoryStore()
        mt_transcode.run(["-i", "in.mp4", "-f", "hls", "mt:hls/index.m3u8"], bind={"hls": store})
        store["index.m3u8"]
    """

    seekable = True

    def __init__(self) -> None:
        self._files: dict[str, bytes] = {}

    def open(self, name: str) -> _MemoryFile:
        return _MemoryFile(self._files, name)

    def remove(self, name: str) -> None:
        if self._files.pop(name, None) is None:
            raise FileNotFoundError(errno.ENOENT, "no such file in the store", name)

    def __getitem__(self, name: str) -> bytes:
        return self._files[name]

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._files))

    def __len__(self) -> int:
        return len(self._files)
