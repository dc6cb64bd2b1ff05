"""A hundred live remuxes at once: memory, CPU and threads of each; and how soon one gives its first byte."""

from __future__ import annotations

import statistics
import subprocess
from collections.abc import Iterator
from typing import NamedTuple

from .. import clips
from ..figures import Line, Sample, Verdict, at_most, number, said, samples, table, worst
from ..kind import Kind, Results
from ..process import ask_once

MIB = 1 << 20
STREAMS = {"quick": 25, "full": 100}
SECONDS = {"quick": 1.5, "full": 5}
TRIES = {"quick": 2, "full": 3}
MEASURED = ("first_byte_s", "cpu_s", "host_cpu_s", "bytes", "in_use_bytes", "pipe_bytes", "threads", "threads_later", "late_s", "read_bytes")
FORMS = {".ts": "MPEG-TS", ".flv": "FLV"}


class Variant(NamedTuple):
    """What remuxes with which options: see clips.arguments."""

    words: str
    who: str
    options: str

    @property
    def is_ours(self) -> bool:
        return self.who in ("job", "flushed")


OURS, GATHERED, LOOP, PROGRAM = "mt", "mt_gathered", "loop", "ffmpeg"
CROWDS = {
    OURS: Variant("one engine, `-mt_live 1`", "flushed", "live"),
    GATHERED: Variant(f"one engine, `-mt_live 1 -mt_gather_ms {clips.GATHER_MS}`", "job", "gathered"),
    LOOP: Variant("a thread of one process for each, the C loop, the same options", "loop", "live"),
    PROGRAM: Variant("a process of ffmpeg for each, the same options", "program", "live"),
}
FIRSTS = {
    "mt": Variant("a job, `-mt_live 1`", "flushed", "live"),
    "ffmpeg_live": Variant("exec of ffmpeg, the same options", "program", "live"),
    "mt_default": Variant("a job, default options", "job", "default"),
    "ffmpeg": Variant("exec of ffmpeg, default options", "program", "default"),
}
CROWD_HEAD = ("", "MiB a stream", "in use, MiB", "pipes, MiB", "CPU % a stream", "with feeding and reading", "threads a stream", "first bytes after, s")
FIRST_HEAD = ("", "s", "lowest–highest")
FIRST_TARGETS = {".ts": 0.6, ".flv": 0.15}

PAGE = """\
## Live streams

{streams} streams at once, each MPEG-TS of 25 pictures/s and 2 Mbit/s (H.264 and AAC), are fed in real time by one thread, remuxed with `-c copy`, and read
by another thread, which waits for all of them with epoll. In one case they are jobs of one engine, between default pipes whose outputs pass on
each write at once; in another case a job takes what comes [twice a second](live.md#less-cpu-for-many-streams), and outputs pass on as by default; in another each is a process of the ffmpeg program between system pipes, with the options that `-mt_live 1`
[stands for](low-latency.md). Between them is the least that is possible with FFmpeg's libraries and a thread for each: the loop of `bench/c/loop.c`. It has no
deadlines, no queue for late viewers, no statistics, and cannot be ended. What it takes over the processes is what there is to gain by being in process. From a second after all have given their first bytes on it is measured for {seconds} s.

Memory is Private_Dirty of smaps_rollup at the end of that: of the processes, or what came to the one since before its first job, less its pipes
as far as they were ever full, divided by the streams. "In use" is what is left after malloc_trim(0). CPU, per cent of a core for a
second of media that came out, is that of the processes, or of the threads that remux; and with the two threads that feed and read. The
library has a thread, `mt-timer`, besides those of its jobs.

"""
FIRST = """
### The first byte

From the moment when the stream begins, its first bytes given as the job is started, or the program executed, to its first byte out. It comes
in real time; the median of {tries}, and of one with default options, which wait for five seconds of MPEG-TS.

"""


class LiveResults(Results):
    """By variant and the suffixes of source and target."""

    def __init__(self, lines: list[Line]) -> None:
        super().__init__(lines)
        self.crowds = [line for line in lines if line["seconds"] != "0"]
        firsts = [line for line in lines if line["seconds"] == "0"]
        each = lambda line, names: sum(float(line[name]) for name in names) / float(line["streams"])
        key = lambda line: (line["variant"], line["target"])
        share = lambda names: samples(self.crowds, key, lambda line: 100 * sum(float(line[name]) for name in names) / float(line["media_s"]))
        memory = lambda name: samples(self.crowds, key, lambda line: (each(line, [name]) - each(line, ["pipe_bytes"])) / MIB)
        self.own, self.in_use = memory("bytes"), memory("in_use_bytes")
        self.cpu, self.all_cpu = share(["cpu_s"]), share(["cpu_s", "host_cpu_s"])
        self.first = samples(firsts, key, lambda line: float(line["first_byte_s"]))

    def page(self) -> str:
        a_line = self.crowds[0]
        parts = [PAGE.format(streams=a_line["streams"], seconds=a_line["seconds"])]
        parts.append(table(CROWD_HEAD, [self.row(line) for line in self.crowds if line["round"] == a_line["round"]]))
        parts.append(self.ratios())
        parts.append(FIRST.format(tries=next(line["tries"] for line in self.lines if line["variant"] == "mt" and line["seconds"] == "0")))
        lines = [(f"{FIRSTS[variant].words}, {FORMS[target]}", number(first.median), first.spread()) for (variant, target), first in self.first.items()]
        return "".join([*parts, table(FIRST_HEAD, lines)])

    def row(self, line: Line) -> tuple[str, ...]:
        key = line["variant"], line["target"]
        begin, end = (int(line[name]) / int(line["streams"]) for name in ("threads", "threads_later"))
        threads = f"{begin:.2f}" if begin == end else f"{begin:.2f}, then {end:.2f}"
        pipes = number(float(line["pipe_bytes"]) / float(line["streams"]) / MIB) if CROWDS[key[0]].is_ours else ""
        in_use = number(self.in_use[key].median) if CROWDS[key[0]].is_ours else ""
        words = f"{CROWDS[key[0]].words}, to {FORMS[key[1]]}"
        shares = (f"{self.cpu[key].median:.2f}", f"{self.all_cpu[key].median:.2f}")
        return (words, number(self.own[key].median), in_use, pipes, *shares, threads, number(float(line["first_byte_s"])))

    def ratios(self) -> str:
        late = max(float(line["late_s"]) for line in self.crowds)
        words = lambda who: "; ".join(f"to {FORMS[target]} {said(ratio)}" for target in FORMS if (ratio := self.cheaper(self.cpu, target, who)))
        against = f"CPU of the engine over that of the processes: {words(OURS)}. " if words(OURS) else ""
        against += f"With `-mt_gather_ms`: {words(GATHERED)}. " if words(GATHERED) else ""
        against += f"Of the C loop over that of the processes: {words(LOOP)}. " if words(LOOP) else ""
        return f"\n{against}A piece of a stream was given {1000 * late:.0f} ms late at most.\n"

    @staticmethod
    def cheaper(cpu: dict, target: str, who: str = OURS) -> Sample | None:
        ours, programs = cpu.get((who, target)), cpu.get((PROGRAM, target))
        return ours.over(programs) if ours and programs else None

    def verdicts(self) -> list[Verdict]:
        ours = worst((own for (variant, _), own in self.own.items() if CROWDS[variant].is_ours), lowest=False)
        ratio = lambda cpu, who: worst((found for target in FORMS if (found := self.cheaper(cpu, target, who))), lowest=False)
        first = lambda suffix: self.first.get(("mt", suffix))
        return [
            at_most("Live streams in one engine: memory of each beyond its pipes", 1.5, ours, " MiB"),
            at_most(f"CPU of these with -mt_gather_ms {clips.GATHER_MS}, against a process of ffmpeg for each", 0.5, ratio(self.cpu, GATHERED)),
            at_most("The same, with the threads of the host that feed and read", 0.5, ratio(self.all_cpu, GATHERED)),
            at_most("CPU where each picture goes out as it comes, against a process of ffmpeg for each", 0.5, ratio(self.cpu, OURS)),
            *(at_most(f"Live {FORMS[suffix]}, first byte in to first byte out", most, first(suffix), " s") for suffix, most in FIRST_TARGETS.items()),
        ]

    def ours(self) -> dict[str, Sample]:
        found = {f"live to {FORMS[target]}, MiB a stream": own for (variant, target), own in self.own.items() if CROWDS[variant].is_ours}
        found |= {f"live to {FORMS[target]}, CPU % a stream": cpu for (variant, target), cpu in self.all_cpu.items() if variant == OURS}
        return found | {f"live {FORMS[target]}, first byte, s": first for (variant, target), first in self.first.items() if variant == "mt"}


class Live(Kind):
    """A process for each measurement."""

    name = "live"
    columns = ("variant", "source", "target", "streams", "seconds", "tries", "media_s", *MEASURED)
    rounds = {"quick": 1, "full": 1}
    results = LiveResults

    def prepare(self) -> None:
        self.clips = {suffix: clips.clip(self.setting.media, suffix) for suffix in FORMS}

    def command(self, variant: Variant, streams: int, seconds: float, source: str, target: str) -> list[str]:
        words = clips.arguments(variant.who, variant.options, source, target)
        return [str(self.setting.programs / "live"), variant.who, str(streams), str(seconds), str(self.clips[source]), *words]

    def turn(self) -> Iterator[tuple]:
        length = self.setting.length
        for target in FORMS:
            for name, variant in self.wanted(CROWDS):
                streams, seconds = STREAMS[length], SECONDS[length]
                measured = ask_once(*self.command(variant, streams, seconds, ".ts", target))
                yield name, ".ts", target, streams, seconds, 1, f"{self.media_seconds(target, int(measured[-1])):.1f}", *measured
        for suffix in FORMS:
            for name, variant in self.wanted(FIRSTS, "live"):
                yield self.first_row(name, suffix, [self.first_byte(variant, suffix) for _ in range(TRIES[length])])
        yield from self.default_firsts()

    def media_seconds(self, target: str, read_bytes: int) -> float:
        """Of all streams: what came out, which is more than the time that passed where some had fallen behind."""
        return read_bytes / self.clips[target].stat().st_size * clips.SECONDS

    def wanted(self, variants: dict[str, Variant], options: str = "") -> list[tuple[str, Variant]]:
        ours = self.setting.ours_only
        return [(name, one) for name, one in variants.items() if (one.is_ours or not ours) and options in ("", one.options)]

    def first_byte(self, variant: Variant, suffix: str) -> float:
        return float(ask_once(*self.command(variant, 1, 0, suffix, suffix))[0])

    def default_firsts(self) -> Iterator[tuple]:
        """All at once: they wait most of the time."""
        started = []
        for suffix in FORMS:
            for name, variant in self.wanted(FIRSTS, "default"):
                process = subprocess.Popen(self.command(variant, 1, 0, suffix, suffix), stdout=subprocess.PIPE, text=True)
                started.append((name, suffix, process))
        for name, suffix, process in started:
            answer = process.communicate()[0].split()
            if process.returncode != 0:
                raise SystemExit(f"{process.args!r}: status {process.returncode}")
            yield self.first_row(name, suffix, [float(answer[0])])

    @staticmethod
    def first_row(name: str, suffix: str, seconds: list[float]) -> tuple:
        return (name, suffix, suffix, 1, 0, len(seconds), 0, f"{statistics.median(seconds):.6f}", *[0] * (len(MEASURED) - 1))
