#!/bin/bash
# run.sh quick|full: measures, and writes bench/results and docs/benchmarks.md.
# run.sh soak: SOAK_SECONDS of SOAK_RATE jobs a second; what it says goes to bench/results/soak.txt, too.
# `make bench`, `make bench-quick` and `make soak` call it, with the staged library in the environment.
set -euo pipefail
cd "$(dirname "$0")/.."
bench/build.sh
mkdir -p bench/results
case ${1-} in
quick | full)
    "${PYTHON:-python3}" bench/measure.py "$1" bench/results
    PYTHONDONTWRITEBYTECODE=1 "${PYTHON:-python3}" bench/report.py bench/results > build/bench/benchmarks.md
    mv build/bench/benchmarks.md docs/benchmarks.md
    sed -n '/^## Targets/,/^## Method/p' docs/benchmarks.md | sed '$d'
    ;;
soak) build/bench/go-soak build/bench/media | tee bench/results/soak.txt ;;
*)
    echo "usage: bench/run.sh quick|full|soak" >&2
    exit 2
    ;;
esac
