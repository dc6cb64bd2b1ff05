"""Puts what was measured into docs/live.md, between the markers of each file under build/: the last step of `make faults`. `save` keeps a table for it."""

from __future__ import annotations

import os
import sys
from pathlib import Path

DOCUMENT, BUILD = Path("docs/live.md"), Path("build")
FAULTS, LATENCY = "faults.md", "latency.md"


def save(name: str, text: str) -> None:
    """With a line that says where it was measured."""
    from mt_transcode import diagnostics

    release = str(diagnostics()["ffmpeg"]["release"]).split("-")[0]
    where = f"Measured on {len(os.sched_getaffinity(0))} cores, whose load was {os.getloadavg()[2]:.1f} in the 15 minutes before the end, with FFmpeg {release}."
    BUILD.mkdir(exist_ok=True)
    (BUILD / name).write_text(f"{where}\n\n{text.strip()}\n")


def published(document: str, name: str, text: str) -> str:
    """The document with another text between the markers of `name`."""
    begin, end = f"<!-- begin build/{name} -->\n", f"<!-- end build/{name} -->\n"
    if document.count(begin) != 1 or document.count(end) != 1:
        raise SystemExit(f"{DOCUMENT} has no markers of build/{name}")
    before, rest = document.split(begin)
    return f"{before}{begin}{text}{end}{rest.split(end)[1]}"


def main(names: list[str]) -> None:
    document = DOCUMENT.read_text()
    for name in names or [FAULTS, LATENCY]:
        document = published(document, name, (BUILD / name).read_text())
    DOCUMENT.write_text(document)
    print(f"{DOCUMENT} is written")


if __name__ == "__main__":
    main(sys.argv[1:])
