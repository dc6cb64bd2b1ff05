"""Samples of rounds, ratios between them, and how they are written: the one place for all kinds of work."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass

Line = dict[str, str]


def number(value: float) -> str:
    """Three digits that say something."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


class Sample:
    """Values of one variant by round."""

    def __init__(self, by_round: dict[str, float]) -> None:
        self.by_round = by_round

    @property
    def median(self) -> float:
        return statistics.median(self.by_round.values())

    @property
    def lowest(self) -> float:
        return min(self.by_round.values())

    @property
    def highest(self) -> float:
        return max(self.by_round.values())

    def spread(self) -> str:
        return f"{number(self.lowest)}–{number(self.highest)}"

    def over(self, other: Sample) -> Sample:
        """Ratios of slices of the same round."""
        shared = [name for name in self.by_round if name in other.by_round]
        return Sample({name: self.by_round[name] / other.by_round[name] for name in shared})

    def inverse(self) -> Sample:
        """Seconds of a rate, or the other way round."""
        return Sample({name: 1 / value for name, value in self.by_round.items()})

    def or_better(self, other: Sample) -> Sample:
        """The larger value of each round."""
        shared = [name for name in self.by_round if name in other.by_round]
        return Sample({name: max(self.by_round[name], other.by_round[name]) for name in shared})

    def ratio(self) -> str:
        return f"{self.median:.2f} ({self.spread()})"


def said(ratio: Sample | None) -> str:
    """For a table."""
    return ratio.ratio() if ratio else ""


def samples(lines: Iterable[Line], key: Callable[[Line], Hashable], value: Callable[[Line], float]) -> dict:
    found: dict = {}
    for line in lines:
        found.setdefault(key(line), {})[line["round"]] = value(line)
    return {name: Sample(by_round) for name, by_round in found.items()}


def geometric_mean(ratios: list[Sample]) -> Sample:
    """Of several cases, round by round."""
    shared = set.intersection(*(set(ratio.by_round) for ratio in ratios))
    return Sample({name: math.exp(statistics.fmean(math.log(ratio.by_round[name]) for ratio in ratios)) for name in sorted(shared)})


def table(head: Iterable[str], lines: Iterable[Iterable[str]]) -> str:
    """Markdown; the first column is words, the others are numbers."""
    head = list(head)
    rule = "|" + "|".join(["---"] + ["---:"] * (len(head) - 1)) + "|"
    first, *others = ("| " + " | ".join(line) + " |" for line in (head, *lines))
    return "\n".join([first, rule, *others]) + "\n"


@dataclass(frozen=True)
class Verdict:
    """A target, and what was measured against it."""

    what: str
    target: str
    measured: str
    met: str

    @classmethod
    def of(cls, what: str, target: str, sample: Sample | None, is_met: Callable[[float], bool], unit: str) -> Verdict:
        """The median counts. No sample: a run left out what is needed, or could not have it."""
        if sample is None or not sample.by_round:
            return cls(what, target, "not measured", "–")
        return cls(what, target, f"{sample.median:.2f}{unit} ({sample.spread()})", "yes" if is_met(sample.median) else "**no**")


def at_least(what: str, target: float, sample: Sample | None) -> Verdict:
    return Verdict.of(what, f"≥ {target} ×", sample, lambda median: median >= target, " ×")


def at_most(what: str, target: float, sample: Sample | None, unit: str = " ×") -> Verdict:
    return Verdict.of(what, f"≤ {target}{unit}", sample, lambda median: median <= target, unit)


def worst(ratios: Iterable[Sample], *, lowest: bool = True) -> Sample | None:
    """The case with the lowest median, or the highest where less is better; None of no cases."""
    choose = min if lowest else max
    return choose((ratio for ratio in ratios if ratio.by_round), key=lambda ratio: ratio.median, default=None)
