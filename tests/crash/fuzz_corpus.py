"""A corrupted corpus. Given media files with bits flipped, bytes overwritten, parts cut out or repeated (each way decided by its seed alone), when jobs copy, decode and
shrink them in workers, then each job ends, the host lives, and nothing is left of them. `make fuzz-corpus` (FUZZ_SEEDS=2000, FIRST_SEED=0); `make test` does a few."""

from __future__ import annotations

import collections
import os
import random
import resource
import sys
import threading
import time
from pathlib import Path

from mt_transcode import Engine, Error
from test_isolation import children

CORPUS = Path(os.environ.get("MT_CORPUS", "../shared/corpus"))
LARGEST_BYTES = 4 << 20
# What a job does with its file; bounded in time and output, so that no seed takes the night.
LINES = (
    "-i mt:in -map 0 -c copy -t 20 -f matroska mt:out",
    "-i mt:in -map 0 -c copy -t 20 -f mpegts mt:out",
    "-i mt:in -map 0:v? -map 0:a? -t 5 -f null -",
    "-i mt:in -map 0:v:0 -vf scale=64:64 -frames:v 3 -c:v mjpeg -f image2pipe mt:out",
    "-i mt:in -map 0:a:0 -t 5 -c:a pcm_s16le -f wav mt:out",
)
LIMITS = "-mt_trust untrusted -mt_max_time 30 -mt_max_output_bytes 50000000".split()
HUNG_SECONDS = 120


def corrupt(data: bytes, numbers: random.Random) -> bytes:
    """The same of the same numbers. The first bytes are hit more often: that is where formats begin."""
    broken = bytearray(data)
    for _ in range(numbers.choice((1, 3, 10, 50, 300))):
        at = int(numbers.random() ** numbers.choice((1, 4)) * len(broken))
        match numbers.randrange(8):
            case 0:
                broken[at] = numbers.choice((0, 255, 127, 128))
            case 1:
                broken[at : at + 4] = numbers.choice((b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\x80\0\0\0"))
            case 2 if numbers.random() < 0.1:
                del broken[at : at + numbers.randrange(1, 2000)]
            case 3 if numbers.random() < 0.1:
                broken[at:at] = broken[at : at + numbers.randrange(1, 2000)]
            case _:
                broken[at] ^= 1 << numbers.randrange(8)
        if not broken:
            break
    return bytes(broken)


def sources() -> list[Path]:
    files = [path for path in sorted(CORPUS.rglob("*")) if path.is_file() and path.name != "MANIFEST.tsv" and 100 < path.stat().st_size < LARGEST_BYTES]
    return files or [Path(path) for path in sys.argv[1:]]


def run(engine: Engine, files: list[Path], seed: int) -> str:
    numbers = random.Random(seed)
    data = corrupt(numbers.choice(files).read_bytes(), numbers)
    line = numbers.choice(LINES)
    with engine.job([*LIMITS, "-y", *line.split()], label=f"seed {seed}") as job:
        job.bind("in", data)
        if "mt:out" in line:
            job.bind_buffer("out")
        try:
            job.start()
            job.wait(HUNG_SECONDS)
        except TimeoutError:
            job.cancel()
            return "HUNG"
        except Error as error:
            if error.crash_report:
                print(f"seed {seed}: {error}", file=sys.stderr)
            return error.name
    return "done"


def main() -> int:
    first, count = int(os.environ.get("FIRST_SEED", "0")), int(os.environ.get("FUZZ_SEEDS", "2000"))
    files = sources()
    outcomes: collections.Counter[str] = collections.Counter()
    seeds = iter(range(first, first + count))
    began, lock = time.monotonic(), threading.Lock()

    def work(engine: Engine) -> None:
        for seed in seeds:
            outcome = run(engine, files, seed)
            with lock:
                outcomes[outcome] += 1

    with Engine(isolation="process", worker_memory_bytes=1 << 30, worker_cpu_seconds=60) as engine:
        threads = [threading.Thread(target=work, args=(engine,)) for _ in range(len(os.sched_getaffinity(0)))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        stats = engine.stats()
        left = {name: getattr(stats, name) for name in ("running", "queued", "pipes", "detached") if getattr(stats, name, 0)}
    host_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    words = ", ".join(f"{name} {number}" for name, number in outcomes.most_common())
    print(f"{sum(outcomes.values())} jobs with corrupted input from {len(files)} files: {words}; {time.monotonic() - began:.0f} s, host's peak {host_kib >> 10} MiB")
    faults = [what for what in ("HUNG", "DETACHED", "KILLED", "PANIC", "INTERNAL") if outcomes[what]]
    for what, is_wrong in {f"left behind: {left}": left, f"ended as {faults}": faults, "children left": children(os.getpid()), "jobs without an end": sum(outcomes.values()) != count}.items():
        if is_wrong:
            print(f"fuzz-corpus: {what}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
