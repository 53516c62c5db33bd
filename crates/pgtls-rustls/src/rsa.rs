//! RSA signatures over handshakes, by keys of any size that OpenSSL verifies with.
//!
//! Crypto providers refuse keys of fewer than 2,048 or more than 8,192 bits and unusual exponents without a look at the
//! signature. OpenSSL accepts them where the chain is not verified, and where the security level allows keys of that size.
//! Such keys are verified with here, with public values alone. Nothing here signs.

use crypto_bigint::{
    BoxedUint, Odd,
    modular::{BoxedMontyForm, BoxedMontyParams},
};
use pgtls_x509::{RsaPublicKey, rsa_public_key};
use rustls::{
    SignatureScheme,
    pki_types::{AlgorithmIdentifier, InvalidSignature, SignatureVerificationAlgorithm},
};
use sha2::{Digest, Sha256, Sha384, Sha512};
use std::ops::RangeInclusive;

/// An RSA algorithm of a crypto provider, extended to the keys that the provider refuses.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RsaAlgorithm {
    provider: &'static dyn SignatureVerificationAlgorithm,
    padding: Padding,
    hash: Hash,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Padding {
    /// RSASSA-PKCS1-v1_5 (RFC 8017, section 8.2).
    Pkcs1,
    /// RSASSA-PSS (RFC 8017, section 8.1), with MGF1 on the same hash and a salt as long as the hash, as TLS demands
    /// (RFC 8446, section 4.2.3).
    Pss,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hash {
    Sha256,
    Sha384,
    Sha512,
}

impl Hash {
    /// Its length.
    fn bytes(self) -> usize {
        match self {
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }
}

impl RsaAlgorithm {
    /// The provider's algorithm for a scheme, extended; `None` for a scheme of other keys.
    pub(crate) fn new(
        scheme: SignatureScheme,
        provider: &'static dyn SignatureVerificationAlgorithm,
    ) -> Option<Self> {
        let (padding, hash) = match scheme {
            SignatureScheme::RSA_PKCS1_SHA256 => (Padding::Pkcs1, Hash::Sha256),
            SignatureScheme::RSA_PKCS1_SHA384 => (Padding::Pkcs1, Hash::Sha384),
            SignatureScheme::RSA_PKCS1_SHA512 => (Padding::Pkcs1, Hash::Sha512),
            SignatureScheme::RSA_PSS_SHA256 => (Padding::Pss, Hash::Sha256),
            SignatureScheme::RSA_PSS_SHA384 => (Padding::Pss, Hash::Sha384),
            SignatureScheme::RSA_PSS_SHA512 => (Padding::Pss, Hash::Sha512),
            _ => return None,
        };
        Some(Self { provider, padding, hash })
    }

    /// Whether the algorithm verifies any signature with this key.
    pub(crate) fn takes_key(&self, key: &[u8]) -> bool {
        let key = rsa_public_key(key).filter(is_usable);
        key.is_some_and(|key| is_in_providers_range(&key) || !self.provider.fips())
    }

    /// Whether a signature of this padding and hash fits into the modulus (RFC 8017, sections 9.1.1 and 9.2, step 3; OpenSSL:
    /// `rsa_pss_check_min_key_size`).
    pub(crate) fn has_room(&self, key: &[u8]) -> bool {
        /// The DigestInfo around any of the hashes, and the least padding (RFC 8017, section 9.2).
        const PKCS1_OVERHEAD: usize = 19 + 11;
        let hash = self.hash.bytes();
        rsa_public_key(key).is_some_and(|key| match self.padding {
            Padding::Pkcs1 => key.modulus.len() >= hash.saturating_add(PKCS1_OVERHEAD),
            Padding::Pss => {
                let encoded = bits(key.modulus).saturating_sub(1).div_ceil(8);
                encoded >= hash.saturating_mul(2).saturating_add(2)
            }
        })
    }
}

impl SignatureVerificationAlgorithm for RsaAlgorithm {
    fn verify_signature(&self, key: &[u8], message: &[u8], signature: &[u8]) -> Result<(), InvalidSignature> {
        match rsa_public_key(key) {
            // A provider in FIPS mode may have reasons to refuse such keys that are not ours to overrule.
            Some(key) if !is_in_providers_range(&key) && !self.provider.fips() => {
                is_good(&key, self.padding, self.hash, message, signature).ok_or(InvalidSignature)
            }
            // Providers take keys in DER alone, OpenSSL also with numbers that lack a sign or have too many zeros.
            Some(key) if !self.provider.fips() => {
                self.provider.verify_signature(&encoded(&key), message, signature)
            }
            _ => self.provider.verify_signature(key, message, signature),
        }
    }

    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        self.provider.public_key_alg_id()
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        self.provider.signature_alg_id()
    }

    fn fips(&self) -> bool {
        self.provider.fips()
    }
}

/// The key in DER (RFC 8017, appendix A.1.1), for keys of the providers' range: none of its lengths exceeds two bytes.
fn encoded(key: &RsaPublicKey<'_>) -> Vec<u8> {
    fn element(tag: u8, content: &[u8]) -> Vec<u8> {
        let [high, low] = u16::try_from(content.len()).unwrap_or(u16::MAX).to_be_bytes();
        let length: &[u8] = match (high, low) {
            (0, ..0x80) => &[low],
            (0, _) => &[0x81, low],
            _ => &[0x82, high, low],
        };
        [&[tag], length, content].concat()
    }
    let integer = |number: &[u8]| {
        let is_negative = number.first().is_none_or(|first| first & 0x80 != 0);
        let sign: &[u8] = if is_negative { &[0] } else { &[] };
        element(2, &[sign, number].concat())
    };
    element(0x30, &[integer(key.modulus), integer(key.exponent)].concat())
}

/// Whether a crypto provider signs with the private key that belongs to this one, unless it is no RSA key.
pub(crate) fn is_for_providers(key: &[u8]) -> bool {
    rsa_public_key(key).is_none_or(|key| is_in_providers_range(&key))
}

/// Moduli that crypto providers verify with, in bits.
const PROVIDERS: RangeInclusive<usize> = 2048..=8192;
/// The longest exponent that they verify with, in bits.
const PROVIDERS_EXPONENT: usize = 33;

/// Whether a crypto provider looks at signatures of the key (ring: `RSA_PKCS1_2048_8192_SHA256`, `PublicExponent`).
fn is_in_providers_range(key: &RsaPublicKey<'_>) -> bool {
    PROVIDERS.contains(&bits(key.modulus)) && bits(key.exponent) <= PROVIDERS_EXPONENT
}

/// The longest modulus, in bits (OpenSSL: `OPENSSL_RSA_MAX_MODULUS_BITS`).
const MAX_MODULUS: usize = 16_384;
/// A modulus up to here may have any exponent that is less than itself (OpenSSL: `OPENSSL_RSA_SMALL_MODULUS_BITS`).
const SMALL_MODULUS: usize = 3072;
/// The longest exponent with a longer modulus, in bits (OpenSSL: `OPENSSL_RSA_MAX_PUBEXP_BITS`).
const MAX_EXPONENT: usize = 64;
/// The shortest exponent, in bits: with 1 every message is its own signature.
const MIN_EXPONENT: usize = 2;

/// `Some` if it is a good signature. The work is bounded: no exponentiation takes place with a modulus or an exponent
/// beyond OpenSSL's bounds.
fn is_good(
    key: &RsaPublicKey<'_>,
    padding: Padding,
    hash: Hash,
    message: &[u8],
    signature: &[u8],
) -> Option<()> {
    let encoded = public_operation(key, signature)?;
    let bits = bits(key.modulus);
    match (padding, hash) {
        (Padding::Pkcs1, Hash::Sha256) => pkcs1::<Sha256>(&encoded, SHA256_INFO, message),
        (Padding::Pkcs1, Hash::Sha384) => pkcs1::<Sha384>(&encoded, SHA384_INFO, message),
        (Padding::Pkcs1, Hash::Sha512) => pkcs1::<Sha512>(&encoded, SHA512_INFO, message),
        (Padding::Pss, Hash::Sha256) => pss::<Sha256>(&encoded, bits, message),
        (Padding::Pss, Hash::Sha384) => pss::<Sha384>(&encoded, bits, message),
        (Padding::Pss, Hash::Sha512) => pss::<Sha512>(&encoded, bits, message),
    }
}

/// Significant bits of a number without leading zero bytes.
fn bits(number: &[u8]) -> usize {
    let leading = number.first().map_or(0, |byte| byte.leading_zeros() as usize);
    number.len().saturating_mul(8).saturating_sub(leading)
}

/// Whether signatures are verified with the key. The bounds are OpenSSL's (`rsa_ossl_public_decrypt`), and the exponent is
/// odd and at least 3 (RFC 8017, section 3.1), which OpenSSL does not look at.
fn is_usable(key: &RsaPublicKey<'_>) -> bool {
    let RsaPublicKey { modulus, exponent, .. } = *key;
    let size = bits(modulus);
    let is_bounded = size <= MAX_MODULUS && (size <= SMALL_MODULUS || bits(exponent) <= MAX_EXPONENT);
    // Numbers of one length compare as their bytes do, and a longer one is greater.
    let is_exponent_less = (exponent.len(), exponent) < (modulus.len(), modulus);
    let is_odd = |number: &[u8]| number.last().is_some_and(|byte| byte & 1 == 1);
    let is_exponent = is_odd(exponent) && bits(exponent) >= MIN_EXPONENT;
    is_bounded && is_exponent && is_exponent_less && is_odd(modulus)
}

/// The encoded message that was signed, as long as the modulus (RFC 8017, sections 5.2.2 and 8.1.2, steps 1 and 2).
fn public_operation(key: &RsaPublicKey<'_>, signature: &[u8]) -> Option<Vec<u8>> {
    let RsaPublicKey { modulus, exponent, .. } = *key;
    if !is_usable(key) {
        return None;
    }
    if signature.len() != modulus.len() || signature >= modulus {
        return None;
    }
    let precision = u32::try_from(modulus.len().checked_mul(8)?).ok()?;
    let number = |bytes: &[u8]| BoxedUint::from_be_slice(bytes, precision).ok();
    let exponent_bits = u32::try_from(bits(exponent)).ok()?;
    let (signature, exponent) = (number(signature)?, number(exponent)?);
    let modulus_odd = Odd::new(number(modulus)?).into_option()?;
    let params = BoxedMontyParams::new_vartime(modulus_odd);
    let result = BoxedMontyForm::new(signature, &params).pow_bounded_exp(&exponent, exponent_bits).retrieve();
    // Whole limbs, of which the modulus may not need all bytes.
    let bytes = result.to_be_bytes();
    let unused = bytes.len().checked_sub(modulus.len())?;
    bytes.get(unused..).map(<[u8]>::to_vec)
}

/// What stands before the hash in a `DigestInfo` (RFC 8017, section 9.2, note 1).
const SHA256_INFO: &[u8] = &[
    0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0, 0x04,
    0x20,
];
const SHA384_INFO: &[u8] = &[
    0x30, 0x41, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02, 0x05, 0, 0x04,
    0x30,
];
const SHA512_INFO: &[u8] = &[
    0x30, 0x51, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x03, 0x05, 0, 0x04,
    0x40,
];

/// The shortest padding, in bytes (RFC 8017, section 9.2, step 4).
const MIN_PADDING: usize = 8;

/// EMSA-PKCS1-v1_5 (RFC 8017, section 9.2): the one encoding of the message, compared as a whole.
fn pkcs1<D: Digest>(encoded: &[u8], info: &[u8], message: &[u8]) -> Option<()> {
    let hash = D::digest(message);
    let around = info.len().checked_add(hash.len())?.checked_add(3)?;
    let padding = encoded.len().checked_sub(around).filter(|&length| length >= MIN_PADDING)?;
    let expected = [&[0, 1][..], &vec![0xff; padding], &[0], info, &hash].concat();
    (expected == encoded).then_some(())
}

/// EMSA-PSS-VERIFY (RFC 8017, section 9.1.2) with a salt as long as the hash. `modulus_bits` is one more than `emBits`.
fn pss<D: Digest>(encoded: &[u8], modulus_bits: usize, message: &[u8]) -> Option<()> {
    const TRAILER: u8 = 0xbc;
    let hash_length = <D as Digest>::output_size();
    let encoded_bits = modulus_bits.checked_sub(1)?;
    let encoded_length = encoded_bits.div_ceil(8);
    // With a modulus of 8n + 1 bits the encoded message is one byte shorter than the modulus.
    let (above, encoded) = encoded.split_at_checked(encoded.len().checked_sub(encoded_length)?)?;
    let (trailer, rest) = encoded.split_last()?;
    let (masked, hash) = rest.split_at_checked(rest.len().checked_sub(hash_length)?)?;

    let unused_bits = encoded_length.checked_mul(8)?.checked_sub(encoded_bits)?;
    let used = u8::MAX.checked_shr(u32::try_from(unused_bits).ok()?)?;
    let (&first, _) = masked.split_first()?;
    if above.iter().any(|&byte| byte != 0) || *trailer != TRAILER || first & !used != 0 {
        return None;
    }

    let mut block = mgf1::<D>(hash, masked.len())?;
    block.iter_mut().zip(masked).for_each(|(byte, masked)| *byte ^= masked);
    *block.first_mut()? &= used;
    let (padding, salt) = block.split_at_checked(block.len().checked_sub(hash_length)?)?;
    let (one, zeros) = padding.split_last()?;
    if *one != 1 || zeros.iter().any(|&byte| byte != 0) {
        return None;
    }
    let expected =
        D::new().chain_update([0; 8]).chain_update(D::digest(message)).chain_update(salt).finalize();
    (expected.as_slice() == hash).then_some(())
}

/// The mask generation function MGF1 (RFC 8017, appendix B.2.1).
fn mgf1<D: Digest>(seed: &[u8], length: usize) -> Option<Vec<u8>> {
    let mut mask = Vec::with_capacity(length.checked_add(<D as Digest>::output_size())?);
    for counter in 0_u32.. {
        if mask.len() >= length {
            break;
        }
        mask.extend(D::new().chain_update(seed).chain_update(counter.to_be_bytes()).finalize());
    }
    mask.truncate(length);
    Some(mask)
}

#[cfg(test)]
mod tests;
