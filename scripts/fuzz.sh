#!/usr/bin/env bash
# libFuzzer over the targets of fuzz/, each for FUZZ_SECONDS (60), on the stable toolchain: cargo-fuzz is not needed, and works too.
#
#   scripts/fuzz.sh [TARGET...]     all of them without a name; what breaks one is kept in build/fuzz/TARGET, and named
set -euo pipefail
cd "$(dirname "$0")/.."

targets=("$@")
[ ${#targets[@]} -gt 0 ] || targets=(arguments option_values pipe worker crash_report)
# What `cargo fuzz` passes, but for the address sanitizer, which only nightly has.
coverage="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters"
coverage+=" -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares --cfg fuzzing -Clink-dead-code"
host=$(rustc -vV | sed -n 's/^host: //p')
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/build/fuzz/target}
RUSTFLAGS="$coverage" cargo build --release --locked --manifest-path fuzz/Cargo.toml --target "$host"

status=0
for target in "${targets[@]}"; do
    found=build/fuzz/$target
    mkdir -p "$found/corpus"
    echo "fuzz: $target, ${FUZZ_SECONDS:-60} s"
    "$CARGO_TARGET_DIR/$host/release/$target" -max_total_time="${FUZZ_SECONDS:-60}" -max_len=4096 -timeout=20 -rss_limit_mb=2048 -print_final_stats=1 \
        -artifact_prefix="$found/" "$found/corpus" > "$found/log" 2>&1 || {
        status=1
        tail -n 30 "$found/log"
    }
    sed -n 's/^stat::number_of_executed_units: */fuzz:   inputs tried: /p; s/^stat::new_units_added: */fuzz:   new ones kept: /p' "$found/log"
done
exit $status
