//! The operating system's store of trusted roots, through rustls-native-certs.

use pgtls_core::files::NativeRoots;

/// The certificates that the operating system trusts.
///
/// The library that finds them honours `SSL_CERT_FILE` and `SSL_CERT_DIR` too; the core has looked at these variables before
/// and does not ask when one of them is set.
pub fn native_roots() -> NativeRoots {
    let found = rustls_native_certs::load_native_certs();
    NativeRoots {
        certificates: found.certs.into_iter().map(|certificate| certificate.to_vec()).collect(),
        problems: found.errors.iter().map(ToString::to_string).collect(),
    }
}

/// Where that library looks: a bundle and directories, found as it finds them.
#[cfg(all(unix, not(target_os = "macos")))]
pub(crate) fn sources() -> Vec<String> {
    let openssl_probe::ProbeResult { cert_file, cert_dir } = openssl_probe::probe();
    let paths = cert_file.into_iter().chain(cert_dir);
    paths.filter_map(|path| path.into_os_string().into_string().ok()).collect()
}

/// The stores of the other systems are no files.
#[cfg(not(all(unix, not(target_os = "macos"))))]
pub(crate) fn sources() -> Vec<String> {
    Vec::new()
}

#[cfg(all(test, unix, not(target_os = "macos")))]
mod tests {
    use super::*;

    #[test]
    fn what_was_found_was_found_somewhere() {
        let found = !native_roots().certificates.is_empty();
        assert!(!found || sources().iter().any(|source| std::path::Path::new(source).exists()));
    }
}
