# shellcheck shell=bash disable=SC2034,SC2154
# What scripts share that link programs statically: a small FFmpeg of its own, a clip on loopback, how a program is linked. After harness.sh.
#
# Distributions have archives of FFmpeg, but not of all that theirs is linked with, nor for another libc. So a small one is built from the source of
# the one that is installed: see scripts/ffmpeg-source.sh.

copying() { echo "-v error -i $1 -map 0 -c copy -f null -"; }

is_static() { readelf -lW "$1" | lines INTERP | none "an interpreter"; }

build_ffmpeg() { # build_ffmpeg FOLDER OPTION...: once, into FOLDER/out; what configure takes beside what every such FFmpeg has
    local folder=$1
    shift
    [ ! -e "$folder/out/lib/pkgconfig/libavformat.pc" ] || return 0
    echo "building a small FFmpeg in ${folder#"$PWD"/}"
    scripts/ffmpeg-source.sh "$folder"
    mkdir -p "$folder/objects"
    (cd "$folder/objects" && "$folder/ffmpeg/configure" --prefix="$folder/out" --disable-everything --disable-autodetect --disable-doc --disable-programs \
        --disable-x86asm --disable-debug --enable-protocol=file,http,tcp,rtmp,pipe --enable-demuxer=mpegts,flv --enable-muxer=null,mpegts \
        --enable-parser=h264,aac --enable-decoder=h264,aac,wrapped_avframe --enable-encoder=wrapped_avframe,pcm_s16le \
        --enable-bsf=h264_mp4toannexb,aac_adtstoasc --enable-filter=null,anull,format,aformat,scale,aresample,trim,atrim "$@" &&
        make -j2 install) > "$folder/log" 2>&1 || {
        tail "$folder/log"
        exit 1
    }
}

ffmpeg_flags() { # ffmpeg_flags FOLDER: what the linker takes for the FFmpeg that is there
    PKG_CONFIG_LIBDIR=$1/out/lib/pkgconfig pkg-config --static --libs libavdevice libavfilter libavformat libavcodec libswscale libswresample libavutil
}

# A clip on loopback over HTTP, while this script runs.
serve() {
    mkdir "$work/www"
    "$stage/bin/mt-transcode" -v error -f lavfi -i testsrc2=d=1:s=160x120 -f lavfi -i sine=d=1 -c:v libx264 -preset ultrafast -c:a aac "$work/www/clip.ts"
    python3 -u -m http.server --bind 127.0.0.1 --directory "$work/www" 0 > "$work/served" 2> /dev/null &
    server=$!
    trap 'kill $server; rm -rf "$work"' EXIT
    until grep -q port "$work/served"; do sleep 0.1; done
    port=$(sed -n 's/.* port \([0-9]*\).*/\1/p' "$work/served")
}
