"""What the scenarios share: a temporary folder, a clip, and waits that end."""

from __future__ import annotations

import atexit
import os
import select
import tempfile
import threading
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


def ts_path() -> str:
    """The clip as MPEG-TS."""
    path = temporary("clip.ts")
    if not os.path.exists(path):
        with Engine() as engine:
            engine.run(["-i", clip(), "-c", "copy", "-f", "mpegts", path], timeout=PATIENCE)
    return path


def read_file(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()


def ts_clip() -> bytes:
    return read_file(ts_path())


def ts_copy() -> bytes:
    """What `COPY_TS` makes of the clip from file to file."""
    path = temporary("copy.ts")
    if not os.path.exists(path):
        with Engine() as engine:
            engine.run(["-f", "mpegts", "-i", ts_path(), "-c", "copy", "-f", "mpegts", path], timeout=PATIENCE)
    return read_file(path)


def long_path() -> str:
    """Four seconds of noise as MPEG-TS, several megabytes: more than is read before the first packet is written."""
    path = temporary("long.ts")
    if not os.path.exists(path):
        with Engine() as engine:
            engine.run(["-f", "lavfi", "-i", "testsrc2=s=320x240:r=25:d=4,noise=alls=60:allf=t", "-c:v", "mpeg2video", "-q:v", "4",
                        "-f", "mpegts", path], timeout=PATIENCE)
    return path


def long_clip() -> bytes:
    return read_file(long_path())


def long_copy() -> bytes:
    """What `COPY_SOON` makes of it from file to file."""
    path = temporary("long-copy.ts")
    if not os.path.exists(path):
        with Engine() as engine:
            engine.run([argument.replace("mt:in", long_path()).replace("mt:out", path) for argument in COPY_SOON], timeout=PATIENCE)
    return read_file(path)


#: From mt:in to mt:out, of which little is read before it begins to write.
COPY_SOON = ["-f", "mpegts", "-probesize", "100000", "-i", "mt:in", "-c", "copy", "-f", "mpegts", "mt:out"]
#: From mt:in to mt:out.
COPY_TS = ["-f", "mpegts", "-i", "mt:in", "-c", "copy", "-f", "mpegts", "mt:out"]


class Background(threading.Thread):
    """A call on a thread of its own; `value` waits for what it returned, or raises what it raised."""

    def __init__(self, call: Callable[..., object], *args: object) -> None:
        super().__init__(daemon=True)
        self._call, self._args = call, args
        self._value: object = None
        self._raised: BaseException | None = None
        self.start()

    def run(self) -> None:
        try:
            self._value = self._call(*self._args)
        except BaseException as raised:
            self._raised = raised

    def value(self) -> object:
        self.join(PATIENCE)
        if self.is_alive():
            raise TimeoutError("a call in the background did not end")
        if self._raised is not None:
            raise self._raised
        return self._value


def feed(pipe: mt_transcode.Pipe, data: bytes, step: int = 65536, code: int = 0) -> int:
    """Writes in steps, then closes; returns how many bytes went before the pipe refused more."""
    done = 0
    try:
        while done < len(data):
            done += pipe.write(data[done:done + step], PATIENCE)
        pipe.close_write(code)
    except Error as error:
        if error.name not in ("EPIPE", "EBADF"):
            raise
    return done


class Scenarios(unittest.TestCase):
    """A test case with an engine of its own, and words for failures."""

    def setUp(self) -> None:
        self.engine = Engine()
        self.addCleanup(self.engine.close)

    def leaves_nothing(self, engine: Engine | None = None) -> None:
        """All numbers of the engine fall to zero, once what a test used is closed."""
        names = ("jobs", "jobs_running", "jobs_queued", "pipes", "threads", "queued_bytes", "detached", "memory_reserved_bytes")
        asked = engine or self.engine

        def left() -> dict[str, int]:
            stats = asked.stats()
            return {name: getattr(stats, name) for name in names if getattr(stats, name)}

        self.assertTrue(eventually(lambda: not left()), left())

    def piped(self, args: list[str], **pipes: mt_transcode.Pipe) -> Job:
        """A job that reads `in_` as mt:in and writes `out` as mt:out; not started."""
        job = self.engine.job(args)
        self.addCleanup(job.close)
        for name, pipe in pipes.items():
            job.bind(name.rstrip("_"), pipe, "r" if name == "in_" else "w")
        return job

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
