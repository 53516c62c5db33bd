//! Signatures over handshakes by RSA keys of 1,024 to 2,047 bits, which the algorithms of the providers refuse unseen.
//!
//! OpenSSL takes them where nobody asks for the chain; where it is verified, the security level has refused the key before.

use rsa::{
    PublicKey, pkcs1v15,
    pkcs8::DecodePublicKey,
    pss,
    sha2::{Sha256, Sha384, Sha512},
    signature::Verifier,
    traits::PublicKeyParts,
};
use rustls::SignatureScheme;

/// From here on the key is the provider's business, in bits.
const PROVIDERS: u32 = 2048;

/// Whether it is a good signature of a small RSA key; `None` if key or scheme is not of that kind.
///
/// `key` is a SubjectPublicKeyInfo. What is no RSA key of at least 1,024 bits with an exponent of at most 33 bits is not.
pub(crate) fn verify(scheme: SignatureScheme, key: &[u8], message: &[u8], signature: &[u8]) -> Option<bool> {
    let key =
        PublicKey::from_public_key_der(key).ok().filter(|key| key.n().bit_width_vartime() < PROVIDERS)?;
    let pkcs1 = || pkcs1v15::Signature::try_from(signature);
    let pss = || pss::Signature::try_from(signature);
    let good = match scheme {
        SignatureScheme::RSA_PKCS1_SHA256 => {
            pkcs1().and_then(|it| pkcs1v15::VerifyingKey::<Sha256>::new(key).verify(message, &it))
        }
        SignatureScheme::RSA_PKCS1_SHA384 => {
            pkcs1().and_then(|it| pkcs1v15::VerifyingKey::<Sha384>::new(key).verify(message, &it))
        }
        SignatureScheme::RSA_PKCS1_SHA512 => {
            pkcs1().and_then(|it| pkcs1v15::VerifyingKey::<Sha512>::new(key).verify(message, &it))
        }
        SignatureScheme::RSA_PSS_SHA256 => {
            pss().and_then(|it| pss::VerifyingKey::<Sha256>::new(key).verify(message, &it))
        }
        SignatureScheme::RSA_PSS_SHA384 => {
            pss().and_then(|it| pss::VerifyingKey::<Sha384>::new(key).verify(message, &it))
        }
        SignatureScheme::RSA_PSS_SHA512 => {
            pss().and_then(|it| pss::VerifyingKey::<Sha512>::new(key).verify(message, &it))
        }
        _ => return None,
    };
    Some(good.is_ok())
}

#[cfg(test)]
mod tests;
