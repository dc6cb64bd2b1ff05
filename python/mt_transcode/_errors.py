"""What failed, and what a job tells."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

from ._library import _decode, _lib
from ._structs import Choice, EventType, SourceState, State


class Error(Exception):
    """What failed, where, and what to do. Indexes are -1 and strings empty where there is nothing to say."""

    def __init__(self, code: int, **known: Any) -> None:
        self.code = code
        self.name: str = known.get("name") or error_name(code)
        self.message: str = known.get("message") or strerror(code)
        self.stage: str = known.get("stage", "")
        self.url: str = known.get("url", "")
        self.hint: str = known.get("hint", "")
        self.detail: str = known.get("detail", "")
        self.ffmpeg_code: int = known.get("ffmpeg_code", 0)
        self.ffmpeg_text: str = known.get("ffmpeg_text", "")
        self.input_index: int = known.get("input_index", -1)
        self.output_index: int = known.get("output_index", -1)
        self.stream_index: int = known.get("stream_index", -1)
        super().__init__(code, self.name, self.message)

    def __str__(self) -> str:
        return f"{self.message} ({self.name})" + (f"; {self.hint}" if self.hint else "")

    @property
    def crash_report(self) -> dict[str, Any] | None:
        """What the crash report of a job's worker says, as its line of JSON: "signal_name", "address", "stage", "frames" ... None where there is no report.
        The report's text is in `detail`."""
        for line in self.detail.splitlines():
            if line.startswith('{"report":"mt-transcode crash"'):
                try:
                    return dict(json.loads(line))
                except ValueError:
                    return None  # broken off
        return None

    def __reduce__(self) -> tuple[Any, ...]:  # so that it survives multiprocessing
        return (_rebuild_error, (dict(self.__dict__),))

    @classmethod
    def _take(cls, code: int, pointer: Any) -> Error:
        """Copies the library's error object and frees it."""
        if not pointer:
            return cls(code)
        raw = pointer.contents.as_dict()
        _lib.mt_transcode_error_free(pointer)
        known = {name: _decode(value) if isinstance(value, (bytes, type(None))) else value for name, value in raw.items()}
        return cls(int(known.pop("code")), **known)


def _rebuild_error(known: dict[str, Any]) -> Error:
    return Error(known.pop("code"), **known)


def _check(code: int) -> int:
    if code < 0:
        raise Error(code)
    return code


@dataclasses.dataclass(frozen=True)
class Event:
    """One event of a job. Which fields a type fills stands at mt_transcode_event; None is an unknown duration or percentage."""

    type: int
    sequence: int
    time_us: int
    state: State | SourceState | Choice
    code: int
    level: int
    file_index: int
    stream_index: int
    repeated: int
    position_us: int
    duration_us: int | None
    time_left_us: int | None
    frames: int
    size_bytes: int
    fps: float
    speed: float
    percent: float | None
    label: str
    stage: str
    text: str
    json: str

    @classmethod
    def _take(cls, pointer: Any) -> Event:
        """Copies the library's event and frees it."""
        raw = pointer.contents.as_dict()
        _lib.mt_transcode_event_free(pointer)
        kind = raw.pop("event_type")
        raw["type"] = EventType(kind) if kind in EventType._value2member_map_ else kind
        states = {EventType.SOURCE: SourceState, EventType.DEGRADED: Choice}.get(kind, State)
        raw["state"] = states(raw["state"]) if raw["state"] in states._value2member_map_ else State.NEW
        for name in ("label", "stage", "text", "json"):
            raw[name] = _decode(raw[name])
        for name in ("duration_us", "time_left_us", "percent"):
            raw[name] = raw[name] if kind == EventType.PROGRESS and raw[name] >= 0 else None
        return cls(**raw)


def strerror(code: int) -> str:
    """What a code means, in a few words."""
    return _decode(_lib.mt_transcode_strerror(code))


def error_name(code: int) -> str:
    """Symbolic name of a code: "DEMUX", "ENOENT"."""
    return _decode(_lib.mt_transcode_error_name(code))
