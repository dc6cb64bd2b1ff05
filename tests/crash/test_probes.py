"""Probes in processes of their own. Given a host in Python whose jobs run in workers, when the worker of a probe crashes, hangs, is killed or takes too much, then the probe
ends with the code that says so, nothing else ends, and a pipe has all its bytes. `make test-crash` sets MT_STAGE and MT_HOSTS; the host is this process."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import tempfile
import threading
import time
import unittest
from pathlib import Path
from typing import Any

from mt_transcode import Engine, Error, Pipe
from test_isolation import CRASHED, FAULTS, HUNG, KILLED, LIMIT, STAGE, Isolated, children, eventually, is_alive, workers

SANDBOX, QUARANTINED, TIMED_OUT = -1015, -1020, -errno.ETIMEDOUT
OPEN, READ = "avformat_find_stream_info", "av_read_frame"
PACKETS = {"mt_show": "packets", "mt_full_probe": "1"}


class Probes(Isolated):
    file: Path
    data: bytes
    #: Whose head says what the streams are: OPEN is not called.
    head: Path

    @classmethod
    def setUpClass(cls) -> None:
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.head = Path(folder.name) / "in.mp4"
        make = "-v error -f lavfi -i testsrc2=s=64x48:r=25:d=1 -f lavfi -i sine=d=1 -c:v libx264 -c:a aac".split()
        subprocess.run([STAGE / "bin/mt-transcode", *make, cls.head], check=True, timeout=60)
        make = "-v error -f lavfi -i testsrc2=s=320x240:r=25:d=2 -c:v mpeg2video -f mpegts -".split()
        cls.data = subprocess.run([STAGE / "bin/mt-transcode", *make], stdout=subprocess.PIPE, check=True, timeout=60).stdout

    def setUp(self) -> None:
        super().setUp()
        self.file = self.folder / "in.ts"
        self.file.write_bytes(self.data)

    def refused(self, code: int, probe: Any, *args: object, **options: object) -> Error:
        with self.assertRaises(Error) as raised:
            probe(*args, **options)
        self.assertEqual(raised.exception.code, code, raised.exception)
        return raised.exception

    def later(self, code: int, *args: object, **options: object) -> threading.Thread:
        """A probe that goes on while this thread does something about it."""
        def probe() -> None:
            try:
                self.refused(code, *args, **options)
            except BaseException as error:
                failures.append(error)
        failures: list[BaseException] = []
        thread = threading.Thread(target=probe)
        thread.start()

        def join() -> None:
            thread.join(60)
            self.assertFalse(thread.is_alive(), "it hangs")
            self.assertEqual(failures, [])
        self.addCleanup(join)
        return thread

    def silent(self) -> Path:
        """What has a writer, and never a byte."""
        path = self.folder / "silent.ts"
        os.mkfifo(path)
        self.addCleanup(os.close, os.open(path, os.O_RDWR))
        return path

    def pipe(self, engine: Engine, data: bytes, is_ended: bool = True) -> Pipe:
        pipe = engine.pipe(max(4096, 2 * len(data)))
        pipe.write(data)
        if is_ended:
            pipe.close_write()
        return pipe

    def has_all(self, pipe: Pipe, data: bytes) -> None:
        got = b""
        while piece := pipe.read(1 << 20, timeout=10):
            got += piece
        self.assertEqual(len(got), len(data))
        self.assertTrue(got == data, "other bytes")

    def copies(self, engine: Engine, pipe: Pipe) -> None:
        """The pipe is as good as new for a job."""
        with engine.job(["-y", "-i", "mt:in", "-c", "copy", str(self.folder / "copy.ts")]) as job:
            job.bind("in", pipe, "r")
            job.run()
        self.assertGreater((self.folder / "copy.ts").stat().st_size, len(self.data) // 2)


class Crashes(Probes):
    def test_every_fault_ends_its_probe_and_no_job(self) -> None:
        for fault in FAULTS:
            with self.subTest(fault), self.engine(f"{fault}@{OPEN}") as engine:
                job = self.start(engine, ["-y", "-re", "-i", str(self.head), "-c", "copy"], "good")
                error = self.refused(CRASHED, engine.probe, self.file, timeout=60)
                self.assertEqual((error.stage, error.input_index), ("probe", 0))
                self.assertIn("label: probe", error.detail)
                self.assertIn(f"command: {self.file}", error.detail)
                job.wait(60)

    def test_the_report_goes_where_the_engine_wants_it(self) -> None:
        report = self.folder / "report"
        with self.engine(f"segv@{OPEN}", crash_reports=report) as engine:
            error = self.refused(CRASHED, engine.probe, self.file)
            self.assertEqual(report.read_text(), error.detail)
            assert error.crash_report is not None
            self.assertEqual([error.crash_report[key] for key in ("signal_name", "stage", "label")], ["SIGSEGV", "probe", "probe"])

    def test_a_pipe_has_all_its_bytes_after_a_crash(self) -> None:
        for where, options in (OPEN, {}), (READ, PACKETS):
            with self.subTest(where), self.engine(f"segv@{where}") as engine, self.pipe(engine, self.data) as pipe:
                self.refused(CRASHED, pipe.probe, options, timeout=60)
                self.refused(CRASHED, pipe.probe, options, timeout=60)
                self.has_all(pipe, self.data)

    def test_a_job_reads_what_a_probe_crashed_on(self) -> None:
        os.environ["MT_FAULT_ONCE"] = str(self.folder / "once")
        try:
            # The fault makes a file, once.
            with self.engine(f"segv@{OPEN}", worker_sandbox="off") as engine, self.pipe(engine, self.data) as pipe:
                self.refused(CRASHED, pipe.probe, timeout=60)
                self.assertEqual(pipe.probe(timeout=60)["format"]["format_name"], "mpegts")
                self.copies(engine, pipe)
        finally:
            del os.environ["MT_FAULT_ONCE"]

    def test_many_at_once(self) -> None:
        with self.engine(f"segv@{READ}") as engine:
            for probe in [self.later(CRASHED, engine.probe, self.file, PACKETS, timeout=60) for _ in range(8)]:
                probe.join(60)


class Kills(Probes):
    def test_a_killed_worker_is_one_probe(self) -> None:
        with self.engine() as engine:
            probe = self.later(KILLED, engine.probe, self.silent())
            eventually("a worker", lambda: workers(self.forkserver()))
            os.kill(workers(self.forkserver())[0], signal.SIGKILL)
            probe.join(60)
            self.assertEqual(engine.probe(self.file)["streams"][0]["width"], 320)

    def test_a_pipe_has_all_its_bytes_after_a_kill(self) -> None:
        few = self.data[:188 * 10]
        with self.engine() as engine, self.pipe(engine, few, is_ended=False) as pipe:
            probe = self.later(KILLED, pipe.probe)
            eventually("it reads", lambda: pipe.stats().fill_bytes == 0)
            os.kill(workers(self.forkserver())[0], signal.SIGKILL)
            probe.join(60)
            pipe.write(self.data[len(few) :][:1000])
            pipe.close_write()
            self.has_all(pipe, self.data[: len(few) + 1000])

    def test_a_forkserver_that_is_killed_is_replaced(self) -> None:
        with self.engine() as engine:
            os.kill(self.forkserver(), signal.SIGKILL)
            eventually("it is gone", lambda: not children(os.getpid()) or not is_alive(self.forkserver()))
            self.assertEqual(engine.probe(self.file)["streams"][0]["width"], 320)


class Limits(Probes):
    def test_a_probe_that_takes_too_long_is_killed_and_the_bytes_are_there(self) -> None:
        with self.engine(f"sleep@{OPEN}") as engine, self.pipe(engine, self.data) as pipe:
            for probe in (lambda: engine.probe(self.file, timeout=0.2)), (lambda: pipe.probe(timeout=0.2)):
                began = time.monotonic()
                self.refused(TIMED_OUT, probe)
                self.assertLess(time.monotonic() - began, 30)
            eventually("no worker", lambda: not workers(self.forkserver()))
            self.assertEqual(engine.stats().detached, 0)
            self.has_all(pipe, self.data)

    def test_a_silent_pipe(self) -> None:
        with self.engine() as engine, self.pipe(engine, self.data[:1000], is_ended=False) as pipe:
            self.refused(TIMED_OUT, pipe.probe, timeout=0.3)
            pipe.close_write()
            self.has_all(pipe, self.data[:1000])

    def test_a_stopped_worker(self) -> None:
        with self.engine() as engine:
            probe = self.later(TIMED_OUT, engine.probe, self.silent(), timeout=2)
            eventually("a worker", lambda: workers(self.forkserver()))
            os.kill(workers(self.forkserver())[0], signal.SIGSTOP)
            probe.join(60)
            eventually("no worker", lambda: not workers(self.forkserver()))

    def test_a_probe_that_hangs(self) -> None:
        with self.engine(f"spin@{OPEN}", hang_timeout=1) as engine, self.pipe(engine, self.data) as pipe:
            error = self.refused(HUNG, engine.probe, self.file, timeout=60)
            self.assertIn("probe", error.detail)
            self.refused(HUNG, pipe.probe, timeout=60)
            self.has_all(pipe, self.data)

    def test_one_that_only_takes_long_does_not_hang(self) -> None:
        with self.engine(hang_timeout=1.5) as engine:
            shown = engine.probe("testsrc2=s=16x16:r=10:d=4,realtime", {"f": "lavfi", "mt_show": "frames"}, timeout=60)
            self.assertEqual(len(shown["frames"]), 40)

    def test_memory_and_cpu_time(self) -> None:
        with self.engine(f"allocate@{OPEN}", worker_memory_bytes=300 << 20) as engine:
            self.assertIn("memory limit", str(self.refused(LIMIT, engine.probe, self.file, timeout=60)))
        with self.engine(f"spin@{OPEN}", worker_cpu_seconds=1) as engine:
            self.assertIn("CPU time", str(self.refused(LIMIT, engine.probe, self.file, timeout=60)))

    def test_the_sandbox(self) -> None:
        with self.engine(f"exec@{OPEN}") as engine:
            error = self.refused(SANDBOX, engine.probe, self.file, timeout=60)
            self.assertIn("execve", str(error))
        with self.engine(f"exec@{OPEN}", crash_reports=self.folder / "report") as engine:
            error = self.refused(SANDBOX, engine.probe, self.file, timeout=60)
            self.assertEqual((self.folder / "report").read_text(), error.detail)


class Quarantines(Probes):
    def test_what_crashed_a_probe_is_refused(self) -> None:
        with self.engine(f"segv@{OPEN}", quarantine_crashed=True) as engine:
            self.refused(CRASHED, engine.probe, self.file)
            self.assertEqual([entry["label"] for entry in engine.quarantine()], ["probe"])
            error = self.refused(QUARANTINED, engine.probe, self.file)
            self.assertIn("when a probe failed on it", str(error))
            self.fails(self.start(engine, ["-y", "-i", str(self.file), "-c", "copy"], "job"), QUARANTINED)

    def test_a_pipe_with_the_same_beginning_is_refused(self) -> None:
        with self.engine(f"segv@{OPEN}", quarantine_crashed=True) as engine:
            with self.pipe(engine, self.data) as pipe:
                self.refused(CRASHED, pipe.probe, timeout=60)
            with self.pipe(engine, self.data) as pipe:
                self.refused(QUARANTINED, pipe.probe, timeout=60)
                self.has_all(pipe, self.data)


class Ways(Probes):
    def test_none_is_left_of_an_engine_that_is_closed(self) -> None:
        with self.engine() as engine:
            probe = self.later(-errno.ESHUTDOWN, engine.probe, self.silent())
            eventually("a worker", lambda: workers(self.forkserver()))
            worker, server = workers(self.forkserver())[0], self.forkserver()
            engine.close()
            probe.join(60)
            eventually("they are gone", lambda: not is_alive(worker) and not is_alive(server))

    def test_standard_input_is_nobodys(self) -> None:
        with self.engine() as engine:
            for url in "-", "pipe:0":
                self.refused(-1007, engine.probe, url)

    def test_relative_names_are_the_hosts(self) -> None:
        before = os.getcwd()
        with self.engine() as engine:
            os.chdir(self.folder)
            try:
                self.assertEqual(engine.probe("in.ts")["format"]["filename"], "in.ts")
            finally:
                os.chdir(before)

    def test_many_leave_nothing(self) -> None:
        with self.engine() as engine:
            engine.probe(self.file)
            before = len(os.listdir("/proc/self/fd"))
            for _ in range(50):
                engine.probe(self.file)
                with self.pipe(engine, self.data) as pipe:
                    pipe.probe()
            eventually("no worker", lambda: not workers(self.forkserver()))
            eventually("descriptors as before", lambda: len(os.listdir("/proc/self/fd")) <= before)
            stats = engine.stats()
            self.assertEqual((stats.jobs, stats.pipes, stats.detached), (0, 0, 0))


if __name__ == "__main__":
    unittest.main(verbosity=2)
