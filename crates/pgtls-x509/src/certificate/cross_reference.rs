//! OpenSSL's cross reference of signature algorithms (OpenSSL: `OBJ_find_sigid_algs`).
//!
//! Generated from tests/data/signature_ids.tsv by `cargo xtask generate`.

use super::algorithm::{Hash, SignatureId, SignerKind};
use der::asn1::ObjectIdentifier;

const fn row(
    oid: &'static str,
    digest: Option<Hash>,
    signer: SignerKind,
    releases: [bool; 2],
) -> SignatureId {
    SignatureId { oid: ObjectIdentifier::new_unwrap(oid), digest, signer, releases }
}

/// The rows, sorted by the DER of their identifiers.
pub(super) static CROSS_REFERENCE: [SignatureId; 68] = [
    // SM2-SM3
    row("1.2.156.10197.1.501", None, SignerKind::Other, [true, true]),
    // id-GostR3411-94-with-GostR3410-2001
    row("1.2.643.2.2.3", None, SignerKind::Other, [true, true]),
    // id-GostR3411-94-with-GostR3410-94
    row("1.2.643.2.2.4", None, SignerKind::Other, [true, true]),
    // id-GostR3411-94-with-GostR3410-94-cc
    row("1.2.643.2.9.1.3.3", None, SignerKind::Other, [true, true]),
    // id-GostR3411-94-with-GostR3410-2001-cc
    row("1.2.643.2.9.1.3.4", None, SignerKind::Other, [true, true]),
    // id-tc26-signwithdigest-gost3410-2012-256
    row("1.2.643.7.1.1.3.2", None, SignerKind::Other, [true, true]),
    // id-tc26-signwithdigest-gost3410-2012-512
    row("1.2.643.7.1.1.3.3", None, SignerKind::Other, [true, true]),
    // RSA-MD2
    row("1.2.840.113549.1.1.2", None, SignerKind::Rsa, [true, true]),
    // RSA-MD4
    row("1.2.840.113549.1.1.3", None, SignerKind::Rsa, [true, true]),
    // RSA-MD5
    row("1.2.840.113549.1.1.4", Some(Hash::Md5), SignerKind::Rsa, [true, true]),
    // RSA-SHA1
    row("1.2.840.113549.1.1.5", Some(Hash::Sha1), SignerKind::Rsa, [true, true]),
    // RSASSA-PSS
    row("1.2.840.113549.1.1.10", None, SignerKind::RsaPss, [true, true]),
    // RSA-SHA256
    row("1.2.840.113549.1.1.11", Some(Hash::Sha256), SignerKind::Rsa, [true, true]),
    // RSA-SHA384
    row("1.2.840.113549.1.1.12", Some(Hash::Sha384), SignerKind::Rsa, [true, true]),
    // RSA-SHA512
    row("1.2.840.113549.1.1.13", Some(Hash::Sha512), SignerKind::Rsa, [true, true]),
    // RSA-SHA224
    row("1.2.840.113549.1.1.14", Some(Hash::Sha224), SignerKind::Rsa, [true, true]),
    // DSA-SHA1
    row("1.2.840.10040.4.3", Some(Hash::Sha1), SignerKind::Dsa, [true, true]),
    // ecdsa-with-SHA1
    row("1.2.840.10045.4.1", Some(Hash::Sha1), SignerKind::Ec, [true, true]),
    // ecdsa-with-Recommended
    row("1.2.840.10045.4.2", None, SignerKind::Ec, [true, true]),
    // ecdsa-with-Specified
    row("1.2.840.10045.4.3", None, SignerKind::Ec, [true, true]),
    // ecdsa-with-SHA224
    row("1.2.840.10045.4.3.1", Some(Hash::Sha224), SignerKind::Ec, [true, true]),
    // ecdsa-with-SHA256
    row("1.2.840.10045.4.3.2", Some(Hash::Sha256), SignerKind::Ec, [true, true]),
    // ecdsa-with-SHA384
    row("1.2.840.10045.4.3.3", Some(Hash::Sha384), SignerKind::Ec, [true, true]),
    // ecdsa-with-SHA512
    row("1.2.840.10045.4.3.4", Some(Hash::Sha512), SignerKind::Ec, [true, true]),
    // RSA-NP-MD5
    row("1.3.14.3.2.3", Some(Hash::Md5), SignerKind::Rsa, [true, true]),
    // DSA-SHA
    row("1.3.14.3.2.13", None, SignerKind::Dsa, [true, true]),
    // RSA-SHA
    row("1.3.14.3.2.15", None, SignerKind::Rsa, [true, true]),
    // DSA-SHA1-old
    row("1.3.14.3.2.27", Some(Hash::Sha1), SignerKind::Dsa, [true, true]),
    // RSA-SHA1-2
    row("1.3.14.3.2.29", Some(Hash::Sha1), SignerKind::Rsa, [true, true]),
    // RSA-RIPEMD160
    row("1.3.36.3.3.1.2", Some(Hash::Ripemd160), SignerKind::Rsa, [true, true]),
    // ED25519
    row("1.3.101.112", None, SignerKind::Ed25519, [true, true]),
    // ED448
    row("1.3.101.113", None, SignerKind::Ed448, [true, true]),
    // dhSinglePass-stdDH-sha224kdf-scheme
    row("1.3.132.1.11.0", Some(Hash::Sha224), SignerKind::Other, [true, true]),
    // dhSinglePass-stdDH-sha256kdf-scheme
    row("1.3.132.1.11.1", Some(Hash::Sha256), SignerKind::Other, [true, true]),
    // dhSinglePass-stdDH-sha384kdf-scheme
    row("1.3.132.1.11.2", Some(Hash::Sha384), SignerKind::Other, [true, true]),
    // dhSinglePass-stdDH-sha512kdf-scheme
    row("1.3.132.1.11.3", Some(Hash::Sha512), SignerKind::Other, [true, true]),
    // dhSinglePass-cofactorDH-sha224kdf-scheme
    row("1.3.132.1.14.0", Some(Hash::Sha224), SignerKind::Other, [true, true]),
    // dhSinglePass-cofactorDH-sha256kdf-scheme
    row("1.3.132.1.14.1", Some(Hash::Sha256), SignerKind::Other, [true, true]),
    // dhSinglePass-cofactorDH-sha384kdf-scheme
    row("1.3.132.1.14.2", Some(Hash::Sha384), SignerKind::Other, [true, true]),
    // dhSinglePass-cofactorDH-sha512kdf-scheme
    row("1.3.132.1.14.3", Some(Hash::Sha512), SignerKind::Other, [true, true]),
    // dhSinglePass-stdDH-sha1kdf-scheme
    row("1.3.133.16.840.63.0.2", Some(Hash::Sha1), SignerKind::Other, [true, true]),
    // dhSinglePass-cofactorDH-sha1kdf-scheme
    row("1.3.133.16.840.63.0.3", Some(Hash::Sha1), SignerKind::Other, [true, true]),
    // RSA-MDC2
    row("2.5.8.3.100", None, SignerKind::Rsa, [true, true]),
    // dsa_with_SHA224
    row("2.16.840.1.101.3.4.3.1", Some(Hash::Sha224), SignerKind::Dsa, [true, true]),
    // dsa_with_SHA256
    row("2.16.840.1.101.3.4.3.2", Some(Hash::Sha256), SignerKind::Dsa, [true, true]),
    // id-ecdsa-with-sha3-224
    row("2.16.840.1.101.3.4.3.9", Some(Hash::Sha3Of224), SignerKind::Ec, [false, true]),
    // id-ecdsa-with-sha3-256
    row("2.16.840.1.101.3.4.3.10", Some(Hash::Sha3Of256), SignerKind::Ec, [false, true]),
    // id-ecdsa-with-sha3-384
    row("2.16.840.1.101.3.4.3.11", Some(Hash::Sha3Of384), SignerKind::Ec, [false, true]),
    // id-ecdsa-with-sha3-512
    row("2.16.840.1.101.3.4.3.12", Some(Hash::Sha3Of512), SignerKind::Ec, [false, true]),
    // id-rsassa-pkcs1-v1_5-with-sha3-224
    row("2.16.840.1.101.3.4.3.13", Some(Hash::Sha3Of224), SignerKind::Rsa, [true, true]),
    // id-rsassa-pkcs1-v1_5-with-sha3-256
    row("2.16.840.1.101.3.4.3.14", Some(Hash::Sha3Of256), SignerKind::Rsa, [true, true]),
    // id-rsassa-pkcs1-v1_5-with-sha3-384
    row("2.16.840.1.101.3.4.3.15", Some(Hash::Sha3Of384), SignerKind::Rsa, [true, true]),
    // id-rsassa-pkcs1-v1_5-with-sha3-512
    row("2.16.840.1.101.3.4.3.16", Some(Hash::Sha3Of512), SignerKind::Rsa, [true, true]),
    // id-ml-dsa-44
    row("2.16.840.1.101.3.4.3.17", None, SignerKind::Other, [false, true]),
    // id-ml-dsa-65
    row("2.16.840.1.101.3.4.3.18", None, SignerKind::Other, [false, true]),
    // id-ml-dsa-87
    row("2.16.840.1.101.3.4.3.19", None, SignerKind::Other, [false, true]),
    // id-slh-dsa-sha2-128s
    row("2.16.840.1.101.3.4.3.20", None, SignerKind::Other, [false, true]),
    // id-slh-dsa-sha2-128f
    row("2.16.840.1.101.3.4.3.21", None, SignerKind::Other, [false, true]),
    // id-slh-dsa-sha2-192s
    row("2.16.840.1.101.3.4.3.22", None, SignerKind::Other, [false, true]),
    // id-slh-dsa-sha2-192f
    row("2.16.840.1.101.3.4.3.23", None, SignerKind::Other, [false, true]),
    // id-slh-dsa-sha2-256s
    row("2.16.840.1.101.3.4.3.24", None, SignerKind::Other, [false, true]),
    // id-slh-dsa-sha2-256f
    row("2.16.840.1.101.3.4.3.25", None, SignerKind::Other, [false, true]),
    // id-slh-dsa-shake-128s
    row("2.16.840.1.101.3.4.3.26", None, SignerKind::Other, [false, true]),
    // id-slh-dsa-shake-128f
    row("2.16.840.1.101.3.4.3.27", None, SignerKind::Other, [false, true]),
    // id-slh-dsa-shake-192s
    row("2.16.840.1.101.3.4.3.28", None, SignerKind::Other, [false, true]),
    // id-slh-dsa-shake-192f
    row("2.16.840.1.101.3.4.3.29", None, SignerKind::Other, [false, true]),
    // id-slh-dsa-shake-256s
    row("2.16.840.1.101.3.4.3.30", None, SignerKind::Other, [false, true]),
    // id-slh-dsa-shake-256f
    row("2.16.840.1.101.3.4.3.31", None, SignerKind::Other, [false, true]),
];
