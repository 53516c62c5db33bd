//! A chain and its name, with files that are read: `cargo bench --package pgtls-bench --features others --bench verify`.

use criterion::Criterion;
use openssl::{
    stack::Stack,
    x509::{X509, X509StoreContext, X509StoreContextRef, store::X509StoreBuilder},
};
use pgtls_bench::{
    material::Material,
    work::certificates::{Ours, REVOKED, Webpki, load_crl, webpki_load_crl},
};

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let material = Material::new();
    let bundle = material.bundle();
    for (case, roots) in [("one-root", &material.root), ("bundle", &bundle)] {
        let mut group = criterion.benchmark_group(format!("verify/{case}"));
        let (ours, webpki) = (Ours::new(roots, None), Webpki::new(roots, None));
        group.bench_function("pgtls", |bencher| bencher.iter(|| ours.verify(&material)));
        group.bench_function("webpki", |bencher| bencher.iter(|| webpki.verify(&material)));
        let openssl = openssl(roots, &material);
        group.bench_function("openssl, without the name", |bencher| bencher.iter(&openssl));
        group.finish();
    }
    let crl = material.crl(REVOKED);
    let mut group = criterion.benchmark_group("verify/crl");
    let ours = Ours::new(&material.root, Some(load_crl(&crl)));
    let webpki = Webpki::new(&material.root, Some(webpki_load_crl(&crl)));
    group.bench_function("pgtls", |bencher| bencher.iter(|| ours.verify(&material)));
    group.bench_function("webpki", |bencher| bencher.iter(|| webpki.verify(&material)));
    group.finish();
    criterion.final_summary();
}

/// The verification of OpenSSL, with a store that is filled.
fn openssl(roots: &str, material: &Material) -> impl Fn() -> bool {
    let mut store = X509StoreBuilder::new().expect("OpenSSL has memory");
    for root in X509::stack_from_pem(roots.as_bytes()).expect("the roots are well-formed") {
        store.add_cert(root).expect("OpenSSL has memory");
    }
    let store = store.build();
    let leaf = material.leaf.to_vec();
    let none = Stack::new().expect("OpenSSL has memory");
    move || {
        let leaf = X509::from_der(&leaf).expect("the certificate is well-formed");
        let mut context = X509StoreContext::new().expect("OpenSSL has memory");
        let verified = context.init(&store, &leaf, &none, X509StoreContextRef::verify_cert);
        assert!(matches!(verified, Ok(true)));
        true
    }
}
