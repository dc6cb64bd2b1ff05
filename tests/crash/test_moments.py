"""What happens to a process in the middle of a job. Given a host in C that loaded the library itself, when it frees a job whose thread is about to crash, forks, becomes
another program or closes the library, on threads and with workers, then it gets what it would expect, and nothing of it is left."""

from __future__ import annotations

import os
import signal
import subprocess
import unittest

from test_crash import HOSTS, STAGE, Crash
from test_isolation import children, eventually, is_alive

MODES = ("thread", "process")


class Moments(Crash):
    def start(self, what: str, mode: str, args: str, fault: str = "") -> subprocess.Popen[str]:
        library = STAGE / "lib/libmt_transcode.so.0"
        env = {**os.environ, "MT_TRANSCODE_ISOLATION": mode}
        if fault:  # what is preloaded finds FFmpeg only behind itself
            env |= {"MT_FAULT": fault, "MT_GATE": str(self.folder / f"gate-{mode}"), "LD_PRELOAD": f"{HOSTS / 'fault.so'}:{library}"}
        command = [HOSTS / "moments", what, self.report, library, *args.split(), self.folder / "out.mkv"]
        return subprocess.Popen(list(map(str, command)), env=env, stderr=subprocess.PIPE, text=True, errors="replace")

    def ended(self, process: subprocess.Popen[str]) -> tuple[int, str]:
        _, errors = process.communicate(timeout=120)
        return process.returncode, errors

    def job(self) -> str:
        return f"-y -re -i {self.clip} -c:v mpeg4 -c:a aac"

    def test_a_crash_while_the_job_is_freed(self) -> None:
        for mode in MODES:
            with self.subTest(mode):
                self.report.unlink(missing_ok=True)
                status, errors = self.ended(self.start("free", mode, self.job(), "late@avcodec_send_packet@dec"))
                if mode == "thread":
                    self.assertEqual(status, -signal.SIGSEGV, errors)
                    self.assertEqual(self.lines()["stage"], "decode")
                else:
                    self.assertEqual(status, 0, errors)
                    self.assertIn("the last job ended with 0", errors)

    def test_a_fork(self) -> None:
        for mode in MODES:
            with self.subTest(mode):
                status, errors = self.ended(self.start("fork", mode, self.job()))
                self.assertEqual(status, 0, errors)
                self.assertGreater((self.folder / "out.mkv").stat().st_size, 10_000)

    def test_the_library_is_closed(self) -> None:
        for mode in MODES:
            with self.subTest(mode):
                status, errors = self.ended(self.start("unload", mode, self.job()))
                self.assertEqual(status, 0, errors)
                self.assertGreater((self.folder / "out.mkv").stat().st_size, 10_000)

    def test_another_program_takes_the_process(self) -> None:
        for mode in MODES:
            with self.subTest(mode):
                process = self.start("exec", mode, "-y -re -f lavfi -i testsrc2 -c:v mpeg4")
                self.addCleanup(process.kill)
                before: set[int] = set()

                def became_another() -> bool:
                    before.update(child for child in children(process.pid))
                    with open(f"/proc/{process.pid}/comm", encoding="utf-8") as file:
                        return file.read() == "sleep\n"

                eventually("the other program", became_another)
                # The forkserver lost its host, and with it everything ends: what is not waited for is a zombie of the new program's.
                eventually("no worker lives", lambda: not any(is_alive(child) for child in before | set(children(process.pid))))
                names = [os.readlink(f"/proc/{process.pid}/fd/{fd}") for fd in os.listdir(f"/proc/{process.pid}/fd")]
                self.assertFalse([name for name in names if "eventfd" in name or "out.mkv" in name or "socket" in name], "closed by exec")
                process.kill()
                process.communicate(timeout=60)


if __name__ == "__main__":
    unittest.main(defaultTest=["Moments"], verbosity=2)
