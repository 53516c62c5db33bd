//! Who initialises the TLS library: libpq's question of `PQinitOpenSSL`, asked of rustls.

use rustls::crypto::CryptoProvider;
use std::{error::Error, fmt, sync::Arc};

/// Who initialises what (libpq: `PQinitOpenSSL(do_ssl, do_crypto)`). `true`: pgtls does, which is the default; `false`:
/// the application has done it.
///
/// libpq keeps this for the process and ignores a change while connections are open. Here it is a value that a
/// connection is made with, so that a change cannot reach one that is open. Nothing is ever installed for the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LibraryInit {
    /// The TLS library: whether `openssl.cnf` is read and applied, or whatever the application has put into its
    /// [`TlsOptions`](crate::TlsOptions) is all.
    pub ssl: bool,
    /// The cryptography: whether pgtls brings a crypto provider, or the one is used that the application has installed
    /// as the default of the process ([`CryptoProvider::install_default`]).
    pub crypto: bool,
}

impl Default for LibraryInit {
    fn default() -> Self {
        Self::both(true)
    }
}

impl LibraryInit {
    /// Both or neither (libpq: `PQinitSSL(do_ssl)`).
    pub const fn both(initialise: bool) -> Self {
        Self { ssl: initialise, crypto: initialise }
    }

    /// The crypto provider to use; `ours` makes the one that pgtls brings.
    ///
    /// # Errors
    /// The application was to install a default provider, and has not.
    pub fn provider(
        self,
        ours: impl FnOnce() -> Arc<CryptoProvider>,
    ) -> Result<Arc<CryptoProvider>, NoDefaultProvider> {
        if self.crypto { Ok(ours()) } else { CryptoProvider::get_default().cloned().ok_or(NoDefaultProvider) }
    }
}

/// The application was to install a default crypto provider, and has not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoDefaultProvider;

impl fmt::Display for NoDefaultProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "the application has installed no default crypto provider: call CryptoProvider::install_default first, or \
             let LibraryInit.crypto be true",
        )
    }
}

impl Error for NoDefaultProvider {}

#[cfg(test)]
#[cfg(feature = "aws-lc-rs")]
mod tests {
    use super::*;
    use crate::aws_lc_rs;

    #[test]
    fn both_or_neither() {
        assert_eq!(LibraryInit::default(), LibraryInit { ssl: true, crypto: true });
        assert_eq!(LibraryInit::both(false), LibraryInit { ssl: false, crypto: false });
    }

    #[test]
    fn without_a_provider_there_is_an_error_and_no_panic() {
        let without = LibraryInit { ssl: true, crypto: false };
        assert_eq!(without.provider(aws_lc_rs).unwrap_err(), NoDefaultProvider);
        assert!(LibraryInit::default().provider(aws_lc_rs).is_ok());
        assert!(CryptoProvider::get_default().is_none(), "nothing was installed");
    }
}
