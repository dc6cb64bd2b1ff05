"""How long a picture takes through a live remux, from its last byte in to its last byte out."""

from __future__ import annotations

import bisect
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from .. import clips
from ..figures import Line, Sample, Verdict, at_most, number, samples, table, worst
from ..kind import Kind, Results

SECONDS = {"quick": 7, "full": 8}
APART_SECONDS = 0.25
FORMS = {".flv": "FLV to FLV", ".ts": "MPEG-TS to MPEG-TS"}
OPTIONS = {"default": "default options", "flush": "`-flush_packets 1`", "live": "`-mt_live 1`"}
WHO = {"mt": "a job", "ffmpeg": "the ffmpeg program"}
LIMIT_MS = 60
GATHERS_MS = 40  # flush_interval_ms of a pipe
HEAD = ("", "pictures", "p50 ms", "p99 ms", "lowest–highest p99", "max ms", "key frames")

PAGE = f"""\
## Latency

A stream of 25 pictures/s and 2 Mbit/s is fed in real time, a picture at a time (FLV: a tag at a time), and remuxed with `-c copy`. The
time of a picture is from when its last byte was written to when its last byte was read. Pictures that were there before the first byte out are
left out: they waited for it.

By default a pipe passes on what a job writes after {GATHERS_MS} ms, or when a chunk is full. Where options are given, its `flush_interval_ms` is 0: with
`-flush_packets 1`, which `-mt_live 1` contains, each packet goes out at once. {OPTIONS["live"]} is for the ffmpeg program what it
[stands for](low-latency.md); it writes each packet to a pipe at once in any case.

MPEG-TS does not tell where a picture ends: FFmpeg's demuxer knows it when the next one begins, 40 ms later, and its parser waits for one more. So a
picture takes 80 ms, but for a job with {OPTIONS["flush"]}: [it sees that each PES packet is a picture](low-latency.md), and does without the parser's wait.

"""


class Variant(NamedTuple):
    """Who remuxes which form with which options."""

    suffix: str
    options: str
    who: str

    @property
    def words(self) -> str:
        return f"{FORMS[self.suffix]}, {OPTIONS[self.options]}: {WHO[self.who]}"


VARIANTS = [Variant(suffix, options, who) for suffix in FORMS for options in OPTIONS for who in WHO]


def part_of(values: Sequence[float], part: float) -> float:
    """The value below which such a part of them lies, for percentiles; the highest for 1."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))]


class LatencyResults(Results):
    """By variant."""

    def __init__(self, lines: list[Line]) -> None:
        super().__init__(lines)
        key = lambda line: Variant(line["form"], line["options"], line["who"])
        value = lambda name: samples(lines, key, lambda line: float(line[name]))
        self.pictures, self.keys = value("pictures"), value("key_frames")
        self.p50, self.p99, self.most = value("p50_ms"), value("p99_ms"), value("max_ms")

    def page(self) -> str:
        lines = []
        for variant, p99 in self.p99.items():
            pictures = str(int(sum(self.pictures[variant].by_round.values())))
            of = lambda sample: number(sample[variant].median)
            times = (of(self.p50), number(p99.median), p99.spread(), number(self.most[variant].highest))
            lines.append((variant.words, pictures, *times, f"{self.keys[variant].median:.0f}"))
        return PAGE + table(HEAD, lines)

    def verdicts(self) -> list[Verdict]:
        flushed = lambda form: worst((p99 for variant, p99 in self.p99.items() if self.is_flushed(variant, form)), lowest=False)
        limits = [at_most(f"Live {words}, packet in to packet out with flush, p99", LIMIT_MS, flushed(form), " ms") for form, words in FORMS.items()]
        return [*limits, self.key_verdict()]

    @staticmethod
    def is_flushed(variant: Variant, form: str) -> bool:
        return variant.who == "mt" and variant.suffix == form and variant.options != "default"

    def key_verdict(self) -> Verdict:
        compared = [line["same_keys"] for line in self.lines if line["same_keys"]]
        same = compared.count("yes")
        met = ("yes" if same == len(compared) else "**no**") if compared else "–"
        return Verdict("Key frames of these: as many as of the ffmpeg program, at the same times", "all streams", f"{same} of {len(compared)}", met)

    def ours(self) -> dict[str, Sample]:
        return {f"latency, {variant.words}, p99 ms": p99 for variant, p99 in self.p99.items() if variant.who == "mt"}


def key_times(path: Path) -> list[str]:
    """As ffprobe says."""
    command = "ffprobe -v error -select_streams v -show_entries packet=pts_time,flags -of csv=p=0".split()
    lines = subprocess.run([*command, str(path)], check=True, stdout=subprocess.PIPE, text=True).stdout.split()
    return [line.split(",")[0] for line in lines if "K" in line]


class Passage:
    """A stream that runs."""

    def __init__(self, program: Path, clip: Path, variant: Variant, seconds: float) -> None:
        self.variant, self.clip = variant, clip
        self.output = clip.with_name(f"passage-{variant.options}-{variant.who}{variant.suffix}")
        who = "program" if variant.who == "ffmpeg" else "job" if variant.options == "default" else "flushed"
        words = clips.arguments(who, variant.options, variant.suffix, variant.suffix)
        command = [str(program), who, str(seconds), str(self.clip), str(self.output), *words]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    def row(self) -> tuple:
        """Waits for its end. All but what comes of a comparison."""
        lines = [line.split() for line in self.process.communicate()[0].splitlines()]
        if self.process.returncode != 0:
            raise SystemExit(f"{self.process.args!r}: status {self.process.returncode}")
        given = [float(words[1]) for words in lines if words[0] == "given"]
        taken = [(float(words[1]), int(words[2])) for words in lines if words[0] == "taken"]
        first = taken[0][0]
        through = [1000 * (out - into) for into, out in self.pictures(given, taken) if into > first]
        parts = (f"{part_of(through, part):.3f}" for part in (0.5, 0.99, 1))
        self.keys = key_times(self.output)
        return (self.variant.suffix, self.variant.options, self.variant.who, len(through), *parts, len(self.keys))

    def pictures(self, given: list[float], taken: list[tuple[float, int]]) -> Iterator[tuple[float, float]]:
        """When each was given and taken."""
        into = [when for when, piece in zip(given, clips.pieces(self.clip), strict=False) if piece.is_picture]
        ends = clips.picture_ends(self.output.read_bytes(), self.variant.suffix)
        if len(ends) != len(into):
            raise SystemExit(f"{self.variant.words}: {len(into)} pictures in, {len(ends)} out")
        sizes = [size for _, size in taken]
        for when, end in zip(into, ends, strict=True):
            yield when, taken[bisect.bisect_left(sizes, end)][0]


class Latency(Kind):
    """All variants at once, each in a process of its own: they wait most of the time."""

    name = "latency"
    columns = ("form", "options", "who", "pictures", "p50_ms", "p99_ms", "max_ms", "key_frames", "same_keys")
    rounds = {"quick": 1, "full": 2}
    results = LatencyResults

    def prepare(self) -> None:
        self.clips = {suffix: clips.clip(self.setting.media, suffix) for suffix in FORMS}

    def turn(self) -> Iterator[tuple]:
        program, seconds = self.setting.programs / "latency", SECONDS[self.setting.length]
        wanted = [variant for variant in VARIANTS if variant.who == "mt" or not self.setting.ours_only]
        passages = {}
        for variant in wanted:
            passages[variant] = Passage(program, self.clips[variant.suffix], variant, seconds)
            time.sleep(APART_SECONDS)  # loading a program takes a processor, which others would wait for
        rows = {variant: passage.row() for variant, passage in passages.items()}
        for variant, row in rows.items():
            other = passages.get(variant._replace(who="ffmpeg"))
            is_same = "" if variant.who != "mt" or not other else "yes" if passages[variant].keys == other.keys else "no"
            yield *row, is_same
