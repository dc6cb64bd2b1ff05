"""Plots: a point for a median, a line from the lowest to the highest round. Our own, because that is all that is drawn: a plotting library
would be a hundred times the download, and its files change with its version."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from .figures import Sample, number

OURS, FLOOR, PROGRAMS, BINDINGS = "#1f6feb", "#6e7781", "#cf5f1b", "#2da44e"
WORDS, WIDTH, ROW, TOP, BOTTOM, GAP = 190, 230, 16, 26, 22, 24
NUMBER = 50
PANEL = WORDS + WIDTH + NUMBER
COLUMNS = 2


@dataclass(frozen=True)
class Mark:
    """A row of a panel."""

    words: str
    sample: Sample
    color: str


@dataclass(frozen=True)
class Panel:
    """Marks with a heading."""

    title: str
    marks: Sequence[Mark]

    @property
    def height(self) -> int:
        return TOP + ROW * len(self.marks) + BOTTOM


@dataclass(frozen=True)
class Axis:
    """The same for all panels, so that they can be compared."""

    low: float
    high: float
    is_log: bool = False
    reference: float | None = None
    """A line that the eye compares with."""

    @classmethod
    def of(cls, panels: Sequence[Panel], *, is_log: bool = False, reference: float | None = None) -> Axis:
        samples = [mark.sample for panel in panels for mark in panel.marks]
        high = max(sample.highest for sample in samples)
        low = min(sample.lowest for sample in samples)
        if is_log:
            return cls(10 ** math.floor(math.log10(low)), 10 ** math.ceil(math.log10(high)), is_log=True, reference=reference)
        return cls(0, math.ceil(high * 2) / 2, reference=reference)

    def at(self, value: float) -> float:
        scale = math.log10 if self.is_log else float
        return WORDS + WIDTH * (scale(value) - scale(self.low)) / (scale(self.high) - scale(self.low))

    def ticks(self) -> list[float]:
        if self.is_log:
            return [10**power for power in range(round(math.log10(self.low)), round(math.log10(self.high)) + 1)]
        step = 0.5 if self.high <= 3 else math.ceil(self.high / 6)
        return [step * at for at in range(int(self.high / step) + 1)]


def text(x: float, y: float, words: str, *, anchor: str = "start", style: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{style}>{escape(words)}</text>'


def line(x1: float, y1: float, x2: float, y2: float, color: str, width: float = 1) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{color}" stroke-width="{width}"/>'


def draw_mark(mark: Mark, y: float, axis: Axis) -> list[str]:
    x = axis.at(mark.sample.median)
    return [
        text(WORDS - 8, y + 4, mark.words, anchor="end"),
        line(axis.at(mark.sample.lowest), y, axis.at(mark.sample.highest), y, mark.color, 2),
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{mark.color}"/>',
        text(WORDS + WIDTH + 6, y + 4, number(mark.sample.median)),
    ]


def draw_panel(panel: Panel, axis: Axis) -> list[str]:
    bottom = TOP + ROW * len(panel.marks)
    parts = [text(WORDS, TOP - 12, panel.title, style=' font-weight="bold"')]
    for tick in axis.ticks():
        parts.append(line(axis.at(tick), TOP - 4, axis.at(tick), bottom, "#d0d7de"))
        parts.append(text(axis.at(tick), bottom + 13, f"{tick:g}", anchor="middle", style=' fill="#57606a"'))
    if axis.reference is not None:
        parts.append(line(axis.at(axis.reference), TOP - 4, axis.at(axis.reference), bottom, "#24292f", 1.2))
    for at, mark in enumerate(panel.marks):
        parts += draw_mark(mark, TOP + ROW * at + ROW / 2, axis)
    return parts


def plot(title: str, panels: Sequence[Panel], axis: Axis) -> str:
    """SVG, with the panels in two columns."""
    rows = [panels[at : at + COLUMNS] for at in range(0, len(panels), COLUMNS)]
    parts, y = [text(GAP, GAP + 2, title, style=' font-size="14" font-weight="bold"')], 2.0 * GAP
    for row in rows:
        for at, panel in enumerate(row):
            parts.append(f'<g transform="translate({GAP + at * (PANEL + GAP)},{y:.0f})">')
            parts += [*draw_panel(panel, axis), "</g>"]
        y += max(panel.height for panel in row) + GAP / 2
    width, height = GAP + COLUMNS * (PANEL + GAP), math.ceil(y)
    style = 'role="img" font-family="sans-serif" font-size="11" fill="#24292f"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" {style}>'
    ground = f'<rect width="{width}" height="{height}" fill="#ffffff"/>'
    return "\n".join([head, f"<title>{escape(title)}</title>", ground, *parts, "</svg>"]) + "\n"
