#!/bin/bash
# run.sh quick|full [KIND ...]: measures, and writes bench/results and docs/benchmarks.md; without a kind, all of bench/mtbench/kinds.
# run.sh soak: SOAK_SECONDS of SOAK_RATE jobs a second; what it says goes to bench/results/soak.txt, too.
# `make bench`, `make bench-quick` and `make soak` call it, with the staged library in the environment.
set -euo pipefail
cd "$(dirname "$0")/.."
bench/build.sh
mkdir -p bench/results
mtbench() { PYTHONPATH=bench PYTHONDONTWRITEBYTECODE=1 "${PYTHON:-python3}" -m mtbench "$@"; }
case ${1-} in
quick | full)
    bench/media.sh
    bench/competitors.sh
    mtbench measure "$1" bench/results "${@:2}"
    mtbench report bench/results docs/benchmarks.md
    sed -n '/^## Targets/,/^## Method/p' docs/benchmarks.md | sed '$d'
    ;;
soak)
    bench/media.sh
    build/bench/go-soak build/bench/media | tee bench/results/soak.txt
    ;;
*)
    echo "usage: bench/run.sh quick|full [KIND ...] | soak" >&2
    exit 2
    ;;
esac
