#!/bin/bash
# Makes the small media under build/bench/media. Those that take a while are made by bench/mtbench/media.py, for the kinds of work that read them.
set -euo pipefail
cd "$(dirname "$0")/.."
media=build/bench/media
mkdir -p $media

# encode NAME SIZE SECONDS VIDEO_RATE AUDIO_RATE: a test picture and a tone, with the index at the beginning, and the same as MPEG-TS.
encode() {
    [ ! -s "$media/$1.ts" ] || return 0
    local picture="testsrc2=size=$2:rate=25:duration=$3" tone="sine=frequency=440:sample_rate=48000:duration=$3"
    ffmpeg -nostdin -v error -y -f lavfi -i "$picture" -f lavfi -i "$tone" -c:v libx264 -preset veryfast -threads 1 -b:v "$4" -g 50 \
        -c:a aac -b:a "$5" -movflags +faststart -fflags +bitexact "$media/$1.mp4"
    ffmpeg -nostdin -v error -y -i "$media/$1.mp4" -c copy "$media/$1.part.ts"
    mv "$media/$1.part.ts" "$media/$1.ts"
}
encode tiny 320x180 2 100k 32k
encode small 640x360 4 320k 64k
encode large 1920x1080 6 2600k 96k
if [ ! -s $media/live.ts ]; then
    ffmpeg -nostdin -v error -y -stream_loop 15 -i $media/large.mp4 -c copy $media/live.part.ts
    mv $media/live.part.ts $media/live.ts
fi
