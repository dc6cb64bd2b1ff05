"""What is around workers. Given hosts that ignore SIGCHLD, hold descriptors, fork children and die, and somebody who sends signals to a worker, then jobs end with the code that
says so, and nothing of the host's is in its workers or outlives it. `make test-crash` sets MT_STAGE and MT_HOSTS."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import unittest
from pathlib import Path

from test_isolation import ENDLESS, KILLED, SHORT, Isolated, children, eventually, is_alive, workers

HEAD = "import os, signal, socket, subprocess, sys, time\nfrom mt_transcode import Engine, Error\n"


class Hosts(Isolated):
    def host(self, program: str, *args: str) -> subprocess.Popen[str]:
        host = subprocess.Popen([sys.executable, "-c", HEAD + program, str(self.folder / "out.mkv"), *args], stdout=subprocess.PIPE, text=True)
        self.addCleanup(host.stdout.close)
        self.addCleanup(host.wait)
        self.addCleanup(host.kill)
        return host

    def test_a_host_that_ignores_sigchld(self) -> None:
        host = self.host("signal.signal(signal.SIGCHLD, signal.SIG_IGN)\n"
                         "with Engine(isolation='process') as engine:\n"
                         f"    for _ in range(3): engine.job([*{SHORT!r}, sys.argv[1]]).run(60)\n"
                         f"    job = engine.job([*{ENDLESS!r}, sys.argv[1]]); job.start()\n"
                         "    print(open(f'/proc/self/task/{os.getpid()}/children').read(), flush=True)\n"
                         "    sys.stdin.read(0); time.sleep(0.5); job.cancel()\n"
                         "    try: job.wait(60)\n"
                         "    except Error as error: assert error.code == -125, error\n"
                         "print('end', flush=True)\n")
        (server,) = map(int, host.stdout.readline().split())
        status = Path(f"/proc/{server}/status").read_text()
        ignored = int(next(line.split()[1] for line in status.splitlines() if line.startswith("SigIgn")), 16)
        self.assertEqual([number for number in range(1, 32) if ignored >> number - 1 & 1], [signal.SIGPIPE, signal.SIGXFSZ])
        self.assertEqual(host.stdout.read(), "end\n")
        self.assertEqual(host.wait(60), 0)
        self.assertFalse(is_alive(server))

    def test_descriptors_of_the_host_are_not_in_its_workers(self) -> None:
        reader, writer = os.pipe()
        os.set_inheritable(writer, True)
        high = os.dup2(writer, 200, inheritable=True)
        ours = os.readlink(f"/proc/self/fd/{writer}")
        try:
            with self.engine() as engine:
                job = self.start(engine, ENDLESS, "one")
                server = self.forkserver()
                eventually("a worker and a spare", lambda: len(children(server)) == 2)
                for pid in (server, *children(server)):
                    held = [os.readlink(entry) for entry in Path(f"/proc/{pid}/fd").iterdir() if entry.name != "2"]
                    self.assertNotIn(ours, held)
                os.close(high)
                os.close(writer)
                self.assertEqual(os.read(reader, 1), b"", "nobody holds it any more")
                job.cancel()
        finally:
            os.close(reader)

    def test_a_forked_child_of_the_host_does_not_keep_its_workers(self) -> None:
        host = self.host(f"engine = Engine(isolation='process'); job = engine.job([*{ENDLESS!r}, sys.argv[1]]); job.start()\n"
                         "server = open(f'/proc/self/task/{os.getpid()}/children').read().split()[0]\n"
                         "child = os.fork()\n"
                         "if child == 0:\n    os.close(1); time.sleep(120); os._exit(0)\n"
                         "print(server, child, flush=True); time.sleep(120)\n")
        server, child = map(int, host.stdout.readline().split())
        self.addCleanup(os.kill, child, signal.SIGKILL)
        eventually("a worker and a spare", lambda: len(children(server)) == 2)
        left = [server, *children(server)]
        host.kill()
        host.wait()
        eventually("all are gone", lambda: not any(is_alive(pid) for pid in left))
        self.assertTrue(is_alive(child), "and the child is not")


class Signals(Isolated):
    def ends(self, number: int, code: int, **options: object) -> str:
        with self.engine(**options) as engine:
            job = self.start(engine, ENDLESS, "one")
            eventually("a worker", lambda: workers(self.forkserver()) and job.state.name == "RUNNING")
            os.kill(workers(self.forkserver())[0], number)
            error = self.fails(job, code)
            self.assertEqual(engine.quarantine(), [])
            return str(error)

    def test_what_somebody_sends_is_no_crash(self) -> None:
        for number in (signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2, signal.SIGALRM, signal.SIGVTALRM, signal.SIGXCPU, signal.SIGTRAP, signal.SIGRTMAX):
            with self.subTest(number):
                self.assertIn(f"signal {int(number)}", self.ends(number, KILLED, retry_crashed=True, quarantine_crashed=True))

    def test_a_sigsys_that_somebody_sends_is_no_system_call(self) -> None:
        self.assertNotIn("system call", self.ends(signal.SIGSYS, KILLED))


class Descriptors(Isolated):
    def test_too_few_to_begin_with_are_named(self) -> None:
        for most in (1, 3, 4):
            with self.subTest(most), self.engine(worker_descriptors=most, worker_sandbox="required") as engine:
                error = self.fails(self.start(engine, SHORT, "bad"), -errno.EMFILE)
                self.assertIn("worker_descriptors", str(error) + error.hint)

    def test_few_are_enough_and_the_sandbox_takes_none_of_them(self) -> None:
        with self.engine(worker_descriptors=16, worker_sandbox="required") as engine:
            self.start(engine, SHORT, "good").wait(60)


if __name__ == "__main__":
    unittest.main(verbosity=2)
