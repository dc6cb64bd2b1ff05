"""Crashes on demand. Given a host in C, Go or Python whose job is made to crash (fault.c, preloaded), when it does, then there is one whole report which names signal,
thread, job, stage and the very function, and the host dies as it would have without us. `make test-crash` builds the hosts and sets MT_STAGE and MT_HOSTS."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

STAGE, HOSTS = Path(os.environ["MT_STAGE"]), Path(os.environ["MT_HOSTS"])
PROGRAM = STAGE / "bin/mt-transcode"
JOB = ("-y -f lavfi -i testsrc2=s=320x240:r=25:d=1 -f lavfi -i sine=d=1 -c:v mpeg4 -c:a aac").split()

# Function that fails, on which thread, and the stage that the report must name.
PLACES = {
    "av_read_frame": "demux", "avcodec_send_packet@dec": "decode", "av_buffersrc_add_frame_flags": "filter", "avcodec_send_frame@enc0:0": "encode",
    "av_interleaved_write_frame": "mux", "av_buffer_pool_get@codec": "decode",
}
SIGNALS = {
    "segv": (signal.SIGSEGV, "SEGV_MAPERR", "fault_segv"), "wild": (signal.SIGSEGV, "", "fault_wild"), "abort": (signal.SIGABRT, "SI_TKILL", "fault_abort"),
    "fpe": (signal.SIGFPE, "FPE_INTDIV", "fault_fpe"), "ill": (signal.SIGILL, "ILL_ILLOPN", "fault_ill"), "bus": (signal.SIGBUS, "BUS_ADRERR", "fault_bus"),
    "overflow": (signal.SIGSEGV, "SEGV", "fault_overflow"), "malloc": (signal.SIGABRT, "SI_TKILL", "fault_malloc"),
    "loader": (signal.SIGSEGV, "SEGV_MAPERR", "fault_loader"),
}


class Crash(unittest.TestCase):
    """A folder of its own for each test, with a clip whose decoder has threads."""

    clip: Path

    @classmethod
    def setUpClass(cls) -> None:
        cls.media = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.media.cleanup)
        cls.clip = Path(cls.media.name) / "clip.mp4"
        subprocess.run([PROGRAM, "-v", "error", *JOB, cls.clip], check=True, timeout=60)

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.report = self.folder / "report"

    def crash(self, fault: str, host: str = "c", handler: str = "default", under: list[str] | None = None, more: str = "",
              library: Path = STAGE / "lib/libmt_transcode.so.0") -> subprocess.CompletedProcess[str]:
        """Runs a host whose job fails so."""
        args = [str(self.report), handler, "camera 7", *"-threads 2 -y -i".split(), str(self.clip), *more.split(), *"-c:v mpeg4 -c:a aac".split(), str(self.folder / "out.mkv")]
        command = {"c": [str(HOSTS / "host")], "go": [str(HOSTS / "gohost")], "python": [sys.executable, str(Path(__file__).parent / "host.py")]}[host]
        env = {**os.environ, "MT_TRANSCODE_LIBRARY": str(library), "LD_LIBRARY_PATH": str(library.parent)}
        # Python loads the library by itself, where what is preloaded would not find FFmpeg.
        preloaded = [HOSTS / "fault.so"] + ([library] if host == "python" else [])
        fault_env = {"MT_FAULT": fault, "LD_PRELOAD": ":".join(map(str, preloaded))}
        if under is None:
            return subprocess.run([*command, *args], env=env | fault_env, capture_output=True, text=True, errors="replace", timeout=120, check=False)
        return subprocess.run([*under, *command, *args], env=env, capture_output=True, text=True, errors="replace", timeout=120, check=False)

    def lines(self) -> dict[str, str]:
        """The one report, by keys; the JSON in it says the same."""
        text = self.report.read_text(errors="replace")
        self.assertEqual(text.count("mt-transcode crash report"), 1, text)
        self.assertTrue(text.endswith("end of report\n"), text[-300:])
        fields = dict(line.split(": ", 1) for line in text.splitlines() if re.match(r"[a-z_ 0-9]+: ", line))
        record = json.loads(next(line for line in text.splitlines() if line.startswith("{")))
        self.assertEqual(record["signal"], int(fields["signal"].split()[0]))
        self.assertEqual(len(record["frames"]), sum(key.startswith("frame ") for key in fields))
        self.assertEqual(record["command"], fields["command"])
        return fields

    def names(self) -> list[str]:
        """The functions of the frames, as `symbolize` finds them."""
        done = subprocess.run([PROGRAM, "symbolize", self.report], capture_output=True, text=True, timeout=60, check=True)
        return [line.strip().split(" at ")[0] for line in done.stdout.splitlines() if line.startswith("    ")]

    def died_by(self, done: subprocess.CompletedProcess[str], number: signal.Signals) -> None:
        self.assertEqual(done.returncode, -number, done.stderr[-500:])


class Reports(Crash):
    """What a report says."""

    def test_every_fault_is_named(self) -> None:
        for kind, (number, code, function) in SIGNALS.items():
            with self.subTest(kind):
                self.report.unlink(missing_ok=True)
                self.died_by(self.crash(f"{kind}@avcodec_send_frame@enc0:0"), number)
                fields = self.lines()
                self.assertTrue(fields["signal"].endswith(number.name), fields["signal"])
                self.assertIn(code, fields["code"])
                self.assertIn(function, self.names())

    def test_every_stage_is_named_also_on_threads_of_ffmpeg(self) -> None:
        for place, stage in PLACES.items():
            with self.subTest(place):
                self.report.unlink(missing_ok=True)
                self.died_by(self.crash(f"segv@{place}"), signal.SIGSEGV)
                fields = self.lines()
                self.assertEqual((fields["stage"], fields["label"], fields["job"]), (stage, "camera 7", "1"))
                self.assertEqual(fields["host_call"], "host.c: main")
                self.assertIn("-c:v mpeg4", fields["command"])
                self.assertIn(place.split("@")[0], self.names())

    def test_a_mapping_is_named_also_when_it_was_cut(self) -> None:
        self.crash("bus@av_read_frame")
        self.assertRegex(self.lines()["mapping"], r"/mt-fault-\w+ \(deleted\)")

    def test_a_descriptor_that_takes_nothing_holds_nobody_up(self) -> None:
        # A pipe that is full, and that nobody reads: the report is lost, and the process dies as it would have. In a worker the job ends all the same.
        code = """
import fcntl, os, sys
from mt_transcode import Engine, Error
read_end, write_end = os.pipe()
os.set_blocking(write_end, False)
try:
    while True:
        os.write(write_end, bytes(4096))
except BlockingIOError:
    os.set_blocking(write_end, True)
with Engine(crash_reports=write_end, isolation=sys.argv[1]) as engine:
    try:
        engine.run(sys.argv[2:], label="a job", timeout=60)
    except Error as error:
        print(error.name)
"""
        library = STAGE / "lib/libmt_transcode.so.0"
        env = {**os.environ, "MT_TRANSCODE_LIBRARY": str(library), "MT_FAULT": "segv@avcodec_send_packet@dec", "LD_PRELOAD": f"{HOSTS / 'fault.so'}:{library}"}
        for mode, status, said in (("thread", -signal.SIGSEGV, ""), ("process", 0, "CRASHED\n")):
            with self.subTest(mode):
                args = [sys.executable, "-c", code, mode, "-y", "-i", str(self.clip), "-c:v", "mpeg4", str(self.folder / "out.mkv")]
                done = subprocess.run(args, env=env, capture_output=True, text=True, timeout=90, check=False)
                self.assertEqual((done.returncode, done.stdout), (status, said), done.stderr[-500:])

    def test_secrets_are_masked(self) -> None:
        self.crash("segv@avformat_find_stream_info", more="-i rtmp://user:secret@127.0.0.1/app/secretkey")
        self.assertIn("rtmp://", self.lines()["command"])
        self.assertNotIn("secret", self.report.read_text())

    def test_frames_are_those_that_gdb_finds(self) -> None:
        if shutil.which("gdb") is None:
            self.skipTest("there is no gdb here")
        self.crash("segv@avcodec_send_packet")
        ours = [name.split("+")[0].split("(")[0] for name in self.names()]
        gdb = ["gdb", "-q", "-batch", "-ex", "set env MT_FAULT segv@avcodec_send_packet", "-ex", f"set env LD_PRELOAD {HOSTS / 'fault.so'}",
               "-ex", "set debuginfod enabled off", "-ex", "run", "-ex", "bt", "--args"]
        done = self.crash("", under=gdb)
        theirs = re.findall(r"^#\d+ +(?:0x[0-9a-f]+ in )?([\w:<>]+)", done.stdout, re.M)
        self.assertGreater(len(theirs), 6, done.stdout[-2000:])
        plain = [name.split("<")[0] for name in theirs if name.isidentifier() and not name.startswith("_")]
        places = [ours.index(name) for name in plain if name in ours]
        self.assertGreaterEqual(len(places), 5, f"{ours}\n{theirs}")
        self.assertEqual(places, sorted(places), "in the same order")
        self.assertEqual(ours[:4], theirs[:4])


class Hosts(Crash):
    """What handled signals before goes on as it would have."""

    def test_a_handler_of_a_host_in_c_runs(self) -> None:
        done = self.crash("segv@av_read_frame", handler="own")
        self.assertEqual(done.returncode, 42, done.stderr)
        self.assertIn("the host's handler: signal 11 code 1", done.stderr)
        self.lines()

    def test_go_says_what_it_says_and_its_own_faults_stay_its_own(self) -> None:
        for place in ("avcodec_send_frame@enc0:0", "av_buffer_pool_get@codec"):
            with self.subTest(place):
                self.report.unlink(missing_ok=True)
                done = self.crash(f"segv@{place}", host="go")
                self.assertIn("recovered: runtime error: invalid memory address", done.stderr)
                self.assertNotEqual(done.returncode, 3, done.stderr)
                self.assertNotEqual(done.returncode, 0, done.stderr)
                fields = self.lines()
                self.assertIn("main.run", fields["host_call"])
                self.assertRegex(fields["host_call"], r"main\.go:\d+")

    def test_faulthandler_before_and_after(self) -> None:
        for handler in ("default", "before", "after"):
            with self.subTest(handler):
                self.report.unlink(missing_ok=True)
                done = self.crash("segv@avcodec_send_frame@enc0:0", host="python", handler=handler)
                self.died_by(done, signal.SIGSEGV)
                self.assertEqual("Fatal Python error: Segmentation fault" in done.stderr, handler != "default", done.stderr[-500:])
                self.assertIn("host.py", self.lines()["host_call"])
                self.assertIn("fault_segv", self.names())

    def test_without_the_flag_no_handler_is_there(self) -> None:
        self.report = Path("-")
        done = self.crash("segv@av_read_frame", handler="own")
        self.assertEqual(done.returncode, 42, done.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
