//! Private keys in every container.
#![no_main]

libfuzzer_sys::fuzz_target!(|file: &[u8]| {
    let _ = pgtls_x509::private_key(file, None);
});
