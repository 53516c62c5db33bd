//! Signatures over handshakes by RSA keys of 1,024 to 2,047 bits, which the algorithms of the providers refuse unseen.
//!
//! OpenSSL takes them where nobody asks for the chain, and where the security level allows keys of that size.

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
    Some(match scheme {
        SignatureScheme::RSA_PKCS1_SHA256 => {
            is_good(&pkcs1v15::VerifyingKey::<Sha256>::new(key), message, signature)
        }
        SignatureScheme::RSA_PKCS1_SHA384 => {
            is_good(&pkcs1v15::VerifyingKey::<Sha384>::new(key), message, signature)
        }
        SignatureScheme::RSA_PKCS1_SHA512 => {
            is_good(&pkcs1v15::VerifyingKey::<Sha512>::new(key), message, signature)
        }
        SignatureScheme::RSA_PSS_SHA256 => {
            is_good(&pss::VerifyingKey::<Sha256>::new(key), message, signature)
        }
        SignatureScheme::RSA_PSS_SHA384 => {
            is_good(&pss::VerifyingKey::<Sha384>::new(key), message, signature)
        }
        SignatureScheme::RSA_PSS_SHA512 => {
            is_good(&pss::VerifyingKey::<Sha512>::new(key), message, signature)
        }
        _ => return None,
    })
}

fn is_good<S: for<'s> TryFrom<&'s [u8]>>(key: &impl Verifier<S>, message: &[u8], signature: &[u8]) -> bool {
    S::try_from(signature).is_ok_and(|signature| key.verify(message, &signature).is_ok())
}

#[cfg(test)]
mod tests;
