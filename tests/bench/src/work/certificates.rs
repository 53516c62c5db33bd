//! Chains, with the names of the server's certificate, and revocation lists: for us, and for webpki.

use crate::{
    material::{HOST, Material},
    setup::Provider,
};
use pgtls_core::{
    hardening::Hardening,
    name::{NameRules, match_host},
};
use pgtls_x509::{
    CrlStore, Purpose, SecurityLevel, TrustStore, VerifyOptions, presented_names, verify_chain,
};
use rustls::{
    crypto::WebPkiSupportedAlgorithms,
    pki_types::{
        CertificateDer, CertificateRevocationListDer, ServerName, TrustAnchor, UnixTime, pem::PemObject as _,
    },
};
use std::hint::black_box;
use webpki::{
    CertRevocationList, EndEntityCert, ExpirationPolicy, KeyUsage, OwnedCertRevocationList,
    RevocationOptionsBuilder, anchor_from_trusted_cert,
};

/// Certificates that a large authority has revoked.
pub const REVOKED: u64 = 100_000;

/// What pgtls verifies with.
#[derive(Debug)]
pub struct Ours {
    store: TrustStore,
    crls: Option<CrlStore>,
    algorithms: WebPkiSupportedAlgorithms,
}

/// What webpki verifies with.
#[derive(Debug)]
pub struct Webpki {
    anchors: Vec<TrustAnchor<'static>>,
    crl: Option<CertRevocationList<'static>>,
    algorithms: WebPkiSupportedAlgorithms,
    name: ServerName<'static>,
}

/// Reads roots.
pub fn load_bundle(pem: &str) -> TrustStore {
    TrustStore::from_pem(black_box(pem.as_bytes())).unwrap()
}

/// Reads roots as webpki's users do.
pub fn webpki_load_bundle(pem: &str) -> Vec<TrustAnchor<'static>> {
    let roots = CertificateDer::pem_slice_iter(black_box(pem.as_bytes())).map(Result::unwrap);
    roots.map(|root| anchor_from_trusted_cert(&root).unwrap().to_owned()).collect()
}

/// Reads a revocation list.
pub fn load_crl(pem: &str) -> CrlStore {
    CrlStore::from_pem(black_box(pem.as_bytes())).unwrap()
}

/// Reads it as webpki's users do.
pub fn webpki_load_crl(pem: &str) -> OwnedCertRevocationList {
    let der = CertificateRevocationListDer::from_pem_slice(black_box(pem.as_bytes())).unwrap();
    OwnedCertRevocationList::from_der(&der).unwrap()
}

impl Ours {
    /// With these roots, and this revocation list.
    pub fn new(roots: &str, crls: Option<CrlStore>) -> Self {
        let algorithms = Provider::AwsLcRs.make().signature_verification_algorithms;
        Self { store: load_bundle(roots), crls, algorithms }
    }

    /// The chain, and then the name.
    pub fn verify(&self, material: &Material) {
        let options =
            VerifyOptions::new(UnixTime::now(), Purpose::Server, SecurityLevel::DEFAULT, self.algorithms.all);
        let leaf = black_box(&material.leaf);
        verify_chain(leaf, &[], &self.store, self.crls.as_ref(), &options).unwrap();
        let names = presented_names(leaf).unwrap();
        match_host(Some(HOST), &names.peer_names(), NameRules::Pg15, Hardening::NONE).unwrap();
    }
}

impl Webpki {
    /// With these roots, and this revocation list.
    pub fn new(roots: &str, crl: Option<OwnedCertRevocationList>) -> Self {
        let algorithms = Provider::AwsLcRs.make().signature_verification_algorithms;
        let name = ServerName::try_from(HOST).unwrap();
        Self { anchors: webpki_load_bundle(roots), crl: crl.map(Into::into), algorithms, name }
    }

    /// The chain, and then the name.
    pub fn verify(&self, material: &Material) {
        let crls: Vec<_> = self.crl.iter().collect();
        let revocation = RevocationOptionsBuilder::new(&crls).ok();
        let revocation =
            revocation.map(|builder| builder.with_expiration_policy(ExpirationPolicy::Enforce).build());
        let leaf = EndEntityCert::try_from(black_box(&material.leaf)).unwrap();
        leaf.verify_for_usage(
            self.algorithms.all,
            &self.anchors,
            &[],
            UnixTime::now(),
            KeyUsage::server_auth(),
            revocation,
            None,
        )
        .unwrap();
        leaf.verify_is_valid_for_subject_name(&self.name).unwrap();
    }
}
