"""Jobs in processes of their own. Given a host in Python whose jobs run in workers, when a worker crashes, hangs, is killed or takes too much, then its job ends with the
code that says so, and nothing else ends. `make test-crash` sets MT_STAGE and MT_HOSTS; the host is this process."""

from __future__ import annotations

import contextlib
import errno
import os
import pickle
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest
from collections.abc import Callable, Iterator
from pathlib import Path

from mt_transcode import Engine, Error, Job

STAGE, HOSTS = Path(os.environ["MT_STAGE"]), Path(os.environ["MT_HOSTS"])
CRASHED, OOM_KILLED, KILLED, HUNG, LIMIT, SPAWN_FAILED = -1011, -1012, -1013, -1014, -1006, -1016
FAULTS = ("segv", "wild", "abort", "fpe", "ill", "bus", "overflow", "malloc", "loader")
SHORT = "-y -f lavfi -i testsrc2=s=160x120:r=25:d=1 -c:v mpeg4".split()
ENDLESS = "-y -re -f lavfi -i testsrc2=s=160x120:r=25 -c:v mpeg4".split()


def eventually(what: str, is_so: Callable[[], object]) -> None:
    until = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < until, f"never came: {what}"
        time.sleep(0.01)


def children(pid: int) -> list[int]:
    """Processes that have this one as their parent, zombies too."""
    found = []
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError):
            if entry.name.isdigit() and int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1]) == pid:
                found.append(int(entry.name))
    return found


def is_spare(pid: int) -> bool:
    """Forked for a job that has not come yet."""
    try:
        return Path(f"/proc/{pid}/comm").read_text() == "mt-spare\n"
    except OSError:
        return False


def workers(server: int) -> list[int]:
    return [pid for pid in children(server) if not is_spare(pid)]


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] not in "ZX"
    except OSError:
        return False


class Isolated(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    @contextlib.contextmanager
    def engine(self, fault: str = "", **options: object) -> Iterator[Engine]:
        """An engine whose workers fail so: "KIND@FUNCTION@THREAD", the thread's name having the job's label in it."""
        os.environ["LD_PRELOAD"], os.environ["MT_FAULT"] = str(HOSTS / "fault.so"), fault
        try:
            engine = Engine(isolation="process", **options)
        finally:
            del os.environ["LD_PRELOAD"], os.environ["MT_FAULT"]
        with engine:
            yield engine
        self.assertEqual(children(os.getpid()), [], "no process is left")

    def forkserver(self) -> int:
        (pid,) = children(os.getpid())
        return pid

    def start(self, engine: Engine, args: list[str], label: str) -> Job:
        job = engine.job([*args, str(self.folder / f"{label}.mkv")], label=label)
        job.start()
        return job

    def fails(self, job: Job, code: int) -> Error:
        with self.assertRaises(Error) as raised:
            job.wait(60)
        self.assertEqual(raised.exception.code, code, raised.exception)
        return raised.exception


class Crashes(Isolated):
    def test_every_fault_ends_its_job_and_no_other(self) -> None:
        for fault in FAULTS:
            with self.subTest(fault), self.engine(f"{fault}@avcodec_send_frame@enc0:0:bad") as engine:
                good, bad = self.start(engine, SHORT, "good"), self.start(engine, SHORT, "bad")
                error = self.fails(bad, CRASHED)
                good.wait(60)
                self.assertEqual(error.stage, "encode")
                self.assertIn("mt-transcode crash report", error.detail)
                self.assertIn("label: bad", error.detail)
                self.start(engine, SHORT, "next").wait(60)

    def test_a_report_goes_where_the_engine_wants_it(self) -> None:
        report = self.folder / "report"
        with self.engine("segv@avcodec_send_frame", crash_reports=report) as engine:
            error = self.fails(self.start(engine, SHORT, "bad"), CRASHED)
            self.assertEqual(report.read_text(), error.detail)
            self.assertIn("test_isolation.py", error.detail, "where the job was started")
        shown = subprocess.run([STAGE / "bin/mt-transcode", "symbolize", report], capture_output=True, text=True, check=True, timeout=60)
        self.assertIn("fault_segv at", shown.stdout)

    def test_an_error_gives_its_report(self) -> None:
        with self.engine("segv@avcodec_send_frame", crash_reports=self.folder / "report") as engine:
            error = self.fails(self.start(engine, SHORT, "bad"), CRASHED)
            report = error.crash_report
            assert report is not None, error.detail
            self.assertEqual([report[key] for key in ("signal", "signal_name", "address", "stage", "label")], [11, "SIGSEGV", "0x10", "encode", "bad"])
            self.assertIn("test_isolation.py", report["host_call"])
            self.assertIn("fault.so", report["frames"][0]["module"])
            copy = pickle.loads(pickle.dumps(error))
            self.assertEqual(copy.crash_report, report)
            error.detail = error.detail[: error.detail.rindex('"how"')]
            self.assertIsNone(error.crash_report, "broken off")

    def test_leaving_early_is_a_crash(self) -> None:
        with self.engine("exit@avcodec_send_frame") as engine:
            error = self.fails(self.start(engine, SHORT, "bad"), CRASHED)
            self.assertIn("status 7", str(error))
            self.assertIsNone(error.crash_report)

    def test_a_fault_that_somebody_sends_ends_the_worker(self) -> None:
        for number in (signal.SIGSEGV, signal.SIGBUS, signal.SIGABRT):
            with self.subTest(number.name), self.engine() as engine:
                job = self.start(engine, ENDLESS, "one")
                eventually("a worker", lambda: workers(self.forkserver()))
                os.kill(workers(self.forkserver())[0], number)
                self.assertIn(f"signal {int(number)}", str(self.fails(job, CRASHED)))

    def test_two_at_once(self) -> None:
        with self.engine("segv@avcodec_send_frame@enc0:0:bad") as engine:
            jobs = [self.start(engine, SHORT, f"bad{i}") for i in range(2)]
            for job in jobs:
                self.fails(job, CRASHED)

    def test_reports_of_several_do_not_mix(self) -> None:
        report = self.folder / "report"
        with self.engine("segv@avcodec_send_frame", crash_reports=report, max_running=4) as engine:
            errors = [self.fails(job, CRASHED) for job in [self.start(engine, SHORT, f"bad{i}") for i in range(8)]]
            text = report.read_text()
            self.assertEqual(len(text), sum(len(error.detail) for error in errors))
            self.assertTrue(all(error.detail in text for error in errors), "each report is whole")


class Kills(Isolated):
    def test_a_killed_worker_is_one_job(self) -> None:
        with self.engine() as engine:
            one, other = self.start(engine, ENDLESS, "one"), self.start(engine, ENDLESS, "other")
            eventually("two workers", lambda: len(workers(self.forkserver())) == 2)
            first = min(workers(self.forkserver()))
            os.kill(first, signal.SIGKILL)
            eventually("one ended", lambda: one.state.is_final or other.state.is_final)
            ended, left = (one, other) if one.state.is_final else (other, one)
            self.fails(ended, KILLED)
            left.stop()
            left.wait(60)

    def test_a_killed_forkserver_takes_its_workers_and_is_replaced(self) -> None:
        with self.engine() as engine:
            job = self.start(engine, ENDLESS, "one")
            eventually("a worker", lambda: len(workers(self.forkserver())) == 1)
            (worker,) = workers(self.forkserver())
            os.kill(self.forkserver(), signal.SIGKILL)
            self.fails(job, KILLED)
            eventually("the worker is gone", lambda: not is_alive(worker))
            self.start(engine, SHORT, "next").wait(60)

    def test_workers_die_with_their_host(self) -> None:
        program = ("import sys, time; from mt_transcode import Engine; engine = Engine(isolation='process'); job = engine.job(sys.argv[1:]); job.start();"
                   "print('on', flush=True); time.sleep(1000)")
        host = subprocess.Popen([sys.executable, "-c", program, *ENDLESS, str(self.folder / "out.mkv")], stdout=subprocess.PIPE)
        self.addCleanup(host.stdout.close)
        host.stdout.readline()
        (server,) = children(host.pid)
        eventually("a worker and a spare", lambda: len(children(server)) == 2)
        left = [server, *children(server)]
        host.kill()
        host.wait()
        eventually("all are gone", lambda: not any(is_alive(pid) for pid in left))

    def test_a_worker_that_hangs_is_killed_by_cancel(self) -> None:
        with self.engine("sleep@avcodec_send_frame") as engine:
            job = self.start(engine, SHORT, "bad")
            eventually("a worker", lambda: workers(self.forkserver()))
            job.cancel()
            self.fails(job, -errno.ECANCELED)
            eventually("no worker", lambda: not workers(self.forkserver()))

    def test_a_stopped_worker_is_killed_by_cancel(self) -> None:
        with self.engine() as engine:
            job = self.start(engine, ENDLESS, "one")
            eventually("a worker", lambda: workers(self.forkserver()))
            os.kill(workers(self.forkserver())[0], signal.SIGSTOP)
            job.cancel()
            self.fails(job, -errno.ECANCELED)


    def test_a_long_job_for_a_worker_that_never_comes_can_be_cancelled(self) -> None:
        with self.engine() as engine:
            os.kill(self.forkserver(), signal.SIGSTOP)
            job = self.start(engine, [*SHORT, "-metadata", "comment=" + "x" * 1_000_000], "long")
            time.sleep(0.2)
            job.cancel()
            self.fails(job, -errno.ECANCELED)


class Limits(Isolated):
    def test_memory(self) -> None:
        with self.engine("allocate@avcodec_send_frame@enc0:0:bad", worker_memory_bytes=300 << 20) as engine:
            good, bad = self.start(engine, SHORT, "good"), self.start(engine, SHORT, "bad")
            self.assertIn("memory limit", str(self.fails(bad, LIMIT)))
            good.wait(60)

    def test_cpu_time(self) -> None:
        with self.engine("spin@avcodec_send_frame", worker_cpu_seconds=1) as engine:
            self.assertIn("CPU time", str(self.fails(self.start(engine, SHORT, "bad"), LIMIT)))

    def test_descriptors(self) -> None:
        with self.engine(worker_descriptors=4) as engine:
            self.assertIn("descriptors: 4 of 4 in use", str(self.fails(self.start(engine, SHORT, "bad"), -errno.EMFILE)))


class Spawning(Isolated):
    def test_every_place_is_named_where_there_is_no_program(self) -> None:
        with self.assertRaises(Error) as raised:
            Engine(isolation="process", worker_path="/nowhere/mt-transcode")
        self.assertEqual(raised.exception.code, SPAWN_FAILED)
        self.assertIn("/nowhere/mt-transcode", str(raised.exception))

    def test_another_program_is_refused(self) -> None:
        for program in ("/bin/true", "/bin/cat"):
            with self.subTest(program), self.assertRaises(Error) as raised:
                Engine(isolation="process", worker_path=program)
            self.assertEqual(raised.exception.code, SPAWN_FAILED)
        self.assertEqual(children(os.getpid()), [])

    def test_operators_decide(self) -> None:
        os.environ["MT_TRANSCODE_ISOLATION"] = "process"
        self.addCleanup(os.environ.pop, "MT_TRANSCODE_ISOLATION")
        with Engine() as engine:
            self.start(engine, SHORT, "one").wait(60)
            self.forkserver()

    def test_a_host_that_takes_every_status(self) -> None:
        """waitpid(-1) in the host gets the forkserver's end: that is no error of ours."""
        stopping = threading.Event()

        def reap() -> None:
            while not stopping.is_set():
                with contextlib.suppress(ChildProcessError):
                    os.waitpid(-1, os.WNOHANG)
                time.sleep(0.001)

        reaper = threading.Thread(target=reap)
        reaper.start()
        try:
            with self.engine("segv@avcodec_send_frame@enc0:0:bad") as engine:
                self.fails(self.start(engine, SHORT, "bad"), CRASHED)
                self.start(engine, SHORT, "good").wait(60)
                os.kill(self.forkserver(), signal.SIGKILL)
                eventually("the server was reaped", lambda: not children(os.getpid()))
                self.start(engine, SHORT, "next").wait(60)
        finally:
            stopping.set()
            reaper.join()

    def test_a_program_that_ends_at_once_raises_no_sigpipe(self) -> None:
        program = ("import signal; signal.signal(signal.SIGPIPE, signal.SIG_DFL)\nfrom mt_transcode import Engine, Error\n"
                   "for _ in range(20):\n    try: Engine(isolation='process', worker_path='/bin/true')\n    except Error as error: assert error.code == -1016, error")
        subprocess.run([sys.executable, "-c", program], check=True, timeout=60)

    def test_a_cancel_in_the_moment_of_the_start_is_not_lost(self) -> None:
        with self.engine() as engine:
            for index in range(20):
                job = self.start(engine, ENDLESS, f"job{index}")
                time.sleep(index / 2000)
                job.cancel()
                self.fails(job, -errno.ECANCELED)

    def test_standard_streams_are_refused_and_not_lost(self) -> None:
        with self.engine() as engine:
            for url in ("-", "pipe:1"):
                job = engine.job([*SHORT, "-f", "matroska", url])
                job.start()
                self.assertIn("mt:NAME", self.fails(job, -1007).hint)

    def test_the_program_stays_in_its_own_process(self) -> None:
        done = subprocess.run([STAGE / "bin/mt-transcode", "-v", "error", *SHORT, "-f", "matroska", "-"], stdout=subprocess.PIPE,
                              env={**os.environ, "MT_TRANSCODE_ISOLATION": "process"}, check=True, timeout=60)
        self.assertGreater(len(done.stdout), 1000)

    def test_relative_names_are_the_hosts(self) -> None:
        before = os.getcwd()
        with self.engine() as engine:
            os.chdir(self.folder)
            try:
                engine.job([*SHORT, "relative.mkv"]).run()
            finally:
                os.chdir(before)
        self.assertTrue((self.folder / "relative.mkv").exists())

    def test_hundreds_leave_nothing(self) -> None:
        with self.engine(max_running=4) as engine:
            before = len(os.listdir("/proc/self/fd"))
            jobs = [self.start(engine, "-y -f lavfi -i testsrc2=s=64x64:r=5:d=1 -c:v mpeg4".split(), f"job{i}") for i in range(200)]
            for job in jobs:
                job.wait(60)
                job.close()
            eventually("no worker", lambda: not workers(self.forkserver()))
            eventually("descriptors as before", lambda: len(os.listdir("/proc/self/fd")) <= before)


if __name__ == "__main__":
    unittest.main(verbosity=2)
