#!/bin/bash
# Builds the measuring programs and makes their media under build/bench. PKG_CONFIG_PATH leads to the staged library, CGO_CFLAGS tells Go's
# cache of it: `make bench` sets both.
set -euo pipefail
cd "$(dirname "$0")/.."
out=build/bench
mkdir -p $out/media
cc=${CC:-gcc}
flags=(-std=c11 -O2 -g -Wall -Wextra -pedantic -Werror)

library=$(pkg-config --cflags --libs mt_transcode)
ffmpeg=$(pkg-config --cflags --libs libavformat libavcodec libavutil)
read -ra library <<< "$library"
read -ra ffmpeg <<< "$ffmpeg"
"$cc" "${flags[@]}" bench/c/{small,bench,loop,library}.c -o $out/small "${library[@]}" "${ffmpeg[@]}" -pthread
"$cc" "${flags[@]}" bench/c/{pipe,bench,ends}.c -o $out/pipe "${library[@]}" -pthread
"$cc" "${flags[@]}" bench/c/{memory,bench}.c -o $out/memory "${library[@]}" -pthread
for program in small soak; do
    "${GO:-go}" -C bench build -buildvcs=false -o ../$out/go-$program ./$program
done

# encode NAME SIZE SECONDS VIDEO_RATE AUDIO_RATE: a test picture and a tone, with the index at the beginning, and the same as MPEG-TS.
encode() {
    [ ! -s "$out/media/$1.ts" ] || return 0
    local picture="testsrc2=size=$2:rate=25:duration=$3" tone="sine=frequency=440:sample_rate=48000:duration=$3"
    ffmpeg -nostdin -v error -y -f lavfi -i "$picture" -f lavfi -i "$tone" -c:v libx264 -preset veryfast -threads 1 -b:v "$4" -g 50 \
        -c:a aac -b:a "$5" -movflags +faststart -fflags +bitexact "$out/media/$1.mp4"
    ffmpeg -nostdin -v error -y -i "$out/media/$1.mp4" -c copy "$out/media/$1.part.ts"
    mv "$out/media/$1.part.ts" "$out/media/$1.ts"
}
encode tiny 320x180 2 100k 32k
encode small 640x360 4 320k 64k
encode large 1920x1080 6 2600k 96k
if [ ! -s $out/media/live.ts ]; then
    ffmpeg -nostdin -v error -y -stream_loop 15 -i $out/media/large.mp4 -c copy $out/media/live.part.ts
    mv $out/media/live.part.ts $out/media/live.ts
fi
