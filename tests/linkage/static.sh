#!/usr/bin/env bash
# Programs that are linked with a static glibc, in C and Go: host names are refused where nobody can resolve them, addresses work, and Go resolves by itself.
#
#   tests/linkage/static.sh STAGE [part of a name]    STAGE: where `make stage` put the library
#
# A small FFmpeg is built for them once (build/static, 2 minutes): see statically.sh.

. "$(dirname "$0")/harness.sh"
# shellcheck source=tests/linkage/statically.sh
. "$(dirname "$0")/statically.sh"

static=$PWD/build/static

# The .pc file that says how: as the one that is installed, with all that FFmpeg needs, and what has no shared object's name in it.
describe() {
    mkdir -p "$work/pkgconfig"
    sed -E "s|^(Libs: [^ ]+).*|\1 $(ffmpeg_flags "$static") -lgcc_eh -lutil -lrt -lpthread -lm -ldl -lc|" "$lib/pkgconfig/mt_transcode-static.pc" > "$work/pkgconfig/mt_transcode-static.pc"
    export PKG_CONFIG_PATH=$work/pkgconfig
}

build_c() {
    # shellcheck disable=SC2046 # flags are words
    "$cc" -std=c99 "${strict[@]}" $here/names.c -o "$work/c" -static $(flags --cflags --libs mt_transcode-static) 2> "$work/warnings" ||
        { cat "$work/warnings"; exit 1; }
}

build_go() {
    CGO_CFLAGS=$(scripts/go-key.sh "$stage") go -C go/mttranscode build -buildvcs=false -tags mttranscode_static,netgo,osusergo \
        -ldflags '-linkmode external -extldflags "-static"' -o "$work/go" ./testdata/names 2> "$work/warnings" || { cat "$work/warnings"; exit 1; }
}

case_c_program_is_static_and_reads_from_an_address() {
    is_static "$work/c"
    # shellcheck disable=SC2046
    "$work/c" $(copying "http://127.0.0.1:$port/clip.ts") | tee "$work/answer"
    grep -x static "$work/answer"
    grep -x 'code 0' "$work/answer"
}

case_c_program_is_refused_names_with_the_remedies() {
    for url in "http://localhost:$port/clip.ts" "rtmp://localhost:$port/live/key" "tcp://localhost:$port"; do
        # shellcheck disable=SC2046
        if "$work/c" $(copying "$url") > "$work/answer"; then complain "$url was opened"; fi
        cat "$work/answer"
        grep -x 'code -1010' "$work/answer"
        grep -F "'localhost' cannot be resolved" "$work/answer"
        for remedy in dynamically musl Host: -verifyhost -http_proxy 'process isolation'; do grep -qF -e "$remedy" "$work/answer"; done
    done
    # an output, too
    # shellcheck disable=SC2046
    if "$work/c" -v error -i "http://127.0.0.1:$port/clip.ts" -c copy -f mpegts "tcp://localhost:$port" > "$work/answer"; then complain "written"; fi
    grep -x 'code -1010' "$work/answer"
}

case_go_program_is_static_and_refused_names_by_the_c_library() {
    is_static "$work/go"
    # shellcheck disable=SC2046
    if "$work/go" c $(copying "http://localhost:$port/clip.ts") > "$work/answer"; then complain "it was opened"; fi
    cat "$work/answer"
    grep -x 'code -1010' "$work/answer"
    # shellcheck disable=SC2046
    "$work/go" c $(copying "http://127.0.0.1:$port/clip.ts") | grep -x 'code 0'
}

case_go_program_resolves_names_by_itself() {
    # shellcheck disable=SC2046
    "$work/go" go $(copying "http://localhost:$port/clip.ts") | grep -x 'code 0'
    # shellcheck disable=SC2046
    if "$work/go" go $(copying "http://no-such-name.invalid:$port/clip.ts") > "$work/answer"; then complain "it was opened"; fi
    cat "$work/answer"
    # shellcheck disable=SC2046 # it connects, and there is no RTMP: the name is not what is wrong
    if "$work/go" go $(copying "rtmp://localhost:$port/live/key") > "$work/answer"; then complain "it was opened"; fi
    cat "$work/answer"
    grep -vx 'code -1010' "$work/answer" | grep code
}

build_ffmpeg "$static"
describe
build_c
build_go
serve
run_cases
