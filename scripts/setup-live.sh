#!/bin/sh
# Installs by apt the real peers of the live tests (tests/live), and says what it does: nginx with its RTMP module, the tools of SRT, GStreamer's
# RTSP server with its bindings for Python. Nothing else of the project needs them; the tests start them on ports of their own and skip what is not there.
set -eu

say() { printf 'setup-live: %s\n' "$*"; }
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

need nginx nginx have nginx
need "its RTMP module" libnginx-mod-rtmp exists /usr/lib/nginx/modules/ngx_rtmp_module.so
need srt-live-transmit srt-tools have srt-live-transmit
need "the ffmpeg program" ffmpeg have ffmpeg
rtsp="python3-gi gir1.2-gst-rtsp-server-1.0 gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-bad"
need "GStreamer's RTSP server" "$rtsp" /usr/bin/python3 -c "import gi; gi.require_version('GstRtspServer', '1.0'); from gi.repository import GstRtspServer"
[ -n "$missing" ] || {
    say "nothing to do"
    exit 0
}
have apt-get || {
    say "missing: $missing. This system has no apt-get; install them with its own package manager, or let the tests skip them." >&2
    exit 1
}
root=
[ "$(id -u)" = 0 ] || root=sudo
say "missing: $missing"
say "running: ${root:+$root }apt-get install$packages"
$root apt-get update -q || say "apt-get update failed; going on with the package lists that are here"
# The package starts nginx as a service where there is an init for it; the tests have one of their own.
# shellcheck disable=SC2086 # the list is split into words on purpose; root may be none
$root env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install -y -q --no-install-recommends $packages
say "done"
