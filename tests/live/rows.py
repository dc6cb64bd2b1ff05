"""What came of one fault with one protocol, on threads or in workers, and the table of all of them."""

from __future__ import annotations

import dataclasses
import errno
import json
import os
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field

from mt_transcode import Error, Job
from peers import PATIENCE

#: The deadline of faults that would last.
LIMIT_MS = 500
ISOLATIONS = {"thread": "threads", "process": "workers"}
HEAD = "| fault | protocol | deadline ms | threads: p50 / p99 / max ms | workers: p50 / p99 / max ms | result | recovered |\n|---|---|---|---|---|---|---|"


def isolation_of_environment() -> str:
    return os.environ.get("MT_TRANSCODE_ISOLATION", "thread")


@dataclass
class Row:
    fault: str
    protocol: str
    isolation: str
    limit_ms: int | None = None
    times: list[float] = field(default_factory=list)  # in seconds
    results: list[str] = field(default_factory=list)
    recovered: str = "-"

    def spread(self) -> str:
        """How long it took, and how often it was tried."""
        ordered = sorted(self.times)
        if not ordered:
            return "-"
        at = lambda part: f"{1000 * ordered[min(len(ordered) - 1, int(part * len(ordered)))]:.0f}"  # noqa: E731
        return f"{at(0.5)} / {at(0.99)} / {at(1)} ({len(ordered)})"

    def result(self) -> str:
        return ", ".join(sorted(set(self.results))) or "-"


def told_apart(of: dict[str, str]) -> str:
    """One text where all say the same, else each with its name."""
    if len(set(of.values())) <= 1:
        return next(iter(of.values()), "-")
    return "; ".join(f"{ISOLATIONS[isolation]}: {text}" for isolation, text in of.items())


def table(rows: Iterable[Row]) -> str:
    together: dict[tuple[str, str], dict[str, Row]] = {}
    for row in rows:
        together.setdefault((row.fault, row.protocol), {})[row.isolation] = row
    lines = [HEAD]
    for (fault, protocol), of in together.items():
        limit = next(iter(of.values())).limit_ms or "-"
        spreads = " | ".join(of[isolation].spread() if isolation in of else "-" for isolation in ISOLATIONS)
        result, recovered = (told_apart({isolation: text(row) for isolation, row in of.items()}) for text in (Row.result, lambda row: row.recovered))
        lines.append(f"| {fault} | {protocol} | {limit} | {spreads} | {result} | {recovered} |")
    return "\n".join(lines)


def to_json(rows: Iterable[Row]) -> str:
    return json.dumps([dataclasses.asdict(row) for row in rows])


def from_json(text: str) -> list[Row]:
    return [Row(**known) for known in json.loads(text)]


def result_of(job: Job) -> str:
    """Waits for a job that must end: its state and code."""
    try:
        job.wait(PATIENCE)
    except Error as error:
        if os.environ.get("MT_SHOW"):
            print(error, error.hint, file=sys.stderr)
        return f"{job.state.name} {error.name}"
    return job.state.name


def errno_name(code: int) -> str:
    return errno.errorcode.get(-code, str(code))
