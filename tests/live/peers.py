"""Real peers for the live tests, from the distribution's packages (scripts/setup-live.sh): each on a free port of loopback with a folder of its own, ended by its
process id. A peer that is not installed skips the test that asks for it."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import time
import unittest
from collections.abc import Callable, Iterator
from pathlib import Path

HERE = Path(__file__).parent
RTMP_MODULE = "/usr/lib/nginx/modules/ngx_rtmp_module.so"
SYSTEM_PYTHON = "/usr/bin/python3"  # whose packages python3-gi is among
PATIENCE = 30.0


def need(program: str) -> str:
    """The path of a program, or the end of a test that cannot do without."""
    found = shutil.which(program) or shutil.which(program, path="/usr/sbin:/usr/local/sbin")
    if found is None:
        raise unittest.SkipTest(f"{program} is not installed: scripts/setup-live.sh does it")
    return found


def free_port(kind: int = socket.SOCK_STREAM, pair: bool = False) -> int:
    """A port that nobody has; with `pair` an even one whose neighbour is free too (RTP and RTCP)."""
    while True:
        with socket.socket(socket.AF_INET, kind) as one:
            one.bind(("127.0.0.1", 0))
            port = int(one.getsockname()[1])
            if not pair:
                return port
            if port % 2 == 0:
                with socket.socket(socket.AF_INET, kind) as other, contextlib.suppress(OSError):
                    other.bind(("127.0.0.1", port + 1))
                    return port


def eventually(what: str, is_so: Callable[[], object], patience: float = PATIENCE) -> None:
    until = time.monotonic() + patience
    while not is_so():
        if time.monotonic() > until:
            raise AssertionError(f"never came: {what}")
        time.sleep(0.02)


def listens(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.5):
        return True
    return False


class Peer:
    """A program that runs until it is ended, with what it said."""

    def __init__(self, args: list[str], folder: Path, name: str) -> None:
        self.log = folder / f"{name}-{time.monotonic_ns()}.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(args, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=folder)

    def said(self) -> str:
        return self.log.read_text(errors="replace")

    def end(self, patience: float = 5) -> int:
        self.process.terminate()
        try:
            return self.process.wait(patience)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()

    def __enter__(self) -> Peer:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()


NGINX = """
load_module {module};
daemon off; worker_processes 1; master_process off; pid {folder}/nginx.pid; error_log {folder}/error.log info;
events {{ worker_connections 512; }}
rtmp {{ server {{ listen 127.0.0.1:{rtmp}; application live {{ live on; wait_key on; wait_video on; }} }} }}
http {{
    access_log off; client_max_body_size 0;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
    types {{ application/vnd.apple.mpegurl m3u8; video/mp2t ts; video/x-flv flv; }}
    server {{ listen 127.0.0.1:{http}; root {folder}/www; location / {{ add_header Cache-Control no-cache; }} }}
}}
"""


class Nginx(Peer):
    """RTMP at rtmp://127.0.0.1:`rtmp`/live/KEY, and the files of `www` over HTTP."""

    def __init__(self, folder: Path) -> None:
        program = need("nginx")
        if not os.path.exists(RTMP_MODULE):
            raise unittest.SkipTest("nginx has no RTMP module: scripts/setup-live.sh installs it")
        self.rtmp, self.http, self.www = free_port(), free_port(), folder / "www"
        self.www.mkdir(exist_ok=True)
        file = folder / "nginx.conf"
        file.write_text(NGINX.format(module=RTMP_MODULE, folder=folder, rtmp=self.rtmp, http=self.http))
        super().__init__([program, "-c", str(file), "-p", str(folder)], folder, "nginx")
        eventually("nginx listens", lambda: listens(self.rtmp) and listens(self.http))


class RtspServer(Peer):
    """GStreamer's: rtsp://127.0.0.1:`port`/live plays `clip` to whoever asks; what is pushed to /record becomes the file `record`, MPEG-TS; /relay gives H.264 on as it comes
    by RTP to the port `rtp`."""

    def __init__(self, folder: Path, clip: Path) -> None:
        check = "import gi; gi.require_version('GstRtspServer', '1.0'); from gi.repository import GstRtspServer"
        if not os.path.exists(SYSTEM_PYTHON) or subprocess.run([SYSTEM_PYTHON, "-c", check], stderr=subprocess.DEVNULL, check=False).returncode:
            raise unittest.SkipTest("GStreamer's RTSP server is not installed: scripts/setup-live.sh does it")
        self.port, self.rtp, self.record = free_port(), free_port(socket.SOCK_DGRAM, pair=True), folder / "record.ts"
        super().__init__([SYSTEM_PYTHON, str(HERE / "rtsp_server.py"), str(self.port), str(clip), str(self.record), str(self.rtp)], folder, "rtsp")
        eventually("the RTSP server listens", lambda: listens(self.port))


def example(variable: str) -> str:
    """The path of a program of go/examples that `make` has built."""
    if program := os.environ.get(variable):
        return program
    raise unittest.SkipTest(f"{variable} is not set: make builds it")


class Livehub(Peer):
    """go/examples/livehub: gives `source` on as HLS and by HTTP-FLV at http://127.0.0.1:`port`/live.flv."""

    def __init__(self, folder: Path, source: str, *more: str) -> None:
        self.port, self.hls = free_port(), folder / "hls"
        self.hls.mkdir()
        super().__init__([example("MT_LIVEHUB"), "-listen", f"127.0.0.1:{self.port}", "-source", source, "-folder", str(self.hls), *more], folder, "livehub")
        eventually("livehub listens", lambda: listens(self.port))


class RtmpServer(Peer):
    """go/examples/rtmpserver: what is published at rtmp://127.0.0.1:`rtmp`/live/KEY is at http://127.0.0.1:`http`/live/KEY.flv."""

    def __init__(self, folder: Path) -> None:
        self.rtmp, self.http = free_port(), free_port()
        super().__init__([example("MT_RTMPSERVER"), "-rtmp", f"127.0.0.1:{self.rtmp}", "-http", f"127.0.0.1:{self.http}"], folder, "rtmpserver")
        eventually("rtmpserver listens", lambda: listens(self.rtmp) and listens(self.http))


def ffmpeg(folder: Path, line: str, name: str = "ffmpeg") -> Peer:
    """The ffmpeg program as publisher or player."""
    return Peer([need("ffmpeg"), "-v", "warning", "-nostdin", "-y", *line.split()], folder, name)


def srt_live_transmit(folder: Path, source: str, target: str) -> Peer:
    return Peer([need("srt-live-transmit"), "-q", "-loglevel:error", source, target], folder, "srt")


@contextlib.contextmanager
def all_of(*peers: Peer) -> Iterator[None]:
    with contextlib.ExitStack() as stack:
        for peer in peers:
            stack.enter_context(peer)
        yield
