//! Identifiers of signature algorithms that `rustls-PKI-types` does not have: the content of the AlgorithmIdentifier in DER, as
//! `SignatureVerificationAlgorithm::signature_alg_id` returns it.
//!
//! Path validation looks for algorithms by these identifiers in [`VerifyOptions::algorithms`](crate::VerifyOptions::algorithms).

use rustls_pki_types::AlgorithmIdentifier;

/// `sha1WithRSAEncryption` (RFC 8017, appendix A.2.4).
pub const RSA_PKCS1_SHA1: AlgorithmIdentifier = AlgorithmIdentifier::from_slice(&[
    0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x05, 0x05, 0x00,
]);

/// `sha224WithRSAEncryption` (RFC 8017, appendix A.2.4).
pub const RSA_PKCS1_SHA224: AlgorithmIdentifier = AlgorithmIdentifier::from_slice(&[
    0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0e, 0x05, 0x00,
]);

/// `ecdsa-with-SHA1` (RFC 3279, section 2.2.3).
pub const ECDSA_SHA1: AlgorithmIdentifier =
    AlgorithmIdentifier::from_slice(&[0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x01]);

/// `ecdsa-with-SHA224` (RFC 5758, section 3.2).
pub const ECDSA_SHA224: AlgorithmIdentifier =
    AlgorithmIdentifier::from_slice(&[0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x01]);
