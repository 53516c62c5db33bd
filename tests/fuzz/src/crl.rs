//! CRLs in a file and in a directory.

use pgtls_x509::CrlStore;

/// Nowhere are more CRLs than the file has blocks of them, and a file that loads loads in a directory too.
pub fn crl(file: &[u8]) {
    const BEGIN: &[u8] = b"-----BEGIN X509 CRL-----";
    let blocks = file.windows(BEGIN.len()).filter(|window| *window == BEGIN).count();
    let in_file = CrlStore::from_pem(file).map_or(0, |store| store.len());
    let mut directory = CrlStore::empty();
    directory.add_directory("d", [("00000000.r0", file)]);
    assert!(in_file <= directory.len() && directory.len() <= blocks, "{in_file} {}", directory.len());
}
