"""Protocol by protocol. Glass to glass: the time is drawn into each picture as bars, the picture is encoded, sent, read by a job with -mt_live 1, decoded, and the time read back. Packet
to packet: the same, but the viewer's job copies; each picture is known by its last bytes, from where it leaves the encoder to where it leaves the viewer's job. A part of `make
faults`; `python3 glass.py SECONDS` alone writes both tables."""

from __future__ import annotations

import contextlib
import random
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sized
from dataclasses import dataclass
from pathlib import Path

import flv
from mt_transcode import Engine, Job, Pipe
from peers import Livehub, Nginx, RtmpServer, RtspServer, eventually, free_port
from support import is_at_rest, media

BITS, BLOCK, HEIGHT, NOISE, RATE = 20, 16, 64, 16, 25
WIDTH = BITS * BLOCK
PACKETS = "| packet out of the encoder to packet out of the viewer's job, `-mt_live 1` | pictures | p50 ms | p99 ms | max ms |\n|---|---|---|---|---|"
HEAD = f"| glass to glass, {RATE} pictures/s, `-mt_live 1` | pictures | p50 ms | p99 ms | max ms |\n|---|---|---|---|---|"


def draw(number: int) -> bytes:
    """Bars, and below them noise, so that no two pictures are encoded to the same bytes."""
    row = b"".join(bytes([235 if number >> bit & 1 else 16]) * BLOCK for bit in range(BITS))
    return row * (HEIGHT - NOISE) + random.randbytes(WIDTH * NOISE)


def read_back(picture: bytes) -> int:
    middle = HEIGHT // 2 * WIDTH + BLOCK // 2
    return sum(1 << bit for bit in range(BITS) if picture[middle + bit * BLOCK] > 125)


@dataclass
class Way:
    """A protocol: what the sender's job writes, and what the viewer's reads."""

    name: str
    out: list[str]
    into: list[str]
    viewer_first: bool = False  # datagrams are lost where nobody listens yet
    ready: Callable[[], object] = lambda: True


def udp(scheme: str, form: str) -> Way:
    port = free_port(socket.SOCK_DGRAM, pair=True)
    url = f"{scheme}://127.0.0.1:{port}"
    return Way(f"{scheme} ({form})", ["-f", form, f"{url}?pkt_size=1316"], ["-f", "mpegts", "-i", url] if scheme == "udp" else ["-i", url], True)


def tcp() -> Way:
    url = f"tcp://127.0.0.1:{free_port()}"
    return Way("tcp (mpegts)", ["-f", "mpegts", url], ["-f", "mpegts", "-i", f"{url}?listen=1"], True)


def srt() -> Way:
    port = free_port(socket.SOCK_DGRAM)
    return Way("srt, latency 120 ms", ["-f", "mpegts", f"srt://127.0.0.1:{port}?latency=120000"], ["-f", "mpegts", "-i", f"srt://127.0.0.1:{port}?mode=listener&latency=120000"], True)


def rtmp(nginx: Nginx) -> Way:
    url = f"rtmp://127.0.0.1:{nginx.rtmp}/live/glass"
    return Way("rtmp (nginx)", ["-f", "flv", url], ["-i", url])


def rtsp(server: RtspServer, transport: str) -> Way:
    # The parameter sets come with the key frames, to whoever comes later.
    into = ["-rtsp_transport", transport, "-i", f"rtsp://127.0.0.1:{server.port}/relay"]
    return Way(f"rtsp over {transport} (GStreamer's server, which gets RTP)", ["-f", "rtp", f"rtp://127.0.0.1:{server.rtp}?pkt_size=1200"], into)


def http_flv(server: RtmpServer) -> Way:
    out = ["-f", "flv", f"rtmp://127.0.0.1:{server.rtmp}/live/glass"]
    return Way("http-flv (our go/examples/rtmpserver, which gets RTMP)", out, ["-i", f"http://127.0.0.1:{server.http}/live/glass.flv"])


def http_flv_of_hub(nginx: Nginx, hub: Livehub) -> Way:
    out = ["-f", "flv", f"rtmp://127.0.0.1:{nginx.rtmp}/live/hub"]
    return Way("http-flv (our go/examples/livehub, which pulls RTMP from nginx)", out, ["-i", f"http://127.0.0.1:{hub.port}/live.flv"])


def hls(nginx: Nginx) -> Way:
    # A segment for each group of pictures, of a second.
    out = ["-f", "hls", "-hls_time", "1", "-hls_list_size", "4", "-hls_flags", "delete_segments", str(nginx.www / "index.m3u8")]
    ready = (nginx.www / "index.m3u8").exists
    return Way("hls, segments of 1 s (nginx)", out, ["-live_start_index", "-1", "-i", f"http://127.0.0.1:{nginx.http}/index.m3u8"], ready=ready)


COPY = ["-mt_from", "0", "-c", "copy", "-f", "flv", "mt:copy"]


class Tails:
    """When each picture of an FLV stream has come, by its last bytes, which no container changes."""

    def __init__(self) -> None:
        self.times: dict[bytes, float] = {}
        self._stream = flv.Reader()

    def feed(self, data: bytes) -> None:
        now = time.monotonic()
        for tag in self._stream.feed(data):
            if tag.is_picture:
                self.times.setdefault(tag.tail, now)

    def read(self, pipe: Pipe) -> None:
        with contextlib.suppress(Exception):  # the job ends when it has seen enough
            while data := pipe.read(1 << 20):
                self.feed(data)


class Sender:
    """A job that encodes pictures in real time, with the milliseconds since `began` drawn into each; `copy` gets what it sends, too."""

    def __init__(self, engine: Engine, way: Way, began: float, copy: Pipe | None = None) -> None:
        self.pipe, self.began, self.is_over = engine.pipe(1 << 20), began, False
        raw = ["-f", "rawvideo", "-pix_fmt", "gray", "-s", f"{WIDTH}x{HEIGHT}", "-r", str(RATE)]
        code = ["-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-pix_fmt", "yuv420p", "-g", str(RATE), "-threads", "1"]
        self.job = engine.job(["-mt_live", "1", "-probesize", "32", "-analyzeduration", "0", *raw, "-i", "mt:in", *code, *way.out, *(COPY if copy else [])])
        self.job.bind("in", self.pipe, "r")
        if copy:
            self.job.bind("copy", copy, "w")
        self.thread = threading.Thread(target=self._feed)

    def _feed(self) -> None:
        due = time.monotonic()
        while not self.is_over:
            time.sleep(max(0.0, due - time.monotonic()))
            due += 1 / RATE
            try:
                self.pipe.write(draw(int(1000 * (time.monotonic() - self.began))), 1)
            except (OSError, TimeoutError):
                return

    def __enter__(self) -> Job:
        self.job.start()
        self.thread.start()
        return self.job

    def __exit__(self, *_: object) -> None:
        self.is_over = True
        self.thread.join()
        self.job.close()
        self.pipe.close()


def watch(pipe: Pipe, began: float, seen: list[float]) -> None:
    """Notes how old each picture is when it comes."""
    size, rest = WIDTH * HEIGHT, b""
    with contextlib.suppress(Exception):  # the job ends when it has seen enough
        while data := pipe.read(1 << 20):
            now = time.monotonic() - began
            rest += data
            while len(rest) >= size:
                seen.append(now - read_back(rest[:size]) / 1000)
                rest = rest[size:]


# One thread: with more, the encoder of raw pictures holds back a picture for each.
SHOWN = ["-threads", "1", "-c:v", "rawvideo", "-pix_fmt", "gray", "-fps_mode", "passthrough", "-f", "rawvideo"]


def glass(engine: Engine, way: Way, seconds: float) -> list[float]:
    """How old each picture is when it can be shown."""
    began, seen = time.monotonic(), []  # type: ignore[var-annotated]
    pipe = engine.pipe(1 << 20, flush_interval=0)
    reader = threading.Thread(target=watch, args=(pipe, began, seen))
    before = between(engine, way, seconds, (pipe, reader, seen, SHOWN), Sender(engine, way, began))
    return seen[before:]


def packets(engine: Engine, way: Way, seconds: float) -> list[float]:
    """How long each picture was under way."""
    pipe, copy = engine.pipe(1 << 20, flush_interval=0), engine.pipe(1 << 20, flush_interval=0)
    into, out = Tails(), Tails()
    readers = [threading.Thread(target=into.read, args=(copy,)), threading.Thread(target=out.read, args=(pipe,))]
    readers[0].start()
    before = between(engine, way, seconds, (pipe, readers[1], out.times, ["-c", "copy", "-f", "flv"]), Sender(engine, way, time.monotonic(), copy))
    readers[0].join()
    copy.close()
    # Those of the beginning had waited for the viewer.
    return [out.times[tail] - into.times[tail] for tail in list(out.times)[before:] if tail in into.times]


def between(engine: Engine, way: Way, seconds: float, sees: tuple[Pipe, threading.Thread, Sized, list[str]], sends: Sender) -> int:
    """Sends and watches for some time. Returns how many pictures of the beginning do not count."""
    pipe, reader, seen, form = sees
    viewer = engine.job(["-mt_live", "1", *way.into, "-map", "0:v", *form, "mt:out"])
    viewer.bind("out", pipe, "w")
    reader.start()
    if way.viewer_first:
        viewer.start()
        time.sleep(0.5)  # asking whether it listens would be its one client
    with sends as sender:
        eventually("it can be seen", lambda: sender.state.is_final or (sender.stats().packets_written > 0 or way.viewer_first) and way.ready())
        if not way.viewer_first:
            viewer.start()
        eventually("pictures", lambda: len(seen) > RATE or viewer.state.is_final or sender.state.is_final)
        for job in (sender, viewer):
            if job.state.is_final:
                job.wait(1)  # raises what it failed with
        before = len(seen)
        time.sleep(seconds)
        viewer.cancel()
    reader.join()
    viewer.close()
    pipe.close()
    return before


def ways(folder: Path) -> Iterator[Way]:
    yield tcp()
    yield udp("udp", "mpegts")
    yield udp("rtp", "rtp_mpegts")
    yield srt()
    with Nginx(folder) as nginx:
        yield rtmp(nginx)
        yield hls(nginx)
        with Livehub(folder, f"rtmp://127.0.0.1:{nginx.rtmp}/live/hub") as hub:
            yield http_flv_of_hub(nginx, hub)
    with RtmpServer(folder) as server:
        yield http_flv(server)
    with RtspServer(folder, media() / "clip.mp4") as gstreamer:
        yield rtsp(gstreamer, "tcp")
        yield rtsp(gstreamer, "udp")


def table(seconds: float, say: Callable[[str], None], line: Callable[[str, list[float]], str]) -> None:
    for head, measure in ((PACKETS, packets), (HEAD, glass)):
        say(head)
        with tempfile.TemporaryDirectory(prefix="mt-glass-") as folder, Engine() as engine:
            for way in ways(Path(folder)):
                say(line(way.name, measure(engine, way, seconds)))
            eventually("an engine at rest", lambda: is_at_rest(engine))
        say("")


if __name__ == "__main__":
    from latency import line

    table(float(sys.argv[1]) if len(sys.argv) > 1 else 20, print, line)
