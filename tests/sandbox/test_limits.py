"""What is used up is named. Given a host with too few descriptors or processes, then the error says which limit it was and how much of it is used, and the host goes on
when there is room again. `make test-sandbox` sets MT_STAGE."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

SHORT = "-y -f lavfi -i testsrc2=s=64x64:r=25:d=1 -c:v mpeg4 -threads 1"

HEAD = """
import os, resource, sys
from mt_transcode import Engine, Error
isolation, folder = sys.argv[1], sys.argv[2]
def run(engine):
    try:
        engine.job([*%r.split(), folder + "/out.mkv"]).run()
        return None
    except Error as error:
        return error
""" % SHORT

DESCRIPTORS = HEAD + """
with Engine(isolation=isolation) as engine:
    most = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert run(engine) is None
    used = len(os.listdir("/proc/self/fd")) - 1
    resource.setrlimit(resource.RLIMIT_NOFILE, (used, most[1]))
    error = run(engine)
    assert error.code == -24, error
    assert f"descriptors: {used} of {used} in use (ulimit -n)" in str(error), error
    resource.setrlimit(resource.RLIMIT_NOFILE, most)
    assert run(engine) is None
"""

PROCESSES = HEAD + """
os.setgroups([])
os.setgid(65534)
os.setuid(65534)  # whom no other test uses, and whom limits hold
engine = Engine(isolation=isolation)
assert run(engine) is None
most = resource.getrlimit(resource.RLIMIT_NPROC)
resource.setrlimit(resource.RLIMIT_NPROC, (1, most[1]))
engine2 = None
try:
    engine2 = Engine(isolation=isolation)
    error = run(engine2)
except Error as raised:
    error = raised
assert error.code == -1016, error
assert " of 1 of this user (ulimit -u)" in str(error), error
resource.setrlimit(resource.RLIMIT_NPROC, most)
assert run(engine) is None
"""

CONTAINER = HEAD + """
group = sys.argv[3]
engine = Engine(isolation=isolation)
assert run(engine) is None
with open(group + "/cgroup.procs", "w") as procs: procs.write(str(os.getpid()))
with open(group + "/pids.max", "w") as most: most.write("1")
try:
    other = Engine(isolation=isolation)
    error = run(other)
except Error as raised:
    error = raised
assert error.code == -1016, error
assert "of 1 of the container (pids.max)" in str(error), error
with open(group + "/pids.max", "w") as most: most.write("max")
assert run(engine) is None
"""


def pids_group() -> Path:
    """A new group of the pids controller; the reason why there is none is the test's."""
    for root in (Path("/sys/fs/cgroup/pids"), Path("/sys/fs/cgroup")):
        group = root / f"mt-test-{os.getpid()}"
        with contextlib.suppress(OSError):
            group.mkdir()
            if (group / "pids.max").exists():
                return group
            group.rmdir()
    raise unittest.SkipTest("no group of the pids controller can be made here")


class Limits(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.folder.chmod(0o777)

    def host(self, program: str, isolation: str, *args: str) -> None:
        done = subprocess.run([sys.executable, "-c", program, isolation, str(self.folder), *args], timeout=120, capture_output=True, text=True,
                              check=False)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_descriptors_are_counted(self) -> None:
        for isolation in ("thread", "process"):
            with self.subTest(isolation):
                self.host(DESCRIPTORS, isolation)

    def test_processes_of_a_user_are_counted(self) -> None:
        if os.getuid() != 0:
            self.skipTest("only root can become a user without processes")
        for isolation in ("thread", "process"):
            with self.subTest(isolation):
                self.host(PROCESSES, isolation)

    def test_processes_of_a_container_are_counted(self) -> None:
        group = pids_group()
        self.addCleanup(group.rmdir)
        for isolation in ("thread", "process"):
            with self.subTest(isolation):
                self.host(CONTAINER, isolation, str(group))


if __name__ == "__main__":
    unittest.main(verbosity=2)
