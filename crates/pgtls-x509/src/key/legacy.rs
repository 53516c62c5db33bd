//! Keys encrypted with headers in the PEM block: `Proc-Type: 4,ENCRYPTED` and `DEK-Info` (RFC 1421; OpenSSL:
//! `PEM_get_EVP_CIPHER_INFO`, `PEM_do_header`).

use super::{
    cipher::{Block, Cipher, Mode},
    derive,
};
use crate::error::KeyProblem;
use alloc::{string::String, vec::Vec};
use zeroize::Zeroizing;

/// Shorter headers are no headers to OpenSSL: the first alone needs as many bytes.
const LEAST_HEADERS: usize = "Proc-Type:".len();

/// Bytes of the initialisation vector that are the salt of the key.
const SALT: usize = 8;

/// The contents decrypted as the headers say; `None` without headers.
pub(super) fn decrypt(
    headers: &str,
    contents: &[u8],
    passphrase: Option<&[u8]>,
) -> Result<Option<Zeroizing<Vec<u8>>>, KeyProblem> {
    if headers.len() <= LEAST_HEADERS {
        return Ok(None);
    }
    let Encryption { cipher, iv } = Encryption::read(headers)?;
    let passphrase = passphrase.ok_or(KeyProblem::PassphraseNeeded)?;
    // Without a vector the salt is zero.
    let salt: Vec<u8> = iv.iter().copied().chain(core::iter::repeat(0)).take(SALT).collect();
    let key = derive::bytes_to_key(passphrase, &salt, cipher.key_bytes());
    cipher.decrypt(&key, &iv, contents).map(Some)
}

/// The contents of a block in a root or CRL file, decrypted with the empty passphrase that OpenSSL hands to it
/// (`X509_load_cert_crl_file_ex`); `None` without headers.
pub(crate) fn decrypt_in_store(
    headers: &str,
    contents: &[u8],
) -> Result<Option<Zeroizing<Vec<u8>>>, KeyProblem> {
    match headers.as_bytes() {
        [] | [b'\n', ..] => Ok(None),
        short if short.len() <= LEAST_HEADERS => Err(KeyProblem::BadHeaders),
        _ => decrypt(headers, contents, Some(&[])),
    }
}

/// Whether OpenSSL keeps the private key of a block in a root or CRL file encrypted (`PEM_X509_INFO_read_bio_ex`). Its headers are
/// read, and have to name a cipher of any provider; its content is not.
pub(super) fn is_kept_encrypted(headers: &str) -> Result<bool, KeyProblem> {
    if headers.is_empty() || headers.starts_with('\n') {
        return Ok(false);
    }
    match Encryption::read(headers) {
        Ok(_) => Ok(true),
        Err(KeyProblem::UnsupportedEncryption { scheme }) => {
            let is_known = OTHER_CIPHERS.iter().any(|known| known.eq_ignore_ascii_case(&scheme));
            if is_known { Ok(true) } else { Err(KeyProblem::UnsupportedEncryption { scheme }) }
        }
        Err(error) => Err(error),
    }
}

/// Names of ciphers that OpenSSL knows and that are not decrypted here, of which people encrypted keys.
const OTHER_CIPHERS: &[&str] = &[
    "DES-CBC",
    "DES",
    "DES-CFB",
    "DES-OFB",
    "DESX-CBC",
    "RC2-CBC",
    "RC2",
    "RC4",
    "BF-CBC",
    "BF",
    "CAST5-CBC",
    "CAST",
    "IDEA-CBC",
    "IDEA",
    "SEED-CBC",
    "SEED",
    "CAMELLIA-128-CBC",
    "CAMELLIA-192-CBC",
    "CAMELLIA-256-CBC",
    "CAMELLIA128",
    "CAMELLIA192",
    "CAMELLIA256",
    "ARIA-128-CBC",
    "ARIA-192-CBC",
    "ARIA-256-CBC",
    "ARIA128",
    "ARIA192",
    "ARIA256",
    "SM4-CBC",
    "SM4",
];

/// Cipher and initialisation vector of headers.
struct Encryption {
    cipher: Cipher,
    iv: Vec<u8>,
}

impl Encryption {
    /// `Proc-Type: 4,ENCRYPTED`, a line feed, `DEK-Info: CIPHER,HEX`. Further headers are ignored, and so is what follows the vector.
    fn read(headers: &str) -> Result<Self, KeyProblem> {
        let bad = KeyProblem::BadHeaders;
        let blank = [' ', '\t'];
        let kind = headers.strip_prefix("Proc-Type:").ok_or(bad.clone())?.trim_start_matches(blank);
        let kind = kind.strip_prefix("4,").ok_or(bad.clone())?.trim_start_matches(blank);
        let rest = kind.strip_prefix("ENCRYPTED").ok_or(bad.clone())?.trim_start_matches([' ', '\t', '\r']);
        let info = rest.strip_prefix("\nDEK-Info:").ok_or(bad.clone())?.trim_start_matches(blank);
        let name = info.split([' ', '\t', ',']).next().unwrap_or_default();
        // OpenSSL takes the line feed for a part of the name.
        if name.contains('\n') {
            return Err(bad);
        }
        let cipher = cipher(name).ok_or_else(|| KeyProblem::UnsupportedEncryption { scheme: shown(name) })?;
        let vector = info.get(name.len()..).unwrap_or_default().trim_start_matches(blank);
        let digits = match (cipher.iv_bytes(), vector.strip_prefix(',')) {
            (0, None) => Some(""),
            (0, Some(_)) => None,
            (length, digits) => digits.and_then(|digits| digits.get(..length.checked_mul(2)?)),
        };
        let iv = digits.and_then(bytes).ok_or(bad)?;
        Ok(Self { cipher, iv })
    }
}

/// A cipher by OpenSSL's names for it, in letters of either case.
fn cipher(name: &str) -> Option<Cipher> {
    const ALIASES: [(&str, &str); 6] = [
        ("AES128", "AES-128-CBC"),
        ("AES192", "AES-192-CBC"),
        ("AES256", "AES-256-CBC"),
        ("DES3", "DES-EDE3-CBC"),
        ("DES-EDE3", "DES-EDE3-ECB"),
        ("DES-EDE", "DES-EDE-ECB"),
    ];
    const BLOCKS: [(&str, Block); 5] = [
        ("AES-128", Block::Aes128),
        ("AES-192", Block::Aes192),
        ("AES-256", Block::Aes256),
        ("DES-EDE3", Block::TripleDes),
        ("DES-EDE", Block::TripleDesTwoKeys),
    ];
    const MODES: [(&str, Mode); 7] = [
        ("CBC", Mode::Cbc),
        ("ECB", Mode::Ecb),
        ("CFB", Mode::Cfb),
        ("CFB8", Mode::Cfb8),
        ("CFB1", Mode::Cfb1),
        ("OFB", Mode::Ofb),
        ("CTR", Mode::Ctr),
    ];
    let alias = ALIASES.iter().find(|(alias, _)| alias.eq_ignore_ascii_case(name));
    let (block, mode) = alias.map_or(name, |(_, name)| name).rsplit_once('-')?;
    let (_, block) = BLOCKS.iter().find(|(known, _)| known.eq_ignore_ascii_case(block))?;
    let (_, mode) = MODES.iter().find(|(known, _)| known.eq_ignore_ascii_case(mode))?;
    let exists = match (block, mode) {
        (Block::TripleDes, mode) => *mode != Mode::Ctr,
        (Block::TripleDesTwoKeys, mode) => matches!(mode, Mode::Cbc | Mode::Ecb | Mode::Cfb | Mode::Ofb),
        _ => true,
    };
    exists.then_some(Cipher { block: *block, mode: *mode })
}

fn bytes(digits: &str) -> Option<Vec<u8>> {
    let digits = digits.chars().map(|digit| digit.to_digit(16)).collect::<Option<Vec<u32>>>()?;
    digits
        .chunks_exact(2)
        .map(|pair| u8::try_from(pair.iter().fold(0, |byte, digit| byte * 16 + digit)).ok())
        .collect()
}

/// A name from a file as it may be shown.
fn shown(name: &str) -> String {
    const MOST: usize = 32;
    name.chars().map(|c| if c.is_ascii_graphic() { c } else { '?' }).take(MOST).collect()
}
