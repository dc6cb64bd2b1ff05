#!/usr/bin/env python3
"""Runs the measuring programs in turns and writes what they say as CSV files: measure.py quick|full FOLDER.

Whatever is compared runs in the same rounds, each variant for a short slice, so that what else the machine does falls on all of them alike;
bench/report.py compares slices of the same round only. Progress goes to stderr.
"""

import csv
import os
import pathlib
import subprocess
import sys
import time

PROGRAMS = pathlib.Path("build/bench")
MEDIA = PROGRAMS / "media"

# Name of a case, how many at a time, file, and what it becomes.
FLV = ["flv", "flvflags", "no_duration_filesize"]
FRAGMENTS = ["mp4", "movflags", "+frag_keyframe+empty_moov"]
CASES = [
    ("MP4 to MPEG-TS", 1, "small.mp4", ["mpegts"]),
    ("MP4 to MPEG-TS", 4, "small.mp4", ["mpegts"]),
    ("MPEG-TS to FLV", 1, "small.ts", FLV),
    ("MP4 to fragmented MP4", 1, "small.mp4", FRAGMENTS),
    ("MP4 to MPEG-TS", 1, "large.mp4", ["mpegts"]),
    ("MP4 to MPEG-TS", 4, "large.mp4", ["mpegts"]),
    ("MPEG-TS to FLV", 1, "large.ts", FLV),
]
# Variant, program, and which process of it: loops run in one without an engine, the plain one with glibc's thresholds as they are.
VARIANTS = [
    ("c_loop_plain", "small", "plain"),
    ("c_loop", "small", "loops"),
    ("c_loop_seek_plain", "small", "plain"),
    ("c_loop_seek", "small", "loops"),
    ("c_memory", "small", "library"),
    ("c_pipe", "small", "library"),
    ("c_io", "small", "library"),
    ("go_memory", "go-small", "library"),
    ("go_pipe", "go-small", "library"),
    ("go_io", "go-small", "library"),
    ("go_exec", "go-small", "exec"),
]
PIPES = [
    ("system_64k", None),
    ("system_1m", None),
    ("mt", None),
    ("system_64k_touch", None),
    ("system_1m_touch", None),
    ("mt_touch", None),
    ("mt_zero_copy_touch", None),
    ("system_cat", None),
    ("mt_job_data", None),
    ("ffmpeg_data", None),
    ("mt_job_mpegts", "live.ts"),
    ("ffmpeg_mpegts", "live.ts"),
]
MEMORY = [(kind, jobs) for kind in ("stalled", "at_start", "probing") for jobs in (1, 50)]

# Seconds of a slice and number of rounds.
LENGTHS = {
    "quick": {"small": (0.25, 3), "pipe": (0.3, 3), "memory": 1},
    "full": {"small": (0.7, 9), "pipe": (0.8, 9), "memory": 3},
}


class Worker:
    """A process that stays warm between its turns."""

    def __init__(self, program, which):
        environment = {**os.environ, "BENCH_PLAIN": "1"} if which == "plain" else None
        self.process = subprocess.Popen(
            [PROGRAMS / program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )

    def ask(self, *words):
        self.process.stdin.write(" ".join(map(str, words)) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline().split()
        if len(answer) != 4:
            raise SystemExit(f"{self.process.args}: no answer to {words}")
        return answer

    def close(self):
        self.process.stdin.close()
        self.process.wait()


class Table:
    """A CSV file, written as the numbers come."""

    def __init__(self, folder, name, columns):
        self.file = open(folder / f"{name}.csv", "w", newline="")
        self.writer = csv.writer(self.file, lineterminator="\n")
        self.writer.writerow(columns)

    def add(self, *values):
        self.writer.writerow(values)
        self.file.flush()


def tell(text):
    print(text, file=sys.stderr, flush=True)


def measure_small(folder, seconds, rounds):
    columns = ["round", "case", "at_once", "file", "input_bytes", "variant", "jobs", "wall_s", "cpu_s", "output_bytes"]
    table = Table(folder, "small", columns)
    workers = {}
    for _, program, which in VARIANTS:
        workers[program, which] = workers.get((program, which)) or Worker(program, which)
    for number in range(rounds):
        tell(f"small remuxes, round {number + 1} of {rounds}")
        for case, at_once, file, what in CASES:
            path = MEDIA / file
            for variant, program, which in VARIANTS:
                worker = workers[program, which]
                asked = variant.removesuffix("_plain")
                worker.ask(asked, 0, at_once, path, *what)  # threads and caches are warm when the slice begins
                answer = worker.ask(asked, seconds, at_once, path, *what)
                table.add(number, case, at_once, file, path.stat().st_size, variant, *answer)
    for worker in workers.values():
        worker.close()


def ask_once(program, *arguments):
    command = [PROGRAMS / program, *map(str, arguments)]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.split()


def measure_pipes(folder, seconds, rounds):
    table = Table(folder, "pipe", ["round", "variant", "bytes", "wall_s", "cpu_s"])
    for number in range(rounds):
        tell(f"pipes, round {number + 1} of {rounds}")
        for variant, file in PIPES:
            table.add(number, variant, *ask_once("pipe", variant, seconds, *([MEDIA / file] if file else [])))


def measure_memory(folder, rounds):
    table = Table(folder, "memory", ["round", "kind", "jobs", "bytes", "pipe_bytes", "before_bytes", "in_use_bytes"])
    for number in range(rounds):
        tell(f"memory, round {number + 1} of {rounds}")
        for kind, jobs in MEMORY:
            table.add(number, kind, jobs, *ask_once("memory", kind, jobs, MEDIA / "live.ts"))


def busy_seconds():
    """CPU time that all of the machine has spent since its start; stolen time, too."""
    with open("/proc/stat") as stat:
        user, nice, system, _, _, irq, softirq, steal = map(int, stat.readline().split()[1:9])
    return (user + nice + system + irq + softirq) / os.sysconf("SC_CLK_TCK"), steal / os.sysconf("SC_CLK_TCK")


def main():
    lengths, folder = LENGTHS[sys.argv[1]], pathlib.Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    load = os.getloadavg()[0]
    begin, (busy, steal) = time.monotonic(), busy_seconds()
    measure_small(folder, *lengths["small"])
    measure_pipes(folder, *lengths["pipe"])
    measure_memory(folder, lengths["memory"])
    seconds = time.monotonic() - begin
    busy, steal = busy_seconds()[0] - busy, busy_seconds()[1] - steal
    own = sum(os.times()[:4])
    table = Table(folder, "run", ["length", "seconds", "load_before", "others_cpu_percent", "stolen_percent"])
    whole = seconds * len(os.sched_getaffinity(0)) / 100
    table.add(sys.argv[1], f"{seconds:.0f}", load, f"{max(busy - own, 0) / whole:.1f}", f"{steal / whole:.1f}")


if __name__ == "__main__":
    main()
