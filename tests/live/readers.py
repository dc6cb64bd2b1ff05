"""Viewers that do not read."""

from __future__ import annotations

import socket
import time
from typing import TYPE_CHECKING

from peers import PATIENCE
from rows import LIMIT_MS, errno_name, result_of
from support import JoinedOutput

if TYPE_CHECKING:
    from faults import Bench


def never_reads(bench: Bench) -> None:
    """One who connects and does not read, of a server of ours."""
    row = bench.row("viewer that never reads", "tcp-ts", LIMIT_MS)
    source = ["-f", "lavfi", "-i", "testsrc2=s=1280x720:r=25", "-c:v", "mpeg2video", "-q:v", "2"]
    for _ in range(bench.slow_count):
        with socket.create_server(("127.0.0.1", 0)) as server:
            server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            job = bench.start("-mt_live", 1, *source, "-mt_write_timeout_ms", LIMIT_MS, "-f", "mpegts", f"tcp://127.0.0.1:{server.getsockname()[1]}")
            with server.accept()[0], job:
                stuck_at, packets = time.monotonic(), -1
                while not job.state.is_final:
                    if job.stats().packets_written != packets:
                        stuck_at, packets = time.monotonic(), job.stats().packets_written
                    time.sleep(0.005)
                row.results.append(result_of(job))
                row.times.append(time.monotonic() - stuck_at)
        bench.rests()


def joined_never_reads(bench: Bench) -> None:
    """One who does not read, of a server that an output of a running job pushes to: it ends alone."""
    row = bench.row("joined viewer that never reads", "tcp-ts", LIMIT_MS)
    # A worker must know before the start that there will be connections.
    source = ["-re", "-f", "lavfi", "-i", "testsrc2=s=1280x720:r=25", "-c:v", "mpeg2video", "-q:v", "2", "-g", "25", "-http_proxy", "http://127.0.0.1:9", "-f", "null", "-"]
    options = {"mt_from": "0", "c": "copy", "f": "mpegts", "mt_write_timeout_ms": str(LIMIT_MS)}
    for _ in range(bench.slow_count):
        with socket.create_server(("127.0.0.1", 0)) as server:
            server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            job = bench.start(*source)
            output = JoinedOutput(job, f"tcp://127.0.0.1:{server.getsockname()[1]}", options)
            with server.accept()[0], job:
                stuck_at, packets, until = time.monotonic(), -1, time.monotonic() + PATIENCE
                while (stats := output.stats()).state < 4 and time.monotonic() < until:
                    if stats.packets_written != packets:
                        stuck_at, packets = time.monotonic(), stats.packets_written
                    time.sleep(0.005)
                row.times.append(time.monotonic() - stuck_at)
                row.results.append(f"output {errno_name(stats.code)}, job {job.state.name}")
            output.free()
        bench.rests()
