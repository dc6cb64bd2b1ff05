"""The events of a job: pulled by the host, and meanwhile by whoever waits for the job's end."""

from __future__ import annotations

import collections
import errno
import logging
import threading
import time
from collections.abc import Iterator
from ctypes import POINTER, byref, c_void_p

from ._errors import Error, Event, _check
from ._library import _SLICE_MS, _lib, _milliseconds
from ._structs import EventType, _Event

logger = logging.getLogger("mt_transcode")
logger.addHandler(logging.NullHandler())


def _logging_level(level: int) -> int:
    """FFmpeg's level as one of Python's."""
    for bound, known in ((8, logging.CRITICAL), (16, logging.ERROR), (24, logging.WARNING), (32, logging.INFO)):
        if level <= bound:
            return known
    return logging.DEBUG


class _Events:
    """What `Job` does with events."""

    def __init__(self, handle: c_void_p) -> None:
        self._handle = handle
        self._pulling = threading.Lock()  # whoever holds it pulls; so events stay in order
        self._kept: collections.deque[Event] = collections.deque()  # pulled by a wait, and not yet seen by the host

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
