"""The media that the faults are tried on, protocol by protocol: each a server of its own, reached through a relay that has the faults."""

from __future__ import annotations

import contextlib
import http.server
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from peers import Nginx, RtspServer, eventually, ffmpeg, free_port
from relay import Faults, TcpRelay, UdpRelay
from support import media

# All of them begin with a key frame, so that what comes at once is enough.
PROBE = "-analyzeduration 500000 -fpsprobesize 2".split()


class Bytes:
    """A server on TCP that gives everybody the same bytes, as fast as they go, and then either hangs up or says nothing more."""

    def __init__(self, data: bytes, hangs_up: bool = False) -> None:
        self.data, self.hangs_up = data, hangs_up
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                peer, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(peer,), daemon=True).start()

    def _serve(self, peer: socket.socket) -> None:
        with contextlib.suppress(OSError), peer:
            peer.sendall(self.data)
            while not self.hangs_up and peer.recv(4096):
                pass

    def __enter__(self) -> Bytes:
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


class HttpHandler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Connection", "close")
        self.end_headers()
        with contextlib.suppress(OSError):
            self.wfile.write((media() / self.path.strip("/")).read_bytes())
            self.rfile.read(1)  # it is live: it has no end


@contextlib.contextmanager
def http_server() -> Iterator[int]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), HttpHandler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()


@dataclass
class Line:
    """A way to the media: `args` open it through `relay`."""

    name: str
    args: list[str]
    relay: TcpRelay
    handshake: int  # so many bytes come down before media does, or less
    middle: int  # so many are in mid-stream
    waits: bool = False  # the fault begins when packets come, not at a number of bytes: it is fetched in pieces
    read_ms: int = 500  # its deadline for a packet: what comes in segments comes in bursts


def tcp_ts() -> contextlib.AbstractContextManager[Line]:
    return _tcp("tcp-ts", "tcp://127.0.0.1:{}", ["-f", "mpegts"], Bytes((media() / "clip.ts").read_bytes()), 0)


@contextlib.contextmanager
def _tcp(name: str, url: str, options: list[str], server: Bytes, handshake: int) -> Iterator[Line]:
    with server, TcpRelay(server.port) as relay:
        yield Line(name, [*PROBE, *options, "-i", url.format(relay.port)], relay, handshake, 300_000)


@contextlib.contextmanager
def _http(ending: str) -> Iterator[Line]:
    with http_server() as port, TcpRelay(port) as relay:
        yield Line(f"http-{ending}", [*PROBE, "-i", f"http://127.0.0.1:{relay.port}/clip.{ending}"], relay, 130, 300_000)


def http_ts() -> contextlib.AbstractContextManager[Line]:
    return _http("ts")


def http_flv() -> contextlib.AbstractContextManager[Line]:
    return _http("flv")


@contextlib.contextmanager
def rtmp(folder: Path) -> Iterator[Line]:
    with Nginx(folder) as nginx, TcpRelay(nginx.rtmp) as relay:
        url = "rtmp://127.0.0.1:{}/live/one"
        with ffmpeg(folder, f"-re -stream_loop -1 -i {media()}/clip.mp4 -c copy -f flv {url.format(nginx.rtmp)}", "publisher"):
            time.sleep(1)
            yield Line("rtmp", [*PROBE, "-i", url.format(relay.port)], relay, 3073, 150_000)


@contextlib.contextmanager
def rtsp(folder: Path) -> Iterator[Line]:
    with RtspServer(folder, media() / "clip.mp4") as server, TcpRelay(server.port) as relay:
        yield Line("rtsp", [*PROBE, "-rtsp_transport", "tcp", "-i", f"rtsp://127.0.0.1:{relay.port}/live"], relay, 150, 80_000)


@contextlib.contextmanager
def hls(folder: Path) -> Iterator[Line]:
    with Nginx(folder) as nginx, TcpRelay(nginx.http) as relay:
        line = f"-re -stream_loop -1 -i {media()}/clip.mp4 -c copy -f hls -hls_time 1 -hls_list_size 4 -hls_flags delete_segments {nginx.www}/index.m3u8"
        with ffmpeg(folder, line, "publisher"):
            eventually("a playlist", (nginx.www / "index.m3u8").exists)
            yield Line("hls", ["-i", f"http://127.0.0.1:{relay.port}/index.m3u8"], relay, 100, 20_000, True, 3000)


class SrtLine(UdpRelay):
    """An SRT server of the ffmpeg program's behind a line for datagrams."""

    def __init__(self, folder: Path) -> None:
        port = free_port(socket.SOCK_DGRAM)
        self.peer = ffmpeg(folder, f"-re -stream_loop -1 -i {media()}/clip.mp4 -c copy -f mpegts srt://127.0.0.1:{port}?mode=listener", "srt")
        time.sleep(0.5)
        super().__init__(port, Faults())
        self.args = [*PROBE, "-i", f"srt://127.0.0.1:{self.port}"]

    def __exit__(self, *_: object) -> None:
        super().__exit__()
        self.peer.end()
