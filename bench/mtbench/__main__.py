"""The command line that bench/run.sh uses:

    python3 -m mtbench measure quick|full RESULTS [KIND ...]
    python3 -m mtbench report RESULTS DOCUMENT
    python3 -m mtbench compare quick|full PROGRAMS [KIND ...]

in the root of the tree, with bench/ in PYTHONPATH, after bench/build.sh. PROGRAMS are those of the revision that is compared.
BENCH_ROUNDS in the environment is how often each kind is measured, instead of as often as it says itself.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from .compare import compare
from .kind import Setting
from .measure import measure
from .report import report

PROGRAMS = Path("build/bench")
MEDIA = PROGRAMS / "media"


def main(words: list[str]) -> None:
    rounds = int(os.environ.get("BENCH_ROUNDS") or 0) or None
    match words:
        case ["measure", ("quick" | "full") as length, folder, *kinds]:
            measure(Setting(PROGRAMS, MEDIA, length, rounds=rounds), Path(folder), kinds)
        case ["compare", ("quick" | "full") as length, programs, *kinds]:
            setting = lambda place: Setting(place, MEDIA, length, ours_only=True, rounds=rounds)
            compare(setting(Path(programs)), setting(PROGRAMS), kinds)
        case ["report", folder, document]:
            report(Path(folder), Path(document))
        case _:
            raise SystemExit(__doc__)


main(sys.argv[1:])
