//! The two profiles of verification: OpenSSL's verdict, or webpki's in addition.

use crate::{
    crl::CrlStore,
    error::X509Error,
    names::{PresentedNames, presented_names},
    path::{VerifiedPath, VerifyOptions, verify_chain},
    strict::verify_chain_strict,
    trust::TrustStore,
};

/// Verdicts that must accept a server's chain, and the names that the server may be compared by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Profile {
    /// OpenSSL's verdict, which is libpq's ([`verify_chain`]).
    #[default]
    Openssl,
    /// OpenSSL's verdict and webpki's ([`verify_chain_strict`]): no X.509 v1, no CA as the server's own certificate; and no
    /// commonName. It refuses servers that psql accepts, and accepts none that psql refuses.
    Strict,
}

impl Profile {
    /// Verifies a chain: the peer's certificate, then whatever else the peer sent, in its order.
    ///
    /// # Errors
    /// Those of [`verify_chain`] and [`verify_chain_strict`].
    pub fn verify_chain(
        self,
        leaf: &[u8],
        presented: &[&[u8]],
        trust: &TrustStore,
        crls: Option<&CrlStore>,
        options: &VerifyOptions<'_>,
    ) -> Result<VerifiedPath, X509Error> {
        match self {
            Self::Openssl => verify_chain(leaf, presented, trust, crls, options),
            Self::Strict => verify_chain_strict(leaf, presented, trust, crls, options),
        }
    }

    /// The names that a host may be compared with.
    ///
    /// # Errors
    /// Those of [`presented_names`].
    pub fn presented_names(self, certificate: &[u8]) -> Result<PresentedNames<'_>, X509Error> {
        let names = presented_names(certificate)?;
        Ok(match self {
            Self::Openssl => names,
            Self::Strict => PresentedNames { common_name: None, ..names },
        })
    }
}
