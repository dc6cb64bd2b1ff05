"""What a kind of work is: a module of kinds/ with one class that measures it and one that reports it.

To add one: write the two classes, and put the first into kinds/__init__.py. Nothing else knows the kinds.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from .figures import Line, Sample, Verdict


@dataclass(frozen=True)
class Setting:
    """Of one run: where the measuring programs and their media are, and how long it may be."""

    programs: Path
    media: Path
    length: str
    """quick or full."""
    ours_only: bool = False
    """Without the competitors: two revisions of the library are compared."""
    rounds: int | None = None
    """Of each kind; None: as many as it has for that length."""

    @property
    def words(self) -> str:
        """As the page names the run."""
        return self.length if self.rounds is None else f"{self.length}, {self.rounds} rounds"


class Results:
    """What has been measured of one kind: its part of the report. `lines` are the rows of its CSV file."""

    def __init__(self, lines: list[Line]) -> None:
        self.lines = lines

    def page(self) -> str:
        """Markdown, from its heading of the second level on."""
        raise NotImplementedError

    def verdicts(self) -> list[Verdict]:
        """Every target of the kind, met or not."""
        return []

    def plots(self) -> dict[str, str]:
        """SVG by name of file, for docs/bench."""
        return {}

    def ours(self) -> dict[str, Sample]:
        """What two revisions are compared by: by name, seconds or bytes for a piece of work, so that less is better."""
        return {}


class Kind:
    """Measures. It is made before its rounds, and closed after them."""

    name: ClassVar[str]
    columns: ClassVar[tuple[str, ...]]
    """Of its CSV file, after "round"."""
    rounds: ClassVar[dict[str, int]] = {"quick": 3, "full": 5}
    """By length of the run."""
    results: ClassVar[type[Results]]

    def __init__(self, setting: Setting) -> None:
        self.setting = setting

    @classmethod
    def rounds_of(cls, setting: Setting) -> int:
        """How often everything is measured."""
        return setting.rounds or cls.rounds[setting.length]

    def prepare(self) -> None:
        """Makes media and starts what stays warm; is not timed."""

    def turn(self) -> Iterator[tuple]:
        """One round: each variant once, a row of the CSV file for each."""
        raise NotImplementedError

    def close(self) -> None:
        """Ends what was started."""
