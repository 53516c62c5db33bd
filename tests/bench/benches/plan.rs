//! From settings to a plan: `cargo bench --package pgtls-bench --bench plan`.

use criterion::Criterion;
use pgtls_bench::work::decisions::{CONNINFO, environment, resolve};
use pgtls_core::{
    param::Settings,
    policy::{GssCredentials, Payload, Transport, plan},
};
use std::hint::black_box;

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let environment = environment();
    let settings = Settings::parse(CONNINFO).expect("it is well-formed");
    criterion.bench_function("resolve", |bencher| {
        bencher.iter(|| resolve(black_box(&settings), &environment));
    });
    let params = resolve(&settings, &environment);
    criterion.bench_function("plan", |bencher| {
        bencher.iter(|| plan(black_box(&params), Transport::Tcp, GssCredentials::Absent, Payload::Startup));
    });
    criterion.final_summary();
}
