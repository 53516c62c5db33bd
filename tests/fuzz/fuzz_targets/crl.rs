//! CRLs in a file and in a directory.
#![no_main]

libfuzzer_sys::fuzz_target!(|file: &[u8]| {
    let _ = pgtls_x509::CrlStore::from_pem(file);
    pgtls_x509::CrlStore::empty().add_directory([("00000000.r0", file)]);
});
