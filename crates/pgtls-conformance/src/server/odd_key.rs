//! Keys that rustls does not sign with: RSA that is too short, and RSA that names RSASSA-PSS as its algorithm.

use crate::pki::{Key, KeyKind};
use rsa::{
    pkcs8::DecodePrivateKey as _,
    signature::{SignatureEncoding as _, Signer as _},
};
use rustls::{
    Error, SignatureAlgorithm, SignatureScheme,
    sign::{Signer, SigningKey},
};
use sha2::Sha256;
use std::sync::Arc;

/// `rsa_pss_pss_sha256` (RFC 8446, section 4.2.3), which rustls has no name for.
pub(super) const RSA_PSS_PSS_SHA256: SignatureScheme = SignatureScheme::Unknown(0x0809);

/// The key, if rustls has no way with it.
pub(super) fn odd(key: &Key) -> Option<Result<Arc<dyn SigningKey>, Error>> {
    let schemes: &'static [SignatureScheme] = match key.kind() {
        KeyKind::Rsa1024 => &[SignatureScheme::RSA_PSS_SHA256, SignatureScheme::RSA_PKCS1_SHA256],
        KeyKind::RsaPss => &[RSA_PSS_PSS_SHA256],
        _ => return None,
    };
    let private = rsa::PrivateKey::from_pkcs8_der(key.plain_pkcs8());
    Some(match private {
        Ok(private) => Ok(Arc::new(OddKey { private, schemes })),
        Err(error) => Err(Error::General(error.to_string())),
    })
}

#[derive(Debug)]
struct OddKey {
    private: rsa::PrivateKey,
    schemes: &'static [SignatureScheme],
}

impl SigningKey for OddKey {
    fn choose_scheme(&self, offered: &[SignatureScheme]) -> Option<Box<dyn Signer>> {
        // rustls does not hand on what it has no name for; clients of today offer it.
        let scheme =
            *self.schemes.iter().find(|scheme| **scheme == RSA_PSS_PSS_SHA256 || offered.contains(scheme))?;
        Some(Box::new(OddSigner { private: self.private.clone(), scheme }))
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        SignatureAlgorithm::RSA
    }
}

#[derive(Debug)]
struct OddSigner {
    private: rsa::PrivateKey,
    scheme: SignatureScheme,
}

impl Signer for OddSigner {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        let private = self.private.clone();
        match self.scheme {
            SignatureScheme::RSA_PKCS1_SHA256 => {
                rsa::pkcs1v15::SigningKey::<Sha256>::new(private).try_sign(message).map(|s| s.to_vec())
            }
            _ => rsa::pss::SigningKey::<Sha256>::new(private).try_sign(message).map(|s| s.to_vec()),
        }
        .map_err(|error| Error::General(error.to_string()))
    }

    fn scheme(&self) -> SignatureScheme {
        self.scheme
    }
}
