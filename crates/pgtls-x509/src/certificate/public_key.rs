//! Public keys: of what kind, how strong, and under which names a crypto provider knows them.

use super::{
    algorithm::{PssParameters, identifier},
    curve::Curve,
};
use crate::tlv::{Reader, Tlv, bit_string, oid, tag};
use alloc::{format, string::String};
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

impl PublicKey {
    /// Reads a SubjectPublicKeyInfo. What cannot be read is [`PublicKey::Unusable`], never an error: OpenSSL loads such certificates too.
    pub(crate) fn read(spki: &Tlv<'_>) -> Self {
        Self::try_read(spki).unwrap_or(Self::Unusable)
    }

    fn try_read(spki: &Tlv<'_>) -> Option<Self> {
        const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
        const RSA_PSS: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a];
        const EC: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
        const ED25519: &[u8] = &[0x2b, 0x65, 0x70];
        const ED448: &[u8] = &[0x2b, 0x65, 0x71];
        const DSA: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x38, 0x04, 0x01];
        let mut inside = spki.inside();
        let (algorithm, parameters) = identifier(&mut inside).ok()?;
        let key = &*bit_string(&inside.any().ok()?).ok()?.masked_bytes();
        Some(match algorithm {
            RSA => Self::Rsa { bits: modulus_bits(key)? },
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
            EC => {
                let parameters = parameters?;
                if parameters.tag == tag::SEQUENCE {
                    return Some(Self::EcExplicit);
                }
                let curve = (parameters.tag == tag::OID).then(|| oid(&parameters).ok())??;
                let curve = Curve::by_oid(curve)?;
                curve.has_point(key).then_some(Self::Ec(curve))?
            }
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
