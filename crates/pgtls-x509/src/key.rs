//! Private keys as libpq loads them (OpenSSL: `SSL_use_PrivateKey_file`, first as PEM, then as DER).
//!
//! - Q: *Which block of a PEM file is the key?* The first that loads. A block that is no key, or cannot be read, is passed over:
//!   people keep certificates, curve parameters and the remarks of other tools in the same file.
//! - Q: *And one that is encrypted?* That is the key, or the error: with a wrong passphrase nothing further is looked at.
//! - Q: *What may stand under which label?* `PRIVATE KEY`: PKCS#8. `ENCRYPTED PRIVATE KEY`: PKCS#8, encrypted or not.
//!   `RSA PRIVATE KEY`, `EC PRIVATE KEY`: PKCS#1, SEC1, or PKCS#8 with a key of that kind; encrypted with headers, as OpenSSL did
//!   before PKCS#8.
//! - Q: *What may be DER?* PKCS#8, PKCS#1 and SEC1, none of them encrypted: OpenSSL does not ask for a passphrase there.
//!
//! Everything decrypted, and every key that encrypts, is wiped when it is done with.

mod cipher;
mod derive;
mod form;
mod legacy;
mod pkcs8;
mod store;
#[cfg(test)]
mod tests;

use crate::{
    error::{KeyProblem, Object, X509Error},
    pem::{Block, Blocks},
    tlv::DerError,
};
pub use form::to_pkcs8;
use form::{Algorithm, Form};
pub(crate) use legacy::decrypt_in_store;
use rustls_pki_types::PrivateKeyDer;
pub(crate) use store::check_stored_key;
use zeroize::Zeroizing;

/// The longest passphrase that libpq hands to OpenSSL, whose buffer has 1024 bytes; what is longer is cut.
pub const MAX_PASSPHRASE: usize = 1023;

/// Reads a private key, PEM or DER, encrypted or not.
///
/// Ask without a passphrase first where it has to be fetched from a person:
/// [`KeyProblem::PassphraseNeeded`] says that it is needed. One that is not needed is ignored.
///
/// # Errors
/// No key loads. Of several reasons the first in the file is given; if the file is not PEM at all, that of its DER.
pub fn private_key(bytes: &[u8], passphrase: Option<&[u8]>) -> Result<PrivateKeyDer<'static>, X509Error> {
    let passphrase = passphrase.map(|text| text.get(..MAX_PASSPHRASE).unwrap_or(text));
    match first_of_pem(bytes, passphrase) {
        Err(X509Error::NothingLoadable { .. }) if form::is_der(bytes) => form::read_der(bytes),
        result => result,
    }
}

/// What a block that holds no usable key means for those that follow it.
enum Failure {
    /// Nothing; they may hold one.
    PassedOver(X509Error),
    /// They are not looked at.
    Final(X509Error),
}

impl Failure {
    fn problem(problem: KeyProblem) -> Self {
        Self::Final(X509Error::Key(problem))
    }
}

fn first_of_pem(pem: &[u8], passphrase: Option<&[u8]>) -> Result<PrivateKeyDer<'static>, X509Error> {
    let mut first_error = None;
    for block in Blocks::new(pem).past_errors() {
        let error = match block {
            Err(error) => error,
            Ok(block) => match read_block(&block, passphrase) {
                Ok(Some(key)) => return Ok(key),
                Ok(None) => continue,
                Err(Failure::Final(error)) => return Err(error),
                Err(Failure::PassedOver(error)) => error,
            },
        };
        first_error.get_or_insert(error);
    }
    Err(first_error.unwrap_or(X509Error::NothingLoadable { wanted: Object::PrivateKey }))
}

/// The key in a block; `None` if the block is of another kind.
fn read_block(block: &Block, passphrase: Option<&[u8]>) -> Result<Option<PrivateKeyDer<'static>>, Failure> {
    // Headers are obeyed before the label is looked at.
    let decrypted = legacy::decrypt(&block.headers, &block.contents, passphrase).map_err(Failure::problem)?;
    let contents: &[u8] = decrypted.as_ref().map_or(&block.contents, |contents| contents);
    let read = match block.label.as_str() {
        "PRIVATE KEY" => form::read(contents, &[Form::Pkcs8(None)]),
        "RSA PRIVATE KEY" => form::read(contents, &[Form::Pkcs1, Form::Pkcs8(Some(Algorithm::Rsa))]),
        "EC PRIVATE KEY" => form::read(contents, &[Form::Sec1, Form::Pkcs8(Some(Algorithm::Ec))]),
        "DSA PRIVATE KEY" => return Err(Failure::problem(KeyProblem::UnsupportedAlgorithm)),
        "ENCRYPTED PRIVATE KEY" => match form::read(contents, &[Form::Pkcs8(None)]) {
            Ok(key) => Ok(key),
            Err(_) => return encrypted(block, contents, passphrase).map(Some),
        },
        _ => return Ok(None),
    };
    match read {
        Ok(key) => Ok(Some(key)),
        // Padding is right by chance once in 256 wrong passphrases.
        Err(_) if decrypted.is_some() => Err(Failure::problem(KeyProblem::WrongPassphrase)),
        Err(error) => Err(Failure::PassedOver(malformed(block, error))),
    }
}

/// The key in a block of encrypted PKCS#8.
fn encrypted(
    block: &Block,
    contents: &[u8],
    passphrase: Option<&[u8]>,
) -> Result<PrivateKeyDer<'static>, Failure> {
    let scheme =
        pkcs8::Encrypted::read(contents).map_err(|error| Failure::PassedOver(malformed(block, error)))?;
    let passphrase = passphrase.ok_or(KeyProblem::PassphraseNeeded);
    let decrypted: Zeroizing<_> =
        passphrase.and_then(|passphrase| scheme.decrypt(passphrase)).map_err(Failure::problem)?;
    form::read(&decrypted, &[Form::Pkcs8(None)]).map_err(|_| Failure::problem(KeyProblem::WrongPassphrase))
}

fn malformed(block: &Block, error: DerError) -> X509Error {
    X509Error::malformed(Object::PrivateKey, Some(block.position), error)
}
