#!/bin/bash
# Sets up under build/bench what the benchmark compares with, besides the ffmpeg program: a static ffmpeg and PyAV from the Python package
# index, in versions that bench/requirements.txt says, and go-astiav from the Go module proxy, in the version of bench/astiav/go.mod. What
# cannot be had is left out of the benchmark, whose report says so.
set -euo pipefail
cd "$(dirname "$0")/.."
out=build/bench
venv=$out/venv
say() { printf 'competitors: %s\n' "$*" >&2; }

# Steps are joined with &&: set -e holds nowhere in a condition.
python_packages() {
    cmp -s bench/requirements.txt $venv/requirements.txt && [ -x $out/ffmpeg-static ] && return
    say "installing bench/requirements.txt into $venv"
    "${PYTHON:-python3}" -m venv --clear $venv &&
        $venv/bin/python -m pip install -q --disable-pip-version-check --only-binary :all: -r bench/requirements.txt &&
        program=$($venv/bin/python -c 'import imageio_ffmpeg; print(imageio_ffmpeg.get_ffmpeg_exe())') &&
        ln -sf "$program" $out/ffmpeg-static && cp bench/requirements.txt $venv/requirements.txt
}

# go-astiav names what a version of FFmpeg has: v0.16.0 is the last one for 5.1, and does not build beside others.
astiav() { "${GO:-go}" -C bench/astiav build -buildvcs=false -o ../../$out/astiav . 2> $out/astiav.log; }

mkdir -p $out
python_packages || {
    say "no static ffmpeg and no PyAV: they could not be installed"
    rm -rf $venv $out/ffmpeg-static
}
astiav || {
    say "no go-astiav: it cannot be built here; $out/astiav.log says why"
    rm -f $out/astiav
}
