//! Key pairs: what rcgen makes, and the few encodings that a certificate needs of them.

use super::der;
use ::der::asn1::ObjectIdentifier;
use pem_rfc7468::LineEnding;
use rcgen::{KeyPair, PublicKeyData, RsaKeySize, SigningKey};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use sha1::{Digest, Sha1};
use sha2::{Sha256, Sha384, Sha512};

/// What a key is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum KeyKind {
    /// ECDSA on P-256, the quickest to make.
    #[default]
    P256,
    /// ECDSA on P-384.
    P384,
    /// ECDSA on P-521.
    P521,
    /// Ed25519.
    Ed25519,
    /// RSA of 2048 bits.
    Rsa2048,
    /// RSA of 3072 bits.
    Rsa3072,
    /// RSA of 4096 bits.
    Rsa4096,
}

/// A key pair, fresh in every zoo.
#[derive(Debug)]
pub struct Key {
    kind: KeyKind,
    pair: KeyPair,
}

impl Key {
    pub(super) fn generate(kind: KeyKind) -> Result<Self, rcgen::Error> {
        let pair = match kind {
            KeyKind::P256 => KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256),
            KeyKind::P384 => KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384),
            KeyKind::P521 => KeyPair::generate_for(&rcgen::PKCS_ECDSA_P521_SHA512),
            KeyKind::Ed25519 => KeyPair::generate_for(&rcgen::PKCS_ED25519),
            KeyKind::Rsa2048 => KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, RsaKeySize::_2048),
            KeyKind::Rsa3072 => KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, RsaKeySize::_3072),
            KeyKind::Rsa4096 => KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, RsaKeySize::_4096),
        }?;
        Ok(Self { kind, pair })
    }

    /// What it is made of.
    pub fn kind(&self) -> KeyKind {
        self.kind
    }

    /// The private key as PKCS#8 (RFC 5208).
    pub fn pkcs8(&self) -> PrivateKeyDer<'static> {
        PrivatePkcs8KeyDer::from(self.pkcs8_version_1()).into()
    }

    /// The private key as a PEM block `PRIVATE KEY`.
    pub fn pem(&self) -> String {
        pem("PRIVATE KEY", &self.pkcs8_version_1())
    }

    /// SubjectPublicKeyInfo.
    pub(super) fn subject_public_key_info(&self) -> Vec<u8> {
        self.pair.subject_public_key_info()
    }

    /// SHA-1 over the public key's bits (RFC 5280, section 4.2.1.2, method 1).
    pub(super) fn identifier(&self) -> Vec<u8> {
        Sha1::digest(self.pair.der_bytes()).to_vec()
    }

    /// AlgorithmIdentifier of the signatures that `sign` makes.
    pub(super) fn signature_algorithm(&self) -> Vec<u8> {
        let (oid, null) = match self.kind {
            KeyKind::P256 => (ECDSA_WITH_SHA256, false),
            KeyKind::P384 => (ECDSA_WITH_SHA384, false),
            KeyKind::P521 => (ECDSA_WITH_SHA512, false),
            KeyKind::Ed25519 => (ED25519, false),
            KeyKind::Rsa2048 | KeyKind::Rsa3072 | KeyKind::Rsa4096 => (SHA256_WITH_RSA, true),
        };
        // RFC 4055 wants NULL parameters for RSA, RFC 5758 and 8410 want none for the curves.
        der::sequence([Some(der::oid(oid)), null.then(der::null)].into_iter().flatten())
    }

    /// The digest of `bytes` with the hash that its signatures use; Ed25519 names none.
    pub(super) fn signature_hash(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        match self.kind {
            KeyKind::P256 | KeyKind::Rsa2048 | KeyKind::Rsa3072 | KeyKind::Rsa4096 => {
                Some(Sha256::digest(bytes).to_vec())
            }
            KeyKind::P384 => Some(Sha384::digest(bytes).to_vec()),
            KeyKind::P521 => Some(Sha512::digest(bytes).to_vec()),
            KeyKind::Ed25519 => None,
        }
    }

    /// Signs with the algorithm that `signature_algorithm` names.
    pub(super) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        self.pair.sign(message)
    }

    /// rcgen writes Ed25519 keys as version 2 of RFC 5958, with the public key beside the private one, which OpenSSL 3.0
    /// does not read. The seed inside is the whole key.
    fn pkcs8_version_1(&self) -> Vec<u8> {
        let written = self.pair.serialized_der();
        let seed = || written.strip_prefix(ED25519_VERSION_2)?.get(..32);
        match seed() {
            Some(seed) => der::sequence([
                der::integer(0),
                der::sequence([der::oid(ED25519)]),
                der::octets(der::octets(seed)),
            ]),
            None => written.to_vec(),
        }
    }
}

/// A PEM block (RFC 7468).
pub(super) fn pem(label: &'static str, der: &[u8]) -> String {
    pem_rfc7468::encode_string(label, LineEnding::LF, der)
        .expect("a label of ours is well formed and nothing of ours is too long for a string")
}

const ECDSA_WITH_SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.2");
const ECDSA_WITH_SHA384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.3");
const ECDSA_WITH_SHA512: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.4");
const SHA256_WITH_RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.11");
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");

/// How a version 2 Ed25519 key begins: SEQUENCE, version 1, the algorithm, and the two OCTET STRINGs around the seed.
const ED25519_VERSION_2: &[u8] =
    &[0x30, 0x51, 0x02, 0x01, 0x01, 0x30, 0x05, 0x06, 0x03, 0x2B, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];
