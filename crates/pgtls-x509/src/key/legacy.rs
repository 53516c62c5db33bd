//! Keys encrypted with headers in the PEM block: `Proc-Type: 4,ENCRYPTED` and `DEK-Info` (RFC 1421; OpenSSL:
//! `PEM_get_EVP_CIPHER_INFO`, `PEM_do_header`).

use super::{cipher::Cipher, derive};
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
    let (cipher, iv) = encryption(headers)?;
    let passphrase = passphrase.ok_or(KeyProblem::PassphraseNeeded)?;
    let salt = iv.get(..SALT).ok_or(KeyProblem::BadHeaders)?;
    let key = derive::bytes_to_key(passphrase, salt, cipher.key_bytes());
    cipher.decrypt(&key, &iv, contents).map(Some)
}

/// Cipher and initialisation vector from `Proc-Type: 4,ENCRYPTED`, a line feed, `DEK-Info: CIPHER,HEX`. Further headers are
/// ignored, and so is what follows the vector.
fn encryption(headers: &str) -> Result<(Cipher, Vec<u8>), KeyProblem> {
    let bad = KeyProblem::BadHeaders;
    let blank = [' ', '\t'];
    let kind = headers.strip_prefix("Proc-Type:").ok_or(bad.clone())?.trim_start_matches(blank);
    let kind = kind.strip_prefix("4,").ok_or(bad.clone())?.trim_start_matches(blank);
    let rest = kind.strip_prefix("ENCRYPTED").ok_or(bad.clone())?.trim_start_matches([' ', '\t', '\r']);
    let info = rest.strip_prefix("\nDEK-Info:").ok_or(bad.clone())?.trim_start_matches(blank);
    let name = info.split([' ', '\t', ',', '\n']).next().unwrap_or_default();
    let cipher = cipher(name).ok_or_else(|| KeyProblem::UnsupportedEncryption { scheme: shown(name) })?;
    let vector = info.get(name.len()..).unwrap_or_default().trim_start_matches(blank);
    let digits = vector.strip_prefix(',').and_then(|digits| digits.get(..cipher.block_bytes() * 2));
    let iv = digits.and_then(bytes).ok_or(bad)?;
    Ok((cipher, iv))
}

/// A cipher by OpenSSL's names for it, in letters of either case.
fn cipher(name: &str) -> Option<Cipher> {
    const NAMES: [(Cipher, &[&str]); 6] = [
        (Cipher::Aes128, &["AES-128-CBC", "AES128"]),
        (Cipher::Aes192, &["AES-192-CBC", "AES192"]),
        (Cipher::Aes256, &["AES-256-CBC", "AES256"]),
        (Cipher::TripleDes, &["DES-EDE3-CBC", "DES3"]),
        (Cipher::TripleDesTwoKeys, &["DES-EDE-CBC"]),
        (Cipher::Des, &["DES-CBC", "DES"]),
    ];
    NAMES
        .iter()
        .find(|(_, names)| names.iter().any(|known| known.eq_ignore_ascii_case(name)))
        .map(|(cipher, _)| *cipher)
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
