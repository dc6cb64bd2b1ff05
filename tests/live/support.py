"""What the live tests share: clips, jobs, and an engine that must be at rest at the end. `make test-live` sets MT_STAGE."""

from __future__ import annotations

import ctypes
import functools
import json
import os
import subprocess
import tempfile
import unittest
from ctypes import byref, c_void_p
from pathlib import Path
from typing import Any

from mt_transcode import Engine, Error, Job
from mt_transcode._library import _encode, _encode_value, _lib
from mt_transcode._structs import OutputStats
from peers import PATIENCE, eventually

PROGRAM = Path(os.environ["MT_STAGE"]) / "bin/mt-transcode"
# The next key frame may be a second away; where all is known before, opening ends before.
PROBE = "-analyzeduration 3000000 -fpsprobesize 2".split()
LIVE = ["-mt_live", "1"]
TS = ["-f", "mpegts"]


@functools.lru_cache(maxsize=None)
def media() -> Path:
    """A folder with `clip.mp4`, `clip.ts` and `clip.flv`: ten seconds of picture (a key frame each second, no B frames) and sound."""
    folder = tempfile.TemporaryDirectory(prefix="mt-live-")
    media.folder = folder  # type: ignore[attr-defined]  # lives as long as the process
    at = Path(folder.name)
    line = "-f lavfi -i testsrc2=s=320x240:r=25:d=10 -f lavfi -i sine=d=10 -c:v libx264 -preset ultrafast -bf 0 -g 25 -threads 1 -c:a aac"
    program(*line.split(), at / "clip.mp4")
    for ending in ("ts", "flv"):
        program("-i", at / "clip.mp4", "-c", "copy", at / f"clip.{ending}")
    return at


def program(*args: object) -> None:
    subprocess.run([PROGRAM, "-v", "error", "-nostdin", "-y", *map(str, args)], check=True, timeout=120)


def decoded(path: Path) -> dict[str, int]:
    """How many frames of each kind can be decoded; broken ones are none."""
    args = ["-v", "error", "-count_frames", "-show_entries", "stream=codec_type,nb_read_frames", "-of", "json", path]
    done = subprocess.run(["ffprobe", *args], capture_output=True, text=True, timeout=60, check=False)
    found = json.loads(done.stdout or "{}").get("streams", [])
    return {stream["codec_type"]: int(stream.get("nb_read_frames", 0)) for stream in found}


def packets(path: Path) -> list[dict[str, Any]]:
    done = subprocess.run(["ffprobe", "-v", "error", "-show_packets", "-of", "json", path], capture_output=True, text=True, timeout=60, check=False)
    return list(json.loads(done.stdout or "{}").get("packets", []))


AT_REST = ("jobs", "pipes", "queued_bytes", "detached", "memory_reserved_bytes", "threads", "descriptors")


def is_at_rest(engine: Engine) -> bool:
    stats = engine.stats()
    return not any(getattr(stats, name) for name in AT_REST)


class JoinedOutput:
    """An output that joins a running job."""

    def __init__(self, job: Job, url: str, options: dict[str, str | None]) -> None:
        self.handle = c_void_p()
        job._check(_lib.mt_transcode_job_output_new(job._handle, _encode(url), byref(self.handle)))
        for key, value in options.items():
            job._check(_lib.mt_transcode_output_set_option(self.handle, _encode(key), _encode_value(value)))
        job._check(_lib.mt_transcode_output_commit(self.handle))

    def stats(self) -> OutputStats:
        stats = OutputStats(struct_size=ctypes.sizeof(OutputStats))
        if _lib.mt_transcode_output_stats(self.handle, byref(stats)) < 0:
            raise AssertionError("no numbers of an output")
        return stats

    def stop(self) -> None:
        _lib.mt_transcode_output_stop(self.handle, 0)

    def free(self) -> None:
        _lib.mt_transcode_output_free(self.handle)


class Live(unittest.TestCase):
    """With an engine, which is at rest at the end of each test, and a folder."""

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory(prefix="mt-live-")
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.engine = Engine()
        self.addCleanup(self.engine.close)
        self.addCleanup(self.rests)

    def rests(self) -> None:
        eventually("an engine at rest", lambda: is_at_rest(self.engine))

    def start(self, *args: object) -> Job:
        job = self.engine.job([str(arg) for arg in args])
        self.addCleanup(job.close)
        job.start()
        return job

    def reads(self, job: Job, packets: int) -> None:
        """Waits until so many packets have passed; a job that ends before is told with its error."""
        eventually("packets", lambda: job.state.is_final or job.stats().packets_written >= packets)
        if job.stats().packets_written < packets:
            job.wait(PATIENCE)
            raise AssertionError(f"the job ended after {job.stats().packets_written} packets")

    def stop(self, job: Job) -> None:
        """In good order, which is no error."""
        job.stop()
        job.wait(PATIENCE)

    def plays(self, path: Path, pictures: int = 25, sounds: int = 20) -> None:
        found = decoded(path)
        self.assertGreaterEqual(found.get("video", 0), pictures, found)
        self.assertGreaterEqual(found.get("audio", 0), sounds, found)


__all__ = ["AT_REST", "Engine", "Error", "Job", "JoinedOutput", "LIVE", "Live", "PROBE", "PROGRAM", "TS", "decoded", "is_at_rest", "media", "packets", "program"]
