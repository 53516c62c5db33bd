//! RSA signatures that OpenSSL verifies and crypto providers do not: over handshakes by keys of any size and by keys with other
//! parameters of RSASSA-PSS, and over certificates and CRLs with SHA-1 and SHA-224.
//!
//! Crypto providers refuse keys of fewer than 2,048 or more than 8,192 bits and unusual exponents without a look at the
//! signature. OpenSSL accepts them where the chain is not verified, and where the security level allows keys of that size.
//! Such keys are verified with here, with public values alone. Nothing here signs.

use crypto_bigint::{
    BoxedUint, Odd,
    modular::{BoxedMontyForm, BoxedMontyParams},
};
use pgtls_x509::{
    Hash, PssParameters, RsaPublicKey,
    alg_id::{RSA_PKCS1_SHA1, RSA_PKCS1_SHA224},
    rsa_public_key,
};
use rustls::{
    SignatureScheme,
    pki_types::{AlgorithmIdentifier, InvalidSignature, SignatureVerificationAlgorithm, alg_id},
};
use sha1::Sha1;
use sha2::{Digest, Sha224, Sha256, Sha384, Sha512, Sha512_224, Sha512_256};
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
    /// RSASSA-PSS (RFC 8017, section 8.1) with MGF1 on this hash and a salt as long as the hash of the message. TLS demands the same
    /// hash for both (RFC 8446, section 4.2.3); OpenSSL takes that of the key's restriction, where there is one.
    Pss { mask: Hash },
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
            SignatureScheme::RSA_PSS_SHA256 => (Padding::Pss { mask: Hash::Sha256 }, Hash::Sha256),
            SignatureScheme::RSA_PSS_SHA384 => (Padding::Pss { mask: Hash::Sha384 }, Hash::Sha384),
            SignatureScheme::RSA_PSS_SHA512 => (Padding::Pss { mask: Hash::Sha512 }, Hash::Sha512),
            _ => return None,
        };
        Some(Self { provider, padding, hash })
    }

    /// The algorithm as a key with this restriction is verified with; `None` where it is for another hash or demands a longer salt
    /// (OpenSSL: `rsa_signverify_init`).
    pub(crate) fn restricted(mut self, restriction: PssParameters) -> Option<Self> {
        if restriction.hash != self.hash || restriction.salt_length > self.hash.length() {
            return None;
        }
        // A provider in FIPS mode verifies with the usual mask alone.
        if restriction.mask_hash != self.hash && self.provider.fips() {
            return None;
        }
        digest(restriction.mask_hash, &[])?;
        self.padding = Padding::Pss { mask: restriction.mask_hash };
        Some(self)
    }

    /// Whether the algorithm verifies any signature with this key.
    pub(crate) fn takes_key(&self, key: &[u8]) -> bool {
        let key = rsa_public_key(key).filter(is_usable);
        key.is_some_and(|key| self.is_for_provider(&key) || !self.provider.fips())
    }

    /// Whether the provider looks at signatures of this kind by the key.
    fn is_for_provider(&self, key: &RsaPublicKey<'_>) -> bool {
        let is_usual = match self.padding {
            Padding::Pkcs1 => true,
            Padding::Pss { mask } => mask == self.hash,
        };
        is_usual && is_in_providers_range(key)
    }

    /// Whether a signature of this padding and hash fits into the modulus (RFC 8017, sections 9.1.1 and 9.2, step 3; OpenSSL:
    /// `rsa_pss_check_min_key_size`).
    pub(crate) fn has_room(&self, key: &[u8]) -> bool {
        /// The DigestInfo around any of the hashes, and the least padding (RFC 8017, section 9.2).
        const PKCS1_OVERHEAD: usize = 19 + 11;
        let hash = usize::from(self.hash.length());
        rsa_public_key(key).is_some_and(|key| match self.padding {
            Padding::Pkcs1 => key.modulus.len() >= hash.saturating_add(PKCS1_OVERHEAD),
            Padding::Pss { .. } => {
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
            Some(key) if !self.is_for_provider(&key) && !self.provider.fips() => {
                is_good(&key, self.padding, self.hash, message, signature).ok_or(InvalidSignature)
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

/// An RSA algorithm with the padding of PKCS #1 v1.5 for certificates and CRLs alone. OpenSSL's security level decides where such
/// signatures count: of a CRL everywhere, of a certificate at level 0 (SHA-1).
#[derive(Debug)]
pub(crate) struct ChainAlgorithm {
    hash: Hash,
    signature: AlgorithmIdentifier,
}

/// The algorithms that crypto providers lack beside that with SHA-256.
pub(crate) static CHAIN_ALGORITHMS: [ChainAlgorithm; 2] = [
    ChainAlgorithm { hash: Hash::Sha224, signature: RSA_PKCS1_SHA224 },
    ChainAlgorithm { hash: Hash::Sha1, signature: RSA_PKCS1_SHA1 },
];

impl SignatureVerificationAlgorithm for ChainAlgorithm {
    fn verify_signature(&self, key: &[u8], message: &[u8], signature: &[u8]) -> Result<(), InvalidSignature> {
        let key = rsa_public_key(key).ok_or(InvalidSignature)?;
        is_good(&key, Padding::Pkcs1, self.hash, message, signature).ok_or(InvalidSignature)
    }

    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        alg_id::RSA_ENCRYPTION
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        self.signature
    }
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
    match padding {
        Padding::Pkcs1 => pkcs1(&encoded, hash, message),
        Padding::Pss { mask } => pss(&encoded, bits(key.modulus), (hash, mask), message),
    }
}

/// The digest of these bytes, end to end; `None` for a hash that is not used here.
fn digest(hash: Hash, parts: &[&[u8]]) -> Option<Vec<u8>> {
    fn of<D: Digest>(parts: &[&[u8]]) -> Vec<u8> {
        parts.iter().fold(D::new(), Digest::chain_update).finalize().to_vec()
    }
    Some(match hash {
        Hash::Sha1 => of::<Sha1>(parts),
        Hash::Sha224 => of::<Sha224>(parts),
        Hash::Sha256 => of::<Sha256>(parts),
        Hash::Sha384 => of::<Sha384>(parts),
        Hash::Sha512 => of::<Sha512>(parts),
        Hash::Sha512Of224 => of::<Sha512_224>(parts),
        Hash::Sha512Of256 => of::<Sha512_256>(parts),
        _ => return None,
    })
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

/// The bytes before the hash in a `DigestInfo` (RFC 8017, section 9.2, note 1).
fn digest_info(hash: Hash) -> Option<Vec<u8>> {
    const SHA2: &[u8] = &[0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02];
    let algorithm = match hash {
        Hash::Sha1 => [&[0x30, 0x09, 0x06, 0x05][..], &[0x2b, 0x0e, 0x03, 0x02, 0x1a, 0x05, 0]].concat(),
        Hash::Sha224 => [SHA2, &[4, 0x05, 0]].concat(),
        Hash::Sha256 => [SHA2, &[1, 0x05, 0]].concat(),
        Hash::Sha384 => [SHA2, &[2, 0x05, 0]].concat(),
        Hash::Sha512 => [SHA2, &[3, 0x05, 0]].concat(),
        _ => return None,
    };
    let length = u8::try_from(hash.length()).ok()?;
    let whole = u8::try_from(algorithm.len()).ok()?.checked_add(length)?.checked_add(2)?;
    Some([&[0x30, whole], &algorithm[..], &[0x04, length]].concat())
}

/// The shortest padding, in bytes (RFC 8017, section 9.2, step 4).
const MIN_PADDING: usize = 8;

/// EMSA-PKCS1-v1_5 (RFC 8017, section 9.2): the one encoding of the message, compared as a whole.
fn pkcs1(encoded: &[u8], hash: Hash, message: &[u8]) -> Option<()> {
    let (info, hash) = (digest_info(hash)?, digest(hash, &[message])?);
    let around = info.len().checked_add(hash.len())?.checked_add(3)?;
    let padding = encoded.len().checked_sub(around).filter(|&length| length >= MIN_PADDING)?;
    let expected = [&[0, 1][..], &vec![0xff; padding], &[0], &info, &hash].concat();
    (expected == encoded).then_some(())
}

/// EMSA-PSS-VERIFY (RFC 8017, section 9.1.2) with a salt as long as the hash. `modulus_bits` is one more than `emBits`.
fn pss(encoded: &[u8], modulus_bits: usize, (of_message, mask): (Hash, Hash), message: &[u8]) -> Option<()> {
    const TRAILER: u8 = 0xbc;
    let hash_length = usize::from(of_message.length());
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

    let mut block = mgf1(mask, hash, masked.len())?;
    block.iter_mut().zip(masked).for_each(|(byte, masked)| *byte ^= masked);
    *block.first_mut()? &= used;
    let (padding, salt) = block.split_at_checked(block.len().checked_sub(hash_length)?)?;
    let (one, zeros) = padding.split_last()?;
    if *one != 1 || zeros.iter().any(|&byte| byte != 0) {
        return None;
    }
    let expected = digest(of_message, &[&[0; 8], &digest(of_message, &[message])?, salt])?;
    (expected == hash).then_some(())
}

/// The mask generation function MGF1 (RFC 8017, appendix B.2.1).
fn mgf1(hash: Hash, seed: &[u8], length: usize) -> Option<Vec<u8>> {
    let mut mask = Vec::with_capacity(length.checked_add(usize::from(hash.length()))?);
    for counter in 0_u32.. {
        if mask.len() >= length {
            break;
        }
        mask.extend(digest(hash, &[seed, &counter.to_be_bytes()])?);
    }
    mask.truncate(length);
    Some(mask)
}

#[cfg(test)]
mod tests;
