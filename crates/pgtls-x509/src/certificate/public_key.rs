//! Public keys: of what kind, how strong, and under which names a crypto provider knows them.

use super::{
    algorithm::{PssParameters, identifier},
    curve::Curve,
};
use crate::{
    rsa::rsa_public_key,
    tlv::{Reader, Tlv, bit_string, oid, tag},
};
use alloc::{borrow::Cow, format, string::String};
use rustls_pki_types::{AlgorithmIdentifier, alg_id};

/// A public key as far as path validation needs to know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PublicKey {
    Rsa {
        bits: usize,
    },
    /// A key that may sign with RSASSA-PSS alone, perhaps with given parameters alone.
    RsaPss {
        bits: usize,
        restriction: Option<PssParameters>,
    },
    Ec(&'static Curve),
    Dsa {
        modulus_bits: usize,
        subgroup_bits: usize,
    },
    /// Curve parameters written out instead of named.
    EcExplicit,
    Ed25519,
    Ed448,
    /// Malformed, or of a kind that neither a PostgreSQL server nor a crypto provider would use.
    Unusable,
}

/// The public key of a SubjectPublicKeyInfo, as it was read.
#[derive(Debug)]
pub(crate) struct ReadKey<'a> {
    pub(crate) key: PublicKey,
    /// Content of the BIT STRING in the form that crypto providers read: unused bits cleared, points uncompressed, RSA keys in DER.
    pub(crate) bits: Cow<'a, [u8]>,
    /// Work of reading it beyond that of its bytes.
    pub(crate) work: usize,
}

impl<'a> ReadKey<'a> {
    /// Reads a SubjectPublicKeyInfo. A key that cannot be read is [`PublicKey::Unusable`], never an error: OpenSSL loads such
    /// certificates, too.
    pub(crate) fn read(spki: &Tlv<'a>) -> Self {
        let unusable = || Self { key: PublicKey::Unusable, bits: Cow::Borrowed(&[]), work: 0 };
        Self::try_read(spki).unwrap_or_else(unusable)
    }

    fn try_read(spki: &Tlv<'a>) -> Option<Self> {
        let mut inside = spki.inside();
        let (algorithm, parameters) = identifier(&mut inside).ok()?;
        let bits = bit_string(&inside.any().ok()?).ok()?.masked_bytes();
        let curve = named_curve(algorithm, parameters.as_ref());
        let work = match (curve, bits.first()) {
            (Some(curve), Some(0x02 | 0x03)) => curve.decompression_work(),
            _ => 0,
        };
        let uncompressed = curve.and_then(|curve| map(&bits, |bits| curve.uncompressed(bits)));
        let key = match (curve, &uncompressed) {
            (Some(curve), Some(_)) => PublicKey::Ec(curve),
            (Some(_), None) => PublicKey::Unusable,
            (None, _) => PublicKey::try_read(algorithm, parameters, &bits).unwrap_or(PublicKey::Unusable),
        };
        let bits = match key {
            PublicKey::Rsa { .. } | PublicKey::RsaPss { .. } => {
                map(&bits, |bits| Some(rsa_public_key(bits)?.in_der(bits)))
            }
            _ => uncompressed,
        }
        .unwrap_or(bits);
        Some(Self { key, bits, work })
    }
}

/// Applies a function that keeps or replaces bytes to bytes that may be owned.
fn map<'a>(
    bytes: &Cow<'a, [u8]>,
    function: impl Fn(&[u8]) -> Option<Cow<'_, [u8]>>,
) -> Option<Cow<'a, [u8]>> {
    Some(match function(bytes)? {
        Cow::Borrowed(_) => bytes.clone(),
        Cow::Owned(replaced) => Cow::Owned(replaced),
    })
}

/// The named curve of an EC key.
fn named_curve(algorithm: &[u8], parameters: Option<&Tlv<'_>>) -> Option<&'static Curve> {
    let parameters = parameters.filter(|parameters| algorithm == EC && parameters.tag == tag::OID)?;
    Curve::by_oid(oid(parameters).ok()?)
}

/// `id-ecPublicKey`.
const EC: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];

impl PublicKey {
    /// Reads a SubjectPublicKeyInfo.
    pub(crate) fn read(spki: &Tlv<'_>) -> Self {
        ReadKey::read(spki).key
    }

    /// Reads a key on no named curve.
    fn try_read(algorithm: &[u8], parameters: Option<Tlv<'_>>, key: &[u8]) -> Option<Self> {
        const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
        /// `id-ea-rsa` of X.509, for OpenSSL the same (`EVP_PKEY_RSA2`).
        const X509_RSA: &[u8] = &[0x55, 0x08, 0x01, 0x01];
        const RSA_PSS: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a];
        const ED25519: &[u8] = &[0x2b, 0x65, 0x70];
        const ED448: &[u8] = &[0x2b, 0x65, 0x71];
        const DSA: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x38, 0x04, 0x01];
        Some(match algorithm {
            RSA | X509_RSA => Self::Rsa { bits: modulus_bits(key)? },
            RSA_PSS => {
                let bits = modulus_bits(key)?;
                let restriction = match parameters {
                    None => None,
                    // A restriction that is not understood restricts to nothing.
                    Some(parameters) => Some(PssParameters::read(&parameters).ok()??),
                };
                Self::RsaPss { bits, restriction }
            }
            DSA => {
                let mut domain = parameters.filter(|domain| domain.tag == tag::SEQUENCE)?.inside();
                let modulus_bits = integer_bits(&mut domain)?;
                let subgroup_bits = integer_bits(&mut domain)?;
                Reader::new(key).expect(tag::INTEGER, "a DSA key is expected").ok()?;
                Self::Dsa { modulus_bits, subgroup_bits }
            }
            EC if parameters?.tag == tag::SEQUENCE => Self::EcExplicit,
            ED25519 if parameters.is_none() && key.len() == 32 => Self::Ed25519,
            ED448 if parameters.is_none() && key.len() == 57 => Self::Ed448,
            _ => return None,
        })
    }

    /// Security bits of the key (OpenSSL: `EVP_PKEY_get_security_bits`).
    pub(crate) fn security_bits(self) -> u16 {
        match self {
            Self::Rsa { bits } | Self::RsaPss { bits, .. } => rsa_security_bits(bits),
            Self::Dsa { modulus_bits, subgroup_bits } => dsa_security_bits(modulus_bits, subgroup_bits),
            Self::Ec(curve) => curve.security_bits(),
            Self::Ed25519 => 128,
            Self::Ed448 => 224,
            // The curve is refused for being written out, whatever it is.
            Self::EcExplicit => u16::MAX,
            Self::Unusable => 0,
        }
    }

    /// As people call it: `RSA, 2048 bits`.
    pub(crate) fn describe(self) -> String {
        match self {
            Self::Rsa { bits } => format!("RSA, {bits} bits"),
            Self::RsaPss { bits, .. } => format!("RSA-PSS, {bits} bits"),
            Self::Dsa { modulus_bits, .. } => format!("DSA, {modulus_bits} bits"),
            Self::Ec(curve) => format!("EC, {}", curve.name),
            Self::EcExplicit => String::from("EC, parameters written out"),
            Self::Ed25519 => String::from("Ed25519"),
            Self::Ed448 => String::from("Ed448"),
            Self::Unusable => String::from("malformed, or of an unknown kind"),
        }
    }

    /// The identifier under which crypto providers verify signatures of this key.
    pub(crate) fn provider_id(self) -> Option<AlgorithmIdentifier> {
        match self {
            Self::Rsa { .. } | Self::RsaPss { .. } => Some(alg_id::RSA_ENCRYPTION),
            Self::Ec(curve) => curve.provider_id,
            Self::Ed25519 => Some(alg_id::ED25519),
            Self::Ed448 => Some(alg_id::ED448),
            Self::Dsa { .. } | Self::EcExplicit | Self::Unusable => None,
        }
    }
}

/// Bits of an RSA key's modulus.
fn modulus_bits(key: &[u8]) -> Option<usize> {
    let sequence = Reader::new(key).expect(tag::SEQUENCE, "an RSA key is expected").ok()?;
    let mut inside = sequence.inside();
    let modulus = integer_bits(&mut inside)?;
    integer_bits(&mut inside)?;
    inside.finish().ok()?;
    Some(modulus)
}

/// Significant bits of the next INTEGER, which OpenSSL reads as unsigned here; `None` for zero.
fn integer_bits(reader: &mut Reader<'_>) -> Option<usize> {
    let content = reader.expect(tag::INTEGER, "an integer is expected").ok()?.value;
    let leading = content.iter().position(|&byte| byte != 0)?;
    let significant = content.get(leading..)?;
    let zero_bits = usize::try_from(significant.first()?.leading_zeros()).ok()?;
    significant.len().checked_mul(8)?.checked_sub(zero_bits)
}

/// The lesser of what modulus and subgroup give (OpenSSL: `BN_security_bits`).
fn dsa_security_bits(modulus_bits: usize, subgroup_bits: usize) -> u16 {
    let by_modulus = match modulus_bits {
        15_360.. => 256,
        7_680.. => 192,
        3_072.. => 128,
        2_048.. => 112,
        1_024.. => 80,
        _ => 0,
    };
    match u16::try_from(subgroup_bits / 2) {
        Ok(by_subgroup) if by_subgroup < 80 => 0,
        Ok(by_subgroup) => by_subgroup.min(by_modulus),
        Err(_) => by_modulus,
    }
}

/// OpenSSL rates RSA keys by a formula of NIST (SP 800-56B, appendix D) rounded to eight bits; these are the least moduli of
/// the ratings that its security levels ask for.
fn rsa_security_bits(modulus_bits: usize) -> u16 {
    match modulus_bits {
        13_914.. => 256,
        6_947.. => 192,
        2_671.. => 128,
        1_963.. => 112,
        920.. => 80,
        _ => 0,
    }
}
