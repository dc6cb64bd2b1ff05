#!/usr/bin/env python3
"""Writes docs/benchmarks.md from what bench/measure.py has measured: report.py RESULTS > docs/benchmarks.md."""

import csv
import os
import pathlib
import platform
import statistics
import subprocess
import sys

import text

FOLDER = pathlib.Path(sys.argv[1])
MIB = 1 << 20


def rows(name):
    with open(FOLDER / f"{name}.csv", newline="") as file:
        return list(csv.DictReader(file))


def said(*command):
    try:
        return subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def table(head, *lines):
    out = ["| " + " | ".join(head) + " |", "|" + "|".join("---" if i == 0 else "---:" for i in range(len(head))) + "|"]
    return "\n".join(out + ["| " + " | ".join(line) + " |" for line in lines]) + "\n"


def number(value):
    """Three digits that say something."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


class Sample:
    """Values of one variant by round."""

    def __init__(self, by_round):
        self.by_round = by_round

    @property
    def median(self):
        return statistics.median(self.by_round.values())

    def spread(self):
        return f"{number(min(self.by_round.values()))}–{number(max(self.by_round.values()))}"

    def over(self, other):
        """Ratios of slices of the same round."""
        shared = self.by_round.keys() & other.by_round.keys()
        return Sample({r: self.by_round[r] / other.by_round[r] for r in shared})

    def or_better(self, other):
        """The larger value of each round."""
        return Sample({r: max(self.by_round[r], other.by_round[r]) for r in self.by_round.keys() & other.by_round.keys()})

    def ratio(self):
        return f"{self.median:.2f} ({self.spread()})"


def samples(lines, key, value):
    found = {}
    for line in lines:
        found.setdefault(key(line), {})[line["round"]] = value(line)
    return {name: Sample(by_round) for name, by_round in found.items()}


def machine():
    with open("/proc/cpuinfo") as file:
        model = next((line.split(":", 1)[1].strip() for line in file if line.startswith("model name")), platform.machine())
    cpus = len(os.sched_getaffinity(0))
    run = rows("run")[0]
    run["load_before"] = f"{float(run['load_before']):.1f}"
    revision = said("git", "rev-parse", "--short", "HEAD") + (" with changes" if said("git", "status", "--porcelain", "src") else "")
    return text.MACHINE.format(
        cpus=cpus, model=model, kernel=platform.release(), libc=" ".join(platform.libc_ver()), revision=revision,
        ffmpeg=said("ffmpeg", "-version").splitlines()[0].split(" Copyright")[0], go=said("go", "version").removeprefix("go version "),
        cc=said("gcc", "--version").splitlines()[0], **run,
    )


class Small:
    """Remuxes of small files."""

    def __init__(self):
        lines = rows("small")
        key = lambda line: (line["case"], int(line["at_once"]), line["file"], line["variant"])
        self.rate = samples(lines, key, lambda line: float(line["jobs"]) / float(line["wall_s"]))
        self.cpu = samples(lines, key, lambda line: float(line["cpu_s"]) / float(line["jobs"]) * 1e3)
        self.cases = list(dict.fromkeys(key(line)[:3] for line in lines))
        self.input_bytes = {key(line)[:3]: int(line["input_bytes"]) for line in lines}
        self.outputs = {}
        for line in lines:
            self.outputs.setdefault(key(line)[:3], set()).add(int(line["output_bytes"]))

    def ratio(self, case, variant, other):
        return self.rate[(*case, variant)].over(self.rate[(*case, other)])

    def page(self):
        parts = []
        for case in self.cases:
            name, at_once, _ = case
            sizes = " or ".join(f"{size:,}" for size in sorted(self.outputs[case]))
            parts.append(f"### {name}, {self.input_bytes[case]:,} bytes, {at_once} at a time\n\nEach output has {sizes} bytes.\n")
            lines = []
            for variant, what in text.VARIANTS.items():
                rate, cpu = self.rate[(*case, variant)], self.cpu[(*case, variant)]
                loop = "c_loop_seek" if variant.endswith(("_io", "_memory")) else "c_loop"
                against_loop = self.ratio(case, variant, loop).ratio() if "loop" not in variant else ""
                against_exec = self.ratio(case, variant, "go_exec").ratio() if variant != "go_exec" else ""
                lines.append((what, number(rate.median), rate.spread(), f"{cpu.median:.2f}", against_loop, against_exec))
            parts.append(table(text.SMALL_HEAD, *lines))
        return "\n".join(parts)

    def worst(self, variant, other, is_wanted):
        """The case with the lowest median ratio."""
        return min((self.ratio(case, variant, other) for case in self.cases if is_wanted(case)), key=lambda ratio: ratio.median)


class Pipes:
    """Bytes a second through pipes."""

    def __init__(self):
        lines = rows("pipe")
        self.rate = samples(lines, lambda line: line["variant"], lambda line: float(line["bytes"]) / float(line["wall_s"]) / 1e9)
        self.cpu = samples(lines, lambda line: line["variant"], lambda line: float(line["cpu_s"]) / float(line["bytes"]) * 1e9)

    def over(self, variant, other):
        """`other` may name several: then it is the best of them in each round."""
        best, *more = (self.rate[name] for name in other.split(","))
        for one in more:
            best = best.or_better(one)
        return self.rate[variant].over(best)

    def page(self):
        lines = []
        for variant, (what, other) in text.PIPES.items():
            rate = self.rate[variant]
            against = self.over(variant, other).ratio() if other else ""
            lines.append((what, number(rate.median), rate.spread(), f"{self.cpu[variant].median:.2f}", against))
        return table(text.PIPE_HEAD, *lines)


class Memory:
    """Bytes of memory for each job."""

    def __init__(self):
        lines = rows("memory")
        key = lambda line: (line["kind"], int(line["jobs"]))
        self.own = samples(lines, key, lambda line: (float(line["bytes"]) - float(line["pipe_bytes"])) / MIB)
        self.in_use = samples(lines, key, lambda line: (float(line["in_use_bytes"]) - float(line["pipe_bytes"])) / MIB)
        self.pipes = samples(lines, key, lambda line: float(line["pipe_bytes"]) / MIB)

    def page(self):
        lines = []
        for (kind, jobs), own in self.own.items():
            in_use = number(self.in_use[(kind, jobs)].median) if kind != "probing" else ""
            lines.append((text.MEMORY[kind], str(jobs), number(own.median), own.spread(), in_use, number(self.pipes[(kind, jobs)].median)))
        return table(text.MEMORY_HEAD, *lines)


def verdicts(small, pipes, memory):
    is_small = lambda case: small.input_bytes[case] <= 300_000
    is_large = lambda case: not is_small(case)
    stalled = max((own for (kind, _), own in memory.own.items() if kind == "stalled"), key=lambda own: own.median)

    def line(what, target, sample, is_met, unit=""):
        return what, target, f"{sample.median:.2f}{unit} ({sample.spread()})", "yes" if is_met else "**no**"

    at_least = lambda what, target, sample: line(what, f"≥ {target} ×", sample, sample.median >= target, " ×")
    return table(
        text.VERDICT_HEAD,
        at_least(*text.TARGETS["pipe"], pipes.over("mt", text.SYSTEM)),
        at_least(*text.TARGETS["zero_copy"], pipes.over("mt_zero_copy_touch", text.SYSTEM_TOUCH)),
        at_least(*text.TARGETS["job"], pipes.over("mt_job_data", "system_cat")),
        at_least(*text.TARGETS["exec_small"], small.worst("go_memory", "go_exec", is_small)),
        at_least(*text.TARGETS["exec_large"], small.worst("go_memory", "go_exec", is_large)),
        at_least(*text.TARGETS["exec_small_pipe"], small.worst("go_pipe", "go_exec", is_small)),
        at_least(*text.TARGETS["exec_large_pipe"], small.worst("go_pipe", "go_exec", is_large)),
        at_least(*text.TARGETS["loop_go"], small.worst("go_memory", "c_loop_seek_plain", is_small)),
        at_least(*text.TARGETS["loop_c"], small.worst("c_memory", "c_loop_seek_plain", is_small)),
        at_least(*text.TARGETS["loop_go_tuned"], small.worst("go_memory", "c_loop_seek", is_small)),
        at_least(*text.TARGETS["loop_c_tuned"], small.worst("c_memory", "c_loop_seek", is_small)),
        at_least(*text.TARGETS["loop_go_pipe"], small.worst("go_pipe", "c_loop", is_small)),
        at_least(*text.TARGETS["loop_c_pipe"], small.worst("c_pipe", "c_loop", is_small)),
        at_least(*text.TARGETS["loop_go_io"], small.worst("go_io", "c_loop_seek", is_small)),
        at_least(*text.TARGETS["loop_c_io"], small.worst("c_io", "c_loop_seek", is_small)),
        at_least(*text.TARGETS["loop_go_large"], small.worst("go_memory", "c_loop_seek", is_large)),
        line(*text.TARGETS["memory"], stalled, stalled.median <= 2, " MiB"),
    )


def main():
    small, pipes, memory = Small(), Pipes(), Memory()
    soak = FOLDER / "soak.txt"
    print(text.PAGE.format(
        machine=machine(), verdicts=verdicts(small, pipes, memory), small=small.page(), pipes=pipes.page(), memory=memory.page(),
        soak=text.SOAK.format(output=soak.read_text().rstrip()) if soak.exists() else "",
    ).rstrip())


if __name__ == "__main__":
    main()
