//! Connection strings, roots and revocation lists: `cargo bench --package pgtls-bench --features others --bench parse`. Below 3 µs is wanted for a
//! connection string.

use criterion::{BatchSize, Criterion};
use openssl::x509::{X509, X509Crl};
use pgtls_bench::{
    material::Material,
    work::{
        certificates::{REVOKED, load_bundle, load_crl, webpki_load_bundle, webpki_load_crl},
        decisions::{CONNINFO, URI},
    },
};
use pgtls_core::param::Settings;
use std::hint::black_box;

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    for (form, text) in [("conninfo", CONNINFO), ("uri", URI)] {
        let mut group = criterion.benchmark_group(form);
        group.bench_function("pgtls", |bencher| bencher.iter(|| Settings::parse(black_box(text))));
        // It reads files already, and knows fewer parameters.
        let known = text.replace("sslmode=verify-full", "sslmode=require");
        let known =
            known.replace("&sslrootcert=/etc/ssl/root.crt", "").replace("sslrootcert=/etc/ssl/root.crt", "");
        group.bench_function("tokio-postgres, without sslrootcert", |bencher| {
            bencher.iter(|| {
                black_box(known.as_str()).parse::<tokio_postgres::Config>().expect("it is well-formed")
            });
        });
        group.finish();
    }

    let material = Material::new();
    let bundle = material.bundle();
    let mut group = criterion.benchmark_group("bundle");
    group.bench_function("pgtls", |bencher| {
        bencher.iter_batched(|| (), |()| load_bundle(&bundle), BatchSize::PerIteration);
    });
    group.bench_function("webpki", |bencher| bencher.iter(|| webpki_load_bundle(&bundle)));
    group.bench_function("openssl", |bencher| {
        bencher.iter(|| X509::stack_from_pem(black_box(bundle.as_bytes())));
    });
    group.finish();

    let crl = material.crl(REVOKED);
    let mut group = criterion.benchmark_group("crl");
    group.sample_size(10);
    group.bench_function("pgtls", |bencher| bencher.iter(|| load_crl(&crl)));
    group.bench_function("webpki", |bencher| bencher.iter(|| webpki_load_crl(&crl)));
    group.bench_function("openssl", |bencher| bencher.iter(|| X509Crl::from_pem(black_box(crl.as_bytes()))));
    group.finish();
    criterion.final_summary();
}
