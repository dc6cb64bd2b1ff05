"""Bytes through pipes: ours and the system's, and through what moves them from one to another."""

from __future__ import annotations

from collections.abc import Iterator

from ..figures import Line, Sample, Verdict, at_least, number, said, samples, table
from ..kind import Kind, Results
from ..process import ask_once

# The system's pipes: the better one of each round counts.
SYSTEM = ("system_64k", "system_1m")
SYSTEM_TOUCH = ("system_64k_touch", "system_1m_touch")
CAT = ("system_cat",)
# What each is, and what it is compared with.
VARIANTS: dict[str, tuple[str, tuple[str, ...]]] = {
    "system_64k": ("pipe(2), 64 KiB, its default", ()),
    "system_1m": ("pipe(2), F_SETPIPE_SZ 1 MiB", ()),
    "mt": ("our pipe: write and read", SYSTEM),
    "system_64k_touch": ("touched: pipe(2), 64 KiB", ()),
    "system_1m_touch": ("touched: pipe(2), 1 MiB", ()),
    "mt_touch": ("touched: our pipe, write and read", SYSTEM_TOUCH),
    "mt_zero_copy_touch": ("touched: our pipe, without copies", SYSTEM_TOUCH),
    "system_cat": ("pipe(2) → thread that copies → pipe(2), 1 MiB each", ()),
    "mt_job_data": ("our pipe → job, `-f data -c copy`, packets of 64 KiB → our pipe", CAT),
    "ffmpeg_data": ("pipe(2) → the ffmpeg program, the same → pipe(2)", CAT),
    "mt_job_mpegts": ("our pipe → job, MPEG-TS to MPEG-TS → our pipe", ("ffmpeg_mpegts",)),
    "ffmpeg_mpegts": ("pipe(2) → the ffmpeg program, the same → pipe(2)", ()),
}
FILES = {"mt_job_mpegts": "live.ts", "ffmpeg_mpegts": "live.ts"}
HEAD = ("", "GB/s", "lowest–highest", "CPU s a GB", "ratio")
SECONDS = {"quick": 0.2, "full": 0.6}
TARGETS = (
    ("Pipe, write and read, against pipe(2)", 1, "mt", SYSTEM),
    ("Pipe without copies, against pipe(2), touched", 1.5, "mt_zero_copy_touch", SYSTEM_TOUCH),
    ("host → pipe → copy job → pipe → host, against pipe(2) → thread that copies → pipe(2)", 1, "mt_job_data", CAT),
)

PAGE = """\
## Pipes

One thread writes and one reads, 64 KiB at a time; a pipe of ours has 1 MiB. "Touched": the writer fills each chunk before, and
the reader adds it up after; otherwise the same chunk is written again and again, and nobody looks at what was read. A pipe
without copies (acquire and commit, peek and consume) has nothing to do where nothing is touched. A ratio is that to the better
one of pipe(2)'s two sizes, to the thread that copies, or to the ffmpeg program.
"""


class PipeResults(Results):
    """By variant."""

    def __init__(self, lines: list[Line]) -> None:
        super().__init__(lines)
        self.rate = samples(lines, lambda line: line["variant"], lambda line: float(line["bytes"]) / float(line["wall_s"]) / 1e9)
        self.cpu = samples(lines, lambda line: line["variant"], lambda line: float(line["cpu_s"]) / float(line["bytes"]) * 1e9)

    def over(self, variant: str, others: tuple[str, ...]) -> Sample | None:
        """The best of the others in each round."""
        if variant not in self.rate or not others or any(other not in self.rate for other in others):
            return None
        best, *more = (self.rate[other] for other in others)
        for one in more:
            best = best.or_better(one)
        return self.rate[variant].over(best)

    def page(self) -> str:
        lines = []
        for variant, (what, others) in VARIANTS.items():
            if variant not in self.rate:
                continue
            rate, against = self.rate[variant], self.over(variant, others)
            lines.append((what, number(rate.median), rate.spread(), f"{self.cpu[variant].median:.2f}", said(against)))
        return PAGE + "\n" + table(HEAD, lines)

    def verdicts(self) -> list[Verdict]:
        return [at_least(words, target, self.over(variant, others)) for words, target, variant, others in TARGETS]

    def ours(self) -> dict[str, Sample]:
        mine = {VARIANTS[name][0]: rate for name, rate in self.rate.items() if name.startswith("mt")}
        return {what: rate.inverse() for what, rate in mine.items()}


class Pipe(Kind):
    """A process for each slice."""

    name = "pipe"
    columns = ("variant", "bytes", "wall_s", "cpu_s")
    rounds = {"quick": 1, "full": 3}
    results = PipeResults

    def turn(self) -> Iterator[tuple]:
        for variant in VARIANTS:
            if self.setting.ours_only and not variant.startswith("mt"):
                continue
            files = [self.setting.media / FILES[variant]] if variant in FILES else []
            yield variant, *ask_once(self.setting.programs / "pipe", variant, SECONDS[self.setting.length], *files)
