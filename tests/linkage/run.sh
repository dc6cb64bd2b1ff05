#!/usr/bin/env bash
# What the library exports, what is installed, and how programs link with it.
#
#   tests/linkage/run.sh STAGE [part of a name]    STAGE: where `make stage` put the library

. "$(dirname "$0")/harness.sh"

declared() { grep -oE '\bmt_transcode_[a-z0-9_]+\(' include/mt_transcode/mt_transcode.h | tr -d '(' | sort -u; }
exported() { nm -D --defined-only "$lib/libmt_transcode.so" | awk '{ print $3 }' | sed 's/@.*//' | sort -u; }

case_shared_library_exports_only_our_functions() {
    exported | lines -v '^mt_transcode_' | none "exported, and not ours"
}

case_shared_library_exports_what_the_header_declares() {
    # The header's prose writes some calls too, so what is exported decides which names count.
    comm -13 <(declared) <(exported) | none "exported, but not declared"
    grep -oE '^[a-z].*\bmt_transcode_[a-z0-9_]+\(' include/mt_transcode/mt_transcode.h | grep -oE 'mt_transcode_[a-z0-9_]+\($' |
        tr -d '(' | sort -u | comm -23 - <(exported) | none "declared, but not exported"
}

case_static_library_has_no_global_of_ours_outside_the_prefix() {
    # Left aside: mangled Rust names, Rust's runtime, and the compiler's helpers, which every Rust static library carries; and those of the crate ring, which has
    # its version in each.
    nm --defined-only --extern-only "$lib/libmt_transcode.a" 2>/dev/null |
        awk '/:$/ { member = $1 } NF == 3 && member !~ /compiler_builtins|^[0-9a-f]+-[a-z0-9_]+\.o:$/ { print $3 }' | sort -u |
        lines -vE '^(mt_transcode_|_R|_ZN|_?_?rust_|__rustc|__rdl_|__rg_|DW\.ref\.|ring_core_[0-9]+_[0-9]+_[0-9]+_|anon\.[0-9a-f]{32}\.)' | none "global, and not ours"
}

case_soname_carries_the_abi_number() {
    readelf -d "$lib/libmt_transcode.so" | grep SONAME | grep -F '[libmt_transcode.so.0]'
    [ "$(readlink "$lib/libmt_transcode.so")" = libmt_transcode.so.0 ]
    [ -e "$lib/libmt_transcode.so.0" ]
}

case_shared_library_is_never_unloaded() {
    readelf -d "$lib/libmt_transcode.so" | grep -E 'FLAGS_1.*NODELETE'
}

case_shared_library_needs_only_ffmpeg_and_the_c_library() {
    readelf -d "$lib/libmt_transcode.so" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' |
        lines -vE '^(lib(av(format|codec|filter|device|util)|swscale|swresample|c|m|dl|rt|pthread|gcc_s)\.so|ld-linux)' |
        none "needed besides"
    readelf -d "$lib/libmt_transcode.so" | lines -E 'RPATH|RUNPATH' | none "a run path of the build machine"
    readelf -lW "$lib/libmt_transcode.so" | lines 'GNU_STACK.*RWE' | none "an executable stack"
}

case_headers_compile_strictly() {
    echo '#include <mt_transcode/mt_transcode.h>' | tee "$work/a.c" > "$work/a.cpp"
    for standard in c99 c11 c17; do
        "$cc" -std=$standard "${strict[@]}" -I"$stage/include" -fsyntax-only "$work/a.c"
    done
    for file in "$stage"/include/mt_transcode/*; do
        echo "#include <mt_transcode/${file##*/}>" >> "$work/a.cpp"
    done
    "$cxx" -std=c++17 "${strict[@]}" -I"$stage/include" -fsyntax-only "$work/a.cpp"
    "$cxx" -std=c++20 "${strict[@]}" -I"$stage/include" -fsyntax-only "$work/a.cpp"
    for file in "$stage"/include/mt_transcode/*.hpp; do # each alone, too
        echo "#include <mt_transcode/${file##*/}>" > "$work/a.cpp"
        "$cxx" -std=c++17 "${strict[@]}" -I"$stage/include" -fsyntax-only "$work/a.cpp"
    done
}

case_header_defines_only_names_of_ours() {
    printf '#include <stddef.h>\n#include <stdint.h>\n' > "$work/without.c"
    echo '#include <mt_transcode/mt_transcode.h>' > "$work/with.c"
    for file in with without; do
        "$cc" -I"$stage/include" -dM -E "$work/$file.c" | awk '{ print $2 }' | sort > "$work/$file"
    done
    comm -23 "$work/with" "$work/without" | lines -v '^MT_TRANSCODE_' | none "macros of the header"
}

case_shared_consumer_runs() {
    # shellcheck disable=SC2046 # flags are words
    "$cc" -std=c99 "${strict[@]}" $here/consumer.c -o "$work/shared" $(flags --cflags --libs mt_transcode)
    "$work/shared" "$(flags --modversion mt_transcode)"
    ldd "$work/shared" | grep -F "libmt_transcode.so.0 => $lib"
}

case_static_consumer_runs() {
    # shellcheck disable=SC2046
    "$cc" -std=c99 "${strict[@]}" $here/consumer.c -o "$work/static" $(flags --cflags --libs mt_transcode-static)
    "$work/static" "$(flags --modversion mt_transcode-static)"
    ldd "$work/static" | lines libmt_transcode | none "linked with the shared library"
}

case_go_program_links_statically() {
    CGO_CFLAGS=$(scripts/go-key.sh "$stage") go -C go/examples build -buildvcs=false -tags mttranscode_static -o "$work/go-static" ./demo
    ldd "$work/go-static" | lines libmt_transcode | none "linked with the shared library"
    ldd "$work/go-static" | grep libavformat
    CGO_CFLAGS=$(scripts/go-key.sh "$stage") go -C go/mttranscode build -buildvcs=false -tags "mttranscode_static nativeprof" -o "$work/go-profiled" \
        ./nativeprof/testdata/host
    ldd "$work/go-profiled" | lines libmt_transcode | none "linked with the shared library"
    "$work/go-profiled" profile "$work/cpu.prof"
    go tool pprof -symbolize=none -top "$work/cpu.prof" 2> /dev/null | grep -F libavcodec
}

case_go_package_without_the_library_says_so_in_a_line() {
    # A flag that no build had, so that Go's cache has nothing to offer.
    if PKG_CONFIG_PATH='' PKG_CONFIG_LIBDIR=$work CGO_CFLAGS=-DNONE=$RANDOM$RANDOM go -C go/examples build -buildvcs=false -o "$work/none" ./demo 2> "$work/error"; then
        complain "it was built all the same"
    fi
    grep -F mt_transcode "$work/error"
}

case_static_library_links_beside_another_rust_library() {
    rustc --edition 2024 --crate-type staticlib -O -o "$work/libneighbour.a" $here/neighbour.rs
    # shellcheck disable=SC2207
    local ours=($(flags --cflags --libs mt_transcode-static))
    "$cc" "${strict[@]}" $here/neighbour.c -o "$work/first" "${ours[@]}" "$work/libneighbour.a" "${ours[@]}"
    "$work/first"
    "$cc" "${strict[@]}" $here/neighbour.c -o "$work/second" "$work/libneighbour.a" "${ours[@]}"
    "$work/second"
}

case_library_can_be_loaded_and_unloaded_by_hand() {
    "$cc" "${strict[@]}" -I"$stage/include" $here/reload.c -o "$work/reload" -ldl
    "$work/reload" "$lib/libmt_transcode.so.0"
}

install_into() { make -s install-files PROFILE="${PROFILE:-release}" RPATH='' DESTDIR="$work/root" "$@"; }

case_install_puts_everything_where_it_belongs() {
    local version root=$work/root/opt/mt
    version=$(flags --modversion mt_transcode)
    install_into PREFIX=/opt/mt LIBDIR=/opt/mt/lib64
    for file in lib64/libmt_transcode.{a,so,so.0,"so.$version"} lib64/pkgconfig/mt_transcode{,-static}.pc bin/mt-transcode \
        include/mt_transcode/mt_transcode{.h,{,_result,_event,_pipe,_io,_stream,_job}.hpp} share/man/man1/mt-transcode.1; do
        [ -e "$root/$file" ] || complain "not installed: $file"
    done
    lines -rE "$work|rpath|@[A-Z]" "$root/lib64/pkgconfig" | none "in a .pc file"
    grep -qx 'libdir=/opt/mt/lib64' "$root/lib64/pkgconfig/mt_transcode.pc"
    "$root/bin/mt-transcode" version | grep -F "$version"
    make -s uninstall DESTDIR="$work/root" PREFIX=/opt/mt LIBDIR=/opt/mt/lib64 > /dev/null
    find "$work/root" ! -type d | none "left behind by uninstall"
}

run_cases
