"""The CSV files of bench/results: one for each kind of work, run.csv for the runs that they come from, facts.csv for versions and machine."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path

from .figures import Line


class Table:
    """A CSV file, written as the numbers come."""

    def __init__(self, folder: Path, name: str, columns: Iterable[str]) -> None:
        self.file = open(folder / f"{name}.csv", "w", newline="")
        self.writer = csv.writer(self.file, lineterminator="\n")
        self.writer.writerow(columns)

    def add(self, *values: object) -> None:
        self.writer.writerow(values)
        self.file.flush()

    def close(self) -> None:
        self.file.close()


def rows(folder: Path, name: str) -> list[Line]:
    """None where there is no such file."""
    path = folder / f"{name}.csv"
    if not path.exists():
        return []
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def replace(folder: Path, name: str, columns: tuple[str, ...], kind: str, new: Iterable[tuple]) -> None:
    """Puts rows of one kind in the place of its earlier ones; the first column is the kind."""
    kept = [tuple(line[column] for column in columns) for line in rows(folder, name) if line["kind"] != kind]
    table = Table(folder, name, columns)
    for row in sorted([*kept, *new], key=lambda row: row[0]):
        table.add(*row)
    table.close()
