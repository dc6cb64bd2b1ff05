"""Ways in which media services die that no fault shows: given a host in Python, when handlers and masks of signals, texts of errors on many threads, and handshakes that
never end are looked at, then what docs/crashes.md says of them holds."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import unittest
from pathlib import Path

from mt_transcode import Engine, Error, State
from test_isolation import eventually

ENDLESS = "-y -re -f lavfi -i testsrc2=s=160x120:r=25 -c:v mpeg4 -threads 2 -f null -".split()
FATAL = (signal.SIGSEGV, signal.SIGBUS, signal.SIGILL, signal.SIGFPE, signal.SIGABRT)
# What a host's runtime sends itself: Go preempts with SIGURG, profilers and timers use the others.
ASYNCHRONOUS = (signal.SIGTERM, signal.SIGINT, signal.SIGURG, signal.SIGUSR1, signal.SIGUSR2, signal.SIGALRM, signal.SIGCHLD, signal.SIGHUP, signal.SIGPIPE, signal.SIGWINCH)


def signals_of(status: Path, field: str) -> set[int]:
    line = next(line for line in status.read_text().splitlines() if line.startswith(field + ":"))
    bits = int(line.split()[1], 16)
    return {number for number in range(1, 65) if bits >> (number - 1) & 1}


def tasks() -> set[str]:
    return set(os.listdir("/proc/self/task"))


class Signals(unittest.TestCase):
    def test_no_handler_is_there_that_nobody_asked_for(self) -> None:
        # In a process of its own: handlers, once installed, stay.
        code = """
import sys
sys.path[:0] = sys.argv[1:]
from pathlib import Path
from test_ways import FATAL, signals_of
caught = lambda: signals_of(Path("/proc/self/status"), "SigCgt") - {32, 33}  # the C library's own, with the first thread
before = caught()
from mt_transcode import Engine
with Engine() as engine:
    engine.run("-f lavfi -i testsrc2=d=0.2 -f null -".split())
    assert caught() == before, caught() ^ before
with Engine(crash_reports="/dev/null"):
    assert caught() == before | set(map(int, FATAL)), caught() ^ before
"""
        folder = str(Path(__file__).parent)
        done = subprocess.run([sys.executable, "-c", code, folder], capture_output=True, text=True, timeout=120, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_signals_of_the_host_pass_jobs_by(self) -> None:
        heard: list[int] = []
        before = signal.signal(signal.SIGUSR1, lambda number, _: heard.append(number))
        self.addCleanup(signal.signal, signal.SIGUSR1, before)
        own = tasks()
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, [])
        with Engine(isolation="thread") as engine, engine.job(ENDLESS) as job:
            job.start()
            eventually("the job runs", lambda: job.stats().frames > 2)
            theirs = tasks() - own
            self.assertGreater(len(theirs), 3, "demuxer, decoder, encoder with threads of its own ...")
            for task in theirs:
                blocked = signals_of(Path("/proc/self/task") / task / "status", "SigBlk")
                self.assertFalse(set(map(int, ASYNCHRONOUS)) - blocked, f"thread {task} takes signals of the host")
                self.assertFalse(set(map(int, FATAL)) & blocked, "but faults are not blocked")
            for sent in range(1, 51):
                os.kill(os.getpid(), signal.SIGUSR1)
                eventually("the host hears", lambda sent=sent: len(heard) >= sent)
            self.assertEqual(job.state, State.RUNNING)
        self.assertEqual(signal.pthread_sigmask(signal.SIG_BLOCK, []), mask, "the host's own mask")


class Texts(unittest.TestCase):
    def test_errors_of_many_threads_do_not_mix(self) -> None:
        wrong: list[str] = []

        def work(number: int) -> None:
            for turn in range(20):
                name = f"/no/such/{number}-{turn}.mp4"
                try:
                    engine.run(["-i", name, "-f", "null", "-"])
                    wrong.append(f"{name} was read")
                except Error as error:
                    if name not in str(error) + error.url or error.name != "ENOENT":
                        wrong.append(f"{name}: {error}")

        with Engine(max_running=8) as engine:
            threads = [threading.Thread(target=work, args=(number,)) for number in range(16)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        self.assertEqual(wrong, [])


class Handshakes(unittest.TestCase):
    def test_a_storm_of_handshakes_that_never_end(self) -> None:
        # A server that takes connections and says nothing: each client is in the middle of its TLS handshake.
        silent = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.addCleanup(silent.close)
        taken: list[socket.socket] = []

        def accept() -> None:
            while True:
                try:
                    taken.append(silent.accept()[0])
                except OSError:
                    return

        threading.Thread(target=accept, daemon=True).start()
        url = f"https://127.0.0.1:{silent.getsockname()[1]}/live.ts"
        for mode in ("thread", "process"):
            with self.subTest(mode), Engine(isolation=mode, max_running=40) as engine:
                first = len(taken)
                jobs = [engine.job(["-i", url, "-c", "copy", "-f", "null", "-"], label=f"storm {number}") for number in range(40)]
                for job in jobs:
                    job.start()
                eventually("forty handshakes", lambda first=first: len(taken) >= first + 40)
                # Others are not held up, and a cancel ends each.
                engine.set_limits(60, 100)
                engine.run("-f lavfi -i testsrc2=d=0.1 -f null -".split())
                for job in jobs:
                    job.cancel()
                for job in jobs:
                    with self.assertRaises(Error) as caught:
                        job.wait(60)
                    self.assertEqual(caught.exception.name, "ECANCELED")
                    job.close()
                eventually("nothing is left", lambda engine=engine: engine.stats().detached == 0)
        for connection in taken:
            connection.close()

    def test_a_handshake_has_a_limit(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as silent, Engine() as engine:
            url = f"https://127.0.0.1:{silent.getsockname()[1]}/live.ts"
            with self.assertRaises(Error) as caught:
                engine.run(["-mt_idle_timeout", "0.5", "-i", url, "-c", "copy", "-f", "null", "-"], timeout=60)
            self.assertEqual(caught.exception.name, "LIMIT")
            self.assertIn("-mt_idle_timeout", caught.exception.message)


if __name__ == "__main__":
    unittest.main(verbosity=2)
