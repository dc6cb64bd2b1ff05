"""A server that is killed again and again while it gives a stream in real time; the output stays open. What a user sees: how soon it is back, and whether what came before each end is
all there."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import lines
import ts
from jumps import jumps_of
from peers import eventually
from relay import TcpRelay
from rows import Row, result_of
from support import decoded, media, packets

if TYPE_CHECKING:
    from faults import Bench

#: What a demuxer and a parser hold until the next picture tells them that one is whole, and what the relay had in its hands.
HELD = 4


class Camera:
    """Gives everybody the clip from its beginning, in real time, and counts what it gave to whom."""

    def __init__(self) -> None:
        self.data, self.given = (media() / "clip.ts").read_bytes(), []  # type: ignore[var-annotated]
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                peer, _ = self._listener.accept()
                self.given.append(0)
                threading.Thread(target=self._serve, args=(peer, len(self.given) - 1), daemon=True).start()

    def _serve(self, peer: socket.socket, number: int) -> None:
        began, rate = time.monotonic(), len(self.data) / 10
        with contextlib.suppress(OSError), peer:
            while self.given[number] < len(self.data):
                due = int(rate * (time.monotonic() - began + 0.2))  # a little ahead
                piece = self.data[self.given[number] : due]
                peer.sendall(piece)
                self.given[number] += len(piece)
                time.sleep(0.02)
            peer.recv(1)

    def pictures(self) -> int:
        return sum(len(ts.pictures(self.data[:size])) for size in self.given)

    def __enter__(self) -> Camera:
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


def restarts(bench: Bench, every: float, times: int) -> Row:
    row = bench.row(f"server restart every {every:g} s, {times} times", "tcp-ts in real time")
    out = bench.folder / "restarts.ts"
    source = ["-mt_source", 1, "-mt_retry_ms", 100, "-mt_retry_most_ms", 300, "-mt_open_timeout_ms", 5000, *lines.PROBE, "-f", "mpegts"]
    with Camera() as camera, TcpRelay(camera.port) as relay:
        with bench.start("-mt_live", 1, *source, "-i", f"tcp://127.0.0.1:{relay.port}", "-c", "copy", out) as job:
            eventually("it is read", lambda: job.state.is_final or job.stats().packets_written > 0)
            for _ in range(times):
                time.sleep(every)
                relay.down()
                time.sleep(0.2)
                written, before = job.stats().packets_written, time.monotonic()
                relay.up()
                eventually("it is back", lambda: job.state.is_final or job.stats().packets_written > written)
                row.times.append(time.monotonic() - before)
            status = job.get_input(0).status()
            job.stop()
            row.results.append(result_of(job))
        row.recovered = f"each time ({status['connections']} connections), {whole(out, camera)}"
    bench.rests()
    return row


def whole(out: Path, camera: Camera) -> str:
    """Whether all came that was given, each time up to the end."""
    found: dict[str, list[float]] = {"video": [], "audio": []}
    for packet in packets(out):
        found[packet["codec_type"]].append(float(packet["dts_time"]))
    given, taken, shown = camera.pictures(), len(found["video"]), decoded(out).get("video", 0)
    lost = given - taken
    is_whole = 0 <= lost <= HELD * len(camera.given) and shown == taken
    pictures = "nothing lost but the outage" if is_whole else f"{taken} of {given} pictures, {shown} can be shown"
    # The sound of MPEG-TS comes some 300 ms at a time: so much of it may be missing behind the last picture.
    jumps = {jumps_of(found["video"]), jumps_of(found["audio"], 0.5)}
    return f"{pictures}, {' and '.join(sorted(jumps))}"
