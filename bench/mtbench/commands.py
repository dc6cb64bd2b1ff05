"""Work that an ffmpeg command line says: done by a job in a warm process, by processes of ffmpeg programs, and by the C loop where it can."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from shutil import copyfile
from typing import ClassVar, NamedTuple

from .competitors import STATIC_FFMPEG
from .figures import Line, Sample, number, said, samples, table
from .kind import Kind, Results
from .process import Usage, Worker, run_all
from .svg import FLOOR, OURS, PROGRAMS, Axis, Mark, Panel, plot

MIB = 1 << 20
WORDS = {
    "job": "job of this library",
    "ffmpeg": "ffmpeg program of the same libraries",
    "ffmpeg_three": "three ffmpeg programs at once",
    "static": "static ffmpeg",
    "loop": "C loop",
}
COLORS = {"job": OURS, "ffmpeg_three": PROGRAMS, "static": PROGRAMS, "loop": FLOOR}
HEAD = ("", "s", "lowest–highest", "CPU s", "peak MiB", "output MB", "s × ffmpeg", "CPU × ffmpeg")


class Work(NamedTuple):
    """One case: the arguments of a command line. Outputs are written to the folder that `{out}` stands for."""

    arguments: tuple[str, ...]
    variants: tuple[str, ...] = ("job", "ffmpeg", "static")
    apart: tuple[tuple[str, ...], ...] = ()
    """The same work as several command lines, for ffmpeg_three."""
    loop: tuple[str, ...] = ()
    """Input, output, format, for the C loop."""
    times: int = 1
    """One after another, in one slice."""
    writes_over: bool = False
    """Its output is there before the clock starts, and is written over: on a virtual machine new memory for a gigabyte of it takes nothing, or
    more than all else, as the host likes."""


# An engine is there, and its first job was run.
WARM = Work(("-y", "-v", "error", "-f", "lavfi", "-i", "anullsrc=d=0.1", "-f", "null", "-"))


class Runner:
    """Runs variants. What has been written is counted and removed when the clock has stopped, or after the last variant: it never reaches the
    disk, if the kernel is not in a hurry."""

    def __init__(self, programs: Path) -> None:
        self.programs = programs
        self.out = programs / "out"
        self.out.mkdir(exist_ok=True)
        self.workers: dict[str, Worker] = {}

    def run(self, variant: str, work: Work) -> tuple[Usage, int]:
        """What all of it took, and the bytes that one time has written."""
        if not work.writes_over:
            self.empty()
        usages = [self.run_once(variant, work) for _ in range(work.times)]
        whole = Usage(sum(one.wall for one in usages), sum(one.cpu for one in usages), max(one.peak_bytes for one in usages))
        return whole, self.written() if work.writes_over else self.empty()

    def run_once(self, variant: str, work: Work) -> Usage:
        if variant in ("job", "loop"):
            return self.ask(variant, self.placed(work.arguments if variant == "job" else work.loop))
        program = str(self.programs / STATIC_FFMPEG) if variant == "static" else "ffmpeg"
        lines = work.apart if variant == "ffmpeg_three" else (work.arguments,)
        return run_all([(program, "-nostdin", *self.placed(line)) for line in lines])

    def placed(self, words: Sequence[str]) -> list[str]:
        return [word.replace("{out}", str(self.out)) for word in words]

    def ask(self, variant: str, words: Sequence[str]) -> Usage:
        """Jobs have a process with an engine; the loop has one without."""
        if variant not in self.workers:
            self.workers[variant] = Worker(self.programs / "command")
        wall, cpu, peak = self.workers[variant].ask(variant, *words, between="\t")
        return Usage(float(wall), float(cpu), int(peak))

    def written(self) -> int:
        """The bytes that are there."""
        return sum(path.stat().st_size for path in self.out.iterdir())

    def empty(self) -> int:
        """The bytes that were there."""
        size = self.written()
        for path in self.out.iterdir():
            path.unlink()
        return size

    def write_before(self, work: Work) -> None:
        """Makes the output that is written over."""
        self.empty()
        self.ask("loop", self.placed(work.loop))

    def load(self, path: Path) -> None:
        """Leaves a file in the page cache."""
        copyfile(path, self.out / "loaded")
        self.empty()

    def renew(self) -> None:
        """Other processes, warm ones: how the memory of one lies costs, or saves, up to a tenth for as long as it lives."""
        for worker in self.workers.values():
            worker.close()
        self.workers = {}
        self.run("job", WARM)

    def close(self) -> None:
        for worker in self.workers.values():
            worker.close()
        self.empty()


class CommandResults(Results):
    """By case and variant."""

    def __init__(self, lines: list[Line]) -> None:
        super().__init__(lines)
        key = lambda line: (line["case"], line["variant"])
        self.cases = list(dict.fromkeys(line["case"] for line in lines))
        self.wall = samples(lines, key, lambda line: float(line["wall_s"]) / float(line["jobs"]))
        self.cpu = samples(lines, key, lambda line: float(line["cpu_s"]) / float(line["jobs"]))
        self.peak = samples(lines, key, lambda line: float(line["peak_bytes"]) / MIB)
        self.output = samples(lines, key, lambda line: float(line["output_bytes"]) / 1e6)
        self.input_bytes = {line["case"]: int(line["input_bytes"]) for line in lines}

    def over(self, of: dict, case: str, variant: str, other: str) -> Sample | None:
        one, two = of.get((case, variant)), of.get((case, other))
        return one.over(two) if one and two and variant != other else None

    def ratios(self, of: dict, other: str, variant: str = "job", *, cases: Iterable[str] | None = None) -> list[Sample]:
        """Of each case that has both."""
        found = (self.over(of, case, variant, other) for case in (self.cases if cases is None else cases))
        return [ratio for ratio in found if ratio]

    def case_table(self, case: str) -> str:
        lines = []
        for variant, words in WORDS.items():
            key = (case, variant)
            if key not in self.wall:
                continue
            ratios = [said(self.over(of, case, variant, "ffmpeg")) for of in (self.wall, self.cpu)]
            output = number(self.output[key].median) if self.output[key].median else ""
            middle = (number(self.cpu[key].median), number(self.peak[key].median), output)
            lines.append((words, number(self.wall[key].median), self.wall[key].spread(), *middle, *ratios))
        return table(HEAD, lines)

    def plot(self, title: str) -> str:
        """What each needs over what the ffmpeg program of the same libraries needs."""
        panels = []
        for case in self.cases:
            marks = []
            for variant, words in WORDS.items():
                for what, of in (("time", self.wall), ("CPU", self.cpu)):
                    ratio = self.over(of, case, variant, "ffmpeg")
                    if ratio:
                        marks.append(Mark(f"{words}, {what}", ratio, COLORS[variant]))
            panels.append(Panel(case, marks))
        return plot(title, panels, Axis.of(panels, reference=1))

    def ours(self) -> dict[str, Sample]:
        of = {"s": self.wall, "CPU": self.cpu, "peak": self.peak}
        return {f"{case}: {what}": by_key[case, "job"] for case in self.cases for what, by_key in of.items()}


class CommandKind(Kind):
    """Each variant does each case once a round."""

    columns = ("case", "variant", "jobs", "input_bytes", "output_bytes", "wall_s", "cpu_s", "peak_bytes")
    results: ClassVar[type[CommandResults]]
    runner: Runner
    planned: dict[str, tuple[Path, Work]]
    turns = 0

    def plan(self) -> dict[str, tuple[Path, Work]]:
        """The cases by name, with the file that each reads; makes the files."""
        raise NotImplementedError

    def prepare(self) -> None:
        self.runner = Runner(self.setting.programs)
        self.planned = self.plan()
        for path in {path for path, _ in self.planned.values()}:
            self.runner.load(path)

    def is_wanted(self, variant: str) -> bool:
        if self.setting.ours_only:
            return variant == "job"
        return variant != "static" or (self.setting.programs / STATIC_FFMPEG).exists()

    def turn(self) -> Iterator[tuple]:
        """Another variant goes first each time, and in other processes."""
        self.runner.renew()
        for case, (path, work) in self.planned.items():
            first = self.turns % len(work.variants)
            if work.writes_over:
                self.runner.write_before(work)
            for variant in work.variants[first:] + work.variants[:first]:
                if self.is_wanted(variant):
                    usage, size = self.runner.run(variant, work)
                    times = (f"{usage.wall:.6f}", f"{usage.cpu:.6f}")
                    yield case, variant, work.times, path.stat().st_size, size, *times, usage.peak_bytes
            self.runner.empty()
        self.turns += 1

    def close(self) -> None:
        self.runner.close()
