"""Every fault in every place. Given a host in C, Go or Python (with faulthandler before and after), when a thread of its job or one of FFmpeg's own goes wrong, then on threads
there is one whole report and the host dies as it would have without us, and in a process the job ends with CRASHED, the report in its detail, and the host goes on."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import unittest
import unittest.mock
from collections.abc import Callable, Iterable
from typing import NamedTuple

from test_crash import Crash

# Host and its handler.
HOSTS_AND_HANDLERS = [("c", "default"), ("go", "default"), ("python", "default"), ("python", "before"), ("python", "after")]
# Where it goes wrong, and the stage that a report names.
THREADS = {"job": ("avcodec_send_frame@enc0:0", "encode"), "codec": ("av_buffer_pool_get@codec", "decode")}
SIGNALS = {"segv": signal.SIGSEGV, "wild": signal.SIGSEGV, "abort": signal.SIGABRT, "fpe": signal.SIGFPE, "overflow": signal.SIGSEGV}
# How a host ends whose job failed.
STATUS = {"c": 3, "go": 3, "python": 1}


class Case(NamedTuple):
    host: str
    thread: str
    stage: str
    kind: str


class Matrix(Crash):
    def each(self, mode: str, kinds: Iterable[str], check: Callable[[Case, subprocess.CompletedProcess[str]], None]) -> None:
        """Runs every host with every fault in every place."""
        with unittest.mock.patch.dict(os.environ, {"MT_TRANSCODE_ISOLATION": mode}):
            for (host, handler), (thread, (place, stage)), kind in itertools.product(HOSTS_AND_HANDLERS, THREADS.items(), kinds):
                with self.subTest(host=host, handler=handler, thread=thread, kind=kind, mode=mode):
                    self.report.unlink(missing_ok=True)
                    check(Case(host, thread, stage, kind), self.crash(f"{kind}@{place}", host=host, handler=handler))

    def report_of(self, case: Case) -> None:
        if case.thread == "codec" and case.kind == "overflow":
            return  # no stack for a handler: docs/crashes.md, "What a report cannot say"
        fields = self.lines()
        self.assertEqual((fields["stage"], fields["label"]), (case.stage, "camera 7"))
        self.assertIn(f"fault_{case.kind}", self.names())

    def test_threads_report_and_die(self) -> None:
        def check(case: Case, done: subprocess.CompletedProcess[str]) -> None:
            if case.host == "go" and case.kind == "abort":
                self.assertNotIn(done.returncode, (0, 3), done.stderr[-300:])  # Go's runtime ends with 2, in words of its own
            else:
                self.died_by(done, SIGNALS[case.kind])
            self.report_of(case)

        self.each("thread", SIGNALS, check)

    def test_processes_contain_it(self) -> None:
        def check(case: Case, done: subprocess.CompletedProcess[str]) -> None:
            self.assertEqual(done.returncode, STATUS[case.host], done.stderr[-500:])
            self.assertIn("the job ended with -1011" if case.host == "c" else "the worker crashed by signal", done.stderr)
            self.report_of(case)

        self.each("process", SIGNALS, check)

    def test_leaving_takes_the_host_along_on_threads_only(self) -> None:
        def check(case: Case, done: subprocess.CompletedProcess[str]) -> None:
            self.assertEqual(done.returncode, 7 if os.environ["MT_TRANSCODE_ISOLATION"] == "thread" else STATUS[case.host], done.stderr[-500:])

        for mode in ("thread", "process"):
            self.each(mode, ["exit"], check)

    def test_a_broken_pipe_is_no_signal(self) -> None:
        def check(_: Case, done: subprocess.CompletedProcess[str]) -> None:
            self.assertEqual(done.returncode, 0, done.stderr[-500:])
            self.assertFalse(self.report.exists() and self.report.read_text(), "and no report")

        for mode in ("thread", "process"):
            self.each(mode, ["pipe"], check)


class AtOnce(Crash):
    def test_two_threads_of_one_process(self) -> None:
        # Two encoders, each on its thread, wait for each other and crash.
        done: subprocess.CompletedProcess[str] = self.crash("together@avcodec_send_frame@enc", more="-map 0:v -map 0:a -c:v mpeg4")
        self.died_by(done, signal.SIGSEGV)
        text = self.report.read_text(errors="replace")
        reports = text.count("mt-transcode crash report")
        self.assertIn(reports, (1, 2))
        self.assertTrue(text.endswith("end of report\n"), text[-300:])
        self.assertEqual(text.count("end of report"), reports, "each is whole")


if __name__ == "__main__":
    unittest.main(defaultTest=["Matrix", "AtOnce"], verbosity=2)
