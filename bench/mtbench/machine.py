"""What the report says of the machine, and what else it did meanwhile."""

from __future__ import annotations

import os
import platform
import time
from datetime import datetime, timezone
from pathlib import Path

from . import competitors
from .process import said

RUN_COLUMNS = ("kind", "length", "date", "revision", "seconds", "load_before", "others_cpu_percent", "stolen_percent")


def facts(programs: Path) -> dict[str, str]:
    """By what they are, in the order of the report."""
    with open("/proc/cpuinfo") as file:
        model = next((line.split(":", 1)[1].strip() for line in file if line.startswith("model name")), platform.machine())
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / (1 << 30)
    return {
        "machine": f"{len(os.sched_getaffinity(0))} CPUs, {model}; {memory:.0f} GiB",
        "system": f"Linux {platform.release()}, {' '.join(platform.libc_ver())}",
        "FFmpeg": said("ffmpeg", "-version").splitlines()[0].split(" Copyright")[0],
        "compilers": f"{said('go', 'version').removeprefix('go version ')}; {said('gcc', '--version').splitlines()[0]}",
        **competitors.facts(programs),
    }


def revision(folder: Path = Path()) -> str:
    changed = said("git", "-C", str(folder), "status", "--porcelain", "src", "Cargo.lock")
    return said("git", "-C", str(folder), "rev-parse", "--short", "HEAD") + (" with changes" if changed else "")


def busy_seconds() -> tuple[float, float]:
    """CPU time that all of the machine has spent since its start, and what the hypervisor took."""
    with open("/proc/stat") as stat:
        user, nice, system, _, _, irq, softirq, steal = map(int, stat.readline().split()[1:9])
    return (user + nice + system + irq + softirq) / os.sysconf("SC_CLK_TCK"), steal / os.sysconf("SC_CLK_TCK")


class Watch:
    """What happens on the machine while a kind is measured."""

    def __init__(self) -> None:
        self.date = datetime.now(timezone.utc).strftime("%Y-%m-%d")
        self.load = os.getloadavg()[0]
        self.began = time.monotonic()
        self.busy, self.steal = busy_seconds()
        self.own = sum(os.times()[:4])

    def row(self, kind: str, length: str) -> tuple[str, ...]:
        """Of the CSV file of runs, when the processes that were measured have ended: only then their time is ours."""
        seconds = time.monotonic() - self.began
        busy, steal = busy_seconds()
        others = max(busy - self.busy - (sum(os.times()[:4]) - self.own), 0)
        percent = seconds * len(os.sched_getaffinity(0)) / 100
        shares = (f"{others / percent:.1f}", f"{(steal - self.steal) / percent:.1f}")
        return (kind, length, self.date, revision(), f"{seconds:.0f}", f"{self.load:.1f}", *shares)
