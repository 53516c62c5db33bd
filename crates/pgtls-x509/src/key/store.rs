//! Private keys in root and CRL files (OpenSSL: `PEM_X509_INFO_read_bio_ex`).
//!
//! The keys are not used, but a file with one that does not load does not load either. They are read by other rules than a client's
//! key: each block counts; a DSA, Diffie-Hellman or X25519 key is a key; what is encrypted stays so; and the word before
//! `PRIVATE KEY` names the kind of key, or nothing that OpenSSL knows, and then any kind is read.

use super::{
    form::{self, Algorithm, Form, is_numbers},
    legacy,
};
use crate::{
    certificate::algorithm::PssParameters,
    error::{Object, X509Error},
    pem::Block,
    tlv::{DerError, DerResult, Reader, Tlv, integer, oid, tag},
};

/// The kind of key that a label promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Promise {
    Any,
    Only(StoredKey),
}

/// Kinds of keys that OpenSSL 3.0 reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum StoredKey {
    Rsa,
    RsaPss,
    Ec,
    Dsa,
    DiffieHellman,
    /// Curves of Bernstein and Hamburg, by the bytes of their keys.
    Montgomery(usize),
    Edwards(usize),
}

/// Checks that a private key of a root or CRL file loads.
///
/// # Errors
/// It does not, and so the file does not.
pub(crate) fn check_stored_key(block: &Block) -> Result<(), X509Error> {
    let is_encrypted = legacy::is_kept_encrypted(&block.headers).map_err(X509Error::Key)?;
    if is_encrypted || block.label == "ENCRYPTED PRIVATE KEY" {
        return Ok(());
    }
    let promise = promise(&block.label);
    read(&block.contents, promise)
        .map_err(|error| X509Error::malformed(Object::PrivateKey, Some(block.position), error))
}

/// The kind of key by the text before `PRIVATE KEY`, less one character (OpenSSL: `evp_pkey_name2type`).
fn promise(label: &str) -> Promise {
    let name = label.split("PRIVATE KEY").next().unwrap_or_default();
    let mut name = name.chars();
    name.next_back();
    Promise::Only(match name.as_str().to_ascii_uppercase().as_str() {
        "RSA" | "RSAENCRYPTION" => StoredKey::Rsa,
        "RSA-PSS" | "RSASSA-PSS" => StoredKey::RsaPss,
        "EC" | "ID-ECPUBLICKEY" => StoredKey::Ec,
        "DSA" => StoredKey::Dsa,
        "DH" | "X9.42 DH" | "DHX" => StoredKey::DiffieHellman,
        "X25519" => StoredKey::Montgomery(32),
        "X448" => StoredKey::Montgomery(56),
        "ED25519" => StoredKey::Edwards(32),
        "ED448" => StoredKey::Edwards(57),
        _ => return Promise::Any,
    })
}

fn read(der: &[u8], promise: Promise) -> DerResult<()> {
    let fits = |kind| promise == Promise::Any || promise == Promise::Only(kind);
    if fits(StoredKey::Ec) && form::form_of(der) == Form::Sec1 {
        return form::read(der, &[Form::Sec1]).map(|_| ());
    }
    let is_pkcs1 = fits(StoredKey::Rsa) && form::read(der, &[Form::Pkcs1]).is_ok();
    if is_pkcs1 || (fits(StoredKey::Dsa) && is_dsa(der)) {
        return Ok(());
    }
    let kind = pkcs8(der)?;
    if fits(kind) {
        Ok(())
    } else {
        Err(DerError { position: 0, problem: "this is not the kind of key that the label names" })
    }
}

/// `DSAPrivateKey ::= SEQUENCE { version, p, q, g, publicKey, privateKey }`, as OpenSSL writes it.
fn is_dsa(der: &[u8]) -> bool {
    const NUMBERS: usize = 5;
    let Ok(key) = Reader::new(der).expect(tag::SEQUENCE, "a private key is expected") else { return false };
    is_numbers(key.inside(), NUMBERS)
}

/// The kind of a key in PKCS #8.
fn pkcs8(der: &[u8]) -> DerResult<StoredKey> {
    let key = Reader::new(der).expect(tag::SEQUENCE, "a private key is expected")?;
    let mut inside = key.inside();
    inside.expect(tag::INTEGER, "a version is expected")?;
    let identifier = inside.expect(tag::SEQUENCE, "an algorithm identifier is expected")?;
    let octets = inside.expect(tag::OCTET_STRING, "a private key is expected")?;
    let mut named = identifier.inside();
    let algorithm = oid(&named.expect(tag::OID, "an algorithm is expected")?)?;
    let parameters = if named.is_empty() { None } else { Some(named.any()?) };
    let kind = match algorithm {
        [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01] => StoredKey::Rsa,
        [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a] => StoredKey::RsaPss,
        [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01] => StoredKey::Ec,
        [0x2a, 0x86, 0x48, 0xce, 0x38, 0x04, 0x01] => StoredKey::Dsa,
        [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x03, 0x01]
        | [0x2a, 0x86, 0x48, 0xce, 0x3e, 0x02, 0x01] => StoredKey::DiffieHellman,
        [0x2b, 0x65, 0x6e] => StoredKey::Montgomery(32),
        [0x2b, 0x65, 0x6f] => StoredKey::Montgomery(56),
        [0x2b, 0x65, 0x70] => StoredKey::Edwards(32),
        [0x2b, 0x65, 0x71] => StoredKey::Edwards(57),
        _ => return identifier.error("a kind of private key that not every OpenSSL knows"),
    };
    let is_good = match kind {
        StoredKey::Rsa | StoredKey::Ec => true,
        StoredKey::RsaPss => match &parameters {
            None => true,
            Some(parameters) => PssParameters::read(parameters)?.is_some(),
        },
        StoredKey::Dsa | StoredKey::DiffieHellman => {
            // DSA: p, q, g. Diffie-Hellman: p, g, and perhaps a length, or q and j.
            let count = if kind == StoredKey::Dsa { 3..=3 } else { 2..=4 };
            parameters.is_some_and(|it| it.tag == tag::SEQUENCE && count.contains(&numbers(it.inside())))
                && octets.inside().expect(tag::INTEGER, "a number is expected").is_ok_and(|it| {
                    integer(&it).is_ok_and(|number| number.first().is_some_and(|first| first & 0x80 == 0))
                })
        }
        StoredKey::Montgomery(length) | StoredKey::Edwards(length) => {
            parameters.is_none() && is_octets(&octets, length)
        }
    };
    if !is_good {
        return key.error("the private key is not one");
    }
    if matches!(kind, StoredKey::Rsa | StoredKey::RsaPss | StoredKey::Ec) {
        let algorithm = match kind {
            StoredKey::Rsa => Algorithm::Rsa,
            StoredKey::Ec => Algorithm::Ec,
            _ => Algorithm::RsaPss,
        };
        form::read(der, &[Form::Pkcs8(Some(algorithm))])?;
    }
    Ok(kind)
}

fn is_octets(octets: &Tlv<'_>, length: usize) -> bool {
    let mut held = octets.inside();
    held.expect(tag::OCTET_STRING, "a key is expected").is_ok_and(|key| key.value.len() == length)
}

/// Numbers of a sequence that holds nothing else; 0 for any other.
fn numbers(mut inside: Reader<'_>) -> usize {
    let mut count = 0_usize;
    while !inside.is_empty() {
        if inside.expect(tag::INTEGER, "a number is expected").is_err() {
            return 0;
        }
        count = count.saturating_add(1);
    }
    count
}
