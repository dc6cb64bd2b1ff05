//! The hot parts that are ours, each next to the least that a machine can do for the same: a group of criterion's has `part` and `limit`.
//! `make bench KINDS=parts` measures them and puts them into docs/benchmarks.md; `cargo bench --bench parts` does it by hand.

mod events;
mod links;
mod machine;
mod pipes;
mod timestamps;

use criterion::{Criterion, criterion_group, criterion_main};

criterion_group!(parts, machine::all, pipes::all, links::all, timestamps::all, events::all);
criterion_main!(parts);

/// What a part does, and its limit.
fn pair<P, L>(criterion: &mut Criterion, name: &str, mut part: impl FnMut() -> P, mut limit: impl FnMut() -> L) {
    let mut group = criterion.benchmark_group(name);
    group.bench_function("part", |bencher| bencher.iter(&mut part));
    group.bench_function("limit", |bencher| bencher.iter(&mut limit));
    group.finish();
}
