//! What the security level leaves of a provider's suites and groups and of the signature schemes (OpenSSL:
//! `ssl_security_default_callback`). Keys and digests of certificates are judged in `pgtls-x509`.

use pgtls_x509::SecurityLevel;
use pgtls_x509::openssl_conf::{CIPHER_SUITES, GROUPS, TLS13_SUITES};
use rustls::{CipherSuite, NamedGroup, SignatureScheme};

/// Whether a suite is strong enough. One that OpenSSL does not have is for its provider to vouch for.
pub(crate) fn is_strong_suite(suite: CipherSuite, level: SecurityLevel) -> bool {
    suite_bits(suite.into()).is_none_or(|bits| bits >= level.bits())
}

/// The same for a group.
pub(crate) fn is_strong_group(group: NamedGroup, level: SecurityLevel) -> bool {
    group_bits(group.into()).is_none_or(|bits| bits >= level.bits())
}

fn suite_bits(id: u16) -> Option<u16> {
    let tls12 = CIPHER_SUITES.iter().find(|suite| suite.id == id).map(|suite| suite.bits);
    tls12.or_else(|| TLS13_SUITES.iter().find(|suite| suite.id == id).map(|suite| suite.bits))
}

fn group_bits(id: u16) -> Option<u16> {
    GROUPS.iter().find(|group| group.id == id).map(|group| group.bits)
}

/// Whether a server may sign with this scheme (OpenSSL: `sigalg_security_bits`): half the length of its digest counts.
pub(crate) fn is_strong_scheme(scheme: SignatureScheme, level: SecurityLevel) -> bool {
    let bits = match scheme {
        SignatureScheme::RSA_PKCS1_SHA1 | SignatureScheme::ECDSA_SHA1_Legacy => 63,
        SignatureScheme::RSA_PKCS1_SHA256
        | SignatureScheme::RSA_PSS_SHA256
        | SignatureScheme::ECDSA_NISTP256_SHA256
        | SignatureScheme::ED25519
        | SignatureScheme::ML_DSA_44
        | SignatureScheme::Unknown(0x0809) => 128,
        SignatureScheme::RSA_PKCS1_SHA384
        | SignatureScheme::RSA_PSS_SHA384
        | SignatureScheme::ECDSA_NISTP384_SHA384
        | SignatureScheme::ML_DSA_65
        | SignatureScheme::Unknown(0x080a) => 192,
        SignatureScheme::ED448 => 224,
        _ => 256,
    };
    bits >= level.bits()
}
