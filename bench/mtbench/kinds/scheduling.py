"""Many transcodes handed over at once: queued or all together, and under a quota of CPU time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from .. import media
from ..crowd import run_crowd
from ..figures import Line, Sample, Verdict, at_most, number, said, samples, table
from ..kind import Kind, Results, Setting
from ..quota import Quota

MIB = 1 << 20
QUEUE, QUOTA = "64 transcodes", "16 transcodes under a quota of one CPU"
JOBS = {QUEUE: 64, QUOTA: 16}
SECONDS = {"quick": 0.1, "full": 0.25}
QUOTA_CPUS = 1
# What FFmpeg and x264 choose for 720p where they count 64 CPUs.
DECODER_THREADS, ENCODER_THREADS, GRAPH_THREADS = 16, 22, 16


class Variant(NamedTuple):
    """How the transcodes are run."""

    words: str
    max_running: int = 0
    """Of an engine, 0 being its default; of programs, how many at once."""
    is_ours: bool = True
    global_options: tuple[str, ...] = ()
    decoder_options: tuple[str, ...] = ()
    encoder_options: tuple[str, ...] = ()


VARIANTS = {
    QUEUE: {
        "ours": Variant("one engine, as it is by default"),
        "together": Variant("one engine, all at once (`max_running` 64)", 64),
        "programs": Variant("64 ffmpeg programs at once", 64, is_ours=False),
    },
    QUOTA: {
        "ours": Variant("one engine, as it is by default"),
        "counted": Variant(
            "one engine, threads as FFmpeg counts them here",
            global_options=("-filter_threads", "0"),
            decoder_options=("-threads", "auto"),
            encoder_options=("-threads", "auto"),
        ),
        "host": Variant(
            "one engine, threads as FFmpeg counts them on a host of 64 CPUs",
            global_options=("-filter_threads", str(GRAPH_THREADS)),
            decoder_options=("-threads", str(DECODER_THREADS)),
            encoder_options=("-threads", str(ENCODER_THREADS)),
        ),
        "programs": Variant("ffmpeg programs, two at once", 2, is_ours=False),
    },
}
HEAD = ("", "s", "lowest–highest", "CPU s", "peak MiB", "throttled periods", "s × default", "MiB × default")

PAGE = """\
## Many transcodes

Jobs that are handed over at once: {seconds} s of 720p each, H.264 from a file in the page cache, decoded and encoded again by libx264 with
`-preset veryfast`, to no file (`-f null -`). Each variant is a process of its own, or many. The peak is resident memory, looked at every 30 ms: what
the processes have of their own, and files once. An engine runs two jobs for each CPU by default, and queues the others.

Under the quota (cpu.max, or cpu.cfs_quota_us) a process sees all CPUs of the machine, and FFmpeg counts them. "Throttled periods" are those of
100 ms in which threads had to wait until the next one, of those in which something ran.
"""
LEFT_OUT = "\nLeft out: no control group with a quota of one CPU could be made, or it would limit nothing.\n"


class SchedulingResults(Results):
    """By part and variant."""

    def __init__(self, lines: list[Line]) -> None:
        super().__init__(lines)
        key = lambda line: (line["part"], line["variant"])
        self.wall = samples(lines, key, lambda line: float(line["wall_s"]))
        self.cpu = samples(lines, key, lambda line: float(line["cpu_s"]))
        self.peak = samples(lines, key, lambda line: float(line["peak_bytes"]) / MIB)
        self.periods = samples(lines, key, lambda line: float(line["periods"]))
        self.throttled = samples(lines, key, lambda line: float(line["throttled"]))
        self.seconds = lines[0]["media_s"] if lines else ""

    def over(self, of: dict, part: str, variant: str, other: str) -> Sample | None:
        one, two = of.get((part, variant)), of.get((part, other))
        return one.over(two) if one and two and variant != other else None

    def part_table(self, part: str) -> str:
        lines = []
        for name, variant in VARIANTS[part].items():
            key = (part, name)
            if key not in self.wall:
                continue
            ratios = [said(self.over(of, part, name, "ours")) for of in (self.wall, self.peak)]
            periods = self.periods[key].median
            throttled = f"{self.throttled[key].median:.0f} of {periods:.0f}" if periods else ""
            middle = (number(self.cpu[key].median), number(self.peak[key].median), throttled)
            lines.append((variant.words, number(self.wall[key].median), self.wall[key].spread(), *middle, *ratios))
        return table(HEAD, lines)

    def page(self) -> str:
        parts = [PAGE.format(seconds=self.seconds)]
        for part in VARIANTS:
            is_there = (part, "ours") in self.wall
            parts.append(f"### {part}\n" + (f"\n{self.part_table(part)}" if is_there else LEFT_OUT))
        return "\n".join(parts)

    def verdicts(self) -> list[Verdict]:
        found = []
        for other, words in (("together", "all at once"), ("programs", "64 ffmpeg programs at once")):
            found.append(at_most(f"64 queued transcodes: time against {words}", 1, self.over(self.wall, QUEUE, "ours", other)))
            found.append(at_most(f"64 queued transcodes: memory against {words}", 0.5, self.over(self.peak, QUEUE, "ours", other)))
        found.append(at_most(f"{QUOTA}: time against ffmpeg, two at once", 1, self.over(self.wall, QUOTA, "ours", "programs")))
        for what, of in (("time", self.wall), ("CPU", self.cpu), ("memory", self.peak)):
            found.append(at_most(f"{QUOTA}: {what} against threads as FFmpeg counts for 64 CPUs", 1, self.over(of, QUOTA, "ours", "host")))
        return found

    def ours(self) -> dict[str, Sample]:
        of = {"s": self.wall, "CPU": self.cpu, "peak": self.peak}
        return {f"{part}: {what}": by_key[part, "ours"] for part in VARIANTS for what, by_key in of.items() if (part, "ours") in by_key}


class Scheduling(Kind):
    """Each variant once a round; another one goes first each time."""

    name = "scheduling"
    columns = ("part", "variant", "jobs", "media_s", "wall_s", "cpu_s", "peak_bytes", "periods", "throttled")
    rounds = {"quick": 1, "full": 2}
    results = SchedulingResults

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self.quota: Quota | None = None
        self.turns = 0

    def prepare(self) -> None:
        picture = f"testsrc2=size=1280x720:rate=25:duration={max(SECONDS.values())}"
        video = "-c:v libx264 -preset veryfast -pix_fmt yuv420p".split()
        self.source = media.make(self.setting.media / "queue.mp4", "-f", "lavfi", "-i", picture, *video)
        self.quota = Quota.make(QUOTA_CPUS)

    def arguments(self, variant: Variant) -> tuple[str, ...]:
        seconds = ("-t", str(SECONDS[self.setting.length]))
        decoded = (*variant.global_options, *variant.decoder_options, *seconds, "-i", str(self.source))
        return ("-v", "error", *decoded, "-c:v", "libx264", "-preset", "veryfast", *variant.encoder_options, "-f", "null", "-")

    def commands(self, part: str, variant: Variant) -> list[list[str]]:
        arguments, jobs = self.arguments(variant), JOBS[part]
        if variant.is_ours:
            commands = [[str(self.setting.programs / "queue"), str(jobs), str(variant.max_running), "0", *arguments]]
        else:
            commands = [["ffmpeg", "-nostdin", *arguments]] * jobs
        return [self.quota.command(command) for command in commands] if self.quota and part == QUOTA else commands

    def measured(self, part: str, name: str) -> tuple:
        variant = VARIANTS[part][name]
        quota = self.quota if part == QUOTA else None
        before = quota.throttled() if quota else (0, 0)
        usage = run_crowd(self.commands(part, variant), 1 if variant.is_ours else variant.max_running)
        after = quota.throttled() if quota else (0, 0)
        times = (f"{usage.wall:.6f}", f"{usage.cpu:.6f}")
        counts = (after[0] - before[0], after[1] - before[1])
        return part, name, JOBS[part], SECONDS[self.setting.length], *times, usage.peak_bytes, *counts

    def turn(self) -> Iterator[tuple]:
        for part, variants in VARIANTS.items():
            if part == QUOTA and self.quota is None:
                continue
            names = [name for name, variant in variants.items() if variant.is_ours or not self.setting.ours_only]
            first = self.turns % len(names)
            for name in names[first:] + names[:first]:
                yield self.measured(part, name)
        self.turns += 1

    def close(self) -> None:
        if self.quota is not None:
            self.quota.close()
