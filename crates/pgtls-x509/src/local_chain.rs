//! What OpenSSL asks of the certificates that one presents oneself, when they are loaded.

use crate::{
    certificate::{Outline, public_key::PublicKey},
    error::{CertificateName, Object, WeakKey, X509Error},
    path::SecurityLevel,
};
use alloc::boxed::Box;
use rustls_pki_types::CertificateDer;

/// Whether the keys of one's own chain are strong enough for the security level (OpenSSL: `ssl_security_cert`, which
/// `SSL_CTX_use_certificate_chain_file` asks for each certificate): "ee key too small" of the first, "ca key too small" of
/// the others. Their digests are the peer's business; OpenSSL up to 3.1 also refuses SHA-1 and MD5 here.
///
/// A key of an unknown kind is too weak in one's own certificate, and nobody's business in the others.
///
/// # Errors
/// The first key that is too weak, or a certificate that cannot be read.
pub fn check_own_keys(chain: &[CertificateDer<'_>], level: SecurityLevel) -> Result<(), X509Error> {
    for (depth, certificate) in chain.iter().enumerate() {
        let malformed = |error| X509Error::malformed(Object::Certificate, None, error);
        let outline = Outline::read(certificate).map_err(malformed)?;
        let key = PublicKey::read(&outline.public_key_info);
        if key.security_bits() < level.bits() && (depth == 0 || key != PublicKey::Unusable) {
            return Err(X509Error::WeakKey(Box::new(WeakKey {
                depth,
                certificate: CertificateName::of_outline(&outline),
                key: key.describe(),
                level: level.0,
            })));
        }
    }
    Ok(())
}
