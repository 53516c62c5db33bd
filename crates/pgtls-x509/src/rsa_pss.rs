//! Private keys that are for RSASSA-PSS alone, which crypto providers know only as plain RSA keys.

use crate::tlv::{Reader, tag};
use rustls_pki_types::{PrivatePkcs1KeyDer, PrivatePkcs8KeyDer};

/// A private key that is for RSASSA-PSS alone, borrowed from its PKCS#8 form.
#[derive(Debug)]
#[non_exhaustive]
pub struct RsaPssKey<'a> {
    /// What it may be used for: the content of its AlgorithmIdentifier, which is `id-RSASSA-PSS` alone for any hash, or
    /// with parameters for one (RFC 4055, section 1.2).
    pub algorithm: &'a [u8],
    /// The RSA key.
    pub key: PrivatePkcs1KeyDer<'a>,
}

/// The parts of a PKCS#8 key that is for RSASSA-PSS alone; `None` for a key of any other kind.
pub fn rsa_pss_key<'a>(key: &'a PrivatePkcs8KeyDer<'_>) -> Option<RsaPssKey<'a>> {
    const RSASSA_PSS: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a];
    let mut inside = Reader::new(key.secret_pkcs8_der()).expect(tag::SEQUENCE, "a key").ok()?.inside();
    inside.expect(tag::INTEGER, "a version").ok()?;
    let algorithm = inside.expect(tag::SEQUENCE, "an algorithm").ok()?;
    let name = algorithm.inside().expect(tag::OID, "a name").ok()?;
    let key = inside.expect(tag::OCTET_STRING, "a key").ok()?;
    (name.value == RSASSA_PSS)
        .then(|| RsaPssKey { algorithm: algorithm.value, key: PrivatePkcs1KeyDer::from(key.value) })
}
