//! Files and chains, beside what webpki needs for the same.

use crate::{measure, measure_again};
use pgtls_bench::material::{HOST, Material};
use pgtls_x509::{
    CrlStore, Purpose, SecurityLevel, TrustStore, VerifyOptions, presented_names, verify_chain,
};
use rustls::pki_types::{
    CertificateDer, CertificateRevocationListDer, ServerName, UnixTime, pem::PemObject as _,
};
use std::hint::black_box;
use webpki::{
    CertRevocationList, EndEntityCert, ExpirationPolicy, KeyUsage, OwnedCertRevocationList,
    RevocationOptionsBuilder, anchor_from_trusted_cert,
};

/// Certificates that a large authority has revoked.
const REVOKED: u64 = 100_000;

pub(crate) fn measure_all() {
    let material = Material::new();
    let bundle = material.bundle();
    verify(&material, "one-root", &material.root);
    verify(&material, "bundle", &bundle);
    measure("load-bundle", || TrustStore::from_pem(black_box(bundle.as_bytes())).unwrap());

    let (few, many) = (material.crl(100), material.crl(REVOKED));
    let few = CrlStore::from_pem(few.as_bytes()).unwrap();
    let owned = measure("webpki-load-crl", || {
        let der = CertificateRevocationListDer::from_pem_slice(black_box(many.as_bytes())).unwrap();
        OwnedCertRevocationList::from_der(&der).unwrap()
    });
    let many = measure("load-crl", || CrlStore::from_pem(black_box(many.as_bytes())).unwrap());
    verify_with_crl(&material, "verify-crl-100", &few);
    verify_with_crl(&material, "verify-crl-100000", &many);
    webpki_verify_with_crl(&material, &owned.into());
}

fn options(algorithms: &rustls::crypto::WebPkiSupportedAlgorithms) -> VerifyOptions<'static> {
    VerifyOptions::new(UnixTime::now(), Purpose::Server, SecurityLevel::DEFAULT, algorithms.all)
}

/// The chain and its names, against roots that are parsed.
fn verify(material: &Material, roots: &str, pem: &str) {
    let store = TrustStore::from_pem(pem.as_bytes()).unwrap();
    let algorithms = pgtls_rustls::aws_lc_rs().signature_verification_algorithms;
    let options = options(&algorithms);
    let chain = || verify_chain(black_box(&material.leaf), &[], &store, None, &options).unwrap();
    measure_again(&format!("verify-{roots}"), chain);
    measure_again("presented-names", || presented_names(black_box(&material.leaf)).unwrap());

    let roots_der: Vec<_> = CertificateDer::pem_slice_iter(pem.as_bytes()).map(Result::unwrap).collect();
    let anchors: Vec<_> = roots_der.iter().map(|root| anchor_from_trusted_cert(root).unwrap()).collect();
    let name = ServerName::try_from(HOST).unwrap();
    measure_again(&format!("webpki-verify-{roots}"), || {
        let leaf = EndEntityCert::try_from(black_box(&material.leaf)).unwrap();
        leaf.verify_for_usage(
            algorithms.all,
            &anchors,
            &[],
            options.time,
            KeyUsage::server_auth(),
            None,
            None,
        )
        .unwrap();
        leaf.verify_is_valid_for_subject_name(&name).unwrap();
    });
}

/// The same with a revocation list that has been used before.
fn verify_with_crl(material: &Material, case: &str, crls: &CrlStore) {
    let store = TrustStore::from_pem(material.root.as_bytes()).unwrap();
    let algorithms = pgtls_rustls::aws_lc_rs().signature_verification_algorithms;
    let options = options(&algorithms);
    let chain = || verify_chain(black_box(&material.leaf), &[], &store, Some(crls), &options).unwrap();
    measure_again(case, chain);
}

fn webpki_verify_with_crl(material: &Material, crl: &CertRevocationList<'_>) {
    let root = CertificateDer::from_pem_slice(material.root.as_bytes()).unwrap();
    let anchors = [anchor_from_trusted_cert(&root).unwrap()];
    let algorithms = pgtls_rustls::aws_lc_rs().signature_verification_algorithms;
    let crls = [crl];
    measure_again("webpki-verify-crl-100000", || {
        let revocation =
            RevocationOptionsBuilder::new(&crls).unwrap().with_expiration_policy(ExpirationPolicy::Enforce);
        let leaf = EndEntityCert::try_from(black_box(&material.leaf)).unwrap();
        leaf.verify_for_usage(
            algorithms.all,
            &anchors,
            &[],
            UnixTime::now(),
            KeyUsage::server_auth(),
            Some(revocation.build()),
            None,
        )
        .unwrap();
    });
}
