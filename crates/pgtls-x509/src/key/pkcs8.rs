//! Encrypted PKCS#8 (RFC 5958, section 3) with the schemes of PKCS#5 (RFC 8018) and PKCS#12 (RFC 7292, appendix C).

use super::{
    cipher::{Block, Cipher, Mode},
    derive::{self, Prf, Purpose},
};
use crate::{
    certificate::algorithm::identifier,
    error::KeyProblem,
    tlv::{DerResult, Reader, Tlv, integer, tag},
};
use alloc::{string::ToString, vec::Vec};
use der::oid::ObjectIdentifier;
use zeroize::Zeroizing;

/// A PKCS#8 key that is encrypted.
pub(super) struct Encrypted<'a> {
    algorithm: &'a [u8],
    parameters: Option<Tlv<'a>>,
    ciphertext: &'a [u8],
}

/// Object identifiers of schemes, derivations and ciphers.
mod known {
    pub(super) const PBES2: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05, 0x0d];
    pub(super) const PBE_SHA1_3DES: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x0c, 0x01, 0x03];
    pub(super) const PBE_SHA1_2DES: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x0c, 0x01, 0x04];
    pub(super) const PBKDF2: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05, 0x0c];
    pub(super) const SCRYPT: &[u8] = &[0x2b, 0x06, 0x01, 0x04, 0x01, 0xda, 0x47, 0x04, 0x0b];
    /// The ciphers of AES share all but the last byte.
    pub(super) const AES: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01];
    /// `des-ede`: two keys, in ECB mode.
    pub(super) const DES_EDE: &[u8] = &[0x2b, 0x0e, 0x03, 0x02, 0x11];
    pub(super) const TRIPLE_DES: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x03, 0x07];
    /// `hmacWithSHA1` and its relatives share all but the last byte.
    pub(super) const HMAC_WITH: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x02];
}

impl<'a> Encrypted<'a> {
    /// `EncryptedPrivateKeyInfo ::= SEQUENCE { encryptionAlgorithm, encryptedData OCTET STRING }`
    pub(super) fn read(der: &'a [u8]) -> DerResult<Self> {
        let key = Reader::new(der).expect(tag::SEQUENCE, "an encrypted private key is expected")?;
        let mut inside = key.inside();
        let (algorithm, parameters) = identifier(&mut inside)?;
        let ciphertext = inside.expect(tag::OCTET_STRING, "encrypted data is expected")?.value;
        inside.finish()?;
        Ok(Self { algorithm, parameters, ciphertext })
    }

    pub(super) fn decrypt(&self, passphrase: &[u8]) -> Result<Zeroizing<Vec<u8>>, KeyProblem> {
        let parameters = self.parameters.as_ref().ok_or(KeyProblem::BadEncryptionParameters)?;
        match self.algorithm {
            known::PBES2 => self.pbes2(parameters, passphrase),
            known::PBE_SHA1_3DES => self.pkcs12(parameters, passphrase, Block::TripleDes.cbc()),
            known::PBE_SHA1_2DES => self.pkcs12(parameters, passphrase, Block::TripleDesTwoKeys.cbc()),
            other => Err(unsupported(other)),
        }
    }

    fn pkcs12(
        &self,
        parameters: &Tlv<'_>,
        passphrase: &[u8],
        cipher: Cipher,
    ) -> Result<Zeroizing<Vec<u8>>, KeyProblem> {
        let (salt, iterations) = pbe_parameters(parameters)?;
        let key = derive::pkcs12(passphrase, salt, iterations, Purpose::Key, cipher.key_bytes())?;
        let vector = Purpose::InitialisationVector;
        let iv = derive::pkcs12(passphrase, salt, iterations, vector, cipher.iv_bytes())?;
        cipher.decrypt(&key, &iv, self.ciphertext)
    }

    /// `PBES2-params ::= SEQUENCE { keyDerivationFunc, encryptionScheme }`
    fn pbes2(&self, parameters: &Tlv<'_>, passphrase: &[u8]) -> Result<Zeroizing<Vec<u8>>, KeyProblem> {
        let mut inside = sequence(parameters)?;
        let (function, function_parameters) = identifier(&mut inside).map_err(bad)?;
        let (scheme, vector) = identifier(&mut inside).map_err(bad)?;
        inside.finish().map_err(bad)?;
        let cipher = scheme_cipher(scheme).ok_or_else(|| unsupported(scheme))?;
        let iv = vector
            .filter(|vector| vector.tag == tag::OCTET_STRING && vector.value.len() == cipher.iv_bytes())
            .ok_or(KeyProblem::BadEncryptionParameters)?
            .value;
        let function_parameters = function_parameters.ok_or(KeyProblem::BadEncryptionParameters)?;
        let key = match function {
            known::PBKDF2 => pbkdf2(&function_parameters, passphrase, cipher.key_bytes()),
            known::SCRYPT => scrypt(&function_parameters, passphrase, cipher.key_bytes()),
            other => Err(unsupported(other)),
        }?;
        cipher.decrypt(&key, iv, self.ciphertext)
    }
}

/// The cipher of an object identifier. Those of AES count from 1, 21 and 41 for the three lengths of the key, each in the order of
/// the modes (NIST, Computer Security Objects Register).
fn scheme_cipher(scheme: &[u8]) -> Option<Cipher> {
    match scheme {
        known::TRIPLE_DES => return Some(Block::TripleDes.cbc()),
        known::DES_EDE => return Some(Cipher { block: Block::TripleDesTwoKeys, mode: Mode::Ecb }),
        _ => {}
    }
    let &[last] = scheme.strip_prefix(known::AES)? else { return None };
    let (block, number) = match last {
        41.. => (Block::Aes256, last.checked_sub(40)?),
        21.. => (Block::Aes192, last.checked_sub(20)?),
        _ => (Block::Aes128, last),
    };
    let mode = match number {
        1 => Mode::Ecb,
        2 => Mode::Cbc,
        3 => Mode::Ofb,
        4 => Mode::Cfb,
        _ => return None,
    };
    Some(Cipher { block, mode })
}

/// `PBKDF2-params ::= SEQUENCE { salt OCTET STRING, iterationCount, keyLength OPTIONAL, prf DEFAULT hmacWithSHA1 }`
fn pbkdf2(parameters: &Tlv<'_>, passphrase: &[u8], length: usize) -> Result<Zeroizing<Vec<u8>>, KeyProblem> {
    let mut inside = sequence(parameters)?;
    let salt = inside.expect(tag::OCTET_STRING, "a salt is expected").map_err(bad)?.value;
    let iterations = number(&mut inside)?;
    key_length(&mut inside, length)?;
    let prf = if inside.is_empty() {
        Prf::Sha1
    } else {
        let (function, _) = identifier(&mut inside).map_err(bad)?;
        match function.strip_prefix(known::HMAC_WITH) {
            Some([6]) => Prf::Md5,
            Some([7]) => Prf::Sha1,
            Some([8]) => Prf::Sha224,
            Some([9]) => Prf::Sha256,
            Some([10]) => Prf::Sha384,
            Some([11]) => Prf::Sha512,
            Some([12]) => Prf::Sha512Of224,
            Some([13]) => Prf::Sha512Of256,
            _ => return Err(unsupported(function)),
        }
    };
    inside.finish().map_err(bad)?;
    derive::pbkdf2(passphrase, salt, iterations, prf, length)
}

/// `scrypt-params ::= SEQUENCE { salt OCTET STRING, costParameter, blockSize, parallelizationParameter, keyLength OPTIONAL }`
fn scrypt(parameters: &Tlv<'_>, passphrase: &[u8], length: usize) -> Result<Zeroizing<Vec<u8>>, KeyProblem> {
    let mut inside = sequence(parameters)?;
    let salt = inside.expect(tag::OCTET_STRING, "a salt is expected").map_err(bad)?.value;
    let costs = [number(&mut inside)?, number(&mut inside)?, number(&mut inside)?];
    key_length(&mut inside, length)?;
    inside.finish().map_err(bad)?;
    derive::scrypt(passphrase, salt, costs, length)
}

/// `PBEParameter ::= SEQUENCE { salt OCTET STRING, iterationCount }`
fn pbe_parameters<'a>(parameters: &Tlv<'a>) -> Result<(&'a [u8], u32), KeyProblem> {
    let mut inside = sequence(parameters)?;
    let salt = inside.expect(tag::OCTET_STRING, "a salt is expected").map_err(bad)?.value;
    let iterations = number(&mut inside)?;
    inside.finish().map_err(bad)?;
    Ok((salt, iterations))
}

/// The length of the key, if it is given, is that which the cipher needs.
fn key_length(inside: &mut Reader<'_>, length: usize) -> Result<(), KeyProblem> {
    if inside.peek() == Some(tag::INTEGER) && usize::try_from(number(inside)?) != Ok(length) {
        return Err(KeyProblem::BadEncryptionParameters);
    }
    Ok(())
}

fn sequence<'a>(element: &Tlv<'a>) -> Result<Reader<'a>, KeyProblem> {
    if element.tag == tag::SEQUENCE { Ok(element.inside()) } else { Err(KeyProblem::BadEncryptionParameters) }
}

/// A number that is not negative. One that is out of range asks for too much, whatever it is for.
fn number(inside: &mut Reader<'_>) -> Result<u32, KeyProblem> {
    let element = inside.expect(tag::INTEGER, "a number is expected").map_err(bad)?;
    match integer(&element).map_err(bad)? {
        [first, ..] if first & 0x80 != 0 => Err(KeyProblem::BadEncryptionParameters),
        bytes if bytes.len() > 5 => Err(KeyProblem::TooExpensive),
        bytes => {
            let value = bytes.iter().fold(0_u64, |value, &byte| (value << 8) | u64::from(byte));
            u32::try_from(value).map_err(|_| KeyProblem::TooExpensive)
        }
    }
}

fn bad<E>(_: E) -> KeyProblem {
    KeyProblem::BadEncryptionParameters
}

fn unsupported(algorithm: &[u8]) -> KeyProblem {
    let scheme = ObjectIdentifier::from_bytes(algorithm)
        .map_or_else(|_| "an unreadable object identifier".into(), |identifier| identifier.to_string());
    KeyProblem::UnsupportedEncryption { scheme }
}
