"""What crash reports and processes cost: `make bench-isolation`. Prints a table; nothing is asserted. Rounds of what is compared are interleaved, and ratios are of medians."""

from __future__ import annotations

import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from mt_transcode import Engine, Error

STAGE, HOSTS, SMALL = (Path(os.environ[name]) for name in ("MT_STAGE", "MT_HOSTS", "MT_SMALL"))
ROUNDS = int(os.environ.get("ROUNDS", "7"))
TINY = "-y -f lavfi -i anullsrc=d=0.01 -f null -".split()


def row(what: str, target: str, measured: str) -> None:
    print(f"| {what} | {target} | {measured} |", flush=True)


def quantiles(values: list[float]) -> str:
    values = sorted(values)
    return f"median {values[len(values) // 2]:.2f} ms, p99 {values[int(len(values) * 0.99)]:.2f} ms, most {values[-1]:.2f} ms of {len(values)}"


def milliseconds(run) -> float:  # noqa: ANN001
    began = time.monotonic_ns()
    run()
    return (time.monotonic_ns() - began) / 1e6


def handler() -> None:
    """From the fault to the host's own handler: the report is written in between."""
    taken = []
    with tempfile.TemporaryDirectory() as folder:
        for number in range(20):
            gate = Path(folder) / "gate"
            env = {**os.environ, "MT_FAULT": "stamp@av_read_frame", "MT_GATE": str(gate), "LD_PRELOAD": str(HOSTS / "fault.so"), "MT_TRANSCODE_ISOLATION": "thread"}
            done = subprocess.run([HOSTS / "host", f"{folder}/report{number}", "own", "a", *TINY], env=env, capture_output=True, text=True, check=False)
            taken.append((int(re.search(r"at (\d+) ns", done.stderr)[1]) - int(gate.read_text())) / 1e6)
    row("fault to the host's own handler, with the report written in between", "1 ms", quantiles(taken))


def crash_is_known() -> None:
    taken = []
    with tempfile.TemporaryDirectory() as folder:
        gate = Path(folder) / "gate"
        code = f"""
import sys, time
from mt_transcode import Engine, Error
with Engine(isolation="process") as engine:
    for _ in range(100):
        try:
            engine.run({TINY!r})
        except Error:
            print((time.monotonic_ns() - int(open({str(gate)!r}).read())) / 1e6)
"""
        preload = f"{HOSTS / 'fault.so'}:{STAGE / 'lib/libmt_transcode.so.0'}"
        env = {**os.environ, "MT_FAULT": "stamp@av_read_frame", "MT_GATE": str(gate), "LD_PRELOAD": preload, "MT_TRANSCODE_SANDBOX": "off"}  # it writes the time
        done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
        taken = [float(line) for line in done.stdout.split()]
    row("crash in a worker to the end of wait in the host", "100 ms", quantiles(taken))


def worker_is_ready(isolated: Engine, threads: Engine) -> None:
    there, here = [], []
    for _ in range(300):
        there.append(milliseconds(lambda: isolated.run(TINY)))
        here.append(milliseconds(lambda: threads.run(TINY)))
    row("a job that does next to nothing, in a worker", "-", quantiles(there))
    row("the same on a thread", "-", quantiles(here))


def workers_are_there(isolated: Engine) -> None:
    taken = []
    for _ in range(300):
        with isolated.job(["-v", "debug", *TINY]) as job:
            job.start()
            taken += [int(found[1]) / 1000 for event in job.events(60) if (found := re.search(r"is there after (\d+) us", event.text or ""))]
            job.wait(60)
    row("a worker is there after it was asked for", "5 ms", quantiles(taken))


def transcode(isolated: Engine, threads: Engine) -> None:
    line = "-y -f lavfi -i testsrc2=s=1280x720:r=25:d=6 -c:v libx264 -preset veryfast -f null -".split()
    wall: dict[str, list[float]] = {"process": [], "thread": []}
    for _ in range(ROUNDS):
        for name, engine in (("process", isolated), ("thread", threads)):
            wall[name].append(milliseconds(lambda engine=engine: engine.run(line)))
    ratio = statistics.median(wall["thread"]) / statistics.median(wall["process"])
    row("720p to H.264: speed in a worker / on threads", "0.95", f"{ratio:.3f} ({statistics.median(wall['process']):.0f} ms and {statistics.median(wall['thread']):.0f} ms)")


class Remuxer:
    """bench/small/main.go: its host is what the library is for, and takes no interpreter's time."""

    def __init__(self) -> None:
        self.process = subprocess.Popen([SMALL], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def rate(self, variant: str, seconds: float, threads: int, clip: Path) -> float:
        self.process.stdin.write(f"{variant} {seconds} {threads} {clip} mpegts\n")
        self.process.stdin.flush()
        jobs, wall = self.process.stdout.readline().split()[:2]
        return int(jobs) / float(wall)

    def __enter__(self) -> Remuxer:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.stdin.close()
        self.process.wait()


def small_jobs(isolated: Engine, folder: Path) -> None:
    clip = folder / "small.mp4"
    isolated.run(f"-y -f lavfi -i testsrc2=s=640x360:r=25:d=4 -f lavfi -i sine=d=4 -c:v libx264 -b:v 300k -c:a aac {clip}".split())
    size = clip.stat().st_size // 1000
    with Remuxer() as remuxer:
        remuxer.rate("go_worker", 0.2, 4, clip)  # its engine
        for threads in (1, 4):
            rates: dict[str, list[float]] = {"go_worker": [], "go_files": []}
            for _ in range(ROUNDS):
                for variant, measured in rates.items():
                    measured.append(remuxer.rate(variant, 0.7, threads, clip))
            ours, theirs = (statistics.median(measured) for measured in rates.values())
            what = f"remuxes of {size} kB from Go, {threads} at a time: jobs/s in workers / exec of ffmpeg"
            row(what, "10", f"{ours / theirs:.1f} ({ours:.0f} and {theirs:.1f} jobs/s)")


def main() -> None:
    print("| what | target | measured |\n|---|---|---|")
    handler()
    crash_is_known()
    with tempfile.TemporaryDirectory() as folder, Engine(isolation="process") as isolated, Engine(isolation="thread") as threads:
        workers_are_there(isolated)
        worker_is_ready(isolated, threads)
        small_jobs(isolated, Path(folder))
        transcode(isolated, threads)


if __name__ == "__main__":
    try:
        main()
    except Error as error:
        sys.exit(f"bench-isolation: {error}")
