#!/bin/sh
# What setup.sh and setup-live.sh share, which set `me`: what is missing, by `need`, and its installation by apt.

# shellcheck disable=SC2154 # set by who reads this file
say() { printf '%s: %s\n' "$me" "$*"; }
die() {
    say "$*" >&2
    exit 1
}
have() { command -v "$1" >/dev/null 2>&1 || [ -x "/usr/sbin/$1" ]; }
exists() { [ -e "$1" ]; }

missing='' packages=''
need() { # need WHAT PACKAGES TEST...
    what=$1 from=$2
    shift 2
    "$@" && return 0
    missing="${missing:+$missing, }$what"
    packages="$packages $from"
}

install_packages() {
    have apt-get || die "missing: $missing. This system has no apt-get; install them with its own package manager."
    if [ "$(id -u)" = 0 ]; then
        root=
    elif have sudo; then
        root=sudo
    else
        die "missing: $missing. Run as root, or install sudo: apt-get install -y$packages"
    fi
    say "missing: $missing"
    say "running: ${root:+$root }apt-get install$packages"
    $root apt-get update -q || say "apt-get update failed; going on with the package lists that are here"
    # RUNLEVEL: a package that is a service, too (nginx), does not start it.
    # shellcheck disable=SC2086 # the list is split into words on purpose; sudo may be none
    $root env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install -y -q --no-install-recommends $packages
}
