#!/usr/bin/env bash
# The Rust tests, with the comparison of command lines, beside another FFmpeg: in a Debian 13 of their own, which has FFmpeg 7.1.
#
#   scripts/matrix.sh [arguments of cargo test]      --test equivalence, for one
#   MATRIX_ROOT=folder   the Debian 13 (build/matrix/trixie): made where it is not there, and kept, with what was built in it
#   MATRIX_MIRROR=URL    where it comes from; otherwise the Debian mirror of this machine's own apt sources
#   MT_CORPUS=folder     real media for the tests that want some
#
# For root on Debian or Ubuntu. The toolchain, the source and the media are bound into the system in a mount namespace of this run:
# nothing of it is seen outside, and nothing stays mounted, however the run ends. The source is bound read-only.
set -euo pipefail
cd "$(dirname "$0")/.."
PATH=$PATH:${CARGO_HOME:-$HOME/.cargo}/bin:/usr/local/go/bin

say() { printf 'matrix: %s\n' "$*"; }
die() {
    say "$*" >&2
    exit 1
}

if [ -z "${MATRIX_NAMESPACE-}" ]; then
    [ "$(id -u)" = 0 ] || die "run this as root: it makes a system in a folder, and binds folders into it"
    MATRIX_NAMESPACE=1 exec unshare --mount --propagation private -- scripts/matrix.sh "$@"
fi

mkdir -p "${MATRIX_ROOT:=build/matrix/trixie}"
root=$(readlink -f "$MATRIX_ROOT")
log=$root/matrix/test.log

# The URL of a Debian mirror in this machine's apt sources, of either format; nothing where there is none (Ubuntu).
own_mirror() {
    { cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2> /dev/null || true; } |
        sed -n 's/^deb \(\[[^]]*\] *\)\{0,1\}\([^ ]*\/debian\/\{0,1\}\) .*/\2/p'
    { cat /etc/apt/sources.list.d/*.sources 2> /dev/null || true; } | sed -n 's/^URIs: *\([^ ]*\/debian\/\{0,1\}\)\( .*\)\{0,1\}$/\1/p'
}

# debootstrap keeps its own folder in the system until it has succeeded.
is_complete() { [ -x "$root/usr/bin/apt-get" ] && [ ! -e "$root/debootstrap" ]; }

make_system() {
    if ! command -v debootstrap > /dev/null || [ ! -e /usr/share/keyrings/debian-archive-keyring.gpg ]; then
        say "missing: debootstrap or Debian's keys; running apt-get install debootstrap debian-archive-keyring"
        apt-get update -q
        apt-get install -y -q --no-install-recommends debootstrap debian-archive-keyring
    fi
    local mirror=${MATRIX_MIRROR:-$(own_mirror | head -n 1)}
    say "making a Debian 13 in $root, from ${mirror:-debootstrap\'s own mirror}"
    debootstrap --variant=minbase --include=ca-certificates --keyring=/usr/share/keyrings/debian-archive-keyring.gpg \
        trixie "$root" ${mirror:+"$mirror"}
}

bind() { # bind FOLDER PLACE OPTIONS
    mkdir -p "$root/$2"
    mount --bind "$1" "$root/$2"
    mount -o "remount,bind,$3" "$root/$2"
}

bind_everything() {
    local rust corpus
    rust=$(rustc --print sysroot)
    [ "$rust" != /usr ] || die "Rust is part of this system (/usr) and cannot be lent to another; install it by rustup"
    mkdir -p "$root/matrix/target" "$root/usr/local/go"
    cp -L /etc/resolv.conf "$root/etc/resolv.conf"
    mount -t proc proc "$root/proc"
    mount --rbind /dev "$root/dev"
    bind . matrix/source ro
    bind "$rust" matrix/rust ro
    bind "$(go env GOROOT)" usr/local/go ro
    bind "${CARGO_HOME:-$HOME/.cargo}" matrix/cargo rw
    corpus=${MT_CORPUS:-../shared/corpus}
    unset MT_CORPUS
    if [ -d "$corpus" ]; then
        bind "$corpus" matrix/corpus ro
        export MT_CORPUS=/matrix/corpus
    fi
}

# inside COMMAND...: in the other system, at the source. Crates come from the outside (cargo fetch), so cargo needs no network there.
inside() {
    HOME=/root PATH=/matrix/rust/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 CARGO_HOME=/matrix/cargo CARGO_NET_OFFLINE=true \
        CARGO_TARGET_DIR=/matrix/target TMPDIR=/tmp chroot "$root" sh -c 'cd /matrix/source && exec "$@"' sh "$@"
}

summary() {
    say "FFmpeg $(inside ffmpeg -version | sed -n '1s/^ffmpeg version \([^ ]*\).*/\1/p') of Debian $(cat "$root/etc/debian_version"):"
    awk '/^test result:/ { passed += $4; failed += $6; ignored += $8 }
        END { printf "matrix:   %d tests passed, %d failed, %d ignored\n", passed, failed, ignored }' "$log"
    sed -n '/^[0-9]* of [0-9]* command lines/s/^/matrix:   /p; /^[0-9]* copies:/s/^/matrix:   /p; /^skipped:/s/^/matrix:   /p' "$log" | sort -u
    sed -n 's/^test \(.*\) \.\.\. FAILED$/matrix:   FAILED \1/p' "$log"
    say "all that was printed: $log"
}

is_complete || make_system
cargo fetch --locked
bind_everything
inside scripts/setup.sh test
say "running cargo test --release --locked $*"
status=0
inside cargo test --release --locked --no-fail-fast "$@" -- --show-output 2>&1 | tee "$log" || status=$?
summary
[ "$status" = 0 ] || die "not everything passed"
say "everything passed"
