"""A DNS server that never answers: what a host sees of a job whose URL has a name. In a network and a mount of this program's own (unshare, which needs root), with a
/etc/resolv.conf that names it. `python3 dns.py COUNT` writes the rows of `make faults`; test_dns.py tries each once."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from faults import NULL
from lines import PROBE, Bytes
from mt_transcode import Engine, Job
from peers import eventually
from rows import Row, result_of, to_json
from support import is_at_rest, media

#: How long the resolver of the C library asks before it gives up.
RESOLVER_S = 3
URL = "http://camera.example/live"
MARK = "MT_DNS_IS_AWAY"


def enter(program: Path, *args: object) -> subprocess.CompletedProcess[str] | None:
    """Runs a program of Python's with a DNS server that never answers. None: it cannot be had here."""
    unshare = shutil.which("unshare")
    if unshare is None or subprocess.run([unshare, "-m", "-n", "true"], capture_output=True, check=False).returncode:
        return None
    command = [unshare, "-m", "-n", sys.executable, str(program), *map(str, args)]
    return subprocess.run(command, env={**os.environ, MARK: "1"}, stdout=subprocess.PIPE, text=True, timeout=300, check=False)


def loopback_up() -> None:
    get_flags, set_flags, is_up = 0x8913, 0x8914, 0x1
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        flags = struct.unpack_from("16sh", fcntl.ioctl(one, get_flags, struct.pack("16sh14x", b"lo", 0)))[1]
        fcntl.ioctl(one, set_flags, struct.pack("16sh14x", b"lo", flags | is_up))


@contextlib.contextmanager
def black_hole() -> Iterator[None]:
    """Only within `enter`."""
    assert os.environ.get(MARK), "this would change the machine's own resolver"
    loopback_up()
    with tempfile.NamedTemporaryFile("w", suffix=".conf") as conf, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        conf.write(f"nameserver 127.0.0.1\noptions timeout:{RESOLVER_S} attempts:1\n")
        conf.flush()
        subprocess.run(["mount", "--bind", conf.name, "/etc/resolv.conf"], check=True)
        server.bind(("127.0.0.1", 53))
        try:
            yield
        finally:
            subprocess.run(["umount", "/etc/resolv.conf"], check=False)


class Away:
    """Jobs whose name nobody resolves."""

    def __init__(self, count: int) -> None:
        self.count, self.rows = count, []  # type: ignore[var-annotated]

    def row(self, fault: str, isolation: str, limit_ms: int | None = None) -> Row:
        self.rows.append(Row(f"DNS black hole, {fault}", "http", isolation, limit_ms))
        return self.rows[-1]

    @contextlib.contextmanager
    def resolving(self, engine: Engine, *options: object) -> Iterator[Job]:
        job = engine.job([str(word) for word in ["-mt_live", 1, *options, "-i", URL, *NULL]])
        job.start()
        with job:
            yield job
        eventually("an engine at rest", lambda: is_at_rest(engine))

    def ended(self, row: Row, engine: Engine, end: Callable[[Job], None], *options: object) -> None:
        for _ in range(self.count):
            with self.resolving(engine, *options) as job:
                time.sleep(0.3)
                assert not job.state.is_final
                began = time.monotonic()
                end(job)
                detached = ", detached until the resolver gives up" if engine.stats().detached else ""
                row.times.append(time.monotonic() - began)
                row.results.append(result_of(job) + detached if end is not free else "freed" + detached)

    def cancels(self, isolation: str) -> None:
        with Engine(isolation=isolation) as engine:
            self.ended(self.row("cancel", isolation), engine, cancel)

    def frees(self, isolation: str) -> None:
        with Engine(isolation=isolation) as engine:
            self.ended(self.row("free", isolation), engine, free)

    def deadlines(self, isolation: str) -> None:
        row = self.row("deadline", isolation, 500)
        with Engine(isolation=isolation) as engine:
            for _ in range(self.count):
                began = time.monotonic()
                with self.resolving(engine, "-mt_open_timeout_ms", 500) as job:
                    row.results.append(result_of(job) + (", detached until the resolver gives up" if engine.stats().detached else ""))
                    row.times.append(time.monotonic() - began)

    def spent(self, isolation: str) -> None:
        """A source is tried as often as it was told: what hangs in one try is left behind, and the job goes on."""
        row = self.row("source, 2 attempts", isolation, 500)
        options = ["-mt_source", 1, "-mt_open_timeout_ms", 500, "-mt_retry_ms", 1, "-mt_retry_attempts", 2]
        with Engine(isolation=isolation) as engine:
            for _ in range(self.count):
                began = time.monotonic()
                with self.resolving(engine, *options) as job:
                    row.results.append(f"{result_of(job)}, {engine.stats().detached} detached until the resolver gives up")
                    row.times.append(time.monotonic() - began)

    def alternates(self, isolation: str) -> None:
        row = self.row("source with an alternate", isolation, 500)
        options = ["-mt_source", 1, "-mt_open_timeout_ms", 500, "-mt_return_ms", 600000, *PROBE]
        with Engine(isolation=isolation) as engine, Bytes((media() / "clip.ts").read_bytes()) as server:
            began = time.monotonic()
            with self.resolving(engine, *options, "-mt_alternate", f"tcp://127.0.0.1:{server.port}") as job:
                eventually("the alternate", lambda: job.state.is_final or job.stats().packets_read > 20)
                row.recovered = f"after {time.monotonic() - began:.1f} s" if not job.state.is_final else f"no: {result_of(job)}"
                job.cancel()
                row.results.append(result_of(job))

    def all(self) -> None:
        for isolation in ("thread", "process"):
            for one in (self.cancels, self.frees, self.deadlines, self.spent, self.alternates):
                one(isolation)


def cancel(job: Job) -> None:
    job.cancel()
    result_of(job)


def free(job: Job) -> None:
    job.close()


def rows(count: int) -> str:
    """Those of the table, as JSON; none where there is no such name space."""
    done = enter(Path(__file__), count)
    if done is None:
        print("skipped: the DNS black hole needs namespaces of its own (unshare -m -n, which needs root)", file=sys.stderr)
        return "[]"
    if done.returncode:
        raise AssertionError(f"the DNS black hole failed: {done.stdout}")
    return done.stdout.splitlines()[-1]


if __name__ == "__main__":
    with black_hole():
        away = Away(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
        away.all()
        print(to_json(away.rows))
