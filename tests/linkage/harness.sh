# shellcheck shell=bash disable=SC2034
# What the scripts here share: a case is a function whose name begins with case_. Each is run by a shell of its own with -e, so its first
# failing command fails it; what it printed is shown then. The script that sources this file ends with run_cases.
set -euo pipefail
cd "$(dirname "$0")/../.."

stage=$(realpath "${1:?usage: $0 STAGE [part of a name]}")
only=${2-}
here=tests/linkage
lib=$stage/lib
cc=${CC:-gcc}
cxx=${CXX:-g++}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export PKG_CONFIG_PATH=$lib/pkgconfig${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}
strict=(-Wall -Wextra -pedantic -Werror)

complain() {
    echo "$*"
    return 1
}

none() { # none WHAT: fails, and shows them, when there are lines on standard input
    local lines
    lines=$(cat)
    [ -z "$lines" ] || complain "$1:"$'\n'"$lines"
}

# grep for a pipeline in which no line is no failure.
lines() { grep "$@" || [ $? = 1 ]; }

flags() { pkg-config "$@"; }

run_cases() {
    local name status passed=0 failed=0
    for name in $(declare -F | awk '{ print $3 }' | grep '^case_'); do
        [[ $name == *"$only"* ]] || continue
        # In a condition bash would ignore -e inside the case, so it runs outside of one.
        set +e
        (
            set -e
            "$name"
        ) > "$work/said" 2>&1
        status=$?
        set -e
        if [ $status = 0 ]; then
            echo "ok   ${name#case_}"
            passed=$((passed + 1))
        else
            echo "FAIL ${name#case_}"
            sed 's/^/     /' "$work/said"
            failed=$((failed + 1))
        fi
    done
    echo "$passed passed, $failed failed"
    [ "$failed" = 0 ]
}
