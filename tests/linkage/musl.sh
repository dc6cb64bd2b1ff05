#!/usr/bin/env bash
# Programs in C and Go that are linked with musl, statically: they open an RTMP URL by its host's name, encode, cancel, report crashes and have jobs in
# workers, and every thread of a job has a stack of 2 MiB, where musl gives 128 KiB.
#
#   tests/linkage/musl.sh STAGE [part of a name]    STAGE: where `make stage` put the library; its program is the peer
#
# Needs musl-gcc and Rust's standard library for musl. Builds the library, the program and a small FFmpeg, all under build/musl (10 minutes, once).

. "$(dirname "$0")/harness.sh"
# shellcheck source=tests/linkage/statically.sh
. "$(dirname "$0")/statically.sh"

musl=$PWD/build/musl
target=$(uname -m)-unknown-linux-musl
built=$musl/target/$target/release
program=$built/mt-transcode
export MT_TRANSCODE_WORKER=$program

need() { # need WHAT HOW COMMAND...
    local what=$1 how=$2
    shift 2
    "$@" > /dev/null 2>&1 || { echo "$what is needed: $how" >&2; exit 1; }
}

self_contained() { echo "$(rustc --print target-libdir --target "$target")/self-contained"; }

has_std() { [ -e "$(self_contained)/libunwind.a" ]; }

build_library() {
    local upper=${target^^} lower=${target//-/_} headers
    upper=${upper//-/_}
    headers=$(musl-gcc -E -x c -include stdlib.h /dev/null | sed -n 's|^# 1 "\(.*\)/stdlib.h".*|\1|p')
    export "CC_$lower=musl-gcc" "CARGO_TARGET_${upper}_LINKER=musl-gcc" "BINDGEN_EXTRA_CLANG_ARGS_$lower=-nostdlibinc -isystem $headers"
    export PKG_CONFIG_ALLOW_CROSS=1 PKG_CONFIG_ALL_STATIC=1 PKG_CONFIG_LIBDIR=$musl/out/lib/pkgconfig
    local options=(--locked --release --target "$target" --target-dir "$musl/target")
    "${CARGO:-cargo}" build "${options[@]}" --lib
    # musl-gcc's own link line knows nothing of static programs that can be loaded anywhere, which is what Rust makes otherwise.
    "${CARGO:-cargo}" rustc "${options[@]}" --bin mt-transcode -- -C relocation-model=static
}

# The archive has FFmpeg in it. The unwinder is Rust's: gcc's is made for glibc.
describe() {
    mkdir -p "$work/pkgconfig"
    sed -E "s|^(Libs: ).*|\1$built/libmt_transcode.a -L$(self_contained) -lunwind|" \
        "$lib/pkgconfig/mt_transcode-static.pc" > "$work/pkgconfig/mt_transcode-static.pc"
    export PKG_CONFIG_PATH=$work/pkgconfig
}

# musl-gcc leaves out the table that the unwinder, and a crash report, finds frames by.
frames=-Wl,--eh-frame-hdr,--build-id

build_c() { # build_c NAME
    # shellcheck disable=SC2046 # flags are words
    musl-gcc -std=c11 "${strict[@]}" "$here/$1.c" -o "$work/$1" -static $frames $(flags --cflags --libs mt_transcode-static)
}

build_go() {
    CC=musl-gcc CGO_CFLAGS=$(scripts/go-key.sh "$stage") go -C go/mttranscode build -buildvcs=false -tags mttranscode_static \
        -ldflags "-linkmode external -extldflags '-static $frames'" -o "$work/go" ./testdata/names
}

# A peer that sends a clip to who comes first, and ends by itself.
publish() {
    local hex
    port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
    hex=$(printf '0100007F:%04X' "$port")
    timeout 60 "$stage/bin/mt-transcode" -v error -re -i "$work/clip.flv" -c copy -f flv -listen 1 "rtmp://127.0.0.1:$port/live/key" > "$work/peer" 2>&1 &
    until grep -q " $hex [0-9A-F:]* 0A " /proc/net/tcp; do
        kill -0 $! || { cat "$work/peer"; return 1; }
        sleep 0.1
    done
}

# What the names' program has from that peer.
pull() {
    "$work/names" -v error -y -t 1 -i "rtmp://localhost:$port/live/key" -map 0 -c copy -f mpegts "$work/got.ts" | tee "$work/answer"
    grep -x 'code 0' "$work/answer"
    has_both "$work/got.ts"
}

has_both() { # has_both FILE: pictures and sound
    "$stage/bin/mt-transcode" probe "$1" > "$work/probed"
    grep '"codec_type": *"video"' "$work/probed"
    grep '"codec_type": *"audio"' "$work/probed"
}

case_the_programs_are_static_and_have_musl() {
    for file in "$work/names" "$work/musl" "$work/go" "$program"; do
        is_static "$file"
        readelf -sW "$file" > "$work/symbols"
        lines -w gnu_get_libc_version "$work/symbols" | none "glibc in $file"
        grep -w __syscall_cp_c "$work/symbols" # musl's alone
    done
    "$program" doctor > "$work/answer" || true
    grep 'the program runs with musl' "$work/answer"
    grep 'linked statically, with musl' "$work/answer"
}

case_a_program_opens_an_rtmp_url_by_name() {
    publish
    pull
    grep -x static "$work/answer"
}

case_a_program_in_go_opens_an_rtmp_url_by_name() {
    for resolver in c go; do
        publish
        # shellcheck disable=SC2046 # arguments are words
        "$work/go" $resolver -t 1 $(copying "rtmp://localhost:$port/live/key") | tee "$work/answer"
        grep -x 'code 0' "$work/answer"
        wait
    done
}

case_a_worker_opens_an_rtmp_url_by_name() {
    publish
    export MT_TRANSCODE_ISOLATION=process MT_TRANSCODE_SANDBOX=best
    pull
}

case_a_job_encodes_to_its_end_on_threads_in_a_worker_and_in_the_program() {
    local job="-v error -y -f lavfi -i testsrc2=d=2:s=320x240 -f lavfi -i sine=d=2 -c:v mpeg4 -c:a aac $work/made.mp4"
    # shellcheck disable=SC2086 # arguments are words
    for way in "$work/names" "env MT_TRANSCODE_ISOLATION=process $work/names" "$program"; do
        rm -f "$work/made.mp4"
        $way $job
        has_both "$work/made.mp4"
    done
}

case_every_thread_of_a_job_has_two_megabytes_of_stack() {
    "$work/musl" stacks -v error -threads 3 -i "$work/clip.flv" -c:v mpeg4 -c:a aac -f mpegts mt:out | tee "$work/answer"
    grep -x 'default 128 KiB before' "$work/answer"
    grep -x 'default 2048 KiB with the engine' "$work/answer"
    # the decoder's three threads have the name of the one that opened it
    [ "$(grep -c '^left .* mt-job' "$work/answer")" -ge 4 ]
    awk '$1 == "left" && $2 < 1900' "$work/answer" | none "threads with less"
    grep -x 'code 0' "$work/answer"
}

case_a_job_tells_its_stacks_and_is_cancelled() {
    "$work/musl" cancel -v error -re -f lavfi -i testsrc2 -c:v mpeg4 -f mpegts mt:out | tee "$work/answer"
    grep -x 'end of dump' "$work/answer"
    [ "$(grep -c '^frame 5:' "$work/answer")" -ge 3 ]
    grep -x 'code -125' "$work/answer"
}

case_a_crash_is_reported_with_frames_that_have_names() {
    local status=0
    "$work/musl" crash -v error -f lavfi -i testsrc2 -c:v mpeg4 -f mpegts mt:out > "$work/answer" 2>&1 || status=$?
    "$stage/bin/mt-transcode" symbolize "$work/answer" > "$work/named"
    sed '/^{/d' "$work/named"
    [ "$status" = 139 ] # what SIGSEGV leaves
    for line in 'signal: 11 SIGSEGV' 'job: 1' 'stage: mux'; do grep -x "$line" "$work/named"; done
    # from the host's callback up to FFmpeg, each found by the tables
    sed -n '/^frame 0/,/av_interleaved_write_frame/p' "$work/named" > "$work/first"
    grep -F 'take+' "$work/first"
    grep -F av_interleaved_write_frame "$work/first"
    lines searched "$work/first" | none "guesses"
}

need musl-gcc "the distribution's musl-tools" command -v musl-gcc
need "Rust's standard library for $target" "rustup target add $target" has_std
build_ffmpeg "$musl" --cc=musl-gcc --enable-demuxer=mov --enable-muxer=mp4 --enable-encoder=mpeg4,aac --enable-decoder=rawvideo,mpeg4,pcm_s16le \
    --enable-indev=lavfi --enable-filter=testsrc2,sine
(build_library) > "$musl/log.cargo" 2>&1 || { tail "$musl/log.cargo"; exit 1; }
describe
build_c names
build_c musl
build_go
"$stage/bin/mt-transcode" -v error -f lavfi -i testsrc2=d=5:s=320x240 -f lavfi -i sine=d=5 -c:v libx264 -g 25 -preset ultrafast -c:a aac "$work/clip.flv"
run_cases
