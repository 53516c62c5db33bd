//! Chains: the input is certificates one after the other, the first is the peer's, every other one is trusted.

use pgtls_x509::{Purpose, SecurityLevel, TrustStore, VerifyOptions, verify_chain};
use rustls_pki_types::UnixTime;
use std::time::Duration;

/// A path leads from the peer's certificate to one that is trusted, and holds again when its own certificates are all
/// that is presented.
pub fn path(chain: &[u8]) {
    let certificates: Vec<&[u8]> = split(chain);
    let [leaf, presented @ ..] = certificates.as_slice() else { return };
    let trust = TrustStore::from_der(certificates.iter().copied().step_by(2));
    let options = VerifyOptions::new(
        UnixTime::since_unix_epoch(Duration::from_secs(1_750_000_000)),
        Purpose::Server,
        SecurityLevel(0),
        rustls::crypto::ring::default_provider().signature_verification_algorithms.all,
    );
    let Ok(path) = verify_chain(leaf, presented, &trust, None, &options) else { return };
    let links: Vec<&[u8]> = path.certificates.iter().map(AsRef::as_ref).collect();
    assert_eq!(links.first(), Some(leaf));
    assert!(trust.certificates().any(|trusted| links.last() == Some(&trusted)));
    assert_eq!(verify_chain(leaf, &links[1..], &trust, None, &options), Ok(path.clone()));
}

/// Cuts where the length of each says that it ends; what is no certificate is one to the end.
fn split(chain: &[u8]) -> Vec<&[u8]> {
    let mut certificates = Vec::new();
    let mut rest = chain;
    while !rest.is_empty() {
        let end = match rest {
            [0x30, 0x82, high, low, ..] => 4 + usize::from(u16::from_be_bytes([*high, *low])),
            _ => rest.len(),
        };
        let (certificate, after) = rest.split_at(end.min(rest.len()));
        certificates.push(certificate);
        rest = after;
    }
    certificates
}
