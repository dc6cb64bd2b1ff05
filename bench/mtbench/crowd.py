"""Processes of which many run at once, and what they take together."""

from __future__ import annotations

import os
import subprocess
import time
from collections import deque
from collections.abc import Sequence

from .process import Usage

LOOK_S = 0.03
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


def resident(pid: int) -> tuple[int, int]:
    """Bytes of its own, and of files, which processes of the same programs share; nothing where it has ended."""
    try:
        with open(f"/proc/{pid}/statm") as file:
            _, pages, of_files, *_ = map(int, file.read().split())
    except (OSError, ValueError):
        return 0, 0
    return (pages - of_files) * PAGE_BYTES, of_files * PAGE_BYTES


def resident_together(pids: Sequence[int]) -> int:
    """What files have in memory counts once: as much as the largest process has of it."""
    sizes = [resident(pid) for pid in pids]
    return sum(own for own, _ in sizes) + max((of_files for _, of_files in sizes), default=0)


def run_crowd(commands: Sequence[Sequence[str]], at_once: int) -> Usage:
    """Runs them all, so many at once. The peak is the highest sum of what those that ran had at a time, looked at every 30 ms."""
    waiting, running = deque(commands), {}
    began, cpu, peak = time.monotonic(), 0.0, 0
    while waiting or running:
        while waiting and len(running) < at_once:
            started = subprocess.Popen(waiting.popleft(), stdin=subprocess.DEVNULL)
            running[started.pid] = started
        peak = max(peak, resident_together(list(running)))
        time.sleep(LOOK_S)
        for pid, process in list(running.items()):
            done, status, usage = os.wait4(pid, os.WNOHANG)
            if done == 0:
                continue
            process.returncode = os.waitstatus_to_exitcode(status)
            if process.returncode != 0:
                raise SystemExit(f"{process.args!r}: status {process.returncode}")
            cpu += usage.ru_utime + usage.ru_stime
            del running[pid]
    return Usage(time.monotonic() - began, cpu, peak)
