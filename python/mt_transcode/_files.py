"""Inputs and outputs of jobs."""

from __future__ import annotations

import weakref
from ctypes import POINTER, byref, c_void_p, sizeof
from typing import TYPE_CHECKING, Any, TypeVar

from ._errors import Error, _check
from ._library import Text, _encode, _encode_value, _lib, _take_json
from ._pumps import _Caught
from ._structs import OutputState, OutputStats, SourceState, _Error

if TYPE_CHECKING:
    from ._job import Job


class _File:
    """An input or output of a job."""

    _kind = ""

    def __init__(self, job: Job, url: Text | int) -> None:
        """With a number: the one that the job has."""
        self._job = job
        handle = c_void_p()
        if isinstance(url, int):
            job._check(getattr(_lib, f"mt_transcode_job_{self._kind}")(job._handle, url, byref(handle)))
        else:
            job._check(getattr(_lib, f"mt_transcode_job_{self._kind}_new")(job._handle, _encode(url), byref(handle)))
        self._handle = handle
        self._finalizer = weakref.finalize(self, getattr(_lib, f"mt_transcode_{self._kind}_free"), handle)

    def set(self, key: str, value: Text | None = None) -> _File:
        """Sets an option by ffmpeg's name, without the dash; returns itself, so that calls can be chained."""
        call = getattr(_lib, f"mt_transcode_{self._kind}_set_option")
        self._check(call(self._handle, _encode(key), _encode_value(value)))
        return self

    def commit(self) -> None:
        """Ends the description. Before the job starts this is implied by the start."""
        self._check(getattr(_lib, f"mt_transcode_{self._kind}_commit")(self._handle))

    def close(self) -> None:
        """Frees the handle; the file stays in its job."""
        self._finalizer()

    @property
    def index(self) -> int:
        """Its number among the inputs or outputs of the job, from 0, as options and events name it."""
        return _check(getattr(_lib, f"mt_transcode_{self._kind}_index")(self._handle))

    def _check(self, code: int) -> int:
        return self._job._check(code)


class Input(_File):
    """An input of a job: made by `Job.input`, or found by `Job.get_input`. With the option mt_source one that may come and go."""

    _kind = "input"

    @property
    def state(self) -> SourceState:
        """What it is at; without mt_source this follows from the job's state."""
        return SourceState(_check(_lib.mt_transcode_input_state(self._handle)))

    def status(self) -> dict[str, Any]:
        """What it is at, and why: state (a word), url (secrets masked), reason and code of the last failure, failures (in a row), connections,
        retry_in_ms (or None)."""
        text = c_void_p()
        _check(_lib.mt_transcode_input_status(self._handle, byref(text)))
        return dict(_take_json(text))

    def stop(self) -> None:
        """Takes a source out of the running job: it is never opened again, and its streams end. The job goes on with its other inputs, and ends
        in good order where it was the last. Raises Error with `Code.UNSUPPORTED` where it is no source."""
        _check(_lib.mt_transcode_input_stop(self._handle))


class Output(_File):
    """An output of a job: made by `Job.output`, or found by `Job.get_output`. How one that joined a running job ends is its own affair, and never
    the job's."""

    _kind = "output"

    def __init__(self, job: Job, url: Text | int) -> None:
        super().__init__(job, url)
        self._caught: _Caught | None = None  # what its object raised

    def stop(self) -> None:
        """Ends it in good order while its job goes on: what waits for it is written, and it gets its trailer. Returns at once."""
        _check(_lib.mt_transcode_output_stop(self._handle, 0))

    def cancel(self) -> None:
        """Ends it at once, without a trailer. Returns at once. One that the job began with ends in good order."""
        _check(_lib.mt_transcode_output_stop(self._handle, 1))

    @property
    def state(self) -> OutputState:
        return OutputState(_check(_lib.mt_transcode_output_state(self._handle)))

    def stats(self) -> OutputStats:
        """Numbers of the output, now or at its end."""
        stats = OutputStats(struct_size=sizeof(OutputStats))
        _check(_lib.mt_transcode_output_stats(self._handle, byref(stats)))
        return stats

    def error(self) -> Error | None:
        """What it ended with, or what the last call on one that joins failed with. What an object given to `Job.bind` raised is its
        `__cause__`."""
        pointer = POINTER(_Error)()
        _check(_lib.mt_transcode_output_error(self._handle, byref(pointer)))
        if not pointer:
            return None
        error = Error._take(0, pointer)
        error.__cause__ = self._caught.of(error.code) if self._caught is not None else None
        return error

    def _check(self, code: int) -> int:
        if code < 0:
            error = self.error()
            if error is not None and error.code == code:
                raise error
        return super()._check(code)


_AnyFile = TypeVar("_AnyFile", Input, Output)
