//! Everything that reads one certificate; the input is DER.

use pgtls_x509::{Description, TrustStore, presented_names, subject_public_key_info, tls_server_end_point};

/// What can be trusted can be described, and has a key; binding and names are read from whatever comes.
pub fn certificate(der: &[u8]) {
    let _ = (presented_names(der), tls_server_end_point(der));
    let key = subject_public_key_info(der);
    let store = TrustStore::from_der([der]);
    assert_eq!(store.len() + store.skipped(), 1);
    if let Some(trusted) = store.certificates().next() {
        // The unused bits of the signature, which comes last, are cleared.
        assert_eq!(trusted.len(), der.len());
        assert_eq!(trusted.split_last().unwrap().1, der.split_last().unwrap().1);
        assert!(!key.unwrap().is_empty());
        assert!(!Description::of(der).unwrap().to_string().is_empty());
    }
}
