//! Signatures, the usual ones and those that libraries no longer make.

use super::{
    der::{self, tag},
    key::{Key, KeyKind},
};
use ::der::asn1::ObjectIdentifier;
use core::fmt;
use p256::ecdsa::signature::hazmat::PrehashSigner as _;
use rsa::{
    PrivateKey,
    pkcs8::DecodePrivateKey as _,
    signature::{SignatureEncoding as _, Signer as _},
};
use sha1::{Digest as _, Sha1};
use sha2::{Sha256, Sha512};

/// What an issuer's signature is made with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(super) enum Digest {
    /// What belongs to the kind of key.
    #[default]
    Usual,
    Sha1,
    Sha512,
    /// RSASSA-PSS with SHA-256.
    Pss,
}

/// A key that could not be made, or could not sign.
#[derive(Debug)]
pub(super) struct SignError(String);

impl SignError {
    pub(super) fn new(error: impl fmt::Display) -> Self {
        Self(error.to_string())
    }
}

impl fmt::Display for SignError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// AlgorithmIdentifier.
pub(super) fn algorithm(kind: KeyKind, digest: Digest) -> Vec<u8> {
    let (oid, parameters) = match (kind, digest) {
        (KeyKind::Ed25519, _) => (ED25519, None),
        (KeyKind::P256, Digest::Usual | Digest::Pss) => (ECDSA_WITH_SHA256, None),
        (KeyKind::P384, Digest::Usual | Digest::Pss) => (ECDSA_WITH_SHA384, None),
        (KeyKind::P256 | KeyKind::P384 | KeyKind::P521, Digest::Sha1) => (ECDSA_WITH_SHA1, None),
        (KeyKind::P256 | KeyKind::P384 | KeyKind::P521, _) => (ECDSA_WITH_SHA512, None),
        (KeyKind::RsaPss, _) | (_, Digest::Pss) => (RSASSA_PSS, Some(pss_parameters())),
        // RFC 4055 wants NULL parameters for RSA, RFC 5758 and 8410 want none for the curves.
        (_, Digest::Usual) => (SHA256_WITH_RSA, Some(der::null())),
        (_, Digest::Sha1) => (SHA1_WITH_RSA, Some(der::null())),
        (_, Digest::Sha512) => (SHA512_WITH_RSA, Some(der::null())),
    };
    der::sequence([Some(der::oid(oid)), parameters].into_iter().flatten())
}

/// SHA-256, MGF1 with it, and a salt of its length.
fn pss_parameters() -> Vec<u8> {
    let sha256 = || der::sequence([der::oid(SHA256), der::null()]);
    der::sequence([
        der::tlv(tag::context_constructed(0), [sha256()]),
        der::tlv(tag::context_constructed(1), [der::sequence([der::oid(MGF1), sha256()])]),
        der::tlv(tag::context_constructed(2), [der::integer(32)]),
    ])
}

/// A signature that the usual library does not make.
pub(super) fn sign(key: &Key, digest: Digest, message: &[u8]) -> Result<Vec<u8>, SignError> {
    match key.kind() {
        KeyKind::P256 => {
            let key = p256::ecdsa::SigningKey::from_pkcs8_der(key.plain_pkcs8()).map_err(SignError::new)?;
            let hash = match digest {
                Digest::Sha1 => Sha1::digest(message).to_vec(),
                Digest::Sha512 => Sha512::digest(message).to_vec(),
                Digest::Usual | Digest::Pss => Sha256::digest(message).to_vec(),
            };
            let signature: p256::ecdsa::Signature = key.sign_prehash(&hash).map_err(SignError::new)?;
            Ok(signature.to_der().as_bytes().to_vec())
        }
        KeyKind::Rsa1024 | KeyKind::Rsa2048 | KeyKind::Rsa3072 | KeyKind::Rsa4096 | KeyKind::RsaPss => {
            let private = PrivateKey::from_pkcs8_der(key.plain_pkcs8()).map_err(SignError::new)?;
            match digest {
                Digest::Usual if key.kind() != KeyKind::RsaPss => {
                    rsa::pkcs1v15::SigningKey::<Sha256>::new(private).try_sign(message).map(|s| s.to_vec())
                }
                Digest::Usual | Digest::Pss => {
                    rsa::pss::SigningKey::<Sha256>::new(private).try_sign(message).map(|s| s.to_vec())
                }
                Digest::Sha1 => {
                    rsa::pkcs1v15::SigningKey::<Sha1>::new(private).try_sign(message).map(|s| s.to_vec())
                }
                Digest::Sha512 => {
                    rsa::pkcs1v15::SigningKey::<Sha512>::new(private).try_sign(message).map(|s| s.to_vec())
                }
            }
            .map_err(SignError::new)
        }
        KeyKind::P384 | KeyKind::P521 | KeyKind::Ed25519 => {
            Err(SignError(format!("nothing here signs with {:?} and {digest:?}", key.kind())))
        }
    }
}

const ECDSA_WITH_SHA1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.1");
const ECDSA_WITH_SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.2");
const ECDSA_WITH_SHA384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.3");
const ECDSA_WITH_SHA512: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.4");
const SHA1_WITH_RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.5");
const MGF1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.8");
pub(super) const RSASSA_PSS: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.10");
const SHA256_WITH_RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.11");
const SHA512_WITH_RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.13");
const SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.1");
pub(super) const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");
