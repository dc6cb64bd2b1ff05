"""Remuxes of small files from memory to memory: jobs a second, CPU for each."""

from __future__ import annotations

from typing import NamedTuple

from ..competitors import ASTIAV, PYTHON, STATIC_FFMPEG
from ..figures import Verdict, at_least
from ..rates import Case, RateKind, RateResults, Variant
from ..svg import BINDINGS, PROGRAMS

FLV = ("flv", "flvflags", "no_duration_filesize")
FRAGMENTS = ("mp4", "movflags", "+frag_keyframe+empty_moov")
CASES = {
    Case("MP4 to MPEG-TS", 1, "small.mp4"): ("mpegts",),
    Case("MP4 to MPEG-TS", 4, "small.mp4"): ("mpegts",),
    Case("MPEG-TS to FLV", 1, "small.ts"): FLV,
    Case("MP4 to fragmented MP4", 1, "small.mp4"): FRAGMENTS,
    Case("MP4 to MPEG-TS", 1, "large.mp4"): ("mpegts",),
    Case("MP4 to MPEG-TS", 4, "large.mp4"): ("mpegts",),
    Case("MPEG-TS to FLV", 1, "large.ts"): FLV,
}
C, GO = ("small",), ("go-small",)
PLAIN = {"BENCH_PLAIN": "1"}
# Loops run in a process without an engine; the plain ones in one with glibc's thresholds as they are.
VARIANTS = {
    "c_loop_plain": Variant("C loop", C, "plain", environment=PLAIN, asked="c_loop"),
    "c_loop": Variant("C loop, glibc tuned", C, "loops"),
    "c_loop_seek_plain": Variant("C loop, seekable", C, "plain", environment=PLAIN, asked="c_loop_seek"),
    "c_loop_seek": Variant("C loop, glibc tuned, seekable", C, "loops"),
    "c_memory": Variant("C, memory", C, "library", is_ours=True),
    "c_pipe": Variant("C, pipes", C, "library", is_ours=True),
    "c_io": Variant("C, callbacks", C, "library", is_ours=True),
    "go_memory": Variant("Go, memory", GO, "library", is_ours=True),
    "go_pipe": Variant("Go, pipes", GO, "library", is_ours=True),
    "go_io": Variant("Go, seekable", GO, "library", is_ours=True),
    "go_exec": Variant("Go, exec", GO, "exec", color=PROGRAMS),
    "go_static": Variant("Go, exec of the static ffmpeg", GO, "exec", color=PROGRAMS, needs=(STATIC_FFMPEG,)),
    "astiav": Variant("Go, go-astiav", (ASTIAV,), "", color=BINDINGS),
    "pyav": Variant("Python, PyAV", (PYTHON, "bench/with_pyav.py"), "", color=BINDINGS),
}
HEAD = ("× C loop, tuned", "× exec", "× exec of the static one")

PAGE = """\
## Small files, memory to memory

The input is in memory, and the output goes to memory: `-i … -map 0 -c copy -f …`. H.264 and AAC, made by FFmpeg's test sources;
the index of an MP4 stands at its beginning.

- **C loop**: the least that a C program does with FFmpeg's libraries (`bench/c/loop.c`), with two settings that the ffmpeg
  program makes too and that decide how much work there is (`scan_all_pmts`, `max_delay`). Its input and output cannot seek.
- **C loop, glibc tuned**: the same in a process that has freed a large block before, after which glibc no longer gives memory back
  to the system at the end of each job: otherwise it takes up to twice the time. The library does this for its host. The column of
  ratios is against this one, and against the one that can seek for what can.
- **C, memory**: this library's C interface, the input's bytes bound as they are, the output taken from a buffer of the library's and
  copied to where the others write.
- **C, pipes** and **C, callbacks**: the same with default pipes and one thread of the host for each job; and with callbacks that can
  seek.
- **Go, memory**: the Go package, from a `bytes.Reader` to a `bytes.Buffer`, which is what a program with a file in memory writes.
- **Go, pipes** and **Go, seekable**: the same as streams, from an `io.Reader` or an `io.ReadSeeker` of the program's to an
  `io.Writer` of its: what a request's body, or a file, costs.
- **Go, exec**: `exec.Command("ffmpeg", … "pipe:0" … "pipe:1")` with the same options; and the static ffmpeg in its place, which has
  nothing to link when it starts.
- **Go, go-astiav** and **Python, PyAV**: bindings of FFmpeg's libraries, used as their examples do, from bytes to bytes. They leave out
  what the ffmpeg program sets, so that an MPEG-TS of theirs is larger; PyAV brings its own FFmpeg.

MPEG-TS that can seek is read at its end, too, for its duration: so what can seek is compared with a loop that can.

![Jobs a second of each variant](bench/small.svg)
"""


class Target(NamedTuple):
    """A ratio of a variant to another, of the files to 300 kB or of the others; of jobs a second or of CPU for each."""

    words: str
    least: float
    variant: str
    other: str
    small: bool = True
    cpu: bool = False


TARGETS = (
    Target("Remux in memory from Go against exec of ffmpeg, jobs/s, about 200 kB", 22, "go_memory", "go_exec"),
    Target("CPU for each of these", 22, "go_memory", "go_exec", cpu=True),
    Target("Jobs/s at 2 MB, 1080p", 5, "go_memory", "go_exec", small=False),
    Target("CPU for each of these", 5, "go_memory", "go_exec", small=False, cpu=True),
    Target("As a stream, through pipes, against exec of ffmpeg, jobs/s, about 200 kB", 22, "go_pipe", "go_exec"),
    Target("The same at 2 MB, 1080p", 5, "go_pipe", "go_exec", small=False),
    Target("Remux in memory from Go against exec of the static ffmpeg, jobs/s, about 200 kB", 6, "go_memory", "go_static"),
    Target("CPU for each of these", 6, "go_memory", "go_static", cpu=True),
    Target("Jobs/s at 2 MB, 1080p", 2, "go_memory", "go_static", small=False),
    Target("CPU for each of these", 2, "go_memory", "go_static", small=False, cpu=True),
    Target("Remux in memory from Go, bytes.Reader to bytes.Buffer, against the C loop that can seek, about 200 kB", 0.9, "go_memory", "c_loop_seek_plain"),
    Target("Remux in memory by the C interface, memory to buffer, against that", 0.9, "c_memory", "c_loop_seek_plain"),
    Target("Go, against that loop in a process that has freed a block of 8 MiB before (glibc tuned)", 0.9, "go_memory", "c_loop_seek"),
    Target("The C interface, against that", 0.9, "c_memory", "c_loop_seek"),
    Target("As a stream: Go, pipes, against the tuned C loop that cannot seek", 0.9, "go_pipe", "c_loop"),
    Target("As a stream: the C interface, pipes, against that", 0.9, "c_pipe", "c_loop"),
    Target("As a stream: Go, an io.ReadSeeker, against the tuned C loop that can seek", 0.9, "go_io", "c_loop_seek"),
    Target("The C interface, callbacks that seek, against that", 0.9, "c_io", "c_loop_seek"),
    Target("Go, bytes.Reader to bytes.Buffer, against that, 2 MB", 0.9, "go_memory", "c_loop_seek", small=False),
)


class SmallResults(RateResults):
    """By case and variant."""

    variants = VARIANTS

    @staticmethod
    def against(variant: str) -> tuple[str, ...]:
        """What can seek is compared with a loop that can."""
        loop = "c_loop_seek" if variant.endswith(("_io", "_memory")) else "c_loop"
        return ("" if "loop" in variant else loop, "go_exec", "go_static")

    def page(self) -> str:
        parts = [PAGE]
        for case, size in self.input_bytes.items():
            sizes = " or ".join(f"{size:,}" for size in sorted(self.outputs[case]))
            parts.append(f"### {case.what}, {size:,} bytes, {case.at_once} at a time\n\nEach output has {sizes} bytes.\n")
            parts.append(self.case_table(case, HEAD, self.against))
        return "\n".join(parts)

    def plots(self) -> dict[str, str]:
        return {"small.svg": self.plot("Small remuxes: jobs a second")}

    def verdicts(self) -> list[Verdict]:
        return [self.verdict(target) for target in TARGETS]

    def verdict(self, target: Target) -> Verdict:
        is_wanted = lambda case: self.is_small(case) == target.small
        return at_least(target.words, target.least, self.worst(target.variant, target.other, is_wanted, cpu=target.cpu))


class Small(RateKind):
    """See VARIANTS."""

    name = "small"
    cases = CASES
    seconds = {"quick": 0.12, "full": 0.25}
    rounds = {"quick": 1, "full": 3}
    results = SmallResults
