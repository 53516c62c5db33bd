//! Private keys in every container.

use pgtls_x509::private_key;

/// A key that loads is the same when it is read as what it is: DER.
pub fn key(file: &[u8]) {
    if let Ok(key) = private_key(file, None) {
        assert_eq!(private_key(key.secret_der(), None).as_ref(), Ok(&key));
    }
}
