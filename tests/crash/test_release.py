"""A release, and what reads its crash reports. Given the two archives of `make dist`, when a job crashes beside the stripped library, then the report's frames of
ours have names, files and lines with the debug archive, and none without; and the very same library does its jobs. `make test-crash` sets MT_STAGE and MT_HOSTS."""

from __future__ import annotations

import os
import subprocess
import unittest
from pathlib import Path

from test_crash import HOSTS, PROGRAM, Crash


class Release(Crash):
    def setUp(self) -> None:
        super().setUp()
        archives = sorted((HOSTS / "dist").glob("*.tar.gz"), key=lambda path: path.stat().st_mtime)[-2:]
        self.assertEqual(sum("-debug" in path.name for path in archives), 1, archives)
        for path in archives:
            subprocess.run(["tar", "-C", self.folder, "-xzf", path], timeout=60, check=True)
        self.place = self.folder / "usr/local"

    def sections(self, file: Path) -> str:
        return subprocess.run(["readelf", "-SW", file], capture_output=True, text=True, timeout=60, check=True).stdout

    def symbolized(self, *args: str) -> str:
        done = subprocess.run([PROGRAM, "symbolize", *args, self.report], capture_output=True, text=True, timeout=60, check=True)
        return done.stdout

    def test_a_stripped_release_is_read_with_its_debug_archive(self) -> None:
        library, program = self.place / "lib/libmt_transcode.so.0", self.place / "bin/mt-transcode"
        for file in (library, program):
            sections = self.sections(file)
            self.assertNotIn(".debug_info", sections, file)
            self.assertNotIn(".symtab", sections, file)
            self.assertIn(".eh_frame", sections, "unwinding goes on")
            self.assertIn(".gnu_debuglink", sections)
        done = self.crash("segv@avcodec_send_packet@dec", library=library)
        self.assertEqual(done.returncode, -11, done.stderr)
        self.assertEqual(self.lines()["stage"], "decode")
        self.assertIn(str(library), self.report.read_text(), "the release's library was used")
        bare = self.symbolized()
        self.assertNotIn("src/engine/decode.rs", bare)
        read = self.symbolized("--debug-dir", str(self.place / "lib/debug"))
        self.assertRegex(read, r"run at .*src/engine/decode\.rs:[0-9]+")

    def test_a_release_does_its_jobs_in_workers_too(self) -> None:
        env = {**os.environ, "MT_TRANSCODE_ISOLATION": "process", "LD_LIBRARY_PATH": str(self.place / "lib")}
        args = [HOSTS / "host", self.report, "default", "a job", "-y", "-i", self.clip, "-c", "copy", self.folder / "out.mkv"]
        done = subprocess.run(list(map(str, args)), env=env, capture_output=True, text=True, timeout=120, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertGreater((self.folder / "out.mkv").stat().st_size, 1000)


if __name__ == "__main__":
    unittest.main(defaultTest=["Release"], verbosity=2)
