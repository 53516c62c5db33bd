//! Everything that reads one certificate; the input is DER.

use pgtls_x509::{Description, HandshakeKey, TrustStore, presented_names, tls_server_end_point};

/// What can be trusted can be described, and has a key; binding and names are read from whatever comes.
pub fn certificate(der: &[u8]) {
    let _ = (presented_names(der), tls_server_end_point(der));
    let key = HandshakeKey::read(der);
    let store = TrustStore::from_der([der]);
    assert_eq!(store.len() + store.skipped(), 1);
    if let Some(trusted) = store.certificates().next() {
        // The unused bits of the signature, which comes last, are cleared.
        assert_eq!(trusted.len(), der.len());
        assert_eq!(trusted.split_last().unwrap().1, der.split_last().unwrap().1);
        let key = key.unwrap();
        assert!(!key.public_key_info().is_empty() && key.may_sign_key_exchange().is_ok());
        assert!(!Description::of(der).unwrap().to_string().is_empty());
    }
}
