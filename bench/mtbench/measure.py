"""Measures kinds of work, one after another, and writes what comes out as CSV files.

Whatever is compared runs in the same rounds, each variant for a short slice, so that what else the machine does falls on all of them alike;
the report compares slices of the same round only. Progress goes to stderr.
"""

from __future__ import annotations

import sys
from pathlib import Path

from . import machine, store
from .kind import Kind, Setting
from .kinds import KINDS


def tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def named(names: list[str]) -> list[type[Kind]]:
    """All of them where none is named."""
    unknown = set(names) - set(KINDS)
    if unknown:
        raise SystemExit(f"no kind of work is named {', '.join(sorted(unknown))}: there are {', '.join(KINDS)}")
    return [KINDS[name] for name in names or KINDS]


def measure_kind(kind: type[Kind], setting: Setting, folder: Path) -> None:
    work = kind(setting)
    work.prepare()
    watch = machine.Watch()
    table = store.Table(folder, kind.name, ("round", *kind.columns))
    rounds = kind.rounds_of(setting)
    for number in range(rounds):
        tell(f"{kind.name}, round {number + 1} of {rounds}")
        for row in work.turn():
            table.add(number, *row)
    work.close()
    table.close()
    store.replace(folder, "run", machine.RUN_COLUMNS, kind.name, [watch.row(kind.name, setting.words)])
    facts = [(kind.name, fact, value) for fact, value in machine.facts(setting.programs).items()]
    store.replace(folder, "facts", ("kind", "fact", "value"), kind.name, facts)


def measure(setting: Setting, folder: Path, names: list[str]) -> None:
    """Kinds that are not named keep their files."""
    folder.mkdir(parents=True, exist_ok=True)
    for kind in named(names):
        measure_kind(kind, setting, folder)
