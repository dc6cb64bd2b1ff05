"""Tight containers. Given a host around which system calls are filtered, or that may write nowhere, then its jobs run on threads and in workers, or fail with an error that names
what is missing. `make test-sandbox` sets MT_STAGE and MT_HOSTS."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

STAGE, HOSTS = Path(os.environ["MT_STAGE"]), Path(os.environ["MT_HOSTS"])
JOB = "-y -f lavfi -i testsrc2=s=64x64:r=25:d=1 -c:v mpeg4 -threads 2".split()
# Those that this library and Rust's make and that are younger than Linux 2.6.27, or that containers are known to forbid.
CALLS = ("memfd_create eventfd2 signalfd4 statx getrandom rseq membarrier process_vm_readv pidfd_open close_range openat2 faccessat2 epoll_create1 "
         "copy_file_range io_uring_setup prctl seccomp get_mempolicy set_mempolicy mlock statfs setpgid sched_getaffinity sigaltstack socket futex_waitv "
         "landlock_create_ruleset landlock_add_rule landlock_restrict_self").split()


class Contained(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def filtered(self, error: str, calls: str, program: list[str | Path], **environment: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run([HOSTS / "filter", error, calls, *program], env={**os.environ, **environment}, timeout=60, capture_output=True, text=True, check=False)
        if done.returncode == 77:
            self.skipTest(f"no filter can be installed here: {done.stderr}")
        return done

    def host(self, report: str = "-") -> list[str | Path]:
        return [HOSTS / "host", report, "default", "label", *JOB, self.folder / "out.mkv"]


class Filters(Contained):
    def test_each_call_may_be_missing(self) -> None:
        for call in CALLS:
            for error in ("ENOSYS", "EPERM"):
                for isolation in ("thread", "process"):
                    with self.subTest(f"{call} {error} {isolation}"):
                        done = self.filtered(error, call, self.host(), MT_TRANSCODE_ISOLATION=isolation)
                        self.assertEqual(done.returncode, 0, done.stderr)

    def test_all_may_be_missing(self) -> None:
        for error in ("ENOSYS", "EPERM"):
            for isolation in ("thread", "process"):
                with self.subTest(f"{error} {isolation}"):
                    done = self.filtered(error, ",".join(CALLS), self.host(), MT_TRANSCODE_ISOLATION=isolation)
                    self.assertEqual(done.returncode, 0, done.stderr)

    def test_clone3_may_be_missing_and_its_refusal_is_named(self) -> None:
        """glibc makes threads without clone3 where that is ENOSYS, and has no other way where it is EPERM."""
        program = [STAGE / "bin/mt-transcode", "-v", "error", *JOB, self.folder / "out.mkv"]
        for isolation in ("thread", "process"):
            done = self.filtered("ENOSYS", "clone3", self.host(), MT_TRANSCODE_ISOLATION=isolation)
            self.assertEqual(done.returncode, 0, done.stderr)
        done = self.filtered("EPERM", "clone3", program)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("cannot start a thread", done.stderr)

    def test_a_report_comes_without_memory_files_too(self) -> None:
        for error in ("ENOSYS", "EPERM"):
            report = self.folder / error
            done = self.filtered(error, "memfd_create,process_vm_readv", self.host(str(report)), MT_TRANSCODE_ISOLATION="process",
                                 LD_PRELOAD=str(HOSTS / "fault.so"), MT_FAULT="segv@avcodec_send_frame")
            self.assertEqual(done.returncode, 3, done.stderr)
            self.assertIn("signal: 11 SIGSEGV", report.read_text())
            self.assertIn("end of report", report.read_text())

    def test_what_a_required_sandbox_lacks_is_named(self) -> None:
        program = ("import sys\nfrom mt_transcode import Engine, Error\n"
                   "with Engine(isolation='process', worker_sandbox='required') as engine:\n"
                   "    try: engine.job(sys.argv[1:]).run()\n"
                   "    except Error as error: print(error.code, error)\n")
        for calls, name in (("landlock_create_ruleset", "Landlock"), ("landlock_restrict_self", "Landlock"), ("seccomp", "seccomp")):
            done = self.filtered("EPERM", calls, [sys.executable, "-c", program, *JOB, self.folder / "out.mkv"])
            self.assertIn("-1015 the sandbox is required", done.stdout, done.stderr)
            self.assertIn(name, done.stdout)


class ReadOnly(Contained):
    def test_a_user_without_rights_and_without_a_folder_to_write_to(self) -> None:
        script = Path(__file__).with_name("readonly.sh")
        for isolation in ("thread", "process"):
            with self.subTest(isolation):
                done = subprocess.run(["unshare", "--mount", "sh", script, STAGE / "bin/mt-transcode", HOSTS / "host", "-", "default", "label", *JOB, "-f",
                                       "null", "-"], env={**os.environ, "MT_TRANSCODE_ISOLATION": isolation}, timeout=60, capture_output=True, text=True, check=False)
                if done.returncode == 77 or "unshare" in done.stderr:
                    self.skipTest(f"no such container can be made here: {done.stderr.strip()}")
                self.assertEqual(done.returncode, 0, done.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
