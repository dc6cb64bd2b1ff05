#!/bin/bash
# build.sh [FOLDER [TREE]]: builds the measuring programs into FOLDER (build/bench). PKG_CONFIG_PATH leads to the staged library, CGO_CFLAGS
# tells Go's cache of it: `make bench` sets both. TREE is another tree whose Go package is measured: `make bench-compare` says it.
set -euo pipefail
cd "$(dirname "$0")/.."
out=${1:-build/bench}
tree=${2-}
mkdir -p "$out"
out=$(realpath "$out")
cc=${CC:-gcc}
flags=(-std=c11 -O2 -g -Wall -Wextra -pedantic -Werror)

library=$(pkg-config --cflags --libs mt_transcode)
ffmpeg=$(pkg-config --cflags --libs libavformat libavcodec libavutil)
read -ra library <<< "$library"
read -ra ffmpeg <<< "$ffmpeg"
"$cc" "${flags[@]}" bench/c/{small,bench,loop,library}.c -o "$out/small" "${library[@]}" "${ffmpeg[@]}" -pthread
"$cc" "${flags[@]}" bench/c/{command,bench,loop}.c -o "$out/command" "${library[@]}" "${ffmpeg[@]}" -pthread
"$cc" "${flags[@]}" bench/c/{pipe,bench,ends}.c -o "$out/pipe" "${library[@]}" -pthread
"$cc" "${flags[@]}" bench/c/{memory,bench}.c -o "$out/memory" "${library[@]}" -pthread
for program in live latency closing; do
    "$cc" "${flags[@]}" bench/c/{$program,stream,bench,loop}.c -o "$out/$program" "${library[@]}" "${ffmpeg[@]}" -pthread
done

# Kinds chunk, scaling and start; the floor of start has nothing of the library.
"$cc" "${flags[@]}" bench/c/{chunk,bench}.c -o "$out/chunk" "${library[@]}" -pthread
"$cc" "${flags[@]}" bench/c/{scaling,bench,library,loop}.c -o "$out/scaling" "${library[@]}" "${ffmpeg[@]}" -pthread
"$cc" "${flags[@]}" -DBENCH_WITHOUT_LIBRARY -Iinclude bench/c/{start,bench}.c -o "$out/start" -ldl
"$cc" "${flags[@]}" -DBENCH_WITHOUT_LIBRARY -Iinclude bench/c/{start_loop,bench,loop}.c -o "$out/start_loop" "${ffmpeg[@]}"
"$cc" "${flags[@]}" bench/c/{queue,bench}.c -o "$out/queue" "${library[@]}" -pthread

modules=()
if [ -n "$tree" ]; then
    sed "s|=> ../go/mttranscode|=> $(realpath "$tree")/go/mttranscode|" bench/go.mod > "$out/go.mod"
    modules=(-modfile "$out/go.mod")
fi
for program in small soak; do
    "${GO:-go}" -C bench build "${modules[@]}" -buildvcs=false -o "$out/go-$program" ./$program
done
