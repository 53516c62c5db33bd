//! Whether a certificate is the host's: `cargo bench --package pgtls-bench --bench names`.

use criterion::Criterion;
use pgtls_bench::work::decisions::named;

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    for named in named() {
        let names = named.names();
        criterion.bench_function(named.case, |bencher| bencher.iter(|| named.matches(&names)));
    }
    criterion.final_summary();
}
