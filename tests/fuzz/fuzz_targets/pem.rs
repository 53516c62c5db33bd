#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| pgtls_fuzz::pem(bytes));
