"""Many paced streams through copy jobs, by the size of the chunks of their pipes."""

from __future__ import annotations

from collections.abc import Iterator

from ..figures import Line, Sample, Verdict, at_least, number, said, samples, table
from ..kind import Kind, Results
from ..process import ask_once
from ..svg import FLOOR, OURS, Axis, Mark, Panel, plot

KIB = (1, 4, 16, 64, 256)
DEFAULT_KIB = 64
STREAMS = 64
BYTES_PER_SECOND = 10_000_000
SECONDS = {"quick": 0.7, "full": 1.2}
HEAD = ("chunk", "MB/s", "lowest–highest", "× the best", "p95 of a chunk, ms", "system calls/s", "voluntary switches/s", "CPU s a s", "CPU s a GB")

PAGE = f"""\
## Chunk sizes

{STREAMS} streams of {BYTES_PER_SECOND // 1_000_000} MB/s each, {STREAMS * BYTES_PER_SECOND // 1_000_000} MB/s in all: host → pipe → job, `-f data -c copy` → pipe → host,
all in one process (`bench/c/chunk.c`). The chunk is `chunk_bytes` of both pipes, the packet, and what the host writes and reads at once; pipes are
else as by default. One thread of the host's writes to all streams and another one reads from them: with the smallest chunks it is they who are slow. Bytes
come out as they went in, so that each chunk is followed: its time is that from the write to the read of its last byte. Where not all of the
rate is held, what was reached is said, and a chunk's time begins when there was room for it. System calls are those of the whole process, counted by
the kernel (`raw_syscalls:sys_enter` by perf_event_open); that needs CAP_PERFMON, and the column is empty without.

![Throughput and CPU of each chunk size](bench/chunk.svg)
"""


class ChunkResults(Results):
    """By KiB of a chunk."""

    def __init__(self, lines: list[Line]) -> None:
        super().__init__(lines)
        key = lambda line: int(line["chunk_kib"])
        wall = lambda line: float(line["wall_s"])
        self.rate = samples(lines, key, lambda line: float(line["bytes"]) / wall(line) / 1e6)
        self.p95 = samples(lines, key, lambda line: max(float(line["p95_us"]), 1) / 1e3)
        self.cpu = samples(lines, key, lambda line: float(line["cpu_s"]) / wall(line))
        self.cpu_a_gb = samples(lines, key, lambda line: float(line["cpu_s"]) / float(line["bytes"]) * 1e9)
        self.switches = samples(lines, key, lambda line: float(line["switches"]) / wall(line))
        counted = [line for line in lines if int(line["calls"]) >= 0]
        self.calls = samples(counted, key, lambda line: float(line["calls"]) / wall(line))

    def over_best(self, kib: int) -> Sample:
        """Of each round."""
        best, *more = self.rate.values()
        for one in more:
            best = best.or_better(one)
        return self.rate[kib].over(best)

    def page(self) -> str:
        lines = []
        for kib, rate in self.rate.items():
            calls = number(self.calls[kib].median) if kib in self.calls else ""
            used = (calls, *(number(of[kib].median) for of in (self.switches, self.cpu, self.cpu_a_gb)))
            words = f"{kib} KiB{', the default' if kib == DEFAULT_KIB else ''}"
            lines.append((words, number(rate.median), rate.spread(), said(self.over_best(kib)), number(self.p95[kib].median), *used))
        return PAGE + "\n" + table(HEAD, lines)

    def verdicts(self) -> list[Verdict]:
        ratio = self.over_best(DEFAULT_KIB) if DEFAULT_KIB in self.rate else None
        return [at_least(f"{STREAMS} streams: throughput of the default chunk size against the best one", 0.9, ratio)]

    def plots(self) -> dict[str, str]:
        color = lambda kib: OURS if kib == DEFAULT_KIB else FLOOR
        files = {}
        panels = [
            Panel(title, [Mark(f"{kib} KiB", sample, color(kib)) for kib, sample in of.items()])
            for title, of in (("MB/s", self.rate), ("p95 of a chunk, ms", self.p95), ("CPU s a GB", self.cpu_a_gb))
        ]
        files["chunk.svg"] = plot(f"{STREAMS} paced streams, by the size of a chunk", panels, Axis.of(panels, is_log=True))
        return files

    def ours(self) -> dict[str, Sample]:
        return {f"{STREAMS} streams, chunks of {kib} KiB, CPU s a GB": cpu for kib, cpu in self.cpu_a_gb.items()}


class Chunk(Kind):
    """A process for each slice."""

    name = "chunk"
    columns = ("chunk_kib", "bytes", "wall_s", "cpu_s", "p95_us", "calls", "switches")
    rounds = {"quick": 1, "full": 2}
    results = ChunkResults

    def turn(self) -> Iterator[tuple]:
        seconds = SECONDS[self.setting.length]
        for kib in KIB:
            yield kib, *ask_once(self.setting.programs / "chunk", kib << 10, STREAMS, BYTES_PER_SECOND, seconds)
