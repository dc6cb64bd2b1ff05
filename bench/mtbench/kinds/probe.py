"""Probes of small files: what is in them, as ffprobe says it."""

from __future__ import annotations

from ..figures import Verdict, at_least
from ..rates import Case, RateKind, RateResults, Variant
from ..svg import PROGRAMS

CASES = {
    Case(f"{name} probed", at_once, file): ("-",)
    for name, file in (("MP4", "small.mp4"), ("MP4", "tiny.mp4"), ("MPEG-TS", "tiny.ts"))
    for at_once in (1, 4)
}
VARIANTS = {
    "c_probe": Variant("C interface", ("small",), "library", is_ours=True),
    "go_probe": Variant("Go package", ("go-small",), "library", is_ours=True),
    "go_ffprobe": Variant("Go, exec of ffprobe", ("go-small",), "exec", color=PROGRAMS),
}

PAGE = """\
## Probes of small files

Files in the page cache; what comes out is JSON as that of `ffprobe -of json -show_format -show_streams`. The Go package has also
made a struct of it.
"""


class ProbeResults(RateResults):
    """By case and variant."""

    variants = VARIANTS

    def page(self) -> str:
        parts = [PAGE]
        for case, size in self.input_bytes.items():
            parts.append(f"### {case.what}, {size:,} bytes, {case.at_once} at a time\n")
            parts.append(self.case_table(case, ("× exec",), lambda _: ("go_ffprobe",)))
        return "\n".join(parts)

    def verdicts(self) -> list[Verdict]:
        words = "Probe of a file to 200 kB {} against exec of ffprobe"
        return [
            at_least(words.format("by the C interface"), 30, self.worst("c_probe", "go_ffprobe")),
            at_least(words.format("from Go"), 30, self.worst("go_probe", "go_ffprobe")),
        ]


class Probe(RateKind):
    """See VARIANTS."""

    name = "probe"
    cases = CASES
    seconds = {"quick": 0.12, "full": 0.25}
    rounds = {"quick": 1, "full": 3}
    results = ProbeResults
