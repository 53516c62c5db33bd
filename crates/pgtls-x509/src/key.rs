//! Private keys: PKCS#8, PKCS#1 and SEC1, in PEM or DER.

use crate::{
    error::{KeyProblem, Object, X509Error},
    pem::{Block, Blocks, Kind},
    tlv::{Reader, tag},
};
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs1KeyDer, PrivatePkcs8KeyDer, PrivateSec1KeyDer};

/// Reads a private key as libpq does: the first private key of a PEM file, else DER.
pub fn private_key(bytes: &[u8], passphrase: Option<&[u8]>) -> Result<PrivateKeyDer<'static>, X509Error> {
    let in_pem = private_key_of_pem(bytes, passphrase);
    match in_pem {
        Ok(key) => Ok(key),
        // When neither works, it is the PEM error that is reported.
        Err(error) => der_key(bytes).ok_or(error),
    }
}

fn private_key_of_pem(pem: &[u8], _passphrase: Option<&[u8]>) -> Result<PrivateKeyDer<'static>, X509Error> {
    for block in Blocks::new(pem) {
        let block = block?;
        if block.kind() == Kind::PrivateKey {
            return private_key_block(&block);
        }
    }
    Err(X509Error::NothingLoadable { wanted: Object::PrivateKey })
}

/// The key in a PEM block.
pub(crate) fn private_key_block(block: &Block) -> Result<PrivateKeyDer<'static>, X509Error> {
    if !block.headers.is_empty() || block.label == "ENCRYPTED PRIVATE KEY" {
        return Err(X509Error::Key(KeyProblem::UnsupportedEncryption));
    }
    der_key(&block.contents).ok_or(X509Error::Key(KeyProblem::UnknownForm))
}

/// A key by the looks of its DER: the three forms differ in what follows the version.
fn der_key(der: &[u8]) -> Option<PrivateKeyDer<'static>> {
    let mut outer = Reader::new(der);
    let element = outer.expect(tag::SEQUENCE, "a private key is expected").ok()?;
    let mut inside = element.inside();
    inside.expect(tag::INTEGER, "a version is expected").ok()?;
    let key = element.whole.to_vec();
    Some(match inside.peek()? {
        tag::SEQUENCE => PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key)),
        tag::INTEGER => PrivateKeyDer::Pkcs1(PrivatePkcs1KeyDer::from(key)),
        tag::OCTET_STRING => PrivateKeyDer::Sec1(PrivateSec1KeyDer::from(key)),
        _ => return None,
    })
}
