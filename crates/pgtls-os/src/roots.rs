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
