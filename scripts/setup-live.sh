#!/bin/sh
# Installs by apt the real peers of the live tests (tests/live), and says what it does: nginx with its RTMP module, the tools of SRT, GStreamer's
# RTSP server with its bindings for Python, Chromium; and by npm the players of the page of go/examples/livehub, as its lock file pins them. Nothing else of
# the project needs them; the tests start them on ports of their own and skip what is not there.
set -eu
cd "$(dirname "$0")/.."

me=setup-live
# shellcheck source=setup-common.sh
. scripts/setup-common.sh

need nginx nginx have nginx
need "its RTMP module" libnginx-mod-rtmp exists /usr/lib/nginx/modules/ngx_rtmp_module.so
need srt-live-transmit srt-tools have srt-live-transmit
need "the ffmpeg program" ffmpeg have ffmpeg
rtsp="python3-gi gir1.2-gst-rtsp-server-1.0 gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-bad"
need "GStreamer's RTSP server" "$rtsp" /usr/bin/python3 -c "import gi; gi.require_version('GstRtspServer', '1.0'); from gi.repository import GstRtspServer"
has_browser() { have chromium || have chromium-browser || have google-chrome; }
need "Chromium" chromium has_browser
need "npm" "npm" have npm

# npm keeps a copy of the lock file beside what it installed by it.
players() {
    page=go/examples/livehub/web
    if [ -n "$(find "$page/node_modules/.package-lock.json" -newer "$page/package-lock.json" 2>/dev/null)" ]; then
        return 0
    fi
    say "running: npm ci in $page"
    npm ci --prefix "$page" --no-audit --no-fund --ignore-scripts --loglevel=error
}
[ -n "$missing" ] || {
    players
    say "nothing else to do"
    exit 0
}
install_packages
players
say "done"
