#!/usr/bin/env bash
# Puts the distribution's source of the FFmpeg that is installed into FOLDER/ffmpeg-VERSION, where it is not there yet, and links FOLDER/ffmpeg to it.
#
#   scripts/ffmpeg-source.sh FOLDER     FFMPEG_SOURCE=folder: a copy that is there already is taken
set -euo pipefail
work=$(realpath -m "${1:?usage: $0 FOLDER}")
version=$(ffmpeg -version | sed -n '1s/^ffmpeg version \([0-9.]*\).*/\1/p')
mkdir -p "$work"
link() { ln -sfn "$1" "$work/ffmpeg"; }
[ -z "${FFMPEG_SOURCE-}" ] || { link "$(realpath "$FFMPEG_SOURCE")"; exit 0; }
link "ffmpeg-$version"
[ ! -e "$work/ffmpeg-$version/configure" ] || exit 0
command -v dpkg-source > /dev/null || { echo "dpkg-dev is needed: scripts/setup.sh test installs it"; exit 1; }

# Lists of sources in a folder of their own, so that the system's stay as they are.
lists=$work/apt
mkdir -p "$lists/state/lists/partial" "$lists/cache/archives/partial"
if [ -e /etc/apt/sources.list.d/debian.sources ]; then
    sed 's/^Types: .*/Types: deb-src/' /etc/apt/sources.list.d/debian.sources > "$lists/fate.sources"
else
    sed 's/^Types: .*/Types: deb-src/' /etc/apt/sources.list.d/ubuntu.sources > "$lists/fate.sources"
fi
options=(-o Dir::Etc::SourceList="$lists/fate.sources" -o Dir::Etc::SourceParts=- -o Dir::State="$lists/state"
    -o Dir::Cache="$lists/cache" -o APT::Sandbox::User=root)
cd "$work"
apt-get "${options[@]}" -qq update
apt-get "${options[@]}" -qq source ffmpeg
