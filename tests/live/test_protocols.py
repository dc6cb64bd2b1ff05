"""Pull and push by each protocol between jobs with -mt_live 1 and real peers. Given a peer, when a job pulls from it or pushes to it, then picture and sound arrive and
can be decoded, and a job that is stopped leaves whole files. Peers that are not installed are skipped: scripts/setup-live.sh."""

from __future__ import annotations

import http.server
import socket
import threading
import time
import unittest
from pathlib import Path

from peers import Nginx, RtspServer, all_of, eventually, ffmpeg, free_port, srt_live_transmit
from relay import Faults, UdpRelay
from support import LIVE, PROBE, TS, Live, media, packets, program

ENOUGH = 150  # packets: some three seconds of picture and sound


def publish(folder: Path, form: str, url: str, name: str = "publisher") -> object:
    """The ffmpeg program, giving the clip over and over in real time."""
    return ffmpeg(folder, f"-re -stream_loop -1 -i {media()}/clip.mp4 -c copy {form} {url}", name)


class Rtmp(Live):
    def test_pull_from_nginx_what_ffmpeg_publishes(self) -> None:
        with Nginx(self.folder) as nginx, publish(self.folder, "-f flv", f"rtmp://127.0.0.1:{nginx.rtmp}/live/one"):
            job = self.start(*LIVE, "-mt_source", 1, "-mt_retry_ms", 200, *PROBE, "-i", f"rtmp://127.0.0.1:{nginx.rtmp}/live/one", "-c", "copy", self.folder / "out.mp4")
            self.reads(job, ENOUGH)
            self.stop(job)
        self.plays(self.folder / "out.mp4")

    def test_push_to_nginx_what_ffmpeg_plays(self) -> None:
        with Nginx(self.folder) as nginx:
            url = f"rtmp://127.0.0.1:{nginx.rtmp}/live/two"
            job = self.start(*LIVE, "-re", "-stream_loop", -1, "-i", media() / "clip.mp4", "-c", "copy", "-f", "flv", url)
            self.reads(job, 10)
            with ffmpeg(self.folder, f"-i {url} -t 2 -c copy {self.folder}/out.mkv", "player") as player:
                self.assertEqual(player.process.wait(30), 0, player.said())
            self.stop(job)
        self.plays(self.folder / "out.mkv")

    def test_a_publisher_that_dials_us(self) -> None:
        port = free_port()
        url = f"rtmp://127.0.0.1:{port}/live/three"
        job = self.start(*LIVE, *PROBE, "-listen", 1, "-i", url, "-c", "copy", self.folder / "out.mkv")
        time.sleep(0.3)  # asking whether it listens would be its one client
        with publish(self.folder, "-f flv", url):
            self.reads(job, ENOUGH)
            self.stop(job)
        self.plays(self.folder / "out.mkv")


class Handler(http.server.SimpleHTTPRequestHandler):
    """Gives a file of the clip over and over; takes what is put."""

    taken: Path

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        data = (media() / self.path.strip("/")).read_bytes()
        self.send_response(200)
        self.end_headers()
        try:
            for at in range(0, len(data), 8192):
                self.wfile.write(data[at : at + 8192])
                time.sleep(0.04)
        except OSError:  # the client has enough
            pass

    def do_POST(self) -> None:
        self.send_response(200)
        self.end_headers()
        with self.taken.open("wb") as file:
            while True:
                size = int(self.rfile.readline().strip() or b"0", 16)
                if size == 0:
                    return
                file.write(self.rfile.read(size))
                self.rfile.readline()


class Http(Live):
    def setUp(self) -> None:
        super().setUp()
        taken = self.folder / "taken"
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), type("H", (Handler,), {"taken": taken}))
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        self.url, self.taken = f"http://127.0.0.1:{server.server_address[1]}", taken

    def check_pull(self, ending: str) -> None:
        job = self.start(*LIVE, *PROBE, "-i", f"{self.url}/clip.{ending}", "-c", "copy", self.folder / "out.mp4")
        self.reads(job, ENOUGH)
        self.stop(job)
        self.plays(self.folder / "out.mp4")

    def check_push(self, form: str) -> None:
        job = self.start(*LIVE, "-readrate", 4, "-i", media() / "clip.mp4", "-c", "copy", "-f", form, f"{self.url}/in")
        job.wait(30)
        eventually("all was taken", lambda: self.taken.exists() and len(packets(self.taken)) > 600)
        self.plays(self.taken, pictures=240, sounds=400)

    def test_pull_flv(self) -> None:
        self.check_pull("flv")

    def test_pull_ts(self) -> None:
        self.check_pull("ts")

    def test_push_flv(self) -> None:
        self.check_push("flv")

    def test_push_ts(self) -> None:
        self.check_push("mpegts")


class Hls(Live):
    def test_push_to_disk_and_pull_from_nginx(self) -> None:
        with Nginx(self.folder) as nginx:
            line = "-c copy -f hls -hls_time 1 -hls_list_size 4 -hls_flags delete_segments".split()
            pusher = self.start(*LIVE, "-re", "-stream_loop", -1, "-i", media() / "clip.mp4", *line, nginx.www / "index.m3u8")
            eventually("a playlist", (nginx.www / "index.m3u8").exists)
            # When a job and the ffmpeg program play it meanwhile
            url = f"http://127.0.0.1:{nginx.http}/index.m3u8"
            job = self.start(*LIVE, "-i", url, "-c", "copy", self.folder / "out.mp4")
            with ffmpeg(self.folder, f"-i {url} -t 2 -c copy {self.folder}/player.mkv", "player") as player:
                self.assertEqual(player.process.wait(40), 0, player.said())
            self.reads(job, ENOUGH)
            self.stop(job)
            self.stop(pusher)
            # then all have picture and sound, and the playlist has its end
            self.assertIn("#EXT-X-ENDLIST", (nginx.www / "index.m3u8").read_text())
            self.assertLessEqual(len(list(nginx.www.glob("*.ts"))), 6, "old segments are gone")
        self.plays(self.folder / "out.mp4")
        self.plays(self.folder / "player.mkv")


class Rtsp(Live):
    def test_pull_from_gstreamer(self) -> None:
        for transport in ("tcp", "udp"):
            with self.subTest(transport), RtspServer(self.folder, media() / "clip.mp4") as server:
                out = self.folder / f"{transport}.mkv"
                url = f"rtsp://127.0.0.1:{server.port}/live"
                job = self.start(*LIVE, "-rtsp_transport", transport, *PROBE, "-i", url, "-c", "copy", out)
                self.reads(job, ENOUGH)
                self.stop(job)
                self.plays(out, pictures=20)

    def test_push_to_gstreamer(self) -> None:
        with RtspServer(self.folder, media() / "clip.mp4") as server:
            url = f"rtsp://127.0.0.1:{server.port}/record"
            job = self.start(*LIVE, "-re", "-stream_loop", -1, "-i", media() / "clip.mp4", "-an", "-c", "copy", "-f", "rtsp", "-rtsp_transport", "tcp", url)
            self.reads(job, 75)
            self.stop(job)
            eventually("it was recorded", lambda: server.record.exists() and len(packets(server.record)) > 20, 10)

    def test_push_to_ffmpeg(self) -> None:
        url = f"rtsp://127.0.0.1:{free_port()}/live"
        with ffmpeg(self.folder, f"-rtsp_flags listen -i {url} -c copy {self.folder}/out.mkv", "listener") as listener:
            time.sleep(0.5)
            job = self.start(*LIVE, "-re", "-stream_loop", -1, "-i", media() / "clip.mp4", "-c", "copy", "-f", "rtsp", "-rtsp_transport", "tcp", url)
            self.reads(job, ENOUGH)
            self.stop(job)
            listener.process.wait(15)
        self.plays(self.folder / "out.mkv")


class Srt(Live):
    def test_pull_as_caller_and_as_listener(self) -> None:
        for mode in ("caller", "listener"):
            with self.subTest(mode):
                udp, srt, out = free_port(socket.SOCK_DGRAM), free_port(socket.SOCK_DGRAM), self.folder / f"{mode}.mp4"
                theirs = f"srt://:{srt}?mode=listener" if mode == "caller" else f"srt://127.0.0.1:{srt}?mode=caller"
                url = f"srt://127.0.0.1:{srt}?mode={mode}"
                job = self.start(*LIVE, *PROBE, "-i", url, "-c", "copy", out) if mode == "listener" else None
                with all_of(srt_live_transmit(self.folder, f"udp://127.0.0.1:{udp}", theirs),
                            publish(self.folder, "-f mpegts", f"udp://127.0.0.1:{udp}?pkt_size=1316")):
                    time.sleep(0.5)
                    job = job or self.start(*LIVE, *PROBE, "-i", url, "-c", "copy", out)
                    self.reads(job, ENOUGH)
                    self.stop(job)
                self.plays(out)

    def test_push_as_caller_and_as_listener(self) -> None:
        for mode in ("caller", "listener"):
            with self.subTest(mode):
                udp, srt, out = free_port(socket.SOCK_DGRAM), free_port(socket.SOCK_DGRAM), self.folder / f"push-{mode}.ts"
                theirs = f"srt://:{srt}?mode=listener" if mode == "caller" else f"srt://127.0.0.1:{srt}?mode=caller"
                with all_of(ffmpeg(self.folder, f"-t 3 -i udp://127.0.0.1:{udp} -c copy {out}", "player"),
                            srt_live_transmit(self.folder, theirs, f"udp://127.0.0.1:{udp}")):
                    time.sleep(0.5)
                    job = self.start(*LIVE, "-re", "-stream_loop", -1, "-i", media() / "clip.mp4", "-c", "copy", *TS, f"srt://127.0.0.1:{srt}?mode={mode}")
                    eventually("the player has something", lambda: out.exists() and out.stat().st_size > 100_000)
                    self.stop(job)
                self.plays(out)

    def test_a_bad_line_is_made_good(self) -> None:
        """5 % of the datagrams lost, 50 ms and up to 50 ms more: SRT asks again for what is missing."""
        srt, out = free_port(socket.SOCK_DGRAM), self.folder / "out.ts"
        with ffmpeg(self.folder, f"-re -i {media()}/clip.mp4 -c copy -f mpegts srt://127.0.0.1:{srt}?mode=listener&latency=1000000", "server"):
            time.sleep(0.5)
            with UdpRelay(srt, Faults(loss=0.05, delay=0.05, jitter=0.05)) as line:
                job = self.start(*LIVE, *PROBE, "-i", f"srt://127.0.0.1:{line.port}?latency=1000000", "-c", "copy", out)
                self.reads(job, ENOUGH)
                self.stop(job)
                self.assertGreater(line.lost, 0)
        self.plays(out)


class Datagrams(Live):
    def check(self, source: list[object], form: str, url: str) -> None:
        out = self.folder / "out.mp4"
        job = self.start(*LIVE, *PROBE, *source, "-c", "copy", out)
        with publish(self.folder, form, url):
            self.reads(job, ENOUGH)
            self.stop(job)
        self.plays(out)

    def test_pull_udp(self) -> None:
        url = f"udp://127.0.0.1:{free_port(socket.SOCK_DGRAM)}"
        self.check(["-i", url], "-f mpegts", f"{url}?pkt_size=1316")

    def test_pull_rtp_ts(self) -> None:
        url = f"rtp://127.0.0.1:{free_port(socket.SOCK_DGRAM, pair=True)}"
        self.check(["-i", url], "-f rtp_mpegts", url)

    def test_push_udp_and_rtp_ts(self) -> None:
        for form in ("mpegts", "rtp_mpegts"):
            with self.subTest(form):
                scheme = "udp" if form == "mpegts" else "rtp"
                url = f"{scheme}://127.0.0.1:{free_port(socket.SOCK_DGRAM, pair=True)}"
                out = self.folder / f"{form}.mkv"
                job = self.start(*LIVE, "-re", "-stream_loop", -1, "-i", media() / "clip.mp4", "-c", "copy", "-f", form, url + "?pkt_size=1316")
                with ffmpeg(self.folder, f"-i {url} -t 2 -c copy {out}", "player") as player:
                    self.assertEqual(player.process.wait(40), 0, player.said())
                self.stop(job)
                self.plays(out)

    def test_rtp_by_its_description(self) -> None:
        port, sdp = free_port(socket.SOCK_DGRAM, pair=True), self.folder / "live.sdp"
        job = self.start(*LIVE, "-re", "-stream_loop", -1, "-i", media() / "clip.mp4", "-an", "-c", "copy", "-sdp_file", sdp, "-f", "rtp", f"rtp://127.0.0.1:{port}")
        eventually("a description", lambda: sdp.exists() and "m=video" in sdp.read_text())
        player = self.start("-mt_trust", "trusted", *LIVE, "-protocol_whitelist", "file,udp,rtp", "-f", "sdp", "-i", sdp, "-c", "copy", self.folder / "out.mkv")
        self.reads(player, 50)
        self.stop(player)
        self.stop(job)
        self.plays(self.folder / "out.mkv", pictures=20, sounds=0)

    def test_loss_is_survived(self) -> None:
        """Of UDP 5 % is lost for good: what can be read is, and the file plays."""
        port = free_port(socket.SOCK_DGRAM)
        job = self.start(*LIVE, *PROBE, "-i", f"udp://127.0.0.1:{port}", "-map", "0:v", "-map", "0:a", "-c", "copy", self.folder / "out.ts")
        with UdpRelay(port, Faults(loss=0.05)) as line, publish(self.folder, "-f mpegts", f"udp://127.0.0.1:{line.port}?pkt_size=1316"):
            self.reads(job, ENOUGH)
            self.stop(job)
            self.assertGreater(line.lost, 0)
        self.plays(self.folder / "out.ts", pictures=10, sounds=10)


class Tcp(Live):
    def test_pull_and_push(self) -> None:
        port = free_port()
        job = self.start(*LIVE, *PROBE, *TS, "-i", f"tcp://127.0.0.1:{port}?listen=1", "-c", "copy", self.folder / "out.mp4")
        time.sleep(0.2)
        program("-mt_live", 1, "-readrate", 4, "-t", 4, "-i", media() / "clip.mp4", "-c", "copy", "-f", "mpegts", f"tcp://127.0.0.1:{port}")
        job.wait(30)
        self.plays(self.folder / "out.mp4", pictures=90)


if __name__ == "__main__":
    unittest.main(verbosity=2)
