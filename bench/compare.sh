#!/bin/bash
# compare.sh REVISION [KIND ...]: builds a revision under build/compare, measures it and this tree in turns, and prints ratios. LENGTH=quick
# takes less time. `make bench-compare BASE=REVISION` calls it, with this tree's staged library in the environment. The measuring programs
# are this tree's, linked with the library and the Go package of each.
set -euo pipefail
cd "$(dirname "$0")/.."
revision=$(git rev-parse --verify --quiet "${1:?usage: bench/compare.sh REVISION [KIND ...]}^{commit}") || {
    echo "compare: $1 is no revision; try BASE=HEAD" >&2
    exit 2
}
base=build/compare/$revision
target=$PWD/build/compare/target
if [ ! -d "$base" ]; then
    mkdir -p "$base.part"
    git archive "$revision" | tar -x -C "$base.part"
    mv "$base.part" "$base"
fi
env -u PKG_CONFIG_PATH -u CGO_CFLAGS CARGO_TARGET_DIR="$target" make -C "$base" stage BUILD="$PWD/$base/build" >&2
stage=$PWD/$base/build/stage
PKG_CONFIG_PATH="$stage/lib/pkgconfig" CGO_CFLAGS="-O2 -g $(scripts/go-key.sh "$stage")" bench/build.sh "$base/build/bench" "$base"
bench/build.sh
bench/media.sh
PYTHONPATH=bench PYTHONDONTWRITEBYTECODE=1 "${PYTHON:-python3}" -m mtbench compare "${LENGTH:-full}" "$base/build/bench" "${@:2}"
