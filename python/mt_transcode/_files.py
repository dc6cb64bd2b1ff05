"""Inputs and outputs of jobs."""

from __future__ import annotations

import weakref
from ctypes import byref, c_void_p
from typing import TYPE_CHECKING, TypeVar

from ._library import Text, _encode, _encode_value, _lib

if TYPE_CHECKING:
    from ._job import Job


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
