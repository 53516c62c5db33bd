//! Signature algorithms: their identifiers, kinds of keys and digests, and the strength of the digests by OpenSSL's rating.

use super::{cross_reference::CROSS_REFERENCE, public_key::PublicKey};
use crate::tlv::{DerResult, Reader, Tlv, any_value, integer, oid, tag};
use alloc::{format, string::String};
use der::asn1::ObjectIdentifier;

/// A hash function named by a signature algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Hash {
    /// MD5.
    Md5,
    /// SHA-1.
    Sha1,
    /// RIPEMD-160.
    Ripemd160,
    /// SHA-224.
    Sha224,
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
    /// SHA-512/224.
    Sha512Of224,
    /// SHA-512/256.
    Sha512Of256,
    /// SHA3-224.
    Sha3Of224,
    /// SHA3-256.
    Sha3Of256,
    /// SHA3-384.
    Sha3Of384,
    /// SHA3-512.
    Sha3Of512,
}

impl Hash {
    /// Bytes of the digest.
    pub fn length(self) -> u16 {
        match self {
            Self::Md5 => 16,
            Self::Sha1 | Self::Ripemd160 => 20,
            Self::Sha224 | Self::Sha512Of224 | Self::Sha3Of224 => 28,
            Self::Sha256 | Self::Sha512Of256 | Self::Sha3Of256 => 32,
            Self::Sha384 | Self::Sha3Of384 => 48,
            Self::Sha512 | Self::Sha3Of512 => 64,
        }
    }

    /// Security bits of a signature over this digest: half its bits, less for the two that are broken (OpenSSL: `x509_sig_info_init`).
    pub(crate) fn security_bits(self) -> u16 {
        match self {
            Self::Md5 => 39,
            Self::Sha1 => 63,
            other => other.length().saturating_mul(4),
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Md5 => "MD5",
            Self::Sha1 => "SHA-1",
            Self::Ripemd160 => "RIPEMD-160",
            Self::Sha224 => "SHA-224",
            Self::Sha256 => "SHA-256",
            Self::Sha384 => "SHA-384",
            Self::Sha512 => "SHA-512",
            Self::Sha512Of224 => "SHA-512/224",
            Self::Sha512Of256 => "SHA-512/256",
            Self::Sha3Of224 => "SHA3-224",
            Self::Sha3Of256 => "SHA3-256",
            Self::Sha3Of384 => "SHA3-384",
            Self::Sha3Of512 => "SHA3-512",
        }
    }

    /// A digest named by its own object identifier, as in the parameters of RSASSA-PSS.
    fn from_oid(oid: &[u8]) -> Option<Self> {
        Some(match oid {
            [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x02, 0x05] => Self::Md5,
            [0x2b, 0x0e, 0x03, 0x02, 0x1a] => Self::Sha1,
            [0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, last] => match last {
                1 => Self::Sha256,
                2 => Self::Sha384,
                3 => Self::Sha512,
                4 => Self::Sha224,
                5 => Self::Sha512Of224,
                6 => Self::Sha512Of256,
                7 => Self::Sha3Of224,
                8 => Self::Sha3Of256,
                9 => Self::Sha3Of384,
                10 => Self::Sha3Of512,
                _ => return None,
            },
            _ => return None,
        })
    }
}

/// Parameters of RSASSA-PSS (RFC 4055, section 3.1), defaults filled in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PssParameters {
    /// Hash of the message.
    pub hash: Hash,
    /// Hash inside the mask generation function MGF1.
    pub mask_hash: Hash,
    /// Bytes of the salt; in a key, the least number of them.
    pub salt_length: u16,
}

impl PssParameters {
    /// All defaults: SHA-1 throughout and a salt of 20 bytes.
    const DEFAULT: Self = Self { hash: Hash::Sha1, mask_hash: Hash::Sha1, salt_length: 20 };

    const MGF1: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x08];

    /// Reads the parameters; `None` when they name something that is not known.
    pub(crate) fn read(parameters: &Tlv<'_>) -> DerResult<Option<Self>> {
        let mut read = Self::DEFAULT;
        if parameters.tag != tag::SEQUENCE {
            return parameters.error("the parameters of RSASSA-PSS are not a sequence");
        }
        let mut inside = parameters.inside();
        if let Some(explicit) = inside.optional(tag::constructed(0))? {
            match hash_identifier(&mut explicit.inside())? {
                Some(hash) => read.hash = hash,
                None => return Ok(None),
            }
        }
        if let Some(explicit) = inside.optional(tag::constructed(1))? {
            let (algorithm, parameters) = identifier(&mut explicit.inside())?;
            if algorithm != Self::MGF1 {
                return Ok(None);
            }
            let Some(parameters) = parameters else { return Ok(None) };
            match hash_identifier(&mut Reader::at(parameters.whole, parameters.position))? {
                Some(hash) => read.mask_hash = hash,
                None => return Ok(None),
            }
        }
        if let Some(explicit) = inside.optional(tag::constructed(2))? {
            let salt = explicit.inside().expect(tag::INTEGER, "a salt length is expected")?;
            match integer(&salt)? {
                [length] if *length < 0x80 => read.salt_length = u16::from(*length),
                [high, low] if *high < 0x80 => read.salt_length = u16::from_be_bytes([*high, *low]),
                _ => return Ok(None),
            }
        }
        if let Some(explicit) = inside.optional(tag::constructed(3))? {
            let trailer = explicit.inside().expect(tag::INTEGER, "a trailer field is expected")?;
            if integer(&trailer)? != [1] {
                return Ok(None);
            }
        }
        inside.finish()?;
        Ok(Some(read))
    }
}

/// Kind of key that OpenSSL's cross reference names beside a signature algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SignerKind {
    Rsa,
    RsaPss,
    Ec,
    Dsa,
    Ed25519,
    Ed448,
    /// A kind of which [`PublicKey`] has no usable key.
    Other,
}

/// A row of OpenSSL's cross reference of signature algorithms (OpenSSL: `OBJ_find_sigid_algs`).
#[derive(Debug)]
pub(crate) struct SignatureId {
    pub(super) oid: ObjectIdentifier,
    pub(super) digest: Option<Hash>,
    pub(super) signer: SignerKind,
    /// Presence in OpenSSL 3.0 and in 3.5.
    pub(super) releases: [bool; 2],
}

impl SignatureId {
    /// The row of an algorithm; `None` when no release of OpenSSL has it.
    fn find(oid: &[u8]) -> Option<&'static Self> {
        let place = CROSS_REFERENCE.binary_search_by(|row| row.oid.as_bytes().cmp(oid)).ok()?;
        CROSS_REFERENCE.get(place)
    }

    /// The row of the algorithm that an AlgorithmIdentifier names.
    pub(crate) fn read(element: &Tlv<'_>) -> DerResult<Option<&'static Self>> {
        let (algorithm, _) = identifier(&mut Reader::at(element.whole, element.position))?;
        Ok(Self::find(algorithm))
    }

    /// Whether every release of OpenSSL has the algorithm.
    pub(crate) fn is_in_every_release(&self) -> bool {
        self.releases.iter().all(|has| *has)
    }

    /// Whether a key is of the kind that makes such signatures (OpenSSL: `EVP_PKEY_is_a`). RSASSA-PSS is for plain RSA keys, too
    /// (OpenSSL: `check_sig_alg_match`).
    pub(crate) fn is_by(&self, key: PublicKey) -> bool {
        matches!(
            (self.signer, key),
            (SignerKind::Rsa | SignerKind::RsaPss, PublicKey::Rsa { .. })
                | (SignerKind::RsaPss, PublicKey::RsaPss { .. })
                | (SignerKind::Ec, PublicKey::Ec(_) | PublicKey::EcExplicit)
                | (SignerKind::Dsa, PublicKey::Dsa { .. })
                | (SignerKind::Ed25519, PublicKey::Ed25519)
                | (SignerKind::Ed448, PublicKey::Ed448)
        )
    }
}

/// A signature algorithm as far as its digest and kind of key are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SignatureAlgorithm {
    RsaPkcs1(Hash),
    /// `None` when the parameters cannot be read or name something unknown.
    RsaPss(Option<PssParameters>),
    Ecdsa(Hash),
    /// ECDSA by an identifier that names no digest.
    EcdsaWithoutDigest,
    Dsa(Hash),
    Ed25519,
    Ed448,
    Unknown,
}

impl SignatureAlgorithm {
    /// Reads an AlgorithmIdentifier.
    pub(crate) fn read(element: &Tlv<'_>) -> DerResult<Self> {
        let (algorithm, parameters) = identifier(&mut Reader::at(element.whole, element.position))?;
        let Some(row) = SignatureId::find(algorithm) else {
            return Ok(Self::Unknown);
        };
        Ok(match (row.signer, row.digest) {
            (SignerKind::Rsa, Some(hash)) => Self::RsaPkcs1(hash),
            (SignerKind::RsaPss, _) => Self::RsaPss(
                parameters.and_then(|parameters| PssParameters::read(&parameters).ok().flatten()),
            ),
            (SignerKind::Ec, Some(hash)) => Self::Ecdsa(hash),
            (SignerKind::Ec, None) => Self::EcdsaWithoutDigest,
            (SignerKind::Dsa, Some(hash)) => Self::Dsa(hash),
            (SignerKind::Ed25519, _) => Self::Ed25519,
            (SignerKind::Ed448, _) => Self::Ed448,
            (SignerKind::Rsa | SignerKind::Dsa | SignerKind::Other, _) => Self::Unknown,
        })
    }

    /// Security bits of the signature (OpenSSL: `X509_get_signature_info`). They are 0 when no digest is known, as in OpenSSL 3.0;
    /// later releases do not rate such a signature.
    pub(crate) fn security_bits(self) -> u16 {
        match self {
            Self::RsaPkcs1(hash) | Self::Ecdsa(hash) | Self::Dsa(hash) => hash.security_bits(),
            Self::RsaPss(parameters) => parameters.map_or(0, |parameters| parameters.hash.security_bits()),
            Self::Ed25519 => 128,
            Self::Ed448 => 224,
            Self::EcdsaWithoutDigest | Self::Unknown => 0,
        }
    }

    /// As people call it: `RSA with SHA-256`.
    pub(crate) fn describe(self) -> String {
        let (name, hash) = match self {
            Self::RsaPkcs1(hash) => ("RSA", Some(hash)),
            Self::RsaPss(parameters) => ("RSA-PSS", parameters.map(|parameters| parameters.hash)),
            Self::Ecdsa(hash) => ("ECDSA", Some(hash)),
            Self::EcdsaWithoutDigest => ("ECDSA without a digest", None),
            Self::Dsa(hash) => ("DSA", Some(hash)),
            Self::Ed25519 => ("Ed25519", None),
            Self::Ed448 => ("Ed448", None),
            Self::Unknown => ("an unknown signature algorithm", None),
        };
        match hash {
            Some(hash) => format!("{name} with {}", hash.name()),
            None => String::from(name),
        }
    }
}

/// Reads an AlgorithmIdentifier: object identifier and parameters.
pub(crate) fn identifier<'a>(reader: &mut Reader<'a>) -> DerResult<(&'a [u8], Option<Tlv<'a>>)> {
    let element = reader.expect(tag::SEQUENCE, "an algorithm identifier is expected")?;
    let mut inside = element.inside();
    let algorithm = oid(&inside.expect(tag::OID, "an algorithm is expected")?)?;
    let parameters = if inside.is_empty() { None } else { Some(any_value(&mut inside)?) };
    inside.finish()?;
    Ok((algorithm, parameters))
}

fn hash_identifier(reader: &mut Reader<'_>) -> DerResult<Option<Hash>> {
    let (algorithm, _) = identifier(reader)?;
    Ok(Hash::from_oid(algorithm))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cross_reference_is_sorted() {
        assert!(CROSS_REFERENCE.is_sorted_by(|left, right| left.oid.as_bytes() < right.oid.as_bytes()));
    }
}
