#!/usr/bin/env bash
# Line coverage of Rust, by the tests of every language, and of Go by its own. Prints a line for each file, then both totals.
#
# An instrumented library is built in a folder of its own (build/coverage) and the usual tests run against it: what C, C++, Python and
# Go execute in the library counts as what cargo test executes. A line counts as run when any of them ran it. Tests that
# stand inside src/ are not counted.
set -euo pipefail
cd "$(dirname "$0")/.."
work=$PWD/build/coverage
PATH=$PATH:${CARGO_HOME:-$HOME/.cargo}/bin:/usr/local/go/bin

# rustc's own LLVM tools where rustup has them, else the newest of the system: the format of the profiles has been the same from
# LLVM 19 on. PROFDATA and COV name others.
find_tools() {
    local folder version
    [ -z "${PROFDATA-}" ] || return 0
    folder=$(rustc --print target-libdir)/../bin
    for version in '' -24 -23 -22 -21 -20 -19; do
        if [ -z "$version" ] && [ -x "$folder/llvm-profdata" ]; then
            PROFDATA=$folder/llvm-profdata COV=$folder/llvm-cov
            return 0
        elif [ -n "$version" ] && command -v "llvm-profdata$version" > /dev/null; then
            PROFDATA=llvm-profdata$version COV=llvm-cov$version
            return 0
        fi
    done
    return 1
}

get_tools() {
    echo "coverage: needs llvm-profdata and llvm-cov 19 or newer; trying rustup, then apt"
    if rustup component add llvm-tools && find_tools; then return; fi
    sudo=$([ "$(id -u)" = 0 ] || echo sudo)
    $sudo apt-get update -q
    $sudo apt-get install -y -q --no-install-recommends llvm-19
    find_tools
}

find_tools || get_tools

rm -rf "$work/profiles"
mkdir -p "$work/profiles"
# Only our own crate is instrumented, so that the dependencies are neither slowed down nor counted.
cat > "$work/rustc" << 'END'
#!/bin/sh
rustc=$1
shift
exec "$rustc" -C instrument-coverage "$@"
END
chmod +x "$work/rustc"
export RUSTC_WORKSPACE_WRAPPER=$work/rustc CARGO_TARGET_DIR=$work/target
target=(PROFILE=dev BUILD=build/coverage CARGO_TARGET_DIR="$CARGO_TARGET_DIR")

echo "coverage: building"
LLVM_PROFILE_FILE=$work/build-%m.profraw make --silent stage "${target[@]}"
tests=$(LLVM_PROFILE_FILE=$work/build-%m.profraw cargo test --locked --profile dev --no-run --message-format=json-render-diagnostics |
    grep -o '"executable":"[^"]*"' | cut -d '"' -f 4 | sort -u)

echo "coverage: testing"
# %m keeps builds apart; of processes that run one after the other the counts are added up.
export LLVM_PROFILE_FILE=$work/profiles/%4m.profraw
status=0
make --silent --keep-going test-rust test-c test-cpp test-python "${target[@]}" > "$work/tests.log" 2>&1 || status=$?
tests/linkage/documents.sh "$work/stage" program >> "$work/tests.log" 2>&1 || status=$? # these run the program mt-transcode too
PKG_CONFIG_PATH=$work/stage/lib/pkgconfig CGO_CFLAGS=$(scripts/go-key.sh "$work/stage") go -C go/mttranscode test -count=1 -coverprofile="$work/go.out" ./... \
    >> "$work/tests.log" 2>&1 || status=$?
[ "$status" = 0 ] || echo "coverage: some tests failed (see build/coverage/tests.log); the numbers are of what ran"

"$PROFDATA" merge -sparse "$work"/profiles/*.profraw -o "$work/all.profdata"
objects=(-object "$work/stage/lib/libmt_transcode.so" -object "$CARGO_TARGET_DIR/debug/mt-transcode")
for file in $tests; do
    objects+=(-object "$file")
done
"$COV" export -format=lcov -instr-profile "$work/all.profdata" "${objects[@]}" \
    -ignore-filename-regex='/(\.cargo|rustc|tests|target)/|/tests\.rs$|build\.rs$' > "$work/rust.lcov"

# Of each file the lines before its test module.
awk -v top="$PWD/" '
    function report(name, hit, all) { printf "%6.1f %%  %5d of %5d  %s\n", all ? 100 * hit / all : 100, hit, all, name }
    /^SF:/ {
        file = substr($0, 4); last = 0; hit = all = 0; before = ""
        for (number = 1; (getline line < file) > 0; number++) {
            if (before ~ /^#\[cfg\(test\)\]/ && line ~ /^mod .*\{/) { last = number - 1; break }
            before = line
        }
        close(file)
    }
    /^DA:/ { split(substr($0, 4), part, ","); if (!last || part[1] < last) { all++; hit += part[2] > 0 } }
    /^end_of_record/ { sub(top, "", file); report(file, hit, all); lines += all; hits += hit }
    END { print ""; report("Rust in all", hits, lines) }
' "$work/rust.lcov"
go -C go/mttranscode tool cover -func "$work/go.out" | awk '/^total:/ { sub("%", "", $3); printf "%6.1f %%                  Go in all (statements)\n", $3 }'
exit "$status"
