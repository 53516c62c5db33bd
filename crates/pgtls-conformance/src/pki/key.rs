//! Key pairs, and the few encodings that a certificate needs of them.

use super::{
    der,
    sign::{self, Digest, SignError},
};
use ::der::asn1::ObjectIdentifier;
use pem_rfc7468::LineEnding;
use rcgen::{KeyPair, PublicKeyData, RsaKeySize, SigningKey as _};
use rsa::pkcs8::{EncodePrivateKey as _, EncodePublicKey as _};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use sha1::{Digest as _, Sha1};
use sha2::{Sha256, Sha384, Sha512};

/// What a key is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
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
    /// RSA of 1024 bits, which nobody should trust.
    Rsa1024,
    /// RSA of 2048 bits.
    Rsa2048,
    /// RSA of 3072 bits.
    Rsa3072,
    /// RSA of 4096 bits.
    Rsa4096,
    /// RSA of 2048 bits that says of itself that it signs by RSASSA-PSS only (RFC 4055, section 1.2).
    RsaPss,
}

/// A key pair, fresh in every PKI.
#[derive(Debug)]
pub struct Key {
    kind: KeyKind,
    /// The private key as PKCS#8, version 1, of its plain algorithm.
    pkcs8: Vec<u8>,
    /// SubjectPublicKeyInfo.
    public: Vec<u8>,
    identifier: Vec<u8>,
    pair: Option<KeyPair>,
}

impl Key {
    pub(super) fn generate(kind: KeyKind) -> Result<Self, SignError> {
        let pair = match kind {
            KeyKind::P256 => KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256),
            KeyKind::P384 => KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384),
            KeyKind::P521 => KeyPair::generate_for(&rcgen::PKCS_ECDSA_P521_SHA512),
            KeyKind::Ed25519 => KeyPair::generate_for(&rcgen::PKCS_ED25519),
            KeyKind::Rsa1024 => return Self::weak(),
            KeyKind::Rsa2048 | KeyKind::RsaPss => {
                KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, RsaKeySize::_2048)
            }
            KeyKind::Rsa3072 => KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, RsaKeySize::_3072),
            KeyKind::Rsa4096 => KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, RsaKeySize::_4096),
        }
        .map_err(SignError::new)?;
        let bits = pair.der_bytes();
        let identifier = Sha1::digest(bits).to_vec();
        let public = match kind {
            KeyKind::RsaPss => der::sequence([der::sequence([der::oid(RSASSA_PSS)]), der::bits(bits, 0)]),
            _ => pair.subject_public_key_info(),
        };
        Ok(Self { kind, pkcs8: version_1(pair.serialized_der()), public, identifier, pair: Some(pair) })
    }

    /// Libraries that take care of people do not make such keys.
    fn weak() -> Result<Self, SignError> {
        let key = rsa::PrivateKey::new(&mut getrandom::SysRng, 1024).map_err(SignError::new)?;
        let pkcs8 = key.to_pkcs8_der().map_err(SignError::new)?.as_bytes().to_vec();
        let public = key.as_public_key().to_public_key_der().map_err(SignError::new)?.into_vec();
        // The bits are the whole of what follows the algorithm, but for the headers around it.
        let bits =
            rsa::pkcs1::EncodeRsaPublicKey::to_pkcs1_der(key.as_public_key()).map_err(SignError::new)?;
        let identifier = Sha1::digest(bits.as_bytes()).to_vec();
        Ok(Self { kind: KeyKind::Rsa1024, pkcs8, public, identifier, pair: None })
    }

    /// What it is made of.
    pub fn kind(&self) -> KeyKind {
        self.kind
    }

    /// The private key as PKCS#8 (RFC 5208).
    pub fn pkcs8(&self) -> PrivateKeyDer<'static> {
        PrivatePkcs8KeyDer::from(self.pkcs8_bytes()).into()
    }

    /// The private key as a PEM block `PRIVATE KEY`.
    pub fn pem(&self) -> String {
        pem("PRIVATE KEY", &self.pkcs8_bytes())
    }

    /// The same as bytes.
    pub(super) fn pkcs8_bytes(&self) -> Vec<u8> {
        match self.kind {
            KeyKind::RsaPss => der::sequence([
                der::integer(0),
                der::sequence([der::oid(RSASSA_PSS)]),
                der::octets(self.inner()),
            ]),
            _ => self.pkcs8.clone(),
        }
    }

    /// The key of its plain algorithm, whatever it says of itself.
    pub(crate) fn plain_pkcs8(&self) -> &[u8] {
        &self.pkcs8
    }

    /// What is inside PKCS#8: RSAPrivateKey (RFC 8017) or ECPrivateKey (RFC 5915).
    pub(super) fn inner(&self) -> Vec<u8> {
        // Version, algorithm and key, the last of which is what it is about.
        der::children(&self.pkcs8)
            .into_iter()
            .flat_map(der::children)
            .nth(2)
            .map(<[u8]>::to_vec)
            .unwrap_or_default()
    }

    /// SubjectPublicKeyInfo as a PEM block `PUBLIC KEY`.
    pub(super) fn public_pem(&self) -> String {
        pem("PUBLIC KEY", &self.public)
    }

    /// SubjectPublicKeyInfo.
    pub(super) fn subject_public_key_info(&self) -> Vec<u8> {
        self.public.clone()
    }

    /// SHA-1 over the public key's bits (RFC 5280, section 4.2.1.2, method 1).
    pub(super) fn identifier(&self) -> Vec<u8> {
        self.identifier.clone()
    }

    /// AlgorithmIdentifier of the signatures that `sign` makes.
    pub(super) fn signature_algorithm(&self, digest: Digest) -> Vec<u8> {
        sign::algorithm(self.kind, digest)
    }

    /// The digest of `bytes` with the hash that its signatures use; Ed25519 names none. A hash that is too weak is
    /// replaced by SHA-256 (RFC 5929, section 4.1).
    pub(super) fn signature_hash(&self, digest: Digest, bytes: &[u8]) -> Option<Vec<u8>> {
        match (digest, self.kind) {
            (_, KeyKind::Ed25519) => None,
            (Digest::Sha512, _) | (Digest::Usual, KeyKind::P521) => Some(Sha512::digest(bytes).to_vec()),
            (Digest::Usual, KeyKind::P384) => Some(Sha384::digest(bytes).to_vec()),
            _ => Some(Sha256::digest(bytes).to_vec()),
        }
    }

    /// Signs with the algorithm that `signature_algorithm` names.
    pub(super) fn sign(&self, digest: Digest, message: &[u8]) -> Result<Vec<u8>, SignError> {
        match &self.pair {
            Some(pair) if digest == Digest::Usual && self.kind != KeyKind::RsaPss => {
                pair.sign(message).map_err(SignError::new)
            }
            _ => sign::sign(self, digest, message),
        }
    }
}

/// rcgen writes Ed25519 keys as version 2 of RFC 5958, with the public key beside the private one, which OpenSSL 3.0
/// does not read. The seed inside is the whole key.
fn version_1(written: &[u8]) -> Vec<u8> {
    let seed = || written.strip_prefix(ED25519_VERSION_2)?.get(..32);
    match seed() {
        Some(seed) => der::sequence([
            der::integer(0),
            der::sequence([der::oid(sign::ED25519)]),
            der::octets(der::octets(seed)),
        ]),
        None => written.to_vec(),
    }
}

/// A PEM block (RFC 7468).
pub(super) fn pem(label: &str, der: &[u8]) -> String {
    pem_rfc7468::encode_string(label, LineEnding::LF, der)
        .expect("a label of ours is well formed and nothing of ours is too long for a string")
}

/// `id-RSASSA-PSS`, of keys and of signatures.
const RSASSA_PSS: ObjectIdentifier = sign::RSASSA_PSS;

/// How a version 2 Ed25519 key begins: SEQUENCE, version 1, the algorithm, and the two OCTET STRINGs around the seed.
const ED25519_VERSION_2: &[u8] =
    &[0x30, 0x51, 0x02, 0x01, 0x01, 0x30, 0x05, 0x06, 0x03, 0x2B, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];
