"""From nothing to the end of the first jobs, in a fresh process."""

from __future__ import annotations

from collections.abc import Iterator

from ..figures import Line, Sample, number, samples, table
from ..kind import Kind, Results
from ..process import ask_once, run_all, said

FILE, FORMAT, OUTPUT = "tiny.mp4", "mpegts", "/dev/null"
STEPS = {"dlopen_s": "dlopen", "engine_s": "engine_new", "first_s": "first job", "second_s": "second job"}
VARIANTS = {
    "library": "program that loads this library: one job",
    "ffmpeg": "the ffmpeg program",
    "loop": "C loop, of a program that is linked with libavformat",
}
HEAD = ("", "ms", "lowest–highest", "CPU ms")

PAGE = """\
## Start

A process of its own each time, which remuxes a tiny MP4 to MPEG-TS in /dev/null: from fork to exit, with all libraries in the page cache. The first one
loads this library with dlopen and makes an engine (`bench/c/start.c`). Nothing here has a target: most of the time is the loader's, which maps
FFmpeg's libraries and all that they need, and binds their symbols.
"""
STEPS_PAGE = """\
The steps of such a process, which does a second job then:
"""


def in_ms(lines: list[Line], column: str) -> dict[str, Sample]:
    found = [line for line in lines if line[column]]
    return samples(found, lambda line: line["variant"], lambda line: float(line[column]) * 1e3)


class StartResults(Results):
    """By variant."""

    def __init__(self, lines: list[Line]) -> None:
        super().__init__(lines)
        self.wall, self.cpu = in_ms(lines, "wall_s"), in_ms(lines, "cpu_s")
        self.steps = {words: in_ms(lines, column) for column, words in STEPS.items()}

    def page(self) -> str:
        row = lambda words, wall, cpu: (words, number(wall.median), wall.spread(), cpu)
        lines = [row(words, self.wall[name], number(self.cpu[name].median)) for name, words in VARIANTS.items() if name in self.wall]
        steps = [row(words, of["steps"], "") for words, of in self.steps.items() if "steps" in of]
        return "\n".join((PAGE, table(HEAD, lines), STEPS_PAGE, table(HEAD, steps)))

    def ours(self) -> dict[str, Sample]:
        return {f"start, {words}": of["steps"] for words, of in self.steps.items()}


class Start(Kind):
    """Each once a round: a round is short."""

    name = "start"
    columns = ("variant", "wall_s", "cpu_s", *STEPS)
    rounds = {"quick": 4, "full": 20}
    results = StartResults
    commands: dict[str, tuple[str, ...]]

    def prepare(self) -> None:
        """The library is that which the other programs are linked with."""
        programs, file = self.setting.programs, str(self.setting.media / FILE)
        linked = said("ldd", str(programs / "memory")).splitlines()
        library = next(line.split()[2] for line in linked if "libmt_transcode" in line)
        self.commands = {
            "library": (str(programs / "start"), library, file, OUTPUT, FORMAT),
            "ffmpeg": ("ffmpeg", "-nostdin", "-y", "-v", "error", "-i", file, "-map", "0", "-c", "copy", "-f", FORMAT, OUTPUT),
            "loop": (str(programs / "start_loop"), file, OUTPUT, FORMAT),
        }

    def turn(self) -> Iterator[tuple]:
        for variant, command in self.commands.items():
            if variant == "library" or not self.setting.ours_only:
                usage = run_all([command])
                yield variant, f"{usage.wall:.6f}", f"{usage.cpu:.6f}", *("" for _ in STEPS)
        yield "steps", "", "", *ask_once(*self.commands["library"], "steps")
