"""The worker that is forked before it is asked for. Given an engine that had a job, then one process waits for the next one; and whoever ends it, whatever limits that job has, wherever
its host is by then, the job is as it would be in a worker forked for it, and no process is left. `make test-crash` sets MT_STAGE and MT_HOSTS."""

from __future__ import annotations

import errno
import fcntl
import os
import signal
import subprocess
import sys
import unittest
from pathlib import Path

from mt_transcode import Engine

from test_isolation import ENDLESS, KILLED, LIMIT, SHORT, Isolated, children, eventually, is_alive, is_spare, workers


class Spares(Isolated):
    def spare(self, engine: Engine) -> int:
        """The one that waits after a job that is over."""
        self.start(engine, SHORT, "first").wait(60)
        return self.next_spare()

    def next_spare(self) -> int:
        server = self.forkserver()
        eventually("a spare alone", lambda: [is_spare(pid) for pid in children(server)] == [True])
        (pid,) = children(server)
        return pid

    def test_an_engine_without_jobs_has_none_and_one_with_jobs_has_one(self) -> None:
        with self.engine(max_running=4) as engine:
            self.assertEqual(children(self.forkserver()), [])
            jobs = [self.start(engine, SHORT, f"job{i}") for i in range(12)]
            for job in jobs:
                job.wait(60)
                job.close()
            spare = self.next_spare()
            self.assertEqual(engine.stats().jobs, 0)
        self.assertFalse(is_alive(spare))

    def test_the_next_job_has_it(self) -> None:
        with self.engine() as engine:
            spare = self.spare(engine)
            job = self.start(engine, ENDLESS, "next")
            eventually("a worker", lambda: workers(self.forkserver()) == [spare])
            eventually("and another spare", lambda: len(children(self.forkserver())) == 2)
            os.kill(spare, signal.SIGKILL)
            self.fails(job, KILLED)

    def test_one_that_somebody_ends_is_waited_for_and_missed_by_nobody(self) -> None:
        for number in (signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV):
            with self.subTest(number.name), self.engine() as engine:
                os.kill(self.spare(engine), number)
                eventually("no process, no zombie", lambda: not children(self.forkserver()))
                self.start(engine, SHORT, "next").wait(60)
                self.next_spare()

    def test_many_jobs_while_somebody_kills_every_spare(self) -> None:
        with self.engine() as engine:
            ended = 0
            for number in range(30):
                job = self.start(engine, SHORT, f"job{number}")
                for pid in filter(is_spare, children(self.forkserver())):
                    os.kill(pid, signal.SIGKILL)
                    ended += 1
                # It may have been the job's by then.
                try:
                    job.wait(60)
                except Exception as error:  # noqa: BLE001
                    self.assertEqual(getattr(error, "code", 0), KILLED, error)
                job.close()
            self.assertGreater(ended, 0)
            self.start(engine, SHORT, "last").wait(60)

    def test_one_that_is_stopped_keeps_no_engine(self) -> None:
        with self.engine() as engine:
            os.kill(self.spare(engine), signal.SIGSTOP)

    def test_a_job_that_gets_a_stopped_one_can_be_cancelled(self) -> None:
        with self.engine() as engine:
            os.kill(self.spare(engine), signal.SIGSTOP)
            job = self.start(engine, SHORT, "next")
            job.cancel()
            self.fails(job, -errno.ECANCELED)

    def test_limits_hold(self) -> None:
        with self.engine("allocate@avcodec_send_frame@enc0:0:bad", worker_memory_bytes=300 << 20) as engine:
            self.spare(engine)
            self.assertIn("memory limit", str(self.fails(self.start(engine, SHORT, "bad"), LIMIT)))
        with self.engine("spin@avcodec_send_frame@enc0:0:bad", worker_cpu_seconds=1) as engine:
            self.spare(engine)
            self.assertIn("CPU time", str(self.fails(self.start(engine, SHORT, "bad"), LIMIT)))
        with self.engine(worker_descriptors=4) as engine:
            self.fails(self.start(engine, SHORT, "first"), -errno.EMFILE)
            self.next_spare()
            self.fails(self.start(engine, SHORT, "next"), -errno.EMFILE)

    def test_the_job_is_where_its_host_is(self) -> None:
        before = os.getcwd()
        with self.engine() as engine:
            self.spare(engine)
            os.chdir(self.folder)
            try:
                engine.job([*SHORT, "relative.mkv"]).run()
            finally:
                os.chdir(before)
        self.assertTrue((self.folder / "relative.mkv").exists())

    def test_it_holds_nothing_but_its_socket(self) -> None:
        with self.engine() as engine:
            job = self.start(engine, ENDLESS, "one")
            eventually("a worker and a spare", lambda: [is_spare(pid) for pid in children(self.forkserver())] == [False, True])

            def held() -> dict[int, str]:
                return {int(entry.name): os.readlink(entry) for entry in Path(f"/proc/{children(self.forkserver())[1]}/fd").iterdir()}

            # A pipe is for crash reports, and every worker has it.
            eventually("one socket", lambda: [link.split(":")[0] for fd, link in held().items() if fd > 2 and not link.startswith("pipe")] == ["socket"])
            self.assertEqual([held()[0], held()[1]], ["/dev/null", "/dev/null"])
            job.cancel()

    def test_forks_share_what_the_loader_wrote(self) -> None:
        """Given a forkserver, then FFmpeg's data is mapped from memory files, relocated data to be read only, and no worker can write to those files."""
        with self.engine():
            maps = [line.split(maxsplit=5) for line in Path(f"/proc/{self.forkserver()}/maps").read_text().splitlines()]
            data = [(place, rights) for place, rights, *_, file in (line for line in maps if len(line) == 6) if "libavcodec" in file and "x" not in rights and "memfd:" in file]
            self.assertEqual({rights for _, rights in data}, {"r--p", "rw-p"})
            self.assertFalse([line for line in maps if "libavcodec" in line[-1] and "w" in line[1] and "memfd:" not in line[-1]])
            with open(f"/proc/{self.forkserver()}/map_files/{data[0][0]}", "rb") as file:
                wanted = fcntl.F_SEAL_WRITE | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK
                self.assertEqual(fcntl.fcntl(file, fcntl.F_GET_SEALS) & wanted, wanted)

    def test_it_ends_with_its_forkserver_and_its_host(self) -> None:
        with self.engine() as engine:
            spare = self.spare(engine)
            os.kill(self.forkserver(), signal.SIGKILL)
            eventually("it is gone", lambda: not is_alive(spare))
            self.start(engine, SHORT, "next").wait(60)
        program = ("import sys, time; from mt_transcode import Engine; engine = Engine(isolation='process'); engine.job(sys.argv[1:]).run(60);"
                   "print('on', flush=True); time.sleep(1000)")
        host = subprocess.Popen([sys.executable, "-c", program, *SHORT, str(self.folder / "out.mkv")], stdout=subprocess.PIPE)
        self.addCleanup(host.stdout.close)
        host.stdout.readline()
        (server,) = children(host.pid)
        eventually("a spare", lambda: [is_spare(pid) for pid in children(server)] == [True])
        left = [server, *children(server)]
        host.kill()
        host.wait()
        eventually("all are gone", lambda: not any(is_alive(pid) for pid in left))


if __name__ == "__main__":
    unittest.main(verbosity=2)
