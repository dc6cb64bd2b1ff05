"""A control group with a quota of CPU time, of either version."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

ROOT = Path("/sys/fs/cgroup")


def own_group(is_it: str) -> str | None:
    """The path of this process's group, on the line of /proc/self/cgroup that has `is_it` between its colons."""
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        if is_it in controllers.split(","):
            return path.strip("/")
    return None


class Quota:
    """So many processors' time; made by `make`, and removed at the end."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def make(cls, cpus: float) -> Quota | None:
        """None where no group can be made, or it would limit nothing: it takes root, a hierarchy that is writable, and more processors."""
        if len(os.sched_getaffinity(0)) <= cpus:
            return None
        quota = str(round(cpus * 100_000))
        for name, folder, files in (
            ("cpu", ROOT / "cpu", (("cpu.cfs_period_us", "100000"), ("cpu.cfs_quota_us", quota))),
            ("", ROOT, (("cpu.max", f"{quota} 100000"),)),
        ):
            group = own_group(name)
            if group is None:
                continue
            made = folder / group / f"mtbench-{os.getpid()}"
            try:
                if not name:
                    (folder / group / "cgroup.subtree_control").write_text("+cpu")
                made.mkdir()
            except OSError:
                continue
            try:
                for file, text in files:
                    (made / file).write_text(text)
            except OSError:
                made.rmdir()
                continue
            return cls(made)
        return None

    def command(self, words: Sequence[str]) -> list[str]:
        """The same command, a member of the group from its beginning on."""
        return ["sh", "-c", 'echo $$ > "$0" && exec "$@"', str(self.folder / "cgroup.procs"), *words]

    def throttled(self) -> tuple[int, int]:
        """Periods in which something ran, and those of them in which it was made to wait, so far."""
        lines = dict(line.split() for line in (self.folder / "cpu.stat").read_text().splitlines())
        return int(lines["nr_periods"]), int(lines["nr_throttled"])

    def close(self) -> None:
        self.folder.rmdir()
