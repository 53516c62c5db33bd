//! PEM files of certificates.

use pem_rfc7468::LineEnding;
use pgtls_x509::{TrustStore, certificates_from_pem};

/// Certificates that load are the same when they are written down neatly and read again.
pub fn pem(file: &[u8]) {
    if let Ok(store) = TrustStore::from_pem(file) {
        for certificate in store.certificates() {
            assert_eq!(TrustStore::from_der([certificate]).len(), 1);
        }
    }
    let Ok(certificates) = certificates_from_pem(file) else { return };
    let write = |der| pem_rfc7468::encode_string("CERTIFICATE", LineEnding::LF, der).unwrap();
    let neat: String = certificates.iter().map(|der| write(der.as_ref())).collect();
    assert_eq!(certificates_from_pem(neat.as_bytes()), Ok(certificates));
}
