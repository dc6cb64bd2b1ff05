"""What a host sees of a peer that does wrong: `make faults` measures it, and prints and writes build/faults.md. Every fault is tried several times, each time with a job that is not
a source (how long until its call returns, and with what) and, where the line heals, with one that is (whether and when it is back).

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
from dataclasses import dataclass, field
from pathlib import Path

import lines
from lines import Line, SrtLine
from mt_transcode import Engine, Error, Job
from peers import PATIENCE, eventually
from relay import Faults
from support import is_at_rest, media, program

LIMIT_MS = 500
OPEN = ["-mt_open_timeout_ms", str(LIMIT_MS)]
NULL = ["-map", "0", "-c", "copy", "-f", "null", "-"]


@dataclass
class Row:
    """What came of one fault with one protocol."""

    fault: str
    protocol: str
    limit_ms: int | None = None
    times: list[float] = field(default_factory=list)
    results: list[str] = field(default_factory=list)
    back: list[float] = field(default_factory=list)
    recovered: str = "-"

    def text(self) -> str:
        ordered = sorted(self.times)
        of = lambda part: f"{1000 * ordered[min(len(ordered) - 1, int(part * len(ordered)))]:.0f}" if ordered else "-"  # noqa: E731
        result = ", ".join(sorted(set(self.results))) or "-"
        return f"| {self.fault} | {self.protocol} | {self.limit_ms or '-'} | {len(ordered)} | {of(0.5)} | {of(0.99)} | {of(1)} | {result} | {self.recovered} |"


HEAD = "| fault | protocol | deadline ms | times | p50 ms | p99 ms | max ms | result | recovered |\n|---|---|---|---|---|---|---|---|---|"


def result_of(job: Job) -> str:
    """Waits for a job that must end: its state and code."""
    try:
        job.wait(PATIENCE)
    except Error as error:
        if os.environ.get("MT_SHOW"):
            print(error, error.hint, file=sys.stderr)
        return f"{job.state.name} {error.name}"
    return job.state.name


class Bench:
    """An engine, and the rows that came of it. `count` says how often each fault is tried; `slow_count` of those that take seconds."""

    def __init__(self, folder: Path, count: int, slow_count: int) -> None:
        self.folder, self.count, self.slow_count = folder, count, slow_count
        self.engine = Engine()
        self.rows: list[Row] = []

    def row(self, fault: str, protocol: str, limit_ms: int | None = None) -> Row:
        row = Row(fault, protocol, limit_ms)
        self.rows.append(row)
        if os.environ.get("MT_SHOW"):
            print(fault, protocol, file=sys.stderr)
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
            os.close(os.open(path, os.O_WRONLY))
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
                row.back.append(took)
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

    def restarts(self, every: float, times: int) -> None:
        """A server that is killed again and again; the output stays open."""
        row = self.row(f"server restart every {every:g} s, {times} times", "tcp-ts")
        out = self.folder / "restarts.ts"
        with lines.tcp_ts() as line:
            with self.start("-mt_live", 1, "-mt_source", 1, "-mt_retry_ms", 100, "-mt_retry_most_ms", 300, "-mt_open_timeout_ms", 1500, *line.args, "-c", "copy", out) as job:
                for _ in range(times):
                    eventually("it is read", lambda: job.state.is_final or job.stats().packets_written > 0)
                    time.sleep(every)
                    line.relay.down()
                    time.sleep(0.2)
                    written, before = job.stats().packets_written, time.monotonic()
                    line.relay.up()
                    eventually("it is back", lambda: job.state.is_final or job.stats().packets_written > written + 20)
                    row.times.append(time.monotonic() - before)
                job.stop()
                row.results.append(result_of(job))
            row.recovered = f"each time ({line.relay.connections} connections)"
        self.rests()

    # --- viewers

    def never_reads(self) -> None:
        """One who connects and does not read, of a server of ours."""
        row = self.row("viewer that never reads", "tcp-ts", LIMIT_MS)
        source = ["-f", "lavfi", "-i", "testsrc2=s=1280x720:r=25", "-c:v", "mpeg2video", "-q:v", "2"]
        for _ in range(self.slow_count):
            with socket.create_server(("127.0.0.1", 0)) as server:
                server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                job = self.start("-mt_live", 1, *source, "-mt_write_timeout_ms", LIMIT_MS, "-f", "mpegts", f"tcp://127.0.0.1:{server.getsockname()[1]}")
                with server.accept()[0], job:
                    stuck_at, packets = time.monotonic(), -1
                    while not job.state.is_final:
                        if job.stats().packets_written != packets:
                            stuck_at, packets = time.monotonic(), job.stats().packets_written
                        time.sleep(0.005)
                    row.results.append(result_of(job))
                    row.times.append(time.monotonic() - stuck_at)
            self.rests()

    # --- what is in the media

    def media_faults(self) -> None:
        clip, folder = media() / "clip.ts", self.folder
        make = "-f lavfi -i testsrc2=s={}:r=25:d={} {} -c:v libx264 -preset ultrafast -bf 0 -g 25 -threads 1 -c:a aac"
        program("-i", media() / "clip.mp4", "-c", "copy", "-output_ts_offset", "95439", "-muxdelay", "0", folder / "wrap.ts")
        program(*make.format("160x120", 10, "-f lavfi -i sine=d=10").split(), folder / "small.ts")
        program(*make.format("160x120", 40, "-f lavfi -i sine=d=2").split(), folder / "quiet.ts")
        jumps = [("timestamps wrap at 33 bits", [folder / "wrap.ts"], 250), ("timestamps back to zero", [clip, clip], 500),
                 ("codec parameters change in mid-stream", [clip, folder / "small.ts"], 500), ("no audio for 38 s", [folder / "quiet.ts"], 1000)]
        for fault, files, pictures in jumps:
            for way, codec in (("copied", ["-c", "copy"]), ("encoded", ["-c:v", "mpeg2video", "-c:a", "mp2"])):
                row, out = self.row(fault, f"tcp-ts, {way}"), folder / f"media-{way}.ts"
                with lines.Bytes(b"".join(file.read_bytes() for file in files), hangs_up=True) as server:
                    args = ["-analyzeduration", "3000000", "-f", "mpegts", "-i", f"tcp://127.0.0.1:{server.port}", "-map", "0:v", "-map", "0:a", *codec, out]
                    self.ends(row, lambda: None, "-mt_live", 1, *args)
                row.recovered = continuity(out, pictures)

    # --- cancels

    def cancels(self, count: int, lines_to_try: list[Line]) -> None:
        """Cancel at random moments of jobs that open, read, write and end: from the call to the final state."""
        chance = random.Random(7)
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
            self.rests()


def continuity(path: Path, pictures: int) -> str:
    """Whether the pictures of a file are all there and go on without a step of more than a quarter of a second."""
    from support import packets

    times = [float(packet["dts_time"]) for packet in packets(path) if packet["codec_type"] == "video" and "dts_time" in packet]
    steps = [later - before for before, later in zip(times, times[1:])]
    widest, backwards = max(steps, default=0), sum(step <= 0 for step in steps)
    whole = "all pictures" if len(times) >= pictures else f"{len(times)} of {pictures} pictures"
    return f"{whole}, " + ("no jump" if widest < 0.25 and not backwards else f"widest step {widest:.2f} s, {backwards} backwards")


SILENT = [("tcp-ts", "tcp://127.0.0.1:{}"), ("http", "http://127.0.0.1:{}/live.flv"), ("hls", "http://127.0.0.1:{}/live.m3u8"), ("rtmp", "rtmp://127.0.0.1:{}/live/a"),
          ("rtsp", "rtsp://127.0.0.1:{}/a"), ("https", "https://127.0.0.1:{}/live.flv"), ("rtmps", "rtmps://127.0.0.1:{}/live/a")]


@contextlib.contextmanager
def bench(count: int, slow_count: int) -> Iterator[Bench]:
    with tempfile.TemporaryDirectory(prefix="mt-faults-") as folder:
        one = Bench(Path(folder), count, slow_count)
        try:
            yield one
            one.rests()
        finally:
            one.engine.close()


def fast_lines() -> list[Callable[[], contextlib.AbstractContextManager[Line]]]:
    return [lines.tcp_ts, lines.http_ts, lines.http_flv]


def main(cancels: int = 1000, count: int = 10, slow_count: int = 4) -> None:
    with bench(count, slow_count) as one:
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
        one.never_reads()
        one.restarts(3, 20)
        one.media_faults()
        with contextlib.ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="mt-peer-")))
            one.cancels(cancels, [stack.enter_context(make()) for make in fast_lines()] + [stack.enter_context(lines.rtmp(folder))])
        report(one.rows)


def report(rows: list[Row]) -> None:
    text = "\n".join([HEAD, *(row.text() for row in rows)])
    print(text)
    out = Path("build/faults.md")
    out.parent.mkdir(exist_ok=True)
    out.write_text(text + "\n")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:4]))
