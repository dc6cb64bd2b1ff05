"""The hot parts that are ours, each next to the least that the machine can do for the same: benches/parts, by criterion."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

from ..figures import Line, number, said, samples, table
from ..kind import Kind, Results

# Group of criterion's: what is done, and what its limit is.
PARTS = {
    "pipe_64k": ("pipe: 64 KiB written and read, one thread", "the same bytes copied into a ring of 1 MiB and out of it; two locks"),
    "pipe_188": ("pipe: 188 bytes written and read, one thread", "the same"),
    "pipe_regions": ("pipe without copies: acquire, commit, peek, consume", "four locks"),
    "pipe_threads": ("pipe: a byte to another thread and one back", "two wake-ups of a thread by the kernel"),
    "link": ("link between threads: an item sent and received, one thread", "two locks"),
    "link_threads": ("link: an item to another thread and one back", "two wake-ups of a thread by the kernel"),
    "timestamps": ("timestamps of a packet put right", "its time and its duration in microseconds by FFmpeg's av_rescale_q"),
    "event_progress": ("events: progress pushed and pulled", "two locks, the event in memory"),
    "event_log": ("events: a log line pushed and pulled", "the same"),
}
# Of the group "machine": what is done, and how many bytes it moves.
MACHINE = {
    "atomic": ("atomic addition, nobody else wants it", 0),
    "lock": ("lock taken and given back, nobody else wants it (parking_lot)", 0),
    "clock": ("clock read (Instant::now)", 0),
    "syscall": ("system call (getppid)", 0),
    "round_trip": ("another thread woken by a futex, and back", 0),
    "memcpy_64k": ("64 KiB copied, in the caches", 64 << 10),
    "memcpy_64m": ("64 MiB copied, in memory", 64 << 20),
}
# Seconds for one bench.
WARM, SECONDS = 0.1, {"quick": 0.15, "full": 0.3}
# A baseline of its own: nothing is compared with the run before.
OPTIONS = ("--bench", "--noplot", "--save-baseline", "run", "--sample-size", "10", "--nresamples", "1000", "--warm-up-time", str(WARM))
HEAD = ("part", "time, ns", "limit, ns", "time over limit", "what the limit is")

PAGE = """\
## Parts

The hot parts that are ours, alone, by criterion (`benches/parts`; `cargo bench --bench parts`), each next to a limit that is measured in the same run: the
least that this machine can do for the same. A ratio of 1 cannot be beaten. Parts that wake another thread are as slow as the kernel is.
"""


class PartsResults(Results):
    """By group and bench."""

    def __init__(self, lines: list[Line]) -> None:
        super().__init__(lines)
        self.ns = samples(lines, lambda line: (line["group"], line["bench"]), lambda line: float(line["ns"]))

    def page(self) -> str:
        lines, limits = [], []
        for group, (words, limit_words) in PARTS.items():
            if (group, "part") in self.ns:
                part, limit = self.ns[group, "part"], self.ns[group, "limit"]
                lines.append((words, number(part.median), number(limit.median), said(part.over(limit)), limit_words))
        for name, (words, size) in MACHINE.items():
            if ("machine", name) in self.ns:
                time = self.ns["machine", name]
                limits.append((words, number(time.median), time.spread(), number(size / time.median) if size else ""))
        machine = table(("the machine", "time, ns", "lowest–highest", "GB/s"), limits)
        return "\n".join((PAGE, table(HEAD, lines), machine))


class Parts(Kind):
    """All of them once a round. Another revision may have none, so there is nothing to compare: criterion can do that itself."""

    name = "parts"
    columns = ("group", "bench", "ns")
    rounds = {"quick": 1, "full": 2}
    results = PartsResults

    def turn(self) -> Iterator[tuple]:
        if self.setting.ours_only:
            return
        home = self.setting.programs.resolve() / "criterion"
        command = [str(self.setting.programs / "parts"), *OPTIONS, "--measurement-time", str(SECONDS[self.setting.length])]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, "CRITERION_HOME": str(home)})
        wanted = [(group, bench) for group in PARTS for bench in ("part", "limit")] + [("machine", name) for name in MACHINE]
        for group, bench in wanted:
            yield group, bench, f"{median_ns(home / group / bench):.3f}"


def median_ns(folder: Path) -> float:
    """Of criterion's last run."""
    estimates = json.loads((folder / "new" / "estimates.json").read_text())
    return float(estimates["median"]["point_estimate"])
