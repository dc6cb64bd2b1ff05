#!/bin/sh
# Installs by apt what the project needs and this machine lacks, and says what it does. What is there already is left as it
# is: a machine with everything takes no step, no sudo and no network. Rust and Go are looked at but never installed.
#
#   scripts/setup.sh [build|test|all]
#     build  what `make build`, `make install` and `make demo` need (the default)
#     test   the same, and what `make test` needs
#     all    the same, and what `make lint` and `make valgrind` need
set -eu
cd "$(dirname "$0")/.."
PATH=$PATH:${CARGO_HOME:-$HOME/.cargo}/bin:/usr/local/go/bin

scope=${1:-build}
case $scope in
build | test | all) ;;
*)
    echo "usage: scripts/setup.sh [build|test|all]" >&2
    exit 2
    ;;
esac

me=setup
# shellcheck source=setup-common.sh
. scripts/setup-common.sh

# at_least VERSION FLOOR: whether 1.88.0 is 1.88 or newer.
at_least() { [ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1)" = "$2" ]; }

# bindgen loads libclang while it builds, and libclang needs the headers of the compiler that it belongs to.
have_libclang() {
    [ -z "${LIBCLANG_PATH-}" ] || return 0
    exists /usr/lib/llvm-*/lib/libclang*.so* || exists /usr/lib/*/libclang*.so* || exists /usr/lib64/libclang.so* || return 1
    exists /usr/lib/llvm-*/lib/clang/*/include/stddef.h || exists /usr/lib*/clang/*/include/stddef.h
}

# The same floors as build.rs: FFmpeg 5.1.
have_ffmpeg() {
    have pkg-config && pkg-config --exists 'libavformat >= 59.27' 'libavcodec >= 59.37' 'libavfilter >= 8.44' \
        'libavdevice >= 59.7' 'libavutil >= 57.28' 'libswscale >= 6.7' 'libswresample >= 4.7'
}

ffmpeg_packages="libavformat-dev libavcodec-dev libavfilter-dev libavdevice-dev libavutil-dev libswscale-dev libswresample-dev"
look() {
    missing='' packages=''
    need "a C compiler" "gcc libc6-dev" have cc
    need "make" make have make
    need "pkg-config" pkg-config have pkg-config
    need "FFmpeg 5.1 or newer (development files)" "$ffmpeg_packages" have_ffmpeg
    need "libclang (for bindgen)" "clang libclang-dev" have_libclang
    [ "$scope" != build ] || return 0
    need "a C++ compiler" g++ have g++
    need "Python 3" python3 have python3
    need "dpkg-source (make fate unpacks FFmpeg's source with it)" dpkg-dev have dpkg-source
    need "kill and ps (tests send signals)" procps have ps
    need "the ffmpeg program (tests compare with it)" ffmpeg have ffmpeg
    need "openssl (makes certificates for tests)" openssl have openssl
    need "a Vulkan driver for processors (tests of hardware devices)" mesa-vulkan-drivers exists /usr/share/vulkan/icd.d/lvp_icd*.json
    need "VA-API headers (a driver of the tests for decoding on a device)" libva-dev exists /usr/include/va/va_backend.h
    [ "$scope" != test ] || return 0
    need "clang" clang have clang
    need "clang-tidy" clang-tidy have clang-tidy
    need "shellcheck" shellcheck have shellcheck
    need "mandoc" mandoc have mandoc
    need "valgrind" valgrind have valgrind
}

# candidate PACKAGE: the version that apt would install, without epoch; empty where it knows none.
candidate() {
    have apt-cache || return 0
    apt-cache policy "$1" 2>/dev/null | sed -n 's/^ *Candidate: \([0-9]*:\)\{0,1\}\([0-9][^-~+]*\).*/\2/p'
}

as_root() { if [ "$(id -u)" = 0 ]; then echo "$1"; else echo "sudo $1"; fi; }
with_curl() { if have curl; then echo "$1"; else echo "$(as_root 'apt-get install -y curl ca-certificates') && $1"; fi; }

rust_command() {
    if have rustup; then
        echo "rustup update stable && rustup default stable"
    elif [ -n "$(candidate rustup)" ]; then
        echo "$(as_root 'apt-get install -y rustup') && rustup default stable"
    else
        with_curl "curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh -s -- -y --profile default"
    fi
}

go_command() {
    packaged=$(candidate golang-go)
    if [ -n "$packaged" ] && at_least "$packaged" "$go_floor"; then
        as_root "apt-get install -y golang-go"
    else
        arch=$(dpkg --print-architecture 2>/dev/null || echo amd64)
        # shellcheck disable=SC2016 # the user's shell expands it
        archive='https://go.dev/dl/$(curl -sSf "https://go.dev/VERSION?m=text" | head -n 1)'
        [ ! -e /usr/local/go ] || printf '%s && ' "$(as_root 'rm -rf /usr/local/go')"
        with_curl "curl -sSfL \"$archive.linux-$arch.tar.gz\" | $(as_root 'tar -C /usr/local -xz')"
    fi
}

toolchain() { # toolchain NAME FOUND FLOOR COMMAND
    if [ -z "$2" ]; then
        say "$1 $3 or newer is needed, and is not installed. Get it with:" >&2
    elif at_least "$2" "$3"; then
        return 0
    else
        say "$1 $3 or newer is needed; this one is $2. Get a newer one with:" >&2
    fi
    printf '\n    %s\n\n' "$($4)" >&2
    lacking=1
}

result="nothing to do"
look
if [ -n "$missing" ]; then
    install_packages
    look
    [ -z "$missing" ] || die "still missing after the installation: $missing. Is this distribution older than Debian 12 or Ubuntu 24.04?"
    result="done"
fi

rust_floor=$(sed -n 's/^rust-version *= *"\(.*\)"/\1/p' Cargo.toml)
go_floor=$(sed -n "s/^go //p" go/mttranscode/go.mod)
rust=
! have cargo || rust=$(rustc --version 2>/dev/null | awk '{ print $2 }')
go=$(GOTOOLCHAIN=local go env GOVERSION 2>/dev/null | sed 's/^go//; s/ .*//') || go=
lacking=
toolchain Rust "$rust" "$rust_floor" rust_command
toolchain Go "$go" "$go_floor" go_command
[ -z "$lacking" ] || die "then run the same command again"

if [ "$scope" = all ] && ! { cargo fmt --version && cargo clippy --version; } >/dev/null 2>&1; then
    die "rustfmt and clippy are needed for make lint: rustup component add rustfmt clippy"
fi
say "$result: libavformat $(pkg-config --modversion libavformat), Rust $rust, Go $go"
