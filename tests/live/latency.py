"""How long live media takes through a job with -mt_live 1, and what many viewers cost: the second part of `make faults`, written to build/latency.md."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import flv
import glass
import publish
import ts
from mt_transcode import Engine, Pipe
from peers import eventually
from support import JoinedOutput, is_at_rest, media, program

Unit = tuple[float, bytes, bool]  # when it is due in seconds, its bytes, whether a picture begins in it


def flv_units(data: bytes) -> Iterator[Unit]:
    """The tags of an FLV file; the head goes with the first."""
    head = data[: flv.HEAD]
    for tag in flv.tags(data):
        yield tag.ms / 1000, head + tag.data, tag.is_picture
        head = b""


def ts_units(data: bytes) -> Iterator[Unit]:
    """Runs of packets from one that begins a picture to the next."""
    begins = ts.pictures(data)
    if begins[0] > 0:
        yield 0, data[: begins[0]], False
    for number, (begin, end) in enumerate(zip(begins, [*begins[1:], len(data)])):
        yield number / 25, data[begin:end], True


class Pictures:
    """Notes when each picture of a stream of bytes has come, by the beginnings of its units."""

    def __init__(self, form: str) -> None:
        self.times: list[float] = []
        self._pictures = self._in_flv if form == "flv" else self._in_ts
        self._flv, self._rest = flv.Reader(), b""

    def feed(self, data: bytes) -> None:
        now = time.monotonic()
        self.times += [now] * self._pictures(data)

    def _in_flv(self, data: bytes) -> int:
        return sum(tag.is_picture for tag in self._flv.feed(data))

    def _in_ts(self, data: bytes) -> int:
        self._rest += data
        begun = len(ts.pictures(self._rest))
        self._rest = self._rest[len(self._rest) - len(self._rest) % ts.PACKET :]
        return begun


def passage(engine: Engine, source: str, target: str, options: list[str]) -> tuple[float, list[float], float]:
    """Feeds the clip in real time. Returns how long after the first byte in the first byte was out; and of each picture the time from its last byte in to itself out; the last
    is how late the feeding itself was at most."""
    pipe_in, pipe_out = engine.pipe(4 << 20), engine.pipe(4 << 20, flush_interval=0)
    job = engine.job(["-mt_live", "1", *options, "-f", source, "-i", "mt:in", "-c", "copy", "-f", target, "mt:out"])
    job.bind("in", pipe_in, "r")
    job.bind("out", pipe_out, "w")
    pictures, first = Pictures(target), []

    def read() -> None:
        while data := pipe_out.read(1 << 20):
            if not first:
                first.append(time.monotonic())
            pictures.feed(data)

    reader = threading.Thread(target=read)
    reader.start()
    job.start()
    data = (media() / ("clip.flv" if source == "flv" else "live.ts")).read_bytes()
    began, fed, late = time.monotonic(), [], 0.0
    for when, unit, is_picture in (flv_units if source == "flv" else ts_units)(data):
        left = began + when - time.monotonic()
        time.sleep(max(0.0, left))
        late = max(late, -left)
        pipe_in.write(unit)
        if is_picture:
            fed.append(time.monotonic())
    pipe_in.close_write()
    job.wait(60)
    reader.join()
    for each in (job, pipe_in, pipe_out):
        each.close()
    # Those that were there when the output began waited for it.
    through = [out - into for into, out in zip(fed, pictures.times) if into > first[0]]
    return first[0] - began, through, late


def line(what: str, values: list[float], unit: float = 1000) -> str:
    ordered = sorted(values)
    at = lambda part: f"{unit * ordered[min(len(ordered) - 1, int(part * len(ordered)))]:.1f}" if ordered else "-"  # noqa: E731
    return f"| {what} | {len(ordered)} | {at(0.5)} | {at(0.99)} | {at(1)} |"


def resident_mib() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / (1 << 20)


def viewers(engine: Engine, count: int, seconds: int, say: Callable[[str], None]) -> None:
    """One stream of 2 Mbit/s in real time, and `count` viewers in memory who begin with the last group of pictures, all read by one thread in rounds that never block."""
    clip = media() / "two.ts"
    rate = "-b:v 1850k -minrate 1850k -maxrate 1850k -bufsize 500k -x264-params nal-hrd=cbr:force-cfr=1"
    source = "-f lavfi -i testsrc2=s=640x360:r=25:d=10 -f lavfi -i sine=d=10"
    program(*source.split(), *"-c:v libx264 -preset ultrafast -bf 0 -g 25 -threads 1".split(), *rate.split(), *"-c:a aac -b:a 128k".split(), clip)
    mbits = clip.stat().st_size * 8 / 10 / 1e6
    job = engine.job(["-mt_live", "1", "-re", "-stream_loop", "-1", "-f", "mpegts", "-i", str(clip), "-map", "0", "-c", "copy", "-f", "null", "-"])
    job.start()
    eventually("it runs", lambda: job.stats().packets_read > 100)
    pipes: list[Pipe] = []
    outputs: list[JoinedOutput] = []
    began = time.monotonic()
    for number in range(count):
        pipe = engine.pipe(256 << 10)
        job.bind(f"v{number}", pipe, "w")
        outputs.append(JoinedOutput(job, f"mt:v{number}", {"map": "0", "c": "copy", "f": "mpegts"}))
        pipes.append(pipe)
    joined = time.monotonic() - began
    sizes, first, resident = [0] * count, [0.0] * count, []
    began, cpu, own = time.monotonic(), time.process_time(), time.thread_time()
    began_sizes, next_look = None, began + 5
    while time.monotonic() < began + seconds:
        round_began = time.monotonic()
        for number, pipe in enumerate(pipes):
            try:
                sizes[number] += len(pipe.read(1 << 20, 0))
                first[number] = first[number] or time.monotonic() - began
            except TimeoutError:
                pass
        if time.monotonic() >= next_look:
            resident.append(resident_mib())
            next_look += 5
            if began_sizes is None:  # all have begun
                began_sizes, began_at, cpu, own = list(sizes), time.monotonic(), time.process_time(), time.thread_time()
        time.sleep(max(0.0, 0.1 - (time.monotonic() - round_began)))
    took = time.monotonic() - began_at
    library = (time.process_time() - cpu) - (time.thread_time() - own)
    rates = sorted((now - before) * 8 / took / 1e6 for now, before in zip(sizes, began_sizes or sizes))
    dropped = sum(output.stats().packets_dropped for output in outputs)
    threads = engine.stats().threads
    job.cancel()
    for output in outputs:
        output.free()
    job.close()
    for pipe in pipes:
        pipe.close()
    say(f"{count} viewers of one stream of {mbits:.2f} Mbit/s for {seconds} s: all had joined after {1000 * joined:.0f} ms, the last had its first bytes {1000 * max(first):.0f} ms later; "
        f"each got {rates[0]:.2f} to {rates[-1]:.2f} Mbit/s, {dropped} packets dropped; CPU of the library {100 * library / took:.0f} % of a core "
        f"({100 * library / took / count:.2f} % a viewer), threads {threads}; resident every 5 s: {', '.join(f'{mib:.0f}' for mib in resident)} MiB.")


def main(count: int = 500, seconds: int = 60, rounds: int = 3) -> None:
    lines: list[str] = []

    def say(text: str) -> None:
        print(text, flush=True)
        lines.append(text)

    # Sound packet by packet: where it comes some 300 ms at a time, as MPEG-TS may have it, pictures wait for it.
    program("-mt_live", 1, "-i", media() / "clip.mp4", "-c", "copy", "-f", "mpegts", media() / "live.ts")
    with Engine() as engine:
        say("| from the first byte in to the first byte out, `-mt_live 1` | times | p50 ms | p99 ms | max ms |\n|---|---|---|---|---|")
        found: dict[str, list[float]] = {}
        for source in ("flv", "mpegts"):
            for target in ("flv", "mpegts"):
                first: list[float] = []
                for _ in range(rounds):
                    once, through, late = passage(engine, source, target, [])
                    first.append(once)
                    found.setdefault(f"{source} to {target}", []).extend(through)
                say(line(f"{source} to {target}", first))
        say("\n| from the last byte of a picture in to the picture out | pictures | p50 ms | p99 ms | max ms |\n|---|---|---|---|---|")
        for what, through in found.items():
            say(line(what, through))
        say("")
        glass.table(8, say, line)
        viewers(engine, count, seconds, say)
        eventually("an engine at rest", lambda: is_at_rest(engine))
    publish.save(publish.LATENCY, "\n".join(lines))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:4]))
