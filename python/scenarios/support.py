"""What the scenarios share: a temporary folder, a clip, and waits that end."""

from __future__ import annotations

import atexit
import os
import select
import tempfile
import time
import unittest
from collections.abc import Callable

import mt_transcode
from mt_transcode import Engine, Error, Job, State

# How long a wait may last before it counts as a failure: generous, as it is only reached when something is broken.
PATIENCE = 60.0

#: A job that runs until it is stopped, in real time, and writes nothing.
ENDLESS = ["-re", "-f", "lavfi", "-i", "testsrc2=s=128x96", "-f", "null", "-"]
#: A job that ends after some milliseconds, and writes nothing.
SMALL = ["-f", "lavfi", "-i", "testsrc2=s=64x48:d=0.2", "-f", "null", "-"]

_folder = tempfile.TemporaryDirectory(prefix="mt-transcode-py-")
atexit.register(_folder.cleanup)


def temporary(name: str) -> str:
    """A path in this run's own temporary folder."""
    return os.path.join(_folder.name, name)


def clip() -> str:
    """A clip of 2 s, H.264 320x240 with AAC, made at the first call."""
    path = temporary("clip.mp4")
    if not os.path.exists(path):
        with Engine() as engine:
            engine.run(["-f", "lavfi", "-i", "testsrc2=s=320x240:r=25:d=2", "-f", "lavfi", "-i", "sine=d=2", "-c:v", "libx264",
                        "-preset", "ultrafast", "-c:a", "aac", path], timeout=PATIENCE)
    return path


def eventually(condition: Callable[[], bool]) -> bool:
    """Asks again and again until `condition` holds; False when patience is over."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.005)
    return condition()


def reaches(job: Job, state: State) -> bool:
    return eventually(lambda: job.state == state)


def readable(descriptor: int, timeout: float) -> bool:
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(int(timeout * 1000)))


def stream(probed: dict, codec: str) -> dict:
    """The stream of a probe with this codec; empty where there is none."""
    return next((one for one in probed["streams"] if one.get("codec_name") == codec), {})


class Scenarios(unittest.TestCase):
    """A test case with an engine of its own, and words for failures."""

    def setUp(self) -> None:
        self.engine = Engine()
        self.addCleanup(self.engine.close)

    def start(self, args: list[str], engine: Engine | None = None) -> Job:
        job = (engine or self.engine).job(args)
        self.addCleanup(job.close)
        job.start()
        return job

    def fails(self, code: int, call: Callable[..., object], *args: object) -> Error:
        """`call` raises an Error with this code."""
        with self.assertRaises(Error) as caught:
            call(*args)
        error = caught.exception
        self.assertEqual(error.code, code, f"{error.name}, expected {mt_transcode.error_name(code)}: {error}")
        return error
