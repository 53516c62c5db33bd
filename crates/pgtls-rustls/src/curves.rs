//! ECDSA and ECDH on the curves P-256, P-384 and P-521, where a crypto provider lacks what OpenSSL has.
//!
//! ring has no P-521 and no SHA-512 on the two shorter curves, and does not load a private key without its public half. The
//! arithmetic is RustCrypto's. In TLS 1.2 a key on a curve can be used only if the client has offered the curve as a group
//! (RFC 8422, sections 5.1.1 and 5.3): without P-521 neither a server nor a client with such a certificate gets through the
//! handshake.

use p521::{
    PublicKey,
    ecdh::EphemeralSecret,
    elliptic_curve::{Generate, sec1::ToSec1Point},
};
use pgtls_x509::alg_id::{ECDSA_SHA1, ECDSA_SHA224};
use rustls::{
    Error, NamedGroup, PeerMisbehaved, SignatureAlgorithm, SignatureScheme,
    crypto::{ActiveKeyExchange, GetRandomFailed, SharedSecret, SupportedKxGroup},
    pki_types::{
        AlgorithmIdentifier, InvalidSignature, PrivateKeyDer, SignatureVerificationAlgorithm,
        SubjectPublicKeyInfoDer, alg_id,
    },
    sign::{Signer, SigningKey, public_key_to_spki},
};
use sha1::Sha1;
use sha2::{Digest, Sha224, Sha256, Sha384, Sha512};
use std::{fmt, sync::Arc};

/// The schemes of ECDSA on these curves, in order of preference.
pub(crate) const SCHEMES: [SignatureScheme; 3] = [
    SignatureScheme::ECDSA_NISTP384_SHA384,
    SignatureScheme::ECDSA_NISTP256_SHA256,
    SignatureScheme::ECDSA_NISTP521_SHA512,
];

/// ECDSA on one curve with one hash.
#[derive(Debug)]
pub(crate) struct EcdsaAlgorithm {
    /// The scheme of handshakes that it is for: in TLS 1.2 its hash decides, in TLS 1.3 its curve as well. `None` for chains alone.
    pub(crate) scheme: Option<SignatureScheme>,
    curve: AlgorithmIdentifier,
    signature: AlgorithmIdentifier,
    hash: fn(&[u8]) -> Vec<u8>,
    verify: fn(&[u8], &[u8], &[u8]) -> bool,
}

/// Every curve with every hash, and for each scheme the algorithm of TLS 1.3 first. SHA-1 and SHA-224 are for certificates and
/// CRLs alone.
pub(crate) static ALGORITHMS: [EcdsaAlgorithm; 15] = {
    const P256: (AlgorithmIdentifier, Verify) = (alg_id::ECDSA_P256, on_p256::verify);
    const P384: (AlgorithmIdentifier, Verify) = (alg_id::ECDSA_P384, on_p384::verify);
    const P521: (AlgorithmIdentifier, Verify) = (alg_id::ECDSA_P521, on_p521::verify);
    [
        with_sha256(P256),
        with_sha256(P384),
        with_sha256(P521),
        with_sha384(P384),
        with_sha384(P256),
        with_sha384(P521),
        with_sha512(P521),
        with_sha512(P384),
        with_sha512(P256),
        with_sha224(P256),
        with_sha224(P384),
        with_sha224(P521),
        with_sha1(P256),
        with_sha1(P384),
        with_sha1(P521),
    ]
};

/// Verifies with a public key (a point, SEC 1, section 2.3.3) a hash and its signature (`ECDSA-Sig-Value`, RFC 3279).
type Verify = fn(&[u8], &[u8], &[u8]) -> bool;

const fn with_sha256((curve, verify): (AlgorithmIdentifier, Verify)) -> EcdsaAlgorithm {
    let (scheme, signature) = (SignatureScheme::ECDSA_NISTP256_SHA256, alg_id::ECDSA_SHA256);
    EcdsaAlgorithm {
        scheme: Some(scheme),
        curve,
        signature,
        hash: |message| Sha256::digest(message).to_vec(),
        verify,
    }
}

const fn with_sha384((curve, verify): (AlgorithmIdentifier, Verify)) -> EcdsaAlgorithm {
    let (scheme, signature) = (SignatureScheme::ECDSA_NISTP384_SHA384, alg_id::ECDSA_SHA384);
    EcdsaAlgorithm {
        scheme: Some(scheme),
        curve,
        signature,
        hash: |message| Sha384::digest(message).to_vec(),
        verify,
    }
}

const fn with_sha512((curve, verify): (AlgorithmIdentifier, Verify)) -> EcdsaAlgorithm {
    let (scheme, signature) = (SignatureScheme::ECDSA_NISTP521_SHA512, alg_id::ECDSA_SHA512);
    EcdsaAlgorithm {
        scheme: Some(scheme),
        curve,
        signature,
        hash: |message| Sha512::digest(message).to_vec(),
        verify,
    }
}

const fn with_sha224((curve, verify): (AlgorithmIdentifier, Verify)) -> EcdsaAlgorithm {
    let signature = ECDSA_SHA224;
    EcdsaAlgorithm {
        scheme: None,
        curve,
        signature,
        hash: |message| Sha224::digest(message).to_vec(),
        verify,
    }
}

const fn with_sha1((curve, verify): (AlgorithmIdentifier, Verify)) -> EcdsaAlgorithm {
    let signature = ECDSA_SHA1;
    EcdsaAlgorithm { scheme: None, curve, signature, hash: |message| Sha1::digest(message).to_vec(), verify }
}

impl EcdsaAlgorithm {
    /// The algorithm of a provider beside which this one is missed, if it is: the usual one of its curve. P-521 belongs
    /// beside P-384.
    pub(crate) fn beside(&self) -> (AlgorithmIdentifier, AlgorithmIdentifier) {
        if self.curve == alg_id::ECDSA_P256 {
            (alg_id::ECDSA_P256, alg_id::ECDSA_SHA256)
        } else {
            (alg_id::ECDSA_P384, alg_id::ECDSA_SHA384)
        }
    }
}

impl SignatureVerificationAlgorithm for EcdsaAlgorithm {
    fn verify_signature(&self, key: &[u8], message: &[u8], signature: &[u8]) -> Result<(), InvalidSignature> {
        let is_good = (self.verify)(key, &(self.hash)(message), signature);
        if is_good { Ok(()) } else { Err(InvalidSignature) }
    }

    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        self.curve
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        self.signature
    }
}

/// How an uncompressed point begins (SEC 1, section 2.3.3). TLS 1.3 has no other form, and in TLS 1.2 we offer no other.
pub(crate) const UNCOMPRESSED: u8 = 4;

/// A private key on one of the curves, in either of its forms; `None` if it is another key.
pub(crate) fn signing_key(key: &PrivateKeyDer<'_>) -> Option<Arc<dyn SigningKey>> {
    let key =
        on_p256::signing_key(key).or_else(|| on_p384::signing_key(key)).or_else(|| on_p521::signing_key(key));
    key.map(|key| Arc::new(key) as _)
}

/// A private key, which signs with the scheme of its curve alone (RFC 8446, section 4.2.3).
struct EcdsaKey {
    sign: Sign,
    scheme: SignatureScheme,
    curve: AlgorithmIdentifier,
    /// The public key as an uncompressed point.
    point: Box<[u8]>,
}

/// Signs a message with the hash that belongs to the curve. The nonce is derived from key and message (RFC 6979).
type Sign = Arc<dyn Fn(&[u8]) -> Option<Vec<u8>> + Send + Sync>;

impl SigningKey for EcdsaKey {
    fn choose_scheme(&self, offered: &[SignatureScheme]) -> Option<Box<dyn Signer>> {
        let is_offered = offered.contains(&self.scheme);
        is_offered.then(|| Box::new(EcdsaSigner { sign: self.sign.clone(), scheme: self.scheme }) as _)
    }

    fn public_key(&self) -> Option<SubjectPublicKeyInfoDer<'_>> {
        Some(public_key_to_spki(&self.curve, &self.point))
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        SignatureAlgorithm::ECDSA
    }
}

impl fmt::Debug for EcdsaKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EcdsaKey").field("scheme", &self.scheme).finish_non_exhaustive()
    }
}

struct EcdsaSigner {
    sign: Sign,
    scheme: SignatureScheme,
}

impl Signer for EcdsaSigner {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        (self.sign)(message).ok_or_else(|| Error::General("signing failed".to_owned()))
    }

    fn scheme(&self) -> SignatureScheme {
        self.scheme
    }
}

impl fmt::Debug for EcdsaSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EcdsaSigner").field("scheme", &self.scheme).finish_non_exhaustive()
    }
}

/// The two operations on one curve.
macro_rules! on_curve {
    ($module:ident, $library:ident, $curve:ident, $scheme:ident) => {
        mod $module {
            use super::{EcdsaKey, PrivateKeyDer, SignatureScheme, UNCOMPRESSED, alg_id};
            use std::sync::Arc;
            use $library::{
                SecretKey,
                ecdsa::{
                    DerSignature, SigningKey, VerifyingKey,
                    signature::{Signer, hazmat::PrehashVerifier},
                },
                pkcs8::DecodePrivateKey,
            };

            pub(super) fn verify(key: &[u8], hash: &[u8], signature: &[u8]) -> bool {
                // The library reads other forms of points as well, which are uncompressed before (`HandshakeKey::public_key`).
                if key.first() != Some(&UNCOMPRESSED) {
                    return false;
                }
                let (key, signature) =
                    (VerifyingKey::from_sec1_bytes(key), DerSignature::from_bytes(signature));
                let (Ok(key), Ok(signature)) = (key, signature) else { return false };
                key.verify_prehash(hash, &signature).is_ok()
            }

            pub(super) fn signing_key(key: &PrivateKeyDer<'_>) -> Option<EcdsaKey> {
                let secret = match key {
                    PrivateKeyDer::Pkcs8(key) => SecretKey::from_pkcs8_der(key.secret_pkcs8_der()).ok(),
                    PrivateKeyDer::Sec1(key) => SecretKey::from_sec1_der(key.secret_sec1_der()).ok(),
                    _ => None,
                }?;
                let key = SigningKey::from(&secret);
                let point = key.verifying_key().to_sec1_point(false).as_bytes().into();
                let sign = Arc::new(move |message: &[u8]| {
                    key.try_sign(message).ok().map(|signature: DerSignature| signature.as_bytes().to_vec())
                });
                Some(EcdsaKey { sign, scheme: SignatureScheme::$scheme, curve: alg_id::$curve, point })
            }
        }
    };
}

on_curve!(on_p256, p256, ECDSA_P256, ECDSA_NISTP256_SHA256);
on_curve!(on_p384, p384, ECDSA_P384, ECDSA_NISTP384_SHA384);
on_curve!(on_p521, p521, ECDSA_P521, ECDSA_NISTP521_SHA512);

/// Ephemeral ECDH on P-521, with random numbers of the operating system.
#[derive(Debug)]
pub(crate) struct Secp521r1;

impl SupportedKxGroup for Secp521r1 {
    fn start(&self) -> Result<Box<dyn ActiveKeyExchange>, Error> {
        let private = EphemeralSecret::try_generate().map_err(|_| GetRandomFailed)?;
        let public = private.public_key().to_sec1_point(false).as_bytes().into();
        Ok(Box::new(Exchange { private, public }))
    }

    fn name(&self) -> NamedGroup {
        NamedGroup::secp521r1
    }
}

struct Exchange {
    private: EphemeralSecret,
    public: Box<[u8]>,
}

impl ActiveKeyExchange for Exchange {
    fn complete(self: Box<Self>, peer: &[u8]) -> Result<SharedSecret, Error> {
        // It checks that the point is on the curve.
        let peer = PublicKey::from_sec1_bytes(peer).ok().filter(|_| peer.first() == Some(&UNCOMPRESSED));
        let peer = peer.ok_or(PeerMisbehaved::InvalidKeyShare)?;
        let shared = self.private.diffie_hellman(&peer);
        Ok(SharedSecret::from(shared.raw_secret_bytes().as_slice()))
    }

    fn pub_key(&self) -> &[u8] {
        &self.public
    }

    fn group(&self) -> NamedGroup {
        NamedGroup::secp521r1
    }
}

#[cfg(test)]
mod tests;
