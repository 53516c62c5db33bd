//! Crypto providers as values: nothing is installed for the process, and two of them can be linked at once.

use crate::curves::Secp521r1;
use rustls::{NamedGroup, SignatureScheme, crypto::CryptoProvider};
use std::sync::Arc;

/// The crypto provider of aws-lc-rs, with P-521 as a group. It has post-quantum key exchange and signatures as well.
#[cfg(feature = "aws-lc-rs")]
pub fn aws_lc_rs() -> Arc<CryptoProvider> {
    let mut provider = rustls::crypto::aws_lc_rs::default_provider();
    // The last of the groups: a server has to ask for it.
    provider.kx_groups.push(&crate::p521::Secp521r1);
    Arc::new(provider)
}

/// The crypto provider of ring. A connector completes it with P-521; post-quantum key exchange and signatures it lacks.
#[cfg(feature = "ring")]
pub fn ring() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// The provider with P-521 as its last group, if it has P-384 and not P-521.
///
/// A provider without P-384 was restricted by its program, perhaps to post-quantum groups, and a provider in FIPS mode
/// approves of its own groups alone: both stay as they are.
pub(crate) fn completed(provider: &Arc<CryptoProvider>) -> Arc<CryptoProvider> {
    let has = |name| provider.kx_groups.iter().any(|group| group.name() == name);
    if has(NamedGroup::secp521r1) || !has(NamedGroup::secp384r1) || provider.fips() {
        return provider.clone();
    }
    let mut completed = CryptoProvider::clone(provider);
    completed.kx_groups.push(&Secp521r1);
    Arc::new(completed)
}

/// What OpenSSL 3.5 offers to a server and this provider does not: post-quantum key exchange and signatures.
pub(crate) fn lacking(provider: &CryptoProvider) -> Arc<[&'static str]> {
    let group = NamedGroup::X25519MLKEM768;
    let has_group = provider.kx_groups.iter().any(|had| had.name() == group);
    let schemes = provider.signature_verification_algorithms.supported_schemes();
    let has_signatures = schemes.contains(&SignatureScheme::ML_DSA_65);
    let lacking = [(has_group, "X25519MLKEM768"), (has_signatures, "ML-DSA")];
    lacking.into_iter().filter(|(has, _)| !has).map(|(_, name)| name).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    #[cfg(all(feature = "aws-lc-rs", feature = "ring"))]
    fn both_can_be_made_and_neither_becomes_the_default() {
        let (one, two) = (super::aws_lc_rs(), super::ring());
        assert!(!one.cipher_suites.is_empty() && !two.cipher_suites.is_empty());
        assert!(rustls::crypto::CryptoProvider::get_default().is_none());
    }
}
