//! What a contender is given.

use pgtls_rustls::CryptoProvider;
use std::{net::SocketAddr, path::PathBuf, sync::Arc};

/// What a contender is given: where the server is, and what is asked of it.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The server. Its certificate is for [`HOST`](crate::material::HOST).
    pub address: SocketAddr,
    /// The roots to trust, PEM.
    pub roots: PathBuf,
    /// Revocation lists to check the chain with, PEM.
    pub crl: Option<PathBuf>,
    /// Whether TLS begins without having been asked for.
    pub direct: bool,
    /// Cryptography, for those who use rustls.
    pub provider: Provider,
}

/// Cryptography for rustls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Provider {
    /// aws-lc-rs.
    AwsLcRs,
    /// ring.
    #[cfg(feature = "others")]
    Ring,
}

impl Provider {
    /// The provider itself.
    pub fn make(self) -> Arc<CryptoProvider> {
        match self {
            Self::AwsLcRs => pgtls_rustls::aws_lc_rs(),
            #[cfg(feature = "others")]
            Self::Ring => pgtls_rustls::ring(),
        }
    }
}
