//! What it costs to read a connection string: `cargo bench --package pgtls-core --bench parse`. Below 3 µs is wanted.
//!
//! How often memory is allocated for it is counted by a test: `tests/suite/params/allocations.rs`.

use criterion::Criterion;
use pgtls_core::{
    environment::{Environment, Platform},
    param::{Ability, Params, Settings},
};
use std::hint::black_box;

/// Eight parameters, as they are.
const CONNINFO: &str = "host=db.example.com port=5432 dbname=app user=app password=secret sslmode=verify-full \
                        sslrootcert=/etc/ssl/root.crt connect_timeout=10";
const URI: &str = "postgresql://app:secret@db.example.com:5432/app?sslmode=verify-full&\
                   sslrootcert=/etc/ssl/root.crt&connect_timeout=10";

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    for (name, text) in [("parse/conninfo", CONNINFO), ("parse/uri", URI)] {
        criterion.bench_function(name, |bencher| bencher.iter(|| Settings::parse(black_box(text))));
    }
    // All that follows before a connection can be planned.
    let settings = Settings::parse(CONNINFO).expect("it is well-formed");
    let environment = Environment::empty(Platform::Unix);
    criterion.bench_function("resolve", |bencher| {
        bencher.iter(|| Params::resolve(black_box(&settings), None, &environment, Ability::default()));
    });
    criterion.final_summary();
}
