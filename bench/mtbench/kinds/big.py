"""Remuxes of a big file from file to file."""

from __future__ import annotations

from pathlib import Path

from .. import media
from ..commands import CommandKind, CommandResults, Work
from ..figures import Verdict, at_least, at_most, geometric_mean, worst

VARIANTS = ("job", "ffmpeg", "loop")
# Where the output goes.
FILE, NULL = "over a file", "to /dev/null"
MEGABYTES = {"quick": 250, "full": 1000}
# Case: suffix of the input, the output.
CASES = {
    "MP4 to MPEG-TS": (".mp4", "out.ts", "mpegts"),
    "MPEG-TS to MP4": (".ts", "out.mp4", "mp4"),
    "MP4 to FLV": (".mp4", "out.flv", "flv"),
    "Matroska to MP4": (".mkv", "out.mp4", "mp4"),
}

PAGE = """\
## Big remuxes, file to file

1080p of 6 Mbit/s with AAC, the same twenty seconds over and over: `-i … -map 0 -c copy -f …`. The input is in the page cache. The output is a
file of the same disk that is there before and is written over (`-truncate 0`), so that nobody waits for the disk, nor for the kernel to find memory for
it: on this virtual machine that takes nothing or a second, whoever writes, as the host had given the memory away or not. And, because most of that time is still
the kernel's, it is /dev/null, which shows what the programs themselves do. Another variant goes first in each round. The job runs in a warm process by the C interface (`bench/c/command.c`), the C
loop in another, new ones in each round, both with FFmpeg's own files; an ffmpeg program's time has its start in it, as whoever starts it waits for that. The peak
is the most memory that the process had in it at a time, of itself and of libraries.

![Time and CPU over those of the ffmpeg program](bench/big.svg)
"""


class BigResults(CommandResults):
    """By case and variant."""

    def page(self) -> str:
        parts = [PAGE]
        for case in self.cases:
            parts.append(f"### {case}, {self.input_bytes[case]:,} bytes\n\n{self.case_table(case)}")
        return "\n".join(parts)

    def plots(self) -> dict[str, str]:
        return {"big.svg": self.plot("Big remuxes: time and CPU over those of the ffmpeg program (less is better)")}

    def verdicts(self) -> list[Verdict]:
        return [verdict for sink in (NULL, FILE) for verdict in self.verdicts_of(sink)]

    def verdicts_of(self, sink: str) -> list[Verdict]:
        cases = [case for case in self.cases if case.endswith(sink)]
        wall, cpu = (self.ratios(of, "ffmpeg", cases=cases) for of in (self.wall, self.cpu))
        mean = lambda ratios: geometric_mean(ratios) if ratios else None
        speeds = [ratio.inverse() for ratio in self.ratios(self.wall, "loop", cases=cases)]
        return [
            at_most(f"Remux of 1 GB {sink} against ffmpeg, time", 0.95, worst(wall, lowest=False)),
            at_most("The same, CPU", 0.95, worst(cpu, lowest=False)),
            at_most("The same, time, geometric mean of the cases", 0.88, mean(wall)),
            at_most("The same, CPU, geometric mean of the cases", 0.88, mean(cpu)),
            at_least(f"Remux of 1 GB {sink}, speed against the C loop", 0.95, worst(speeds)),
        ]


class Big(CommandKind):
    """See CASES."""

    name = "big"
    rounds = {"quick": 1, "full": 3}
    results = BigResults

    def plan(self) -> dict[str, tuple[Path, Work]]:
        planned = {}
        for case, (suffix, output, form) in CASES.items():
            path = media.long(self.setting.media, MEGABYTES[self.setting.length], suffix)
            for sink, place in ((FILE, f"{{out}}/{output}"), (NULL, "/dev/null")):
                over = ("-truncate", "0") if sink == FILE else ()
                arguments = ("-y", "-v", "error", "-i", str(path), "-map", "0", "-c", "copy", "-f", form, *over, place)
                work = Work(arguments, VARIANTS, loop=(str(path), place, form), writes_over=sink == FILE)
                planned[f"{case}, {sink}"] = (path, work)
        return planned
