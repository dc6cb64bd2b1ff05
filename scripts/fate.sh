#!/usr/bin/env bash
# FFmpeg's own regression tests (FATE) that drive the ffmpeg and ffprobe programs and need no samples, with ours in their place.
#
#   scripts/fate.sh [PROGRAM]     PROGRAM: target/release/mt-transcode, or ffmpeg to see that the tests are sound
#   ONLY=regex  takes some tests   FATE_WORK=folder  keeps the source and what was built (build/fate)   JOBS=2
#   RETRY=1     runs only what failed the last time
#
# The source is the distribution's own of the FFmpeg that is installed, because every release has its own references. Only the tests'
# tools are built from it, never the programs under test. Writes docs/fate.md where everything was run.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
program=$(readlink -f "$(command -v "${1:-target/release/mt-transcode}")")
work=${FATE_WORK:-$root/build/fate}
only=${ONLY:-.}
mkdir -p "$work"
version=$(ffmpeg -version | sed -n '1s/^ffmpeg version \([0-9.]*\).*/\1/p')

scripts/ffmpeg-source.sh "$work"
cd "$work/ffmpeg-$version"
[ -f ffbuild/config.mak ] || ./configure --disable-x86asm --disable-doc --disable-autodetect --enable-zlib --enable-gpl > configure.log

# The programs are thought to be up to date, and are ours. Called by these names, ours speaks as they do.
ln -sf "$program" ffmpeg
case $program in
    */ffmpeg) ln -sf "$(command -v ffprobe)" ffprobe ;;
    *) printf '#!/bin/sh\nexec "%s" probe "$@"\n' "$program" > ffprobe.new; chmod +x ffprobe.new; mv -f ffprobe.new ffprobe ;;
esac
keep=(-o ffmpeg -o ffprobe -o ffmpeg_g -o ffprobe_g)
make -n -k V=1 "${keep[@]}" fate 2> /dev/null | grep fate-run.sh | grep -vE "'run [^f]|runlocal|runecho" | awk '{print $2}' |
    sort -u | grep -E "$only" > "$work/tests.txt" || true
rm -f tests/data/fate/*.rep tests/data/fate/*.err
cp "$work/tests.txt" "$work/now.txt"
[ -z "${RETRY-}" ] || cp "$work/failed.txt" "$work/now.txt"
mapfile -t tests < "$work/now.txt"
make -k -j"${JOBS:-2}" "${keep[@]}" "${tests[@]}" > "$work/run.log" 2>&1 || true

# A test counts as failed where make gave up on it, whatever the reason.
grep -oE '\[[^]]*: fate-[^]]+\] Error' "$work/run.log" | grep -oE 'fate-[A-Za-z0-9_.+-]+' | sort -u |
    comm -12 - "$work/tests.txt" > "$work/failed.txt" || true
group() { sed -E 's/^fate-([A-Za-z0-9]+).*/\1/' "$1" | sort | uniq -c | awk '{print $2, $1}'; }
total=$(wc -l < "$work/tests.txt")
failed=$(wc -l < "$work/failed.txt")
echo "$((total - failed)) of $total FATE program tests pass"
sed 's/^/  failed: /' "$work/failed.txt"
[ "$only" = . ] && [ "$program" = "$(readlink -f "$root/target/release/mt-transcode")" ] || exit 0
{
    echo '# FATE'
    echo
    echo "FFmpeg's own regression tests that drive its programs and need no samples, run with \`mt-transcode\` in the place of \`ffmpeg\` and"
    echo "\`mt-transcode probe\` in that of \`ffprobe\`. Written by \`make fate\`; do not edit it."
    echo
    echo "FFmpeg $version: **$((total - failed)) of $total pass.** (\`scripts/fate.sh ffmpeg\` runs them with the stock programs.)"
    echo
    echo '| group | tests | pass |'
    echo '|---|---:|---:|'
    join -a 1 -e 0 -o 0,1.2,2.2 <(group "$work/tests.txt") <(group "$work/failed.txt") |
        awk '{printf "| %s | %d | %d |\n", $1, $2, $2 - $3}'
    if [ "$failed" -gt 0 ]; then
        echo
        echo 'Those that fail:'
        echo
        sed -E 's/^fate-(.*)/- \1/' "$work/failed.txt"
    fi
} > "$root/docs/fate.md"
