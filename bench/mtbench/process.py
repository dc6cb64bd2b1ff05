"""Processes that are measured, or that measure."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


class Worker:
    """A process that stays warm between its turns: a line in, a line out."""

    def __init__(self, *command: str | Path, **environment: str) -> None:
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ, **environment})
        assert self.process.stdin and self.process.stdout
        self.asking, self.answers = self.process.stdin, self.process.stdout

    def ask(self, *words: object, between: str = " ") -> list[str]:
        self.asking.write(between.join(map(str, words)) + "\n")
        self.asking.flush()
        answer = self.answers.readline().split()
        if not answer:
            raise SystemExit(f"{self.process.args!r}: no answer to {words}")
        return answer

    def close(self) -> None:
        self.asking.close()
        self.process.wait()


def ask_once(*command: object, **environment: str) -> list[str]:
    words, around = [str(word) for word in command], {**os.environ, **environment}
    return subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True, env=around).stdout.split()


@dataclass(frozen=True)
class Usage:
    """Of a piece of work: seconds, CPU seconds of user and system, and the most memory that was resident at a time."""

    wall: float
    cpu: float
    peak_bytes: int


def run_all(commands: Sequence[Sequence[str]]) -> Usage:
    """Starts processes at once and waits for them all. The peak is the sum of theirs."""
    began = time.monotonic()
    started = [subprocess.Popen(command, stdin=subprocess.DEVNULL) for command in commands]
    cpu, peak = 0.0, 0
    for process in started:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            raise SystemExit(f"{process.args!r}: status {process.returncode}")
        cpu += usage.ru_utime + usage.ru_stime
        peak += usage.ru_maxrss << 10
    return Usage(time.monotonic() - began, cpu, peak)


def said(*command: str) -> str:
    """What a command prints; "unknown" where there is none."""
    try:
        return subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
