//! Keys that are for RSASSA-PSS alone, which rustls does not know.
//!
//! A certificate can say that its RSA key is for RSASSA-PSS and nothing else, and TLS 1.3 has signature schemes of their
//! own for such keys (RFC 8446, section 4.2.3, `rsa_pss_pss_*`). The signature is the same as with any other RSA key, so
//! the same algorithm makes and verifies it; only numbers and names differ. In TLS 1.2 rustls ends the handshake
//! when it meets such a scheme.

use crate::{curves, rsa::RsaAlgorithm};
use pgtls_x509::{RsaPssKey, rsa_pss_key};
use rustls::{
    Error, SignatureAlgorithm, SignatureScheme,
    crypto::KeyProvider,
    pki_types::{
        AlgorithmIdentifier, InvalidSignature, PrivateKeyDer, SignatureVerificationAlgorithm, alg_id,
    },
    sign::{Signer, SigningKey},
};
use std::sync::Arc;
use zeroize::Zeroizing;

/// A signature scheme for keys that are for RSASSA-PSS alone.
#[derive(Debug)]
pub(crate) struct PssScheme {
    /// Its number.
    pub(crate) scheme: SignatureScheme,
    /// The scheme of other RSA keys that makes the same signature.
    pub(crate) same_signature: SignatureScheme,
    /// How a key says that it is for this hash alone.
    restricted: AlgorithmIdentifier,
}

static SCHEMES: [PssScheme; 3] = [
    PssScheme {
        scheme: SignatureScheme::Unknown(0x0809),
        same_signature: SignatureScheme::RSA_PSS_SHA256,
        restricted: alg_id::RSA_PSS_SHA256,
    },
    PssScheme {
        scheme: SignatureScheme::Unknown(0x080a),
        same_signature: SignatureScheme::RSA_PSS_SHA384,
        restricted: alg_id::RSA_PSS_SHA384,
    },
    PssScheme {
        scheme: SignatureScheme::Unknown(0x080b),
        same_signature: SignatureScheme::RSA_PSS_SHA512,
        restricted: alg_id::RSA_PSS_SHA512,
    },
];

/// How a key says that it is for any hash: `id-RSASSA-PSS` without parameters (RFC 8017, appendix A.2.3).
const UNRESTRICTED: AlgorithmIdentifier =
    AlgorithmIdentifier::from_slice(&[0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a]);

/// The schemes, in order of preference.
pub(crate) fn schemes() -> impl Iterator<Item = SignatureScheme> {
    SCHEMES.iter().map(|pss| pss.scheme)
}

/// The scheme with this number, if it is one of these.
pub(crate) fn find(scheme: SignatureScheme) -> Option<&'static PssScheme> {
    SCHEMES.iter().find(|pss| pss.scheme == scheme)
}

impl PssScheme {
    /// The algorithms that verify it, by the name of the key's own algorithm; `inner` verifies the same signature.
    pub(crate) fn algorithms(&self, inner: RsaAlgorithm) -> [OnPssKey; 2] {
        [UNRESTRICTED, self.restricted].map(|key_algorithm| OnPssKey { inner, key_algorithm })
    }
}

/// An RSA-PSS algorithm on a key that is for RSASSA-PSS alone.
#[derive(Debug)]
pub(crate) struct OnPssKey {
    inner: RsaAlgorithm,
    key_algorithm: AlgorithmIdentifier,
}

impl OnPssKey {
    /// Whether the algorithm verifies any signature with this key.
    pub(crate) fn takes_key(&self, key: &[u8]) -> bool {
        self.inner.takes_key(key)
    }

    /// Whether a signature fits into the modulus.
    pub(crate) fn has_room(&self, key: &[u8]) -> bool {
        self.inner.has_room(key)
    }
}

impl SignatureVerificationAlgorithm for OnPssKey {
    fn verify_signature(&self, key: &[u8], message: &[u8], signature: &[u8]) -> Result<(), InvalidSignature> {
        self.inner.verify_signature(key, message, signature)
    }
    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        self.key_algorithm
    }
    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        self.inner.signature_alg_id()
    }
    fn fips(&self) -> bool {
        self.inner.fips()
    }
}

/// A private key for signing: the provider's, a key on a curve that the provider does not load, or an RSA key that is for
/// RSASSA-PSS alone.
pub(crate) fn signing_key(
    key: PrivateKeyDer<'static>,
    provider: &dyn KeyProvider,
) -> Result<Arc<dyn SigningKey>, Error> {
    let key = Zeroizing::new(key);
    let pss = match &*key {
        PrivateKeyDer::Pkcs8(pkcs8) => rsa_pss_key(pkcs8),
        _ => None,
    };
    let Some(RsaPssKey { algorithm, key: rsa, .. }) = pss else {
        let loaded = provider.load_private_key(key.clone_key());
        // A provider in FIPS mode has reasons to refuse a key.
        let completed = if loaded.is_err() && !provider.fips() { curves::signing_key(&key) } else { None };
        return completed.map_or(loaded, Ok);
    };
    let schemes: Vec<_> = SCHEMES
        .iter()
        .filter(|pss| [UNRESTRICTED, pss.restricted].iter().any(|known| known.as_ref() == algorithm))
        .collect();
    if schemes.is_empty() {
        return Err(Error::General("RSASSA-PSS with parameters that TLS has no scheme for".to_owned()));
    }
    let inner = provider.load_private_key(PrivateKeyDer::Pkcs1(rsa).clone_key())?;
    Ok(Arc::new(PssSigningKey { inner, schemes }))
}

/// A private key that is for RSASSA-PSS alone.
#[derive(Debug)]
struct PssSigningKey {
    inner: Arc<dyn SigningKey>,
    schemes: Vec<&'static PssScheme>,
}

impl SigningKey for PssSigningKey {
    fn choose_scheme(&self, offered: &[SignatureScheme]) -> Option<Box<dyn Signer>> {
        let pss = self.schemes.iter().find(|pss| offered.contains(&pss.scheme))?;
        let inner = self.inner.choose_scheme(&[pss.same_signature])?;
        Some(Box::new(PssSigner { inner, scheme: pss.scheme }))
    }
    fn algorithm(&self) -> SignatureAlgorithm {
        self.inner.algorithm()
    }
}

#[derive(Debug)]
struct PssSigner {
    inner: Box<dyn Signer>,
    scheme: SignatureScheme,
}

impl Signer for PssSigner {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        self.inner.sign(message)
    }
    fn scheme(&self) -> SignatureScheme {
        self.scheme
    }
}
