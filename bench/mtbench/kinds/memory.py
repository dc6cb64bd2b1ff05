"""Memory of live remuxes whose consumers stopped reading."""

from __future__ import annotations

from collections.abc import Iterator

from ..figures import Line, Sample, Verdict, at_most, number, samples, table, worst
from ..kind import Kind, Results
from ..process import ask_once

MIB = 1 << 20
VARIANTS = {
    "stalled": "consumer stops after 12 MB",
    "at_start": "consumer never reads",
    "probing": "highest until then (consumer never reads)",
}
JOBS = (1, 50)
HEAD = ("", "jobs", "MiB a job", "lowest–highest", "in use, MiB a job", "pipes, MiB a job")

PAGE = """\
## Memory

Live remuxes of MPEG-TS (1080p, 2.8 Mbit/s) to MPEG-TS through default pipes, whose consumers have stopped reading: nothing has
moved for 3 s, pipes are full. Memory of their own is Private_Dirty of /proc/self/smaps_rollup, less what it was before, less the
pipes, divided by the jobs; the peak is VmHWM. One job ran before. "In use" is what is left after malloc_trim(0): the rest is free
memory that malloc keeps.
"""


class MemoryResults(Results):
    """By variant and number of jobs."""

    def __init__(self, lines: list[Line]) -> None:
        super().__init__(lines)
        key = lambda line: (line["kind"], int(line["jobs"]))
        self.own = samples(lines, key, lambda line: (float(line["bytes"]) - float(line["pipe_bytes"])) / MIB)
        self.in_use = samples(lines, key, lambda line: (float(line["in_use_bytes"]) - float(line["pipe_bytes"])) / MIB)
        self.pipes = samples(lines, key, lambda line: float(line["pipe_bytes"]) / MIB)

    def page(self) -> str:
        lines = []
        for (variant, jobs), own in self.own.items():
            in_use = number(self.in_use[(variant, jobs)].median) if variant != "probing" else ""
            lines.append((VARIANTS[variant], str(jobs), number(own.median), own.spread(), in_use, number(self.pipes[(variant, jobs)].median)))
        return PAGE + "\n" + table(HEAD, lines)

    def verdicts(self) -> list[Verdict]:
        stalled = worst((own for (variant, _), own in self.own.items() if variant == "stalled"), lowest=False)
        return [at_most("Job with a stalled consumer: memory beyond the capacities of its pipes", 2, stalled, " MiB")]

    def ours(self) -> dict[str, Sample]:
        return {f"memory, {VARIANTS[variant]}, {jobs} jobs": own for (variant, jobs), own in self.own.items()}


class Memory(Kind):
    """A process for each measurement."""

    name = "memory"
    columns = ("kind", "jobs", "bytes", "pipe_bytes", "before_bytes", "in_use_bytes")
    rounds = {"quick": 1, "full": 1}
    results = MemoryResults

    def turn(self) -> Iterator[tuple]:
        for variant in VARIANTS:
            for jobs in JOBS:
                yield variant, jobs, *ask_once(self.setting.programs / "memory", variant, jobs, self.setting.media / "live.ts")
