"""Every command line of tests/equivalence, on threads and in a worker with all of the sandbox that there is: what succeeds on threads succeeds there, and leaves the same
files. `make test-sandbox` sets MT_STAGE."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
import unittest
from pathlib import Path

import mt_transcode
from mt_transcode import Engine, Error

EQUIVALENCE = Path(__file__).parents[1] / "equivalence"
SOURCE = (EQUIVALENCE.with_suffix(".rs")).read_text()


def split(line: str) -> list[str]:
    """Words between spaces; quotes keep spaces together."""
    return [word.replace("'", "") for word in re.findall(r"(?:[^\s']|'[^']*')+", line)]


def make_inputs(folder: Path) -> None:
    """As make_inputs of tests/equivalence.rs, whose texts and command lines these are."""
    body = SOURCE.split("fn make_inputs", 1)[1].split("\n}\n", 1)[0]
    texts, lines = body.split("for line in [", 1)
    values = dict(re.findall(r'let (\w+) = "(.*?)";', body))
    for name, text in re.findall(r'\("([\w.-]+)", &?\*?(?:format!\()?("[^"]*"|\w+)\)?\)', texts):
        text = values.get(text, text.strip('"')).encode().decode("unicode_escape")
        (folder / name).write_text(text.replace("{chapters}", values["chapters"].encode().decode("unicode_escape")))
    for line in re.findall(r'"((?:[^"\\]|\\.)*)"', lines.split("\n    ] {")[0], re.S):
        line = re.sub(r"\\\n\s*", "", line).replace("{picture}", values["picture"]).replace("BX", "-bitexact -threads 1")
        subprocess.run(["ffmpeg", "-v", "error", "-nostdin", "-y", *split(line)], cwd=folder, check=True, timeout=60)


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


class Lines(unittest.TestCase):
    def test_every_line_does_in_the_sandbox_what_it_does_without(self) -> None:
        lines = [line.removeprefix("5.1> ") for line in (EQUIVALENCE / "lines.txt").read_text().splitlines() if line and line[0] not in "#["]
        has = mt_transcode.diagnostics()["sandbox"]
        is_complete = "abi" in has["landlock"] and "architecture" in has["seccomp"]
        before = os.getcwd()
        self.addCleanup(os.chdir, before)
        with tempfile.TemporaryDirectory() as name:
            inputs = Path(name, "inputs")
            inputs.mkdir()
            make_inputs(inputs)
            os.environ["AVCONV_DATADIR"] = str(inputs)
            succeeded = 0
            with (Engine() as here, Engine(isolation="process", worker_sandbox="off") as free,
                  Engine(isolation="process", worker_sandbox="required" if is_complete else "best") as confined):
                for number, line in enumerate(lines):
                    with self.subTest(line):
                        results = [self.run_line(engine, Path(name, f"{number}-{index}"), inputs, line) for index, engine in enumerate((here, free, confined))]
                        (error, left), (_, left_free), (other, left_confined) = results
                        self.assertEqual(other, error)
                        self.assertEqual(sorted(left_confined), sorted(left))
                        # In a process that lives on, x264 does not always make the same bytes.
                        self.assertTrue(error or left_confined == left_free or "BX" not in line, "the same bytes")
                        succeeded += error is None
            self.assertGreater(succeeded, len(lines) // 2)

    def run_line(self, engine: Engine, folder: Path, inputs: Path, line: str) -> tuple[str | None, dict[str, bytes]]:
        folder.mkdir()
        os.chdir(folder)
        words = None
        for command in line.split(" && "):
            args = split(command.replace("@", f"{inputs}/").replace("BX", "-bitexact -threads 1"))
            try:
                engine.job(["-y", *args]).run()
            except Error as error:
                words = f"{error.code} {error}".replace(str(folder), "")
                break
        return words, files_of(folder)


if __name__ == "__main__":
    unittest.main(verbosity=2)
