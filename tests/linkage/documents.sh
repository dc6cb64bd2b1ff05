#!/usr/bin/env bash
# The programs in docs/ compile and run, and its tables name what the header has.
#
#   tests/linkage/documents.sh STAGE [part of a name]    STAGE: where `make stage` put the library

. "$(dirname "$0")/harness.sh"

# program LANGUAGE PAGE [HEADING]: the first block of code in that language, on the page or behind the heading.
program() {
    awk -v fence="\`\`\`$1" -v heading="${3:+## $3}" '
        heading == "" || $0 == heading { found = 1; heading = "-" }
        found && $0 == fence { inside = 1; next }
        /^```/ { if (inside) exit }
        inside' "docs/$2"
}
memory="Memory instead of files"

clip() { "$stage/bin/mt-transcode" -v error -y -f lavfi -i testsrc2=d=1 -f lavfi -i sine=d=1 -c:v libx264 -preset ultrafast "$work/clip.mp4"; }

# transcodes COMMAND...: the program makes a file that a probe finds video of 240 lines in, and fails where there is no input.
transcodes() {
    clip
    "$@" "$work/clip.mp4" "$work/out.mp4"
    "$stage/bin/mt-transcode" probe "$work/out.mp4" | grep -E '"height": *240'
    if "$@" "$work/none.mp4" "$work/out.mp4" 2> "$work/error"; then complain "succeeded without an input"; fi
    grep -F none.mp4 "$work/error"
}

case_program_in_c_runs() {
    program c getting-started-c.md > "$work/demo.c"
    # shellcheck disable=SC2046 # flags are words
    "$cc" -std=c99 "${strict[@]}" "$work/demo.c" -o "$work/demo" $(flags --cflags --libs mt_transcode)
    transcodes "$work/demo"
}

case_memory_program_in_c_runs() {
    program c getting-started-c.md "$memory" > "$work/demo.c"
    # shellcheck disable=SC2046
    "$cc" -std=c99 "${strict[@]}" "$work/demo.c" -o "$work/demo" $(flags --cflags --libs mt_transcode)
    transcodes "$work/demo"
}

case_program_in_cpp_runs() {
    program cpp getting-started-cpp.md > "$work/demo.cpp"
    # shellcheck disable=SC2046
    "$cxx" -std=c++17 "${strict[@]}" "$work/demo.cpp" -o "$work/demo" $(flags --cflags --libs mt_transcode)
    transcodes "$work/demo"
}

case_memory_program_in_cpp_runs() {
    program cpp getting-started-cpp.md "$memory" > "$work/demo.cpp"
    # shellcheck disable=SC2046
    "$cxx" -std=c++17 "${strict[@]}" "$work/demo.cpp" -o "$work/demo" $(flags --cflags --libs mt_transcode) -pthread
    transcodes "$work/demo"
}

case_program_in_go_runs() {
    local package=mt-transcode.dev/go/mttranscode
    mkdir "$work/go"
    program go getting-started-go.md > "$work/go/main.go"
    go -C "$work/go" mod init demo
    go -C "$work/go" mod edit -require $package@v0.0.0 -replace "$package=$PWD/go/mttranscode"
    export CGO_CFLAGS
    CGO_CFLAGS=$(scripts/go-key.sh "$stage")
    go -C "$work/go" vet .
    go -C "$work/go" build -o "$work/demo" .
    transcodes "$work/demo"
    [ -z "$(gofmt -l "$work/go")" ]
}

case_program_in_python_runs() {
    program python getting-started-python.md > "$work/demo.py"
    export PYTHONPATH=python PYTHONDONTWRITEBYTECODE=1 MT_TRANSCODE_LIBRARY=$lib/libmt_transcode.so.0
    transcodes "${PYTHON:-python3}" "$work/demo.py"
}

case_memory_program_in_python_runs() {
    program python getting-started-python.md "$memory" > "$work/demo.py"
    export PYTHONPATH=python PYTHONDONTWRITEBYTECODE=1 MT_TRANSCODE_LIBRARY=$lib/libmt_transcode.so.0
    transcodes "${PYTHON:-python3}" "$work/demo.py"
}

case_examples_in_memory_run() {
    clip
    # shellcheck disable=SC2046
    "$cc" -std=c11 "${strict[@]}" examples/c/pipe_remux.c -o "$work/pipe_remux" $(flags --cflags --libs mt_transcode) -pthread
    # shellcheck disable=SC2046
    "$cxx" -std=c++17 "${strict[@]}" examples/cpp/memory_hls.cpp -o "$work/memory_hls" $(flags --cflags --libs mt_transcode)
    export PYTHONPATH=python PYTHONDONTWRITEBYTECODE=1 MT_TRANSCODE_LIBRARY=$lib/libmt_transcode.so.0
    "$work/pipe_remux" < "$work/clip.mp4" > "$work/out.ts"
    "${PYTHON:-python3}" examples/python/memory.py copy < "$work/clip.mp4" | cmp - "$work/out.ts"
    "$stage/bin/mt-transcode" probe "$work/out.ts" | grep -E '"codec_name": *"h264"'
    "$work/memory_hls" "$work/clip.mp4" | grep -F '#EXT-X-ENDLIST'
    "${PYTHON:-python3}" examples/python/memory.py hls < "$work/clip.mp4" | grep -F '#EXT-X-ENDLIST'
    "$work/pipe_remux" < "$work/clip.mp4" | "${PYTHON:-python3}" examples/python/memory.py frames | grep -Fx '25 frames'
    if echo "no film" | "$work/pipe_remux" 2> "$work/error"; then complain "succeeded without a film"; fi
    grep -F 'mt:in' "$work/error"
}

case_every_code_of_the_header_is_explained() {
    sed -n 's/^#define MT_TRANSCODE_E\([A-Z_]*\) \(-[0-9]*\)$/\2 \1/p' include/mt_transcode/mt_transcode.h > "$work/codes"
    [ -s "$work/codes" ]
    while read -r number name; do
        grep -qE "^\| $number \| $name( †)? \|" docs/errors.md || echo "$number $name"
    done < "$work/codes" | none "not in docs/errors.md"
}

case_functions_named_in_the_documents_exist() {
    # shellcheck disable=SC2016 # the quote is Markdown's
    grep -ohE '`mt_transcode_[a-z0-9_]+`?' docs/*.md README.md | tr -d '`' | sort -u | lines -vE '_$|^mt_transcode_(job|engine)$' |
        while read -r name; do
            grep -qE "\b$name\b" include/mt_transcode/mt_transcode.h || echo "$name"
        done | none "not in the header"
    grep -ohE '\bMT_TRANSCODE_[A-Z0-9_]+' docs/*.md README.md | sort -u | lines -v '_$' |
        while read -r name; do
            grep -qE "\b$name\b" include/mt_transcode/mt_transcode.h python/mt_transcode/*.py || echo "$name"
        done | none "not in the header, nor a variable of the Python module"
}

case_links_between_the_documents_lead_somewhere() {
    for page in README.md docs/*.md; do
        lines -oE '\]\([^)]+\)' "$page" | sed -E 's/^\]\(|\)$|#.*//g' | lines -vE '^(https?:.*)?$' | while read -r target; do
            [ -e "$(dirname "$page")/$target" ] || echo "$page: $target"
        done
    done | none "broken links"
}

# Of the twelve ways in which a service dies, none stands there without tests, and each test is there.
case_every_way_to_die_has_its_tests() {
    # shellcheck disable=SC2016 # the quotes are Markdown's
    sed -n '/^## Twelve ways/,/^## Which one/p' docs/crashes.md | grep -E '^\| [0-9]+\. ' > "$work/ways"
    [ "$(wc -l < "$work/ways")" = 12 ]
    while read -r way; do
        # shellcheck disable=SC2016
        printf '%s\n' "${way##*|*| }" | lines -oE '`(test_|Test|s[0-9]+_)[A-Za-z0-9_]+`' | tr -d '`' > "$work/named"
        [ -s "$work/named" ] || echo "${way:0:60}: no test"
        while read -r name; do
            grep -qrE "(def|func) $name\b|^\| $name \|" tests/crash tests/sandbox tests/scenarios.md go/mttranscode || echo "$name is no test"
        done < "$work/named"
    done < <(sed 's/ |$//' "$work/ways") | none "in docs/crashes.md"
}

run_cases
