#!/usr/bin/env bash
# A release as two archives: what one installs, stripped, and the debug information of the very same build.
#
#   scripts/dist.sh FOLDER        `make dist` runs it; PROFILE, PREFIX and BUILT come from the Makefile
#
# FOLDER/mt-transcode-VERSION-linux-MACHINE-libavcodecN.tar.gz          library, program, headers, .pc files, man page, below PREFIX
# FOLDER/mt-transcode-VERSION-linux-MACHINE-libavcodecN-debug.tar.gz    PREFIX/lib/debug/.build-id/xx/yyyy.debug
#
# Crash reports name places in files with their build ids; `mt-transcode symbolize --debug-dir PREFIX/lib/debug` reads them with the second
# archive, on any machine. gdb finds it by the same ids (set debug-file-directory).
set -euo pipefail
cd "$(dirname "$0")/.."

folder=${1:?the folder for the archives}
prefix=${PREFIX:-/usr/local}
version=$(sed -n 's/^version *= *"\(.*\)"/\1/p' Cargo.toml | head -n 1)
major=$(pkg-config --modversion libavcodec | cut -d. -f1)
name=mt-transcode-$version-linux-$(uname -m)-libavcodec$major

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
make install-files "PREFIX=$prefix" "DESTDIR=$work/release" LIBDIR="$prefix/lib"

# strip_apart FILE: its debug information goes to the other archive, by its build id; its unwind tables stay.
strip_apart() {
    local id debug
    id=$(readelf -n "$1" | sed -n 's/^ *Build ID: *//p')
    [ -n "$id" ] || {
        echo "dist: $1 has no build id: reports of it could not be read" >&2
        exit 1
    }
    debug=$work/debug$prefix/lib/debug/.build-id/${id:0:2}/${id:2}.debug
    mkdir -p "$(dirname "$debug")"
    objcopy --only-keep-debug --compress-debug-sections "$1" "$debug"
    chmod 644 "$debug"
    strip --strip-unneeded "$1"
    objcopy --add-gnu-debuglink="$debug" "$1"
}
strip_apart "$(readlink -f "$work/release$prefix/lib/libmt_transcode.so")"
strip_apart "$work/release$prefix/bin/mt-transcode"
strip --strip-debug "$work/release$prefix/lib/libmt_transcode.a"
install -D -m 644 -t "$work/release$prefix/share/doc/mt-transcode" README.md LICENSE-APACHE LICENSE-MIT

mkdir -p "$folder"
# The same build gives the same archives.
pack() { tar --sort=name --owner=0 --group=0 --numeric-owner --mtime=@"${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2> /dev/null || echo 0)}" \
    -C "$1" -cf - . | gzip -n > "$2"; }
pack "$work/release" "$folder/$name.tar.gz"
pack "$work/debug" "$folder/$name-debug.tar.gz"
ls -l "$folder/$name.tar.gz" "$folder/$name-debug.tar.gz"
