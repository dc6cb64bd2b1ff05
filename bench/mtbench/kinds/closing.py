"""How long jobs take to end that are cancelled, or freed, at random moments."""

from __future__ import annotations

from collections.abc import Iterator
from subprocess import PIPE, run

from .. import clips
from ..figures import Line, Sample, Verdict, at_most, number, samples, table
from ..kind import Kind, Results
from .latency import part_of

MOMENTS = {"quick": 100, "full": 1000}
AT_ONCE = 6
FINAL = 5  # MT_TRANSCODE_STATE_SUCCEEDED, and what is above
ALL = "all"
JOBS = {
    "live": "live remux of MPEG-TS between pipes, `-mt_live 1`",
    "encode": "a test source to H.264",
    "remux": "a file to a file, `-c copy`",
    "silent": "TCP, from a peer that says nothing",
    ALL: "all of them",
}
ENDS = {"cancel": "cancel", "free": "free"}
HEAD = ("", "moments", "p50 ms", "p99 ms", "max ms")

PAGE = """\
## Closing

Jobs of one engine, {at_once} at a time, of four kinds drawn at random, are ended at random moments of their opening and their first work: by
`mt_transcode_job_cancel`, timed to the job's final state, or by `mt_transcode_job_free` while they run, timed to its return. The moments are
the same in each run.
{over}
"""


class ClosingResults(Results):
    """By kind of job and how it was ended."""

    def __init__(self, lines: list[Line]) -> None:
        super().__init__(lines)
        self.ends = [line for line in lines if line["end"]]
        key = lambda line: (line["job"], line["end"])
        self.p99 = samples(self.ends, key, lambda line: float(line["p99_ms"]))
        self.most = samples(self.ends, key, lambda line: float(line["max_ms"]))
        self.p50 = samples(self.ends, key, lambda line: float(line["p50_ms"]))

    def page(self) -> str:
        lines = []
        for (job, end), p99 in self.p99.items():
            moments = sum(int(line["moments"]) for line in self.ends if (line["job"], line["end"]) == (job, end))
            times = (number(self.p50[(job, end)].median), number(p99.median), number(self.most[(job, end)].highest))
            lines.append((f"{ENDS[end]}: {JOBS[job]}", str(moments), *times))
        over = sum(int(line["over"]) for line in self.lines)
        words = f"{over} more had ended by themselves before.\n" if over else ""
        return PAGE.format(at_once=AT_ONCE, over=words) + table(HEAD, lines)

    def verdicts(self) -> list[Verdict]:
        p99 = lambda end: self.p99.get((ALL, end))
        left = sum(int(line["detached"]) for line in self.lines)
        return [
            at_most("Cancel at a random moment, to the job's final state, p99", 150, p99("cancel"), " ms"),
            at_most("Free of a running job at a random moment, p99", 650, p99("free"), " ms"),
            Verdict("Calls that these left behind", "0", str(left), "**no**" if left else "yes"),
        ]

    def ours(self) -> dict[str, Sample]:
        return {f"closing, {ENDS[end]}: {JOBS[job]}, p99 ms": p99 for (job, end), p99 in self.p99.items()}


class Closing(Kind):
    """A process for each round."""

    name = "closing"
    columns = ("job", "end", "moments", "p50_ms", "p99_ms", "max_ms", "over", "detached")
    rounds = {"quick": 1, "full": 1}
    results = ClosingResults

    def prepare(self) -> None:
        self.clip = clips.clip(self.setting.media, ".ts")
        self.seed = 0

    def turn(self) -> Iterator[tuple]:
        self.seed += 1
        media = self.setting.media
        command = (self.setting.programs / "closing", self.seed, MOMENTS[self.setting.length], AT_ONCE, self.clip, media / "live.ts", media / "closing.ts")
        lines = [line.split() for line in run([str(word) for word in command], check=True, stdout=PIPE, text=True).stdout.splitlines()]
        moments = [line for line in lines if line[0] != "detached"]
        for path in media.glob("closing.ts.*"):
            path.unlink()
        for job in JOBS:
            for end in ENDS:
                yield self.row(job, end, [line for line in moments if job in (line[0], ALL) and line[1] == end])
        over = sum(int(line[2]) >= FINAL for line in moments)
        yield ALL, "", len(moments), 0, 0, 0, over, lines[-1][1]

    @staticmethod
    def row(job: str, end: str, moments: list[list[str]]) -> tuple:
        found = [float(latency) for _, _, state, _, latency in moments if int(state) < FINAL]
        return (job, end, len(found), *(part_of(found, part) for part in (0.5, 0.99, 1)), 0, 0)
