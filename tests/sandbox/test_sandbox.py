"""The sandbox of workers. Given jobs in workers, when one does what only an exploit does, then it is stopped or refused, and every other job goes on; and jobs that read and
write in every way that ffmpeg knows make the same files as on threads. `make test-sandbox` sets MT_STAGE and MT_HOSTS."""

from __future__ import annotations

import contextlib
import functools
import http.server
import json
import os
import socket
import subprocess
import tempfile
import threading
import unittest
from collections.abc import Iterator
from pathlib import Path

import mt_transcode
from mt_transcode import Engine, Error, Job

HOSTS = Path(os.environ["MT_HOSTS"])
SANDBOX, EINVAL = -1015, -22
SHORT = "-y -f lavfi -i testsrc2=s=160x120:r=25:d=1 -c:v mpeg4".split()
PICTURE = "-y -f lavfi -i testsrc2=s=160x120:r=5:d=1"
HAS = mt_transcode.diagnostics()["sandbox"]
IS_COMPLETE = "abi" in HAS["landlock"] and "architecture" in HAS["seccomp"]


@contextlib.contextmanager
def environment(**values: str) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})


class Sandboxed(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    @contextlib.contextmanager
    def engine(self, fault: str = "", sandbox: str = "best") -> Iterator[Engine]:
        with environment(LD_PRELOAD=str(HOSTS / "fault.so"), MT_FAULT=fault):
            engine = Engine(isolation="process", worker_sandbox=sandbox)
        with engine:
            yield engine

    def start(self, engine: Engine, label: str, options: tuple[str, ...] = (), after: tuple[str, ...] = ()) -> Job:
        job = engine.job([*options, *SHORT, *after, str(self.folder / f"{label}.mkv")], label=label)
        job.start()
        return job

    def fails(self, job: Job, code: int) -> Error:
        with self.assertRaises(Error) as raised:
            job.wait(60)
        self.assertEqual(raised.exception.code, code, raised.exception)
        return raised.exception

    def said(self, fault: str, sandbox: str = "best", options: tuple[str, ...] = (), after: tuple[str, ...] = ()) -> str:
        """What a worker whose job does this says on standard error; the job itself ends well."""
        with tempfile.TemporaryFile() as said:
            before = os.dup(2)
            os.dup2(said.fileno(), 2)
            try:
                with self.engine(f"{fault}@avcodec_send_frame", sandbox) as engine:
                    self.start(engine, "bad", options, after).wait(60)
            finally:
                os.dup2(before, 2)
                os.close(before)
            said.seek(0)
            return said.read().decode()


class Exploits(Sandboxed):
    @unittest.skipUnless("architecture" in HAS["seccomp"], f"no filter here: {HAS['seccomp']}")
    def test_what_only_an_exploit_calls_ends_its_job_and_no_other(self) -> None:
        for fault, call in (("exec", "execve"), ("fork", "clone"), ("keyctl", "keyctl")):
            with self.subTest(fault), self.engine(f"{fault}@avcodec_send_frame@enc0:0:bad") as engine:
                good, bad = self.start(engine, "good"), self.start(engine, "bad")
                error = self.fails(bad, SANDBOX)
                good.wait(60)
                self.assertIn(call, str(error))
                self.assertEqual(error.crash_report["system_call_name"], call)
                self.assertEqual(error.stage, "encode")
                self.start(engine, "next").wait(60)

    @unittest.skipUnless("architecture" in HAS["seccomp"], f"no filter here: {HAS['seccomp']}")
    def test_connections_signals_and_rights_are_refused(self) -> None:
        self.assertIn("socket: Permission denied", self.said("connect"))
        self.assertIn("kill: Operation not permitted", self.said("kill"))
        self.assertIn("chmod: Operation not permitted", self.said(f"chmod:{self.folder}"))

    @unittest.skipUnless("abi" in HAS["landlock"], f"no Landlock here: {HAS['landlock']}")
    def test_files_that_the_job_does_not_name_are_refused(self) -> None:
        with tempfile.TemporaryDirectory() as other:
            secret = Path(other, "secret")
            secret.write_text("secret")
            self.assertIn("Permission denied", self.said(f"open:{secret}"))
            self.assertIn("Permission denied", self.said(f"make:{other}/new"))
            self.assertEqual(os.listdir(other), ["secret"])
        self.assertIn("Permission denied", self.said(f"open:/proc/{os.getpid()}/environ"))

    def test_what_the_sandbox_stops_goes_through_without_it(self) -> None:
        for fault in ("connect", "kill", f"chmod:{self.folder}", "open:/etc/passwd", f"make:{self.folder}/new"):
            self.assertIn("done", self.said(fault, "off"), fault)
        self.assertEqual(self.said("fork", "off"), "")

    def test_operators_words_are_checked(self) -> None:
        with environment(MT_TRANSCODE_SANDBOX="maybe"), self.assertRaises(Error) as raised:
            Engine(isolation="process")
        self.assertEqual(raised.exception.code, EINVAL)
        with environment(MT_TRANSCODE_SANDBOX="off"):
            self.assertIn("done", self.said("connect", "required"))
        with self.assertRaises(ValueError):
            Engine(worker_sandbox="maybe")


    @unittest.skipUnless("abi" in HAS["landlock"], f"no Landlock here: {HAS['landlock']}")
    def test_text_names_no_file(self) -> None:
        with tempfile.TemporaryDirectory() as other:
            secret = Path(other, "secret")
            secret.write_text("secret")
            for options in (("-metadata", f"title={secret}"), ("-metadata", f"title={other}/new")):
                # In front of the input these would be its own.
                self.assertNotIn("done", self.said(f"open:{secret}", after=options))
                self.assertNotIn("done", self.said(f"make:{other}/new", after=options))


class Jobs(Sandboxed):
    """Each runs on threads and in workers, and must make the same files."""

    def setUp(self) -> None:
        super().setUp()
        self.media = self.folder / "media"
        self.media.mkdir()
        make = ["ffmpeg", "-v", "error", *PICTURE.split()]
        subprocess.run([*make, "-f", "lavfi", "-i", "sine=d=1", "-c:v", "mpeg4", "-c:a", "aac", self.media / "a.mp4"], check=True, timeout=60)
        subprocess.run([*make, "-c:v", "mpeg2video", self.media / "b.ts"], check=True, timeout=60)
        subprocess.run([*make, self.media / "p%02d.png"], check=True, timeout=60)
        (self.media / "s.srt").write_text("1\n00:00:00,000 --> 00:00:01,000\nA line\n")
        (self.media / "t.txt").write_text("A text")

    def both(self, *lines: str) -> None:
        made = []
        for isolation in ("thread", "process"):
            folder = self.folder / isolation
            folder.mkdir()
            before = os.getcwd()
            os.chdir(folder)
            try:
                with environment(MT_TRANSCODE_SANDBOX="required" if IS_COMPLETE else "best"), Engine(isolation=isolation) as engine:
                    for line in lines:
                        engine.job(line.format(m=self.media, o=folder).split()).run()
            finally:
                os.chdir(before)
            # Some names are the time.
            made.append(sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if "vstats" not in path.name))
        self.assertEqual(*made)

    def test_hls_with_keys(self) -> None:
        (self.media / "key").write_bytes(b"0123456789abcdef")
        (self.media / "keyinfo").write_text(f"key.bin\n{self.media}/key\n")
        self.both(f"{PICTURE} -hls_time 0.2 -hls_key_info_file {{m}}/keyinfo -hls_flags temp_file {{o}}/x.m3u8")

    def test_hls_variants_make_their_folders(self) -> None:
        self.both(f"{PICTURE} -c:v mpeg2video -f hls -hls_segment_filename {{o}}/%v_%03d.ts -var_stream_map v:0 -master_pl_name m.m3u8 {{o}}/%v/x.m3u8")

    def test_dash(self) -> None:
        self.both(f"{PICTURE} -c:v libx264 -f dash {{o}}/x.mpd")

    def test_segments_and_their_list(self) -> None:
        self.both(f"{PICTURE} -c:v mpeg2video -f segment -segment_time 0.2 -segment_list list.csv seg%03d.ts",
                  f"{PICTURE} -c:v mpeg2video -f segment -strftime 1 -segment_list {{o}}/l.ffconcat {{o}}/s.ts")

    def test_tee(self) -> None:
        self.both(f"{PICTURE} -map 0 -c:v mpeg2video -f tee [f=mpegts]{{o}}/a.ts|[f=segment:segment_time=0.2]{{o}}/b%d.ts")

    def test_two_passes(self) -> None:
        self.both(f"{PICTURE} -c:v libx264 -b:v 100k -pass 1 -f null /dev/null", f"{PICTURE} -c:v libx264 -b:v 100k -pass 2 x.mp4",
                  f"{PICTURE} -c:v mpeg4 -b:v 100k -pass 1 -passlogfile {{o}}/log -f null -", f"{PICTURE} -c:v mpeg4 -b:v 100k -pass 2 -passlogfile {{o}}/log y.mp4",
                  f"{PICTURE} -c:v libx264 -x264-params pass=1:stats={{o}}/x264.log -f null -")

    def test_pictures(self) -> None:
        self.both(f"{PICTURE} {{o}}/o%02d.png", "-f image2 -i {m}/p%02d.png -y v.mp4", "-i {m}/p01.png -y {o}/one.jpg", "-f image2 -pattern_type glob -i {m}/*.png -y g.mp4")

    def test_subtitles_and_text(self) -> None:
        self.both("-i {m}/a.mp4 -vf subtitles={m}/s.srt -y {o}/s.mp4", "-i {m}/a.mp4 -vf drawtext=textfile={m}/t.txt:reload=1 -y {o}/t.mp4",
                  "-i {m}/a.mp4 -filter_complex [0:v]drawtext=text=x[v] -map [v] -y {o}/u.mp4", "-i {m}/a.mp4 -i {m}/s.srt -c copy -c:s mov_text -y {o}/v.mp4")

    def test_scripts(self) -> None:
        (self.media / "list.txt").write_text(f"file '{self.media}/b.ts'\nfile b.ts\n")
        (self.media / "list.m3u8").write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:1,\n{self.media}/b.ts\n#EXTINF:1,\nb.ts\n#EXT-X-ENDLIST\n")
        (self.media / "graph").write_text(f"movie={self.media}/p01.png[a];[0:v][a]overlay[v]")
        self.both("-f concat -safe 0 -i {m}/list.txt -y c.ts", "-i {m}/list.m3u8 -c copy -y h.ts",
                  "-i {m}/a.mp4 -filter_complex_script {m}/graph -map [v] -y {o}/m.mp4", "-mt_trust trusted -i concat:{m}/b.ts|{m}/b.ts -c copy -y d.ts",
                  "-f lavfi -i movie={m}/a.mp4 -y l.mp4")

    def test_statistics(self) -> None:
        self.both("-i {m}/a.mp4 -vstats_file {o}/st.log -y {o}/a.mp4", "-i {m}/a.mp4 -vf metadata=print:file={o}/meta.txt -f null -",
                  "-i {m}/a.mp4 -vf split[a][b];[a][b]psnr=stats_file=psnr.log -f null -", "-i {m}/a.mp4 -vf split[a][b];[a][b]ssim={o}/ssim.log -f null -",
                  "-i {m}/a.mp4 -attach {m}/t.txt -metadata:s:t mimetype=text/plain -y at.mkv", "-dump_attachment:t:0 {o}/out.txt -i {o}/at.mkv -f null -")

    def test_other_protocols(self) -> None:
        self.both("-mt_trust trusted -i cache:{m}/a.mp4 -c copy -y {o}/c.mp4", "-i file:{m}/a.mp4 -c copy -y file:{o}/f.mp4", "-i {m}/a.mp4 -f md5 -y md5:{o}/sum")

    def test_links_lead_where_they_lead(self) -> None:
        with tempfile.TemporaryDirectory() as other:
            (self.media / "link.mp4").symlink_to(self.media / "a.mp4")
            (self.media / "out.mp4").symlink_to(Path(other, "real.mp4"))
            self.both("-i {m}/link.mp4 -c copy -y {o}/f.mp4", "-i {m}/a.mp4 -c copy -y {m}/out.mp4", "-i {m}/a.mp4 -c copy -y {m}/out.mp4")
            self.assertEqual(os.listdir(other), ["real.mp4"])

    def test_the_network_where_it_is_named(self) -> None:
        served = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=self.media))
        threading.Thread(target=served.serve_forever, daemon=True).start()
        self.addCleanup(served.server_close)
        self.addCleanup(served.shutdown)
        with socket.create_server(("127.0.0.1", 0)) as taken:
            received = threading.Thread(target=take_two, args=(taken,))
            received.start()
            self.both(f"-i http://localhost:{served.server_port}/a.mp4 -c copy -y {{o}}/h.mp4", f"-i {{m}}/b.ts -c copy -f mpegts tcp://127.0.0.1:{taken.getsockname()[1]}")
            received.join()

    def test_more_can_be_allowed(self) -> None:
        with tempfile.TemporaryDirectory() as other:
            secret = Path(other, "secret")
            secret.write_text("secret")
            self.assertIn("done", self.said(f"open:{secret}", options=("-mt_allow_read", other)))
            if "abi" in HAS["landlock"]:
                self.assertNotIn("done", self.said(f"make:{secret}", options=("-mt_allow_read", other)))
            self.assertIn("done", self.said(f"make:{other}/new", options=("-mt_allow_write", f"/nowhere:{other}")))


def take_two(server: socket.socket) -> None:
    for _ in range(2):
        connection, _ = server.accept()
        with connection:
            while connection.recv(65536):
                pass


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        """Says nothing."""


class Said(unittest.TestCase):
    def test_diagnostics_say_what_is_in_force(self) -> None:
        self.assertEqual(sorted(HAS), ["landlock", "network", "no_new_privs", "seccomp"], json.dumps(HAS))


if __name__ == "__main__":
    unittest.main(verbosity=2)
