"""What a host sees of a peer that does wrong: `make faults` measures it, and prints and writes build/faults.md. Every fault is tried several times, on threads and in workers, each time
with a job that is not a source (how long until its call returns, and with what) and, where the line heals, with one that is (whether and when it is back).

The deadlines are set to LIMIT_MS where a fault would last as long as -mt_live's 10 s: the bound of a fault is then that time and what the library adds."""

from __future__ import annotations

import contextlib
import os
import random
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import lines
import publish
from jumps import media_faults
from lines import Line, SrtLine
from mt_transcode import Engine, Job
from peers import eventually
from readers import joined_never_reads, never_reads
from relay import Faults
from restarts import restarts
from rows import ISOLATIONS, LIMIT_MS, Row, from_json, isolation_of_environment, result_of, table
from support import is_at_rest

OPEN = ["-mt_open_timeout_ms", str(LIMIT_MS)]
NULL = ["-map", "0", "-c", "copy", "-f", "null", "-"]


@dataclass(frozen=True)
class Amount:
    """How often a fault is tried, one of those that take seconds, and a cancel."""

    count: int
    slow: int
    cancels: int


#: In workers less often: it is the same code behind the process's door.
MEASURED = {"thread": Amount(10, 4, 600), "process": Amount(5, 2, 400)}


class Bench:
    """An engine, and the rows that came of it."""

    def __init__(self, folder: Path, amount: Amount, isolation: str) -> None:
        self.folder, self.count, self.slow_count, self.cancel_count = folder, amount.count, amount.slow, amount.cancels
        self.isolation, self.engine = isolation, Engine(isolation=isolation)
        self.rows: list[Row] = []

    def row(self, fault: str, protocol: str, limit_ms: int | None = None) -> Row:
        row = Row(fault, protocol, self.isolation, limit_ms)
        self.rows.append(row)
        if os.environ.get("MT_SHOW"):
            print(fault, protocol, self.isolation, file=sys.stderr)
        return row

    def start(self, *args: object) -> Job:
        job = self.engine.job([str(arg) for arg in args])
        job.start()
        return job

    def rests(self) -> None:
        eventually("an engine at rest", lambda: is_at_rest(self.engine))

    def ends(self, row: Row, since: Callable[[], float | None], *args: object) -> None:
        """A job that ends by itself: how long after the fault began, and with what."""
        began = time.monotonic()
        with self.start(*args) as job:
            row.results.append(result_of(job))
            row.times.append(time.monotonic() - (since() or began))
        self.rests()

    # --- while it is opened

    def silent_peer(self, protocol: str, url: str) -> None:
        row = self.row("silent after connect", protocol, LIMIT_MS)
        with socket.create_server(("127.0.0.1", 0), backlog=64) as server:
            for _ in range(self.count):
                self.ends(row, lambda: None, "-mt_live", 1, *OPEN, "-i", url.format(server.getsockname()[1]), *NULL)

    def full_backlog(self) -> None:
        row = self.row("full listen backlog", "tcp-ts", LIMIT_MS)
        with socket.create_server(("127.0.0.1", 0), backlog=0) as server, contextlib.ExitStack() as stack:
            address = server.getsockname()
            for _ in range(8):
                one = stack.enter_context(socket.socket())
                one.setblocking(False)
                one.connect_ex(address)
            for _ in range(self.count):
                self.ends(row, lambda: None, "-mt_live", 1, *OPEN, "-f", "mpegts", "-i", f"tcp://127.0.0.1:{address[1]}", *NULL)

    def tls_stall(self) -> None:
        """A server that takes the hello, answers with a header of a record, and says no more."""
        row = self.row("TLS stall in the handshake", "tls", LIMIT_MS)
        with lines.Bytes(b"\x16\x03\x03\x00\x7a\x02\x00\x00\x76\x03\x03") as server:
            for _ in range(self.count):
                self.ends(row, lambda: None, "-mt_live", 1, *OPEN, "-f", "mpegts", "-i", f"tls://127.0.0.1:{server.port}", *NULL)

    def fifo(self) -> None:
        """Nothing interrupts open(2) of a FIFO: its thread is left behind and counted until a writer comes."""
        row = self.row("FIFO without writer", "file", LIMIT_MS)
        for turn in range(self.count):
            path = self.folder / f"fifo{turn}"
            os.mkfifo(path)
            began = time.monotonic()
            with self.start("-mt_live", 1, *OPEN, "-i", path, *NULL) as job:
                row.results.append(result_of(job) + (", detached until a writer comes" if self.engine.stats().detached else ""))
                row.times.append(time.monotonic() - began)
            # A worker that is gone reads no more.
            with contextlib.suppress(OSError):
                os.close(os.open(path, os.O_WRONLY | os.O_NONBLOCK))
            self.rests()

    # --- after the handshake, and in mid-stream

    def on_line(self, line: Line, is_slow: bool) -> None:
        count = self.slow_count if is_slow else self.count
        relay = line.relay
        faults = [("silent in mid-stream", Faults(stall_after=line.middle), line.read_ms), ("one byte every 200 ms", Faults(drip=0.2, drip_after=line.middle), line.read_ms),
                  ("reset in mid-stream", Faults(reset_after=line.middle), None), ("half-close in mid-stream", Faults(half_close_after=line.middle), None)]
        if line.handshake:
            row, relay.faults = self.row("silent after handshake", line.name, LIMIT_MS), Faults(stall_after=line.handshake)
            for _ in range(count):
                self.ends(row, lambda: None, "-mt_live", 1, *OPEN, *line.args, *NULL)
        for fault, faults_now, limit in faults:
            row = self.row(fault, line.name, limit)
            # A piece that broke off does not end what is fetched in pieces: the next one comes.
            goes_on = line.waits and limit is None
            if goes_on:
                row.results.append("goes on with the next segment")
            for _ in range(0 if goes_on else count):
                with self.broken(line, faults_now, self.deadlines(is_slow, line.read_ms)) as job:
                    row.results.append(result_of(job))
                    row.times.append(time.monotonic() - (relay.faulted_at or 0))
                self.rests()
            self.recovers(row, line, faults_now, is_slow)

    @contextlib.contextmanager
    def broken(self, line: Line, faults: Faults, options: list[str]) -> Iterator[Job]:
        """A job whose line has these faults, from its middle on."""
        line.relay.faults, line.relay.faulted_at = Faults() if line.waits else faults, None
        with self.start("-mt_live", 1, *options, *line.args, *NULL) as job:
            if line.waits:
                eventually("packets", lambda: job.state.is_final or job.stats().packets_read > 20)
                line.relay.faults = faults
            yield job

    @staticmethod
    def deadlines(is_slow: bool, read_ms: int) -> list[str]:
        # What plays in real time takes its time to begin.
        return ["-mt_open_timeout_ms", "8000" if is_slow else "1500", "-mt_read_timeout_ms", str(read_ms)]

    def recovers(self, row: Row, line: Line, faults: Faults, is_slow: bool) -> None:
        """A source: the fault happens once, and it is back when packets come by a second connection."""
        before = line.relay.connections + 1
        with self.broken(line, faults, ["-mt_source", "1", "-mt_retry_ms", "100", *self.deadlines(is_slow, line.read_ms)]) as job:
            eventually("the fault", lambda: line.relay.faulted_at is not None or job.state.is_final)
            line.relay.faults = Faults()
            try:
                # What is fetched in pieces has many connections, and goes on once more comes than was under way.
                more = 150 if line.waits else 20
                eventually("a new connection", lambda: job.state.is_final or line.waits or line.relay.connections > before, 10)
                written = job.stats().packets_written
                eventually("packets of it", lambda: job.state.is_final or job.stats().packets_written > written + more, 15)
                took = time.monotonic() - (line.relay.faulted_at or 0)
                row.recovered = f"after {took:.1f} s" if not job.state.is_final else f"no: {result_of(job)}"
            except AssertionError as never:
                row.recovered = f"no: {never}"
            job.stop()
            result = result_of(job)
            if result != "SUCCEEDED" and row.recovered.startswith("after"):
                row.recovered += f", then {result}"
        self.rests()

    def srt_silence(self) -> None:
        row = self.row("silent in mid-stream", "srt", LIMIT_MS)
        for _ in range(self.slow_count):
            with SrtLine(self.folder) as line, self.start("-mt_live", 1, *self.deadlines(True, LIMIT_MS), *line.args, *NULL) as job:
                eventually("it is read", lambda: job.state.is_final or job.stats().packets_written > 50)
                line.faults = Faults(loss=1)
                began = time.monotonic()
                row.results.append(result_of(job))
                row.times.append(time.monotonic() - began)
            self.rests()

    # --- cancels

    def cancels(self, lines_to_try: list[Line]) -> None:
        """Cancel at random moments of jobs that open, read, write and end: from the call to the final state."""
        chance, count = random.Random(7), self.cancel_count
        for index, line in enumerate(lines_to_try):
            row = self.row("cancel at a random moment", line.name)
            line.relay.faults = Faults()
            for turn in range(count // len(lines_to_try) + (index < count % len(lines_to_try))):
                out = ["-c", "copy", "-f", "mpegts", self.folder / "cancel.ts"] if turn % 2 else ["-c:v", "mpeg2video", "-c:a", "mp2", "-f", "mpegts", self.folder / "cancel.ts"]
                with self.start("-mt_live", 1, *line.args, *out) as job:
                    time.sleep(chance.uniform(0, 0.25))
                    began = time.monotonic()
                    job.cancel()
                    row.results.append(result_of(job))
                    row.times.append(time.monotonic() - began)
                    if "DETACHED" in row.results[-1]:
                        self.engine.dump(sys.stderr)  # which call did not return
            self.rests()


SILENT = [("tcp-ts", "tcp://127.0.0.1:{}"), ("http", "http://127.0.0.1:{}/live.flv"), ("hls", "http://127.0.0.1:{}/live.m3u8"), ("rtmp", "rtmp://127.0.0.1:{}/live/a"),
          ("rtsp", "rtsp://127.0.0.1:{}/a"), ("https", "https://127.0.0.1:{}/live.flv"), ("rtmps", "rtmps://127.0.0.1:{}/live/a")]


@contextlib.contextmanager
def bench(amount: Amount, isolation: str | None = None) -> Iterator[Bench]:
    with tempfile.TemporaryDirectory(prefix="mt-faults-") as folder:
        one = Bench(Path(folder), amount, isolation or isolation_of_environment())
        try:
            yield one
            one.rests()
        finally:
            one.engine.close()


def fast_lines() -> list[Callable[[], contextlib.AbstractContextManager[Line]]]:
    return [lines.tcp_ts, lines.http_ts, lines.http_flv]


def measure(one: Bench) -> None:
    for protocol, url in SILENT:
        one.silent_peer(protocol, url)
    one.full_backlog()
    one.tls_stall()
    one.fifo()
    for make in fast_lines():
        with make() as line:
            one.on_line(line, False)
    for real in (lines.rtmp, lines.rtsp, lines.hls):
        with tempfile.TemporaryDirectory(prefix="mt-peer-") as folder, real(Path(folder)) as line:
            one.on_line(line, True)
    one.srt_silence()
    never_reads(one)
    joined_never_reads(one)
    media_faults(one)
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="mt-peer-")))
        one.cancels([stack.enter_context(make()) for make in fast_lines()] + [stack.enter_context(lines.rtmp(folder))])


def main() -> None:
    with contextlib.ExitStack() as stack:
        benches = [stack.enter_context(bench(MEASURED[isolation], isolation)) for isolation in ISOLATIONS]
        for one in benches:
            measure(one)
        # A minute in which little happens: both at once.
        with ThreadPoolExecutor(len(benches)) as pool:
            list(pool.map(lambda one: restarts(one, 3, 20), benches))
        import dns  # which has its rows from here

        text = table([*(row for one in benches for row in one.rows), *from_json(dns.rows(3))])
        print(text)
        publish.save(publish.FAULTS, text)


if __name__ == "__main__":
    main()
