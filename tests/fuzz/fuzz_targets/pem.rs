//! PEM files of certificates and CRLs.
#![no_main]

libfuzzer_sys::fuzz_target!(|file: &[u8]| {
    let _ = (pgtls_x509::certificates_from_pem(file), pgtls_x509::TrustStore::from_pem(file));
});
