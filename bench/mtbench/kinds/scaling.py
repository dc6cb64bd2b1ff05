"""Small remuxes in memory, so many at once in one engine: jobs a second, and memory."""

from __future__ import annotations

from collections.abc import Iterator

from ..figures import Line, Sample, Verdict, at_least, at_most, number, said, samples, table
from ..kind import Kind, Results
from ..process import ask_once
from ..svg import OURS, Axis, Mark, Panel, plot

MIB = 1 << 20
# The least that is more than nothing.
PAGE_BYTES = 4096
AT_ONCE = (1, 2, 4, 16, 64, 256)
# Handed over at once to an engine with default settings.
HANDED_OVER = (2, 16, 64, 256)
# Of the C loop, for comparison.
BY_LOOP = (2, 64, 256)
# MALLOC_ARENA_MAX, and how many run at once with it.
ARENAS, IN_ARENAS = (1, 2, 4), 64
# Of all of them, from memory to memory.
JOBS = {"quick": 400, "full": 600}
FILE, FORMAT = "small.mp4", "mpegts"
HEAD = ("at once", "jobs/s", "lowest–highest", "CPU ms a job", "memory, MiB", "in use, MiB", "in use, MiB a job", "for each job more")

PAGE = f"""\
## Scaling

MP4 to MPEG-TS, about 200 kB, from memory to a buffer of the library's, in one engine (`bench/c/scaling.c`): {JOBS["full"]:,} jobs for each number at
once (`quick`: {JOBS["quick"]}), and as many threads of the host's as jobs at once, each of which has made one job before: what a thread's memory costs
once is left out. Before that, as many jobs are held in the middle of their input, so that
all are there at a time: memory is Private_Dirty of /proc/self/smaps_rollup with them, less what it was before them, when eight jobs had run. "In use"
is what is left after malloc_trim(0); the rest is free memory that malloc keeps. "For each job more" is what the jobs have in use that the line
above has not, divided by their number.

Jobs that an engine with default settings is given at once wait for their turn in its queue: the second table. The third is what the machine makes of
the C loop in as many threads: they share two CPUs' caches.

glibc gives threads arenas of memory, eight for each CPU at most; `MALLOC_ARENA_MAX` makes that fewer, and the threads wait for each other's: the last
table. Memory is not what it saves here.

![Jobs a second and memory, by how many run at once](bench/scaling.svg)
"""


class ScalingResults(Results):
    """By jobs at once."""

    def __init__(self, lines: list[Line]) -> None:
        super().__init__(lines)
        key = lambda line: int(line["at_once"])
        rate = lambda line: float(line["jobs"]) / float(line["wall_s"])
        cpu = lambda line: float(line["cpu_s"]) / float(line["jobs"]) * 1e3
        self.in_arenas = [line for line in lines if line["engine"].startswith("arenas")]
        self.rate_in_arenas, self.cpu_in_arenas = (samples(self.in_arenas, lambda line: line["engine"], of) for of in (rate, cpu))
        by_default = [line for line in lines if line["engine"] == "default"]
        self.rate_by_default, self.cpu_by_default = samples(by_default, key, rate), samples(by_default, key, cpu)
        by_loop = [line for line in lines if line["engine"] == "loop"]
        self.rate_by_loop, self.cpu_by_loop = samples(by_loop, key, rate), samples(by_loop, key, cpu)
        lines = [line for line in lines if line["engine"] == "all"]
        self.rate, self.cpu = samples(lines, key, rate), samples(lines, key, cpu)
        over_before = lambda column: lambda line: max(float(line[column]) - float(line["before_bytes"]), PAGE_BYTES) / MIB
        self.memory = samples(lines, key, over_before("held_bytes"))
        self.in_use = samples(lines, key, over_before("in_use_bytes"))
        self.memory_in_arenas = samples(self.in_arenas, lambda line: line["engine"], over_before("held_bytes"))

    def each_more(self, few: int, many: int) -> Sample | None:
        """MiB in use for each job beyond the few."""
        one, two = self.in_use.get(few), self.in_use.get(many)
        if not one or not two:
            return None
        return Sample({name: (value - one.by_round[name]) / (many - few) for name, value in two.by_round.items() if name in one.by_round})

    @staticmethod
    def flatness(by_number: dict[int, Sample]) -> Sample | None:
        """The lowest median over the highest one, from two at once on: of single rounds it would mostly say how even the machine is."""
        rates = [rate.median for at_once, rate in by_number.items() if at_once > 1]
        return Sample({"all": min(rates) / max(rates)}) if rates else None

    def page(self) -> str:
        lines, before = [], 0
        for at_once, rate in self.rate.items():
            in_use, more = self.in_use[at_once].median, self.each_more(before, at_once)
            memory = (number(self.memory[at_once].median), number(in_use), number(in_use / at_once), number(more.median) if more else "")
            used = (number(self.cpu[at_once].median), *memory)
            lines.append((str(at_once), number(rate.median), rate.spread(), *used))
            before = at_once
        tables = [table(HEAD, lines), table(("given at once", *HEAD[1:4]), self.short(self.rate_by_default, self.cpu_by_default))]
        if self.rate_by_loop:
            tables.append(table(("threads, the C loop", *HEAD[1:4]), self.short(self.rate_by_loop, self.cpu_by_loop)))
        if self.in_arenas and IN_ARENAS in self.rate:
            tables.append(table((f"arenas, {IN_ARENAS} at once", *HEAD[1:5], "CPU × as it is"), self.arenas()))
        return PAGE + "\n" + "\n".join(tables)

    @staticmethod
    def short(rates: dict[int, Sample], cpu: dict[int, Sample]) -> list[tuple[str, ...]]:
        return [(str(at_once), number(rate.median), rate.spread(), number(cpu[at_once].median)) for at_once, rate in rates.items()]

    def arenas(self) -> list[tuple[str, ...]]:
        as_it_is = ("as it is", self.rate[IN_ARENAS], self.cpu[IN_ARENAS], self.memory[IN_ARENAS])
        fewer = [(name.split()[1], rate, self.cpu_in_arenas[name], self.memory_in_arenas[name]) for name, rate in self.rate_in_arenas.items()]
        return [
            (name, number(rate.median), rate.spread(), number(cpu.median), number(memory.median), said(cpu.over(self.cpu[IN_ARENAS])))
            for name, rate, cpu, memory in (as_it_is, *fewer)
        ]

    def verdicts(self) -> list[Verdict]:
        late, early = self.each_more(64, 256), self.each_more(16, 64)
        growth = late.over(early) if late and early else None
        return [
            at_least("Jobs/s, 2 to 256 given at once to a default engine, the lowest against the highest", 0.9, self.flatness(self.rate_by_default)),
            at_least("Jobs/s, 2 to 256 running at once, the lowest against the highest", 0.9, self.flatness(self.rate)),
            at_most("Memory in use for each job more, from 64 to 256 at once, against that from 16 to 64", 1.1, growth),
        ]

    def plots(self) -> dict[str, str]:
        marks = lambda of: [Mark(f"{at_once} at once", sample, OURS) for at_once, sample in of.items()]
        each = {at_once: Sample({name: value / at_once for name, value in of.by_round.items()}) for at_once, of in self.in_use.items()}
        panels = [Panel("Jobs a second", marks(self.rate)), Panel("In use, MiB a job", marks(each))]
        return {"scaling.svg": plot("Small remuxes in one engine, by how many run at once", panels, Axis.of(panels, is_log=True))}

    def ours(self) -> dict[str, Sample]:
        rates = {f"remux in memory, {at_once} at once": rate.inverse() for at_once, rate in self.rate.items()}
        return rates | {f"memory in use of {at_once} at once": in_use for at_once, in_use in self.in_use.items()}


class Scaling(Kind):
    """A process for each number."""

    name = "scaling"
    columns = ("at_once", "engine", "jobs", "wall_s", "cpu_s", "before_bytes", "held_bytes", "in_use_bytes")
    rounds = {"quick": 1, "full": 3}
    results = ScalingResults

    def turn(self) -> Iterator[tuple]:
        jobs = JOBS[self.setting.length]
        for engine, numbers in (("all", AT_ONCE), ("default", HANDED_OVER), ("loop", () if self.setting.ours_only else BY_LOOP)):
            for at_once in numbers:
                asked = (at_once, jobs, self.setting.media / FILE, FORMAT, *([] if engine == "all" else [engine]))
                yield at_once, engine, jobs, *ask_once(self.setting.programs / "scaling", *asked)
        for arenas in ARENAS:
            asked = (IN_ARENAS, jobs, self.setting.media / FILE, FORMAT)
            answer = ask_once(self.setting.programs / "scaling", *asked, MALLOC_ARENA_MAX=str(arenas))
            yield IN_ARENAS, f"arenas {arenas}", jobs, *answer
