//! The three forms of a private key in DER: PKCS#8 (RFC 5958), PKCS#1 (RFC 8017, appendix A.1.2), SEC1 (RFC 5915).
//!
//! They are checked as far as OpenSSL's decoders are needed to tell them apart and a cut-off key from a whole one. Whether the
//! numbers make a key is for the crypto provider.

use super::pkcs8;
use crate::{
    certificate::{
        curve::Curve,
        name::{element_length, push_header, push_tlv},
    },
    error::{KeyProblem, Object, X509Error},
    tlv::{DerError, DerResult, Reader, Tlv, bit_string, integer, oid, tag},
};
use alloc::vec::Vec;
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs1KeyDer, PrivatePkcs8KeyDer, PrivateSec1KeyDer};
use zeroize::Zeroizing;

/// A form that a key may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// PKCS#8, with any kind of key or with this one alone.
    Pkcs8(Option<Algorithm>),
    Pkcs1,
    Sec1,
}

/// Kinds of keys that are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Algorithm {
    Rsa,
    RsaPss,
    Ec,
    Edwards,
    Other,
}

/// `rsaEncryption` (RFC 8017, appendix A.1).
const RSA_ENCRYPTION: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
/// `id-ecPublicKey` (RFC 5480, section 2.1.1).
const EC_PUBLIC_KEY: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];

impl Algorithm {
    fn of(algorithm: &[u8]) -> Self {
        match algorithm {
            RSA_ENCRYPTION => Self::Rsa,
            [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a] => Self::RsaPss,
            EC_PUBLIC_KEY => Self::Ec,
            [0x2b, 0x65, 0x70 | 0x71] => Self::Edwards,
            _ => Self::Other,
        }
    }
}

/// A key in the first of these forms that fits; the error is that of the first one. What follows the key is ignored, as
/// OpenSSL does.
pub(super) fn read(der: &[u8], forms: &[Form]) -> DerResult<PrivateKeyDer<'static>> {
    let mut first_error = DerError { position: 0, problem: "a private key is expected" };
    for (index, form) in forms.iter().enumerate() {
        match read_as(der, *form) {
            Ok(key) => return Ok(key),
            Err(error) if index == 0 => first_error = error,
            Err(_) => {}
        }
    }
    Err(first_error)
}

/// Whether a file can be DER at all.
pub(super) fn is_der(bytes: &[u8]) -> bool {
    bytes.first() == Some(&tag::SEQUENCE)
}

/// A key file that is DER.
pub(super) fn read_der(der: &[u8]) -> Result<PrivateKeyDer<'static>, X509Error> {
    read_as(der, form_of(der)).map_err(|error| {
        if pkcs8::Encrypted::read(der).is_ok() {
            X509Error::Key(KeyProblem::EncryptedDer)
        } else {
            X509Error::malformed(Object::PrivateKey, None, error)
        }
    })
}

/// The form that a key seems to have: they differ in what follows the version.
pub(super) fn form_of(der: &[u8]) -> Form {
    let after_version = || {
        let mut inside = Reader::new(der).any().ok()?.inside();
        inside.expect(tag::INTEGER, "a version is expected").ok()?;
        inside.peek()
    };
    match after_version() {
        Some(tag::INTEGER) => Form::Pkcs1,
        Some(tag::OCTET_STRING) => Form::Sec1,
        _ => Form::Pkcs8(None),
    }
}

fn read_as(der: &[u8], form: Form) -> DerResult<PrivateKeyDer<'static>> {
    let mut reader = Reader::new(der);
    let key = reader.expect(tag::SEQUENCE, "a private key is expected")?;
    match form {
        Form::Pkcs8(wanted) => {
            let rewritten = private_key_info(&key, wanted)?;
            Ok(PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(
                rewritten.unwrap_or_else(|| key.whole.to_vec()),
            )))
        }
        Form::Pkcs1 => {
            let rewritten = rsa_private_key(&key)?;
            Ok(PrivateKeyDer::Pkcs1(PrivatePkcs1KeyDer::from(
                rewritten.unwrap_or_else(|| key.whole.to_vec()),
            )))
        }
        Form::Sec1 => {
            ec_private_key(&key, None)?;
            Ok(PrivateKeyDer::Sec1(PrivateSec1KeyDer::from(key.whole.to_vec())))
        }
    }
}

/// `OneAsymmetricKey ::= SEQUENCE { version, privateKeyAlgorithm, privateKey OCTET STRING, [0] attributes OPTIONAL,
/// [1] publicKey OPTIONAL }`
///
/// Returns the key with an RSA key in DER, where that is BER ([`rsa_private_key`]).
fn private_key_info(key: &Tlv<'_>, wanted: Option<Algorithm>) -> DerResult<Option<Vec<u8>>> {
    let mut inside = key.inside();
    let version = inside.expect(tag::INTEGER, "a version is expected")?;
    integer(&version)?;
    let identifier = inside.expect(tag::SEQUENCE, "an algorithm identifier is expected")?;
    let mut named = identifier.inside();
    let algorithm = Algorithm::of(oid(&named.expect(tag::OID, "an algorithm is expected")?)?);
    if wanted.is_some_and(|wanted| wanted != algorithm) {
        return identifier.error("this is not the kind of key that the label names");
    }
    let octets = inside.expect(tag::OCTET_STRING, "a private key is expected")?;
    let mut held = octets.inside();
    let mut rewritten = None;
    match algorithm {
        Algorithm::Rsa | Algorithm::RsaPss => {
            let rsa = rsa_private_key(&held.expect(tag::SEQUENCE, "an RSA private key is expected")?)?;
            rewritten = rsa.map(|rsa| {
                let rsa = Zeroizing::new(rsa);
                let octets = element_length(rsa.len());
                let content =
                    version.whole.len().saturating_add(identifier.whole.len()).saturating_add(octets);
                let mut out = Vec::with_capacity(element_length(content));
                push_header(&mut out, tag::SEQUENCE, content);
                out.extend_from_slice(version.whole);
                out.extend_from_slice(identifier.whole);
                push_tlv(&mut out, tag::OCTET_STRING, &rsa);
                out
            });
        }
        Algorithm::Ec => {
            let key = held.expect(tag::SEQUENCE, "an EC private key is expected")?;
            ec_private_key(&key, if named.is_empty() { None } else { Some(named.any()?) })?;
        }
        Algorithm::Edwards => {
            held.expect(tag::OCTET_STRING, "an Edwards curve private key is expected")?;
        }
        Algorithm::Other => {}
    }
    while !inside.is_empty() {
        let optional = inside.any()?;
        if optional.tag == tag::primitive(1) {
            bit_string(&optional)?;
        }
    }
    Ok(rewritten)
}

/// Numbers in an RSA key behind its version: modulus, both exponents, both primes, and three that speed the arithmetic up.
const RSA_NUMBERS: usize = 8;

/// `RSAPrivateKey ::= SEQUENCE { version, modulus, ..., coefficient, otherPrimeInfos OPTIONAL }`
///
/// OpenSSL reads the numbers as unsigned, however many zeros they begin with (`bn_c2i`); crypto providers demand DER. Returns the key
/// in DER where it is not.
fn rsa_private_key(key: &Tlv<'_>) -> DerResult<Option<Vec<u8>>> {
    let mut inside = key.inside();
    let version = inside.expect(tag::INTEGER, "a version is expected")?;
    integer(&version)?;
    let mut numbers = Vec::with_capacity(RSA_NUMBERS);
    for _ in 0..RSA_NUMBERS {
        numbers.push(inside.expect(tag::INTEGER, "a number of an RSA key is expected")?);
    }
    let more_primes = inside.optional(tag::SEQUENCE)?;
    inside.finish()?;
    let is_der = |number: &Tlv<'_>| {
        integer(number).is_ok_and(|bytes| bytes.first().is_some_and(|first| first & 0x80 == 0))
    };
    if numbers.iter().all(is_der) {
        return Ok(None);
    }
    let mut content = Zeroizing::new(Vec::with_capacity(key.whole.len().saturating_add(RSA_NUMBERS)));
    content.extend_from_slice(version.whole);
    for number in &numbers {
        let zeros = number.value.iter().take_while(|&&byte| byte == 0).count();
        let significant = number.value.get(zeros..).unwrap_or_default();
        let sign: &[u8] = if significant.first().is_none_or(|first| first & 0x80 != 0) { &[0] } else { &[] };
        push_header(&mut content, tag::INTEGER, sign.len().saturating_add(significant.len()));
        content.extend_from_slice(sign);
        content.extend_from_slice(significant);
    }
    content.extend_from_slice(more_primes.map_or(&[], |primes| primes.whole));
    let mut out = Vec::with_capacity(element_length(content.len()));
    push_tlv(&mut out, tag::SEQUENCE, &content);
    Ok(Some(out))
}

/// `ECPrivateKey ::= SEQUENCE { version, privateKey OCTET STRING, [0] parameters OPTIONAL, [1] publicKey OPTIONAL }`
///
/// The parameters are those of the PKCS#8 around it, where they stand; without any there is no key. A public key is on their curve
/// once its unused bits are cleared (OpenSSL: `d2i_ECPrivateKey`); crypto providers refuse a key with unused bits in any case.
fn ec_private_key(key: &Tlv<'_>, parameters: Option<Tlv<'_>>) -> DerResult<()> {
    let mut inside = key.inside();
    integer(&inside.expect(tag::INTEGER, "a version is expected")?)?;
    inside.expect(tag::OCTET_STRING, "the number of an EC key is expected")?;
    let own_parameters = match inside.optional(tag::constructed(0))? {
        Some(parameters) => Some(parameters.inside().any()?),
        None => None,
    };
    let parameters = own_parameters.or(parameters);
    let Some(parameters) = parameters else {
        return key.error("the curve of an EC key is expected");
    };
    if parameters.tag == tag::SEQUENCE {
        return parameters.error("the curve of the key is written out instead of named");
    }
    let Some(curve) = Curve::by_oid(parameters.value).filter(|_| parameters.tag == tag::OID) else {
        return parameters.error("the curve of the key is not known");
    };
    if let Some(explicit) = inside.optional(tag::constructed(1))? {
        let public_key = explicit.inside().expect(tag::BIT_STRING, "a public key is expected")?;
        let point = bit_string(&public_key)?.masked_bytes();
        if curve.uncompressed(&point).is_none() {
            return public_key.error("the public key is not on its curve");
        }
    }
    inside.finish()
}

/// A key in PKCS#8, as a TLS engine reads it that does not tell the forms apart (RFC 5958; RFC 3279, section 2.3.1; RFC 5480, section
/// 2.1.1). One that is PKCS#8 is copied. The caller wipes the result.
///
/// # Errors
/// A key that is neither, which [`private_key`](super::private_key) does not return.
pub fn to_pkcs8(key: &PrivateKeyDer<'_>) -> Result<Vec<u8>, X509Error> {
    let der = key.secret_der();
    let mut algorithm = Vec::new();
    match key {
        PrivateKeyDer::Pkcs1(_) => {
            push_tlv(&mut algorithm, tag::OID, RSA_ENCRYPTION);
            push_tlv(&mut algorithm, tag::NULL, &[]);
        }
        PrivateKeyDer::Sec1(_) => {
            let curve =
                curve_of(der).map_err(|error| X509Error::malformed(Object::PrivateKey, None, error))?;
            push_tlv(&mut algorithm, tag::OID, EC_PUBLIC_KEY);
            algorithm.extend_from_slice(curve);
        }
        _ => return Ok(der.to_vec()),
    }
    let version = [tag::INTEGER, 1, 0];
    let content = version
        .len()
        .saturating_add(element_length(algorithm.len()))
        .saturating_add(element_length(der.len()));
    // The key is written once, and leaves no copy behind.
    let mut out = Vec::with_capacity(element_length(content));
    push_header(&mut out, tag::SEQUENCE, content);
    out.extend_from_slice(&version);
    push_tlv(&mut out, tag::SEQUENCE, &algorithm);
    push_tlv(&mut out, tag::OCTET_STRING, der);
    Ok(out)
}

/// The parameters in an `ECPrivateKey`.
fn curve_of(sec1: &[u8]) -> DerResult<&[u8]> {
    let mut inside = Reader::new(sec1).expect(tag::SEQUENCE, "an EC private key is expected")?.inside();
    inside.expect(tag::INTEGER, "a version is expected")?;
    inside.expect(tag::OCTET_STRING, "the number of an EC key is expected")?;
    let parameters = inside.expect(tag::constructed(0), "the curve of an EC key is expected")?;
    Ok(parameters.inside().any()?.whole)
}

/// Whether a sequence has a version and so many numbers, and nothing else.
pub(super) fn is_numbers(mut inside: Reader<'_>, count: usize) -> bool {
    let version =
        inside.expect(tag::INTEGER, "a version is expected").is_ok_and(|version| integer(&version).is_ok());
    version
        && (0..count).all(|_| inside.expect(tag::INTEGER, "a number is expected").is_ok())
        && inside.is_empty()
}
