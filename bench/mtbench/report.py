"""Writes docs/benchmarks.md, and plots beside it, from the CSV files of bench/results."""

from __future__ import annotations

from pathlib import Path

from . import store
from .figures import Line, table
from .kind import Results
from .kinds import KINDS

PAGE = """\
# Benchmarks

Written by `make bench`; do not edit it. `make bench-quick` takes less than three minutes, `make bench` eleven; `make bench KINDS="small pipe"`
measures only these kinds and leaves the others' numbers as they are, and with `ROUNDS=9` does so nine times. The measuring programs are in `bench/`, the raw numbers in
`bench/results/*.csv`.

{facts}
{runs}
## Targets

The worst case of each kind counts. In brackets: lowest and highest of the rounds.

{verdicts}
## Method

Whatever is compared runs in the same rounds: each variant has a short slice, one after another, again and again, in processes
that stay warm between their slices. A ratio is made of two slices of the same round; tables show the median of the rounds, and in
brackets the lowest and the highest. CPU time is user and system time from getrusage, of children too.

{pages}
{soak}"""

SOAK = """\
## Soak

`make soak`: small remuxes in memory through one engine, started at a fixed rate however long each takes (`bench/soak`).

```
{output}
```
"""

VERDICT_HEAD = ("", "target", "measured", "met")
RUN_HEAD = ("kind of work", "run", "date", "mt-transcode", "seconds", "load before", "CPUs taken by others", "by the hypervisor")


def facts_table(facts: list[Line], kinds: list[str]) -> str:
    """A value with the kinds that it holds for, where it is not the same for all."""
    values: dict[str, dict[str, list[str]]] = {}
    for line in facts:
        if line["kind"] in kinds:
            values.setdefault(line["fact"], {}).setdefault(line["value"], []).append(line["kind"])
    every = len(kinds)
    lines = []
    for fact, by_value in values.items():
        words = (value if len(by_value) == 1 or len(of) == every else f"{value} ({', '.join(of)})" for value, of in by_value.items())
        lines.append((fact, "; ".join(words)))
    return table(("", ""), lines).replace("|---|---:|", "|---|---|")


def runs_table(runs: list[Line], kinds: list[str]) -> str:
    by_kind = {line["kind"]: line for line in runs}
    lines = []
    for kind in kinds:
        run = by_kind[kind]
        shares = (f"{run['others_cpu_percent']} %", f"{run['stolen_percent']} %")
        lines.append((kind, f"`{run['length']}`", run["date"], run["revision"], run["seconds"], run["load_before"], *shares))
    return table(RUN_HEAD, lines)


def page(folder: Path, results: dict[str, Results]) -> str:
    verdicts = [verdict for result in results.values() for verdict in result.verdicts()]
    soak = folder / "soak.txt"
    return PAGE.format(
        facts=facts_table(store.rows(folder, "facts"), list(results)),
        runs=runs_table(store.rows(folder, "run"), list(results)),
        verdicts=table(VERDICT_HEAD, [(verdict.what, verdict.target, verdict.measured, verdict.met) for verdict in verdicts]),
        pages="\n".join(result.page() for result in results.values()),
        soak=SOAK.format(output=soak.read_text().rstrip()) if soak.exists() else "",
    )


def report(folder: Path, document: Path) -> None:
    """Plots go into the folder `bench` beside the document."""
    measured = {line["kind"] for line in store.rows(folder, "run")}
    results = {name: kind.results(store.rows(folder, name)) for name, kind in KINDS.items() if name in measured}
    plots = document.parent / "bench"
    for result in results.values():
        for name, svg in result.plots().items():
            plots.mkdir(exist_ok=True)
            (plots / name).write_text(svg)
    document.write_text(page(folder, results).rstrip() + "\n")
