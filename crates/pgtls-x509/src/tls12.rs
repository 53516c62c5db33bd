//! What OpenSSL asks of a server's certificate in TLS 1.2, also when nobody verifies its chain.

use crate::{
    certificate::{
        Outline,
        extensions::{Extensions, key_usage},
        public_key::PublicKey,
    },
    error::{Object, X509Error},
    tlv::DerResult,
};

/// Whether OpenSSL lets the key of this certificate sign the key exchange of TLS 1.2 (OpenSSL:
/// `ssl_check_srvr_ecc_cert_and_alg`): the key usage of a certificate for ECDSA or EdDSA, where there is one, must have
/// digitalSignature, and no extension may be invalid. Of RSA it asks nothing, nor of anything in TLS 1.3.
///
/// # Errors
/// The certificate, or the list of its extensions, cannot be read.
pub fn may_sign_key_exchange(certificate: &[u8]) -> Result<bool, X509Error> {
    may_sign(certificate).map_err(|error| X509Error::malformed(Object::Certificate, None, error))
}

fn may_sign(certificate: &[u8]) -> DerResult<bool> {
    let outline = Outline::read(certificate)?;
    let is_asked = matches!(
        PublicKey::read(&outline.public_key_info),
        PublicKey::Ec(_) | PublicKey::EcExplicit | PublicKey::Ed25519 | PublicKey::Ed448
    );
    let Some(list) = outline.extension_list.filter(|_| is_asked) else {
        return Ok(true);
    };
    let extensions = Extensions::read(outline.whole, list.inside())?;
    let signs = extensions.key_usage.is_none_or(|bits| bits & key_usage::DIGITAL_SIGNATURE != 0);
    Ok(signs && extensions.invalid.is_none())
}
