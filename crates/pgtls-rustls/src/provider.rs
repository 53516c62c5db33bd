//! Crypto providers as values: nothing is installed for the process, and two of them can be linked at once.

#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
use {rustls::crypto::CryptoProvider, std::sync::Arc};

/// The provider of aws-lc-rs: P-521, for keys and as a group, post-quantum key exchange, RSA-PSS.
#[cfg(feature = "aws-lc-rs")]
pub fn aws_lc_rs() -> Arc<CryptoProvider> {
    let mut provider = rustls::crypto::aws_lc_rs::default_provider();
    // The last of the groups: a server has to ask for it.
    provider.kx_groups.push(&crate::p521::Secp521r1);
    Arc::new(provider)
}

/// The provider of ring. It has no P-521: a server with such a key cannot be connected to.
#[cfg(feature = "ring")]
pub fn ring() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
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
