"""Two revisions of the library in turns: what one needs, over what the other needs."""

from __future__ import annotations

from .figures import Line, Sample, table
from .kind import Kind, Setting
from .measure import named, tell

FEWEST = 4
HEAD = ("", "base", "this tree", "this tree / base", "")


def measured(kind: type[Kind], settings: dict[str, Setting]) -> dict[str, dict[str, Sample]]:
    """By name of the setting. Each slice of one is followed by the same of the other; who goes first changes with the rounds."""
    works = {name: kind(setting) for name, setting in settings.items()}
    lines: dict[str, list[Line]] = {name: [] for name in works}
    for work in works.values():
        work.prepare()
    setting = next(iter(settings.values()))
    fewest = FEWEST if setting.length == "full" and not setting.rounds else 0
    rounds = max(kind.rounds_of(setting), fewest)
    for number in range(rounds):
        tell(f"{kind.name}, round {number + 1} of {rounds}")
        order = sorted(works, reverse=number % 2 == 1)
        for rows in zip(*(works[name].turn() for name in order), strict=True):
            for name, row in zip(order, rows, strict=True):
                lines[name].append(dict(zip(("round", *kind.columns), map(str, (number, *row)), strict=True)))
    for work in works.values():
        work.close()
    return {name: kind.results(found).ours() for name, found in lines.items()}


def word(ratio: Sample) -> str:
    """Only what every round says, of rounds enough."""
    if len(ratio.by_round) < FEWEST:
        return ""
    if ratio.lowest > 1:
        return "**more**"
    return "less" if ratio.highest < 1 else ""


def compare(base: Setting, this: Setting, names: list[str]) -> None:
    """Prints a table of each kind, in seconds of wall or CPU time, or MiB of memory: less is better."""
    for kind in named(names):
        both = measured(kind, {"base": base, "this": this})
        lines = []
        for what, new in both["this"].items():
            old = both["base"].get(what)
            if old:
                ratio = new.over(old)
                lines.append((what, f"{old.median:.3g}", f"{new.median:.3g}", ratio.ratio(), word(ratio)))
        found = table(HEAD, lines) if lines else "Nothing that both revisions have.\n"
        print(f"## {kind.name}\n\n{found}", flush=True)
