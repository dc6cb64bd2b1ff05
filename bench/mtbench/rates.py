"""Work that is done as often as possible for a while, by warm processes that take turns: jobs a second, and CPU for each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import ClassVar, NamedTuple

from .figures import Line, Sample, number, said, samples, table, worst
from .kind import Kind, Results, Setting
from .process import Worker
from .svg import FLOOR, OURS, Axis, Mark, Panel, plot


class Case(NamedTuple):
    """What is done to a file of the media, and how many at a time."""

    what: str
    at_once: int
    file: str


class Variant(NamedTuple):
    """One way to do it."""

    words: str
    program: tuple[str, ...]
    """Of build/bench, or of bench/."""
    process: str
    """Which process of the program: those that must not disturb each other have their own."""
    is_ours: bool = False
    environment: Mapping[str, str] = {}
    asked: str = ""
    """Its name in the program, where that is another."""
    color: str = FLOOR
    """In plots, where it is not ours."""
    needs: tuple[str, ...] = ()
    """What must be there, besides the program: what competitors could not be set up is left out."""


class RateResults(Results):
    """By case and variant."""

    variants: ClassVar[dict[str, Variant]]
    size_limit = 300_000
    """Input bytes of a small file, in targets."""

    def __init__(self, lines: list[Line]) -> None:
        super().__init__(lines)
        case = lambda line: Case(line["case"], int(line["at_once"]), line["file"])
        key = lambda line: (case(line), line["variant"])
        self.rate = samples(lines, key, lambda line: float(line["jobs"]) / float(line["wall_s"]))
        self.cpu = samples(lines, key, lambda line: float(line["cpu_s"]) / float(line["jobs"]) * 1e3)
        self.input_bytes = {case(line): int(line["input_bytes"]) for line in lines}
        self.outputs: dict[Case, set[int]] = {}
        for line in lines:
            self.outputs.setdefault(case(line), set()).add(int(line["output_bytes"]))

    def over(self, case: Case, variant: str, other: str) -> Sample | None:
        one, two = self.rate.get((case, variant)), self.rate.get((case, other))
        return one.over(two) if one and two and variant != other else None

    def cheaper(self, case: Case, variant: str, other: str) -> Sample | None:
        """How many times the CPU of one job the other needs."""
        one, two = self.cpu.get((case, variant)), self.cpu.get((case, other))
        return two.over(one) if one and two else None

    def worst(self, variant: str, other: str, is_wanted: Callable[[Case], bool] = lambda _: True, *, cpu: bool = False) -> Sample | None:
        """Of jobs a second, or of CPU."""
        over = self.cheaper if cpu else self.over
        ratios = [over(case, variant, other) for case in self.input_bytes if is_wanted(case)]
        return worst(ratio for ratio in ratios if ratio)

    def is_small(self, case: Case) -> bool:
        return self.input_bytes[case] <= self.size_limit

    def case_table(self, case: Case, head: Iterable[str], against: Callable[[str], Iterable[str]]) -> str:
        """`against` names the variants that one is compared with, a column for each; "" for none."""
        lines = []
        for variant, what in self.variants.items():
            if (case, variant) not in self.rate:
                continue
            rate, cpu = self.rate[(case, variant)], self.cpu[(case, variant)]
            ratios = [said(self.over(case, variant, other)) for other in against(variant)]
            lines.append((what.words, number(rate.median), rate.spread(), f"{cpu.median:.2f}", *ratios))
        return table(("", "jobs/s", "lowest–highest", "CPU ms a job", *head), lines)

    def panels(self) -> list[Panel]:
        """Jobs a second, a panel for each case."""
        found = []
        for case, size in self.input_bytes.items():
            marks = [
                Mark(what.words, self.rate[(case, name)], OURS if what.is_ours else what.color)
                for name, what in self.variants.items()
                if (case, name) in self.rate
            ]
            found.append(Panel(f"{case.what}, {size / 1000:,.0f} kB, {case.at_once} at a time", marks))
        return found

    def plot(self, title: str) -> str:
        """The scale is logarithmic: a process is slower by more than ten times."""
        return plot(title, self.panels(), Axis.of(self.panels(), is_log=True))

    def ours(self) -> dict[str, Sample]:
        return {
            f"{case.what}, {case.file}, {case.at_once} at a time: {self.variants[variant].words}": rate.inverse()
            for (case, variant), rate in self.rate.items()
            if self.variants[variant].is_ours
        }


class RateKind(Kind):
    """Each variant runs in turn on each case. A program is spoken to as bench/c/small.c says."""

    columns = ("case", "at_once", "file", "input_bytes", "variant", "jobs", "wall_s", "cpu_s", "output_bytes")
    cases: ClassVar[Mapping[Case, tuple[str, ...]]]
    """With what the output is: format, and an option of the muxer."""
    seconds: ClassVar[dict[str, float]]
    """Of a slice, by length of the run."""
    results: ClassVar[type[RateResults]]

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self.workers: dict[tuple, Worker] = {}
        self.variants = {name: what for name, what in self.results.variants.items() if self.is_wanted(what)}

    def is_wanted(self, what: Variant) -> bool:
        return (what.is_ours or not self.setting.ours_only) and all(path.exists() for path in self.paths((*what.program, *what.needs)))

    def paths(self, words: Iterable[str]) -> list[Path]:
        """What begins with bench/ is of the tree."""
        return [Path(word) if word.startswith("bench/") else self.setting.programs / word for word in words]

    def prepare(self) -> None:
        for what in self.variants.values():
            if (what.program, what.process) not in self.workers:
                self.workers[what.program, what.process] = Worker(*self.paths(what.program), **what.environment)

    def turn(self) -> Iterator[tuple]:
        for case, output in self.cases.items():
            path = self.setting.media / case.file
            for variant, what in self.variants.items():
                worker, asked = self.workers[what.program, what.process], what.asked or variant
                worker.ask(asked, 0, case.at_once, path, *output)  # threads and caches are warm when the slice begins
                answer = worker.ask(asked, self.seconds[self.setting.length], case.at_once, path, *output)
                yield *case, path.stat().st_size, variant, *answer

    def close(self) -> None:
        for worker in self.workers.values():
            worker.close()
