//! A whole negotiation, without a server: `cargo bench --package pgtls-bench --bench negotiation`.

use criterion::Criterion;
use pgtls_bench::work::decisions::{prefer, session};
use std::hint::black_box;

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let session = session();
    for (name, reply) in [("granted", b"S"), ("refused", b"N")] {
        criterion.bench_function(&format!("negotiation/{name}"), |bencher| {
            bencher.iter(|| prefer(black_box(reply), session));
        });
    }
    criterion.final_summary();
}
