"""Hangs on demand, and dumps. Given a host in Python whose job is made to spin or to sleep (fault.c, preloaded), in this process or in a worker, when a hang timeout is set, then that
job ends with HUNG and the stack of the very function, and others go on; and who waits for somebody outside is left alone. `make test-crash` sets MT_STAGE and MT_HOSTS.

With arguments this file is such a host: KIND of isolation, hang timeout in ms, label, the job's arguments."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest
from collections.abc import Iterator
from pathlib import Path

from mt_transcode import Engine, Error, Job

STAGE, HOSTS = Path(os.environ["MT_STAGE"]), Path(os.environ["MT_HOSTS"])
HUNG = -1014
PROGRAM = STAGE / "bin/mt-transcode"
SOURCE = "-y -f lavfi -i testsrc2=s=160x120:r=25:d=1 -c:v mpeg4".split()
ENDLESS = "-y -re -f lavfi -i testsrc2=s=160x120:r=25 -c:v mpeg4".split()
SHORT_MS = 1000

# What goes wrong where: the function, and the thread on which the stack must show it.
PLACES = ["spin@avcodec_send_frame@enc0:0:bad", "sleep@avcodec_send_frame@enc0:0:bad", "spin@av_read_frame@demux0:bad", "spin@avcodec_send_packet@dec0:0:bad",
          "spin@av_interleaved_write_frame@mux0:bad", "spin@av_buffer_pool_get@codec"]


def dumper(folder: str, *args: str) -> None:
    """Dumps while a thread spins, until the dump says so for a second."""
    engine = Engine()
    job = engine.job([*args, f"{folder}/bad.mkv"], label="bad")
    job.start()
    while True:
        text = io.StringIO()
        engine.dump(text)
        if re.search(r"thread \d+ enc0:0: works for [1-9]", text.getvalue()):
            break
        time.sleep(0.05)
    print(text.getvalue(), flush=True)
    os._exit(0)


def host(isolation: str, hang_ms: str, folder: str, *args: str) -> None:
    """Runs a job that goes wrong beside one that does not, and says how both ended."""
    # fault.c tells FFmpeg's own threads by their lack of a stack for signals, which ours have with crash reports only.
    reports = f"{folder}/report" if os.environ["MT_FAULT"].endswith("@codec") else None
    with Engine(isolation=isolation, hang_timeout=int(hang_ms) / 1000, crash_reports=reports) as engine:
        bad = engine.job([*args, f"{folder}/bad.mkv"], label="bad")
        good = engine.job(["-mt_hang_timeout_ms", "0", *ENDLESS, "-t", "2", f"{folder}/good.mkv"], label="good")
        began = time.monotonic()
        good.start()
        bad.start()
        lines, error = [], None
        try:
            for event in bad.events(60):
                if event.text and event.stage == "watch":
                    lines.append(event.text)
            bad.wait(60)
        except Error as raised:
            error = raised
        took = time.monotonic() - began
        good.wait(60)
        print(json.dumps({"code": error.code if error else 0, "message": str(error), "detail": error.detail if error else "", "lines": lines, "took": took}), flush=True)
        os._exit(0)  # the thread that spins would be waited for


def joined(folder: str) -> None:
    """An output joins a job and goes wrong; says how it ended, and what the job is at then."""
    with Engine(hang_timeout=SHORT_MS / 1000) as engine:
        job = engine.job(["-re", "-f", "lavfi", "-i", "testsrc2=s=160x120:r=25", "-c", "copy", "-f", "null", "-"])
        job.start()
        output = job.output(f"{folder}/bad.mkv", {"c:v": "mpeg4", "mt_slow": "skip"})
        until = time.monotonic() + 60
        while not output.state.is_final and time.monotonic() < until:
            time.sleep(0.05)
        error = output.error()
        lines = [next(event.text for event in job.events(60) if event.text and event.stage == "watch")]
        said = {"code": error.code if error else 0, "detail": error.detail if error else "", "lines": lines, "state": job.state.name}
        print(json.dumps(said), flush=True)
        os._exit(0)  # the thread that spins would be waited for


class Base(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def clip(self) -> Path:
        clip = self.folder / "clip.mp4"
        if not clip.exists():
            subprocess.run([PROGRAM, "-v", "error", *SOURCE, clip], check=True, timeout=60)
        return clip

    def functions(self, text: str) -> list[str]:
        """The functions of all frames, as `symbolize` finds them."""
        done = subprocess.run([PROGRAM, "symbolize"], input=text, capture_output=True, text=True, timeout=60, check=True)
        return [line.strip().split(" at ")[0] for line in done.stdout.splitlines() if line.startswith("    ")]

    def dumped(self, engine: Engine) -> str:
        with tempfile.TemporaryFile() as file:
            engine.dump(file)
            file.seek(0)
            return file.read().decode()

    def eventually_dumped(self, engine: Engine, pattern: str, job: Job | None = None) -> str:
        """`job` must not end before."""
        until = time.monotonic() + 30
        while True:
            text = self.dumped(engine)
            if re.search(pattern, text):
                return text
            self.assertEqual("", self.ended(job) if job else "")
            self.assertLess(time.monotonic(), until, f"never came: {pattern}\n{text}")
            time.sleep(0.05)

    def ended(self, job: Job) -> str:
        """With what; nothing while it runs."""
        try:
            return "" if not job.state.is_final else f"{job.state} {job.wait(1)}"
        except Error as error:
            return f"{error}\n{error.detail}"


class Hangs(Base):
    def run_host(self, isolation: str, fault: str) -> dict[str, object]:
        return json.loads(self.run_self(isolation, fault).splitlines()[-1])

    def run_self(self, isolation: str, fault: str) -> str:
        args = ["-y", "-threads", "2", "-i", str(self.clip()), "-c:v", "mpeg4"]
        env = {**os.environ, "MT_FAULT": fault, "LD_PRELOAD": ":".join(map(str, [HOSTS / "fault.so", STAGE / "lib/libmt_transcode.so.0"]))}
        done = subprocess.run([sys.executable, __file__, isolation, str(SHORT_MS), str(self.folder), *args], env=env, capture_output=True, text=True, timeout=120, check=False)
        self.assertEqual(done.returncode, 0, done.stderr[-2000:])
        return done.stdout

    def check(self, isolation: str) -> None:
        for fault in PLACES:
            with self.subTest(fault):
                said = self.run_host(isolation, fault)
                kind, function = fault.split("@")[:2]
                self.assertEqual(said["code"], HUNG, said["message"])
                functions = self.functions(str(said["detail"]))
                self.assertIn(f"fault_{kind}", functions)
                self.assertIn(function, functions)
                self.assertEqual(len(said["lines"]), 1, said["lines"])
                self.assertIn("frame 0: ", said["lines"][0])

    def test_in_this_process(self) -> None:
        self.check("thread")

    def test_in_a_worker(self) -> None:
        self.check("process")

    def test_a_worker_that_says_nothing_hangs(self) -> None:
        with Engine(isolation="process", hang_timeout=1) as engine:
            jobs = [engine.job([*ENDLESS, str(self.folder / f"{i}.mkv")]) for i in range(2)]
            for job in jobs:
                job.start()
            text = self.eventually_dumped(engine, r"(?s)worker: process (\d+)\n.*worker: process (\d+)\n")
            os.kill(int(re.findall(r"worker: process (\d+)", text)[0]), signal.SIGSTOP)
            with self.assertRaises(Error) as raised:
                jobs[0].wait(30)
            self.assertEqual(raised.exception.code, HUNG)
            self.assertIn("said nothing", str(raised.exception))
            self.assertFalse(jobs[1].state.is_final, "the other one goes on")
            jobs[1].stop()
            jobs[1].wait(30)

    def test_an_output_that_joined_ends_alone(self) -> None:
        said = json.loads(self.run_self("joined", "spin@avcodec_send_frame").splitlines()[-1])
        self.assertEqual((said["code"], said["state"]), (HUNG, "RUNNING"))
        functions = self.functions(said["detail"])
        self.assertIn("fault_spin", functions)
        self.assertIn("avcodec_send_frame", functions)
        self.assertIn("frame 0: ", said["lines"][0])

    def test_a_dump_while_a_thread_spins(self) -> None:
        for fault in ("spin", "sleep"):
            with self.subTest(fault):
                text = self.run_self("dump", f"{fault}@avcodec_send_frame@enc0:0:bad")
                functions = self.functions(text)
                self.assertIn(f"fault_{fault}", functions)
                self.assertIn("avcodec_send_frame", functions)

    def test_the_jobs_own_option_goes_before_the_engines(self) -> None:
        with Engine(hang_timeout=0.2) as engine:
            job = engine.job(["-mt_hang_timeout_ms", "0", *SOURCE, str(self.folder / "out.mkv")])
            job.run(60)


class Waits(Base):
    """Who waits for somebody outside does not hang."""

    def waits(self, engine: Engine, job: Job, pattern: str) -> None:
        self.eventually_dumped(engine, pattern, job)
        time.sleep(2.5 * SHORT_MS / 1000)
        self.assertEqual("", self.ended(job))

    def each(self) -> Iterator[Engine]:
        for isolation in ("thread", "process"):
            with self.subTest(isolation), Engine(isolation=isolation, hang_timeout=SHORT_MS / 1000) as engine:
                yield engine

    def test_an_empty_pipe(self) -> None:
        for engine in self.each():
            pipe = engine.pipe()
            job = engine.job(["-y", "-i", "mt:in", "-c:v", "mpeg4", str(self.folder / "out.mkv")])
            job.bind("in", pipe, "r")
            job.start()
            self.waits(engine, job, r"waits for bytes in the empty pipe mt:in")
            self.assertRegex(self.dumped(engine), r"pipe 'mt:in': 0 of \d+ bytes, empty")
            job.cancel()

    def test_a_full_pipe(self) -> None:
        for engine in self.each():
            pipe = engine.pipe(capacity_bytes=64 << 10)
            job = engine.job([*"-y -f lavfi -i testsrc2=s=640x480:r=25 -c:v mpeg4 -q:v 2 -f matroska mt:out".split()])
            job.bind("out", pipe, "w")
            job.start()
            self.waits(engine, job, r"waits for room in the full pipe mt:out")
            self.assertRegex(self.dumped(engine), r"pipe 'mt:out': \d+ of \d+ bytes, full")
            job.cancel()

    def test_a_slow_callback(self) -> None:
        for engine in self.each():
            ending = threading.Event()

            class Slow(io.RawIOBase):
                def readable(self) -> bool:
                    return True

                def seekable(self) -> bool:
                    return True

                def seek(self, position: int, whence: int = 0) -> int:
                    return position if whence == 0 else 1 << 20

                def tell(self) -> int:
                    return 0

                def readinto(self, buffer: object) -> int:
                    ending.wait(30)
                    return 0

            job = engine.job(["-y", "-i", "mt:in", "-c:v", "mpeg4", str(self.folder / "out.mkv")])
            job.bind("in", Slow())
            job.start()
            self.waits(engine, job, r"waits for the host's callback of mt:in")
            ending.set()
            with contextlib.suppress(Error):
                job.wait(30)

    def test_a_silent_peer(self) -> None:
        for url in ("tcp://127.0.0.1:{}", "async:tcp://127.0.0.1:{}", "http://user:hunter2@127.0.0.1:{}/live?token=hunter2"):
            for engine in self.each():
                with self.subTest(url), socket.create_server(("127.0.0.1", 0)) as server:
                    address = url.format(server.getsockname()[1])
                    job = engine.job(["-y", "-mt_trust", "trusted", "-f", "mpegts", "-i", address, "-c", "copy", "-f", "null", "-"])
                    job.start()
                    self.waits(engine, job, rf"reads or writes input 0 '{address[:7]}")
                    self.assertNotIn("hunter2", self.dumped(engine))
                    job.cancel()

    def test_a_fifo_without_a_writer(self) -> None:
        for engine in self.each():
            fifo = self.folder / "fifo"
            fifo.unlink(missing_ok=True)
            os.mkfifo(fifo)
            job = engine.job(["-y", "-i", str(fifo), "-c", "copy", "-f", "null", "-"])
            job.start()
            self.waits(engine, job, r"reads or writes input 0 '.*', waiting for it")
            os.close(os.open(fifo, os.O_WRONLY))
            with contextlib.suppress(Error):
                job.wait(30)

    def test_pace(self) -> None:
        for engine in self.each():
            job = engine.job(["-y", "-readrate", "0.01", "-f", "lavfi", "-i", "testsrc2=s=64x64:r=1", "-c:v", "mpeg4", str(self.folder / "out.mkv")])
            job.start()
            self.waits(engine, job, r"waits for its time")
            job.cancel()


class Works(Base):
    def test_who_has_always_more_to_do_gets_on(self) -> None:
        """Its input is never empty and its output never full, so it waits for nobody: each frame counts."""
        source = "-y -f lavfi -i testsrc2=s=160x120:r=25".split()
        slow = {"filter": ["-vf", "nlmeans", "-c:v", "rawvideo"], "encoder": ["-c:v", "libx264", "-preset", "veryslow", "-threads", "1"]}
        for isolation in ("thread", "process"):
            with self.subTest(isolation), Engine(isolation=isolation, hang_timeout=SHORT_MS / 1000) as engine:
                jobs = [engine.job([*source, *words, "-f", "null", "-"]) for words in slow.values()]
                for job in jobs:
                    job.start()
                time.sleep(4 * SHORT_MS / 1000)
                self.assertEqual(["", ""], [self.ended(job) for job in jobs])
                for job in jobs:
                    job.cancel()


class Dumps(Base):
    def test_a_running_encode(self) -> None:
        for isolation in ("thread", "process"):
            with self.subTest(isolation), Engine(isolation=isolation) as engine:
                job = engine.job([*ENDLESS, str(self.folder / "out.mkv")], label="camera 7")
                job.start()
                text = self.eventually_dumped(engine, r"(?s)state: running.*thread \d+ enc0:0: ")
                self.assertTrue(text.startswith("mt-transcode dump 1\n") and text.endswith("end of dump\n"), text)
                for pattern in (r"label: camera 7\n", r"command: ffmpeg .*-c:v mpeg4", r"state: running, [\d.]+ s\n", r"link 'encoder 0:0': \d+ of \d+ items, \d+ bytes\n",
                                r"frame 0: 0x[0-9a-f]+ /.*\+0x[0-9a-f]+ [0-9a-f]+\n"):
                    self.assertRegex(text, pattern)
                if isolation == "process":
                    self.assertRegex(text, r"worker: process \d+\n")
                self.assertTrue(any("wait" in name or "poll" in name or "futex" in name or "syscall" in name for name in self.functions(text)))
                job.cancel()

    def test_a_queued_job(self) -> None:
        with Engine(max_running=1) as engine:
            jobs = [engine.job([*ENDLESS, str(self.folder / f"{i}.mkv")]) for i in range(2)]
            for job in jobs:
                job.start()
            self.assertRegex(self.dumped(engine), r"state: queued")

    def test_a_worker_that_does_not_answer_is_told_in_time(self) -> None:
        with Engine(isolation="process") as engine:
            job = engine.job([*ENDLESS, str(self.folder / "out.mkv")])
            job.start()
            worker = int(re.findall(r"worker: process (\d+)", self.eventually_dumped(engine, r"worker: process \d+\n"))[0])
            os.kill(worker, signal.SIGSTOP)
            began = time.monotonic()
            self.assertIn("worker: did not answer in time", self.dumped(engine))
            self.assertLess(time.monotonic() - began, 10)
            os.kill(worker, signal.SIGCONT)
            self.eventually_dumped(engine, r"worker: process \d+\n")
            job.cancel()

    def test_many_dumps_change_nothing(self) -> None:
        args = [*"-y -f lavfi -i testsrc2=s=320x240:r=25:d=4 -f lavfi -i sine=d=4 -c:v mpeg4 -c:a aac -flags +bitexact -fflags +bitexact -threads 1".split()]
        with Engine() as engine:
            engine.job([*args, str(self.folder / "alone.mkv")]).run(60)
            job = engine.job([*args, str(self.folder / "beside.mkv")])
            job.start()
            for _ in range(100):
                self.dumped(engine)
            job.wait(60)
        self.assertEqual((self.folder / "alone.mkv").read_bytes(), (self.folder / "beside.mkv").read_bytes())

    def test_files_and_descriptors(self) -> None:
        with Engine() as engine:
            text, raw = io.StringIO(), io.BytesIO()
            engine.dump(text)
            engine.dump(raw)
            for dumped in (text.getvalue(), raw.getvalue().decode()):
                self.assertTrue(dumped.endswith("end of dump\n"))
            reader, writer = os.pipe()
            os.close(reader)
            with self.assertRaises(Error):
                engine.dump(writer)  # a pipe that nobody reads: no SIGPIPE
            os.close(writer)
            with self.assertRaises(Error):
                engine.dump(-1)


if __name__ == "__main__":
    if sys.argv[1:2] == ["dump"]:
        dumper(*sys.argv[3:])
    elif sys.argv[1:2] == ["joined"]:
        joined(sys.argv[3])
    elif len(sys.argv) > 4:
        host(*sys.argv[1:])
    else:
        unittest.main(verbosity=2)
