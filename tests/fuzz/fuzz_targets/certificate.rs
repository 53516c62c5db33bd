//! Everything that reads one certificate.
#![no_main]

libfuzzer_sys::fuzz_target!(|der: &[u8]| {
    let _ = (pgtls_x509::presented_names(der), pgtls_x509::subject_public_key_info(der));
    let _ = (pgtls_x509::tls_server_end_point(der), pgtls_x509::Description::of(der));
});
