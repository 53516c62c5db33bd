//! What a client offers to a server: versions, suites, groups.

use crate::{
    error::SetupError,
    facts::cipher_name,
    options::TlsOptions,
    signature::offered_schemes,
    strength::{is_strong_group, is_strong_suite},
    versions::VersionRange,
};
use pgtls_core::param::{Params, TlsVersion};
use pgtls_x509::openssl_conf::GROUPS;
use rustls::{SupportedProtocolVersion, crypto::CryptoProvider};
use std::sync::Arc;

/// What a client offers to a server, each in order of preference.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Offer {
    /// The versions of TLS, oldest first.
    pub versions: Vec<TlsVersion>,
    /// The cipher suites, by OpenSSL's names.
    pub cipher_suites: Vec<String>,
    /// The key-exchange groups, by their registered names.
    pub groups: Vec<String>,
}

impl TlsOptions {
    /// What is offered with these parameters: what the crypto provider has and neither the versions nor the security level
    /// forbid.
    ///
    /// # Errors
    /// There is no version, no suite or no group left.
    pub fn offer(&self, params: &Params) -> Result<Offer, SetupError> {
        let (options, _) = self.in_force();
        let (provider, versions) = offered(VersionRange::of(params, options.versions), &options)?;
        let group = |id: u16| GROUPS.iter().find(|group| group.id == id).map(|group| group.name.to_owned());
        Ok(Offer {
            versions: versions.iter().filter_map(|version| VersionRange::version(version)).collect(),
            cipher_suites: provider.cipher_suites.iter().map(|suite| cipher_name(suite.suite())).collect(),
            groups: provider
                .kx_groups
                .iter()
                .map(|had| group(had.name().into()).unwrap_or_else(|| format!("{:?}", had.name())))
                .collect(),
        })
    }
}

/// The provider with what is left of it, and the versions that it can speak then. As with OpenSSL no suite is offered
/// that is of another version.
pub(crate) fn offered(
    range: VersionRange,
    options: &TlsOptions,
) -> Result<(Arc<CryptoProvider>, Vec<&'static SupportedProtocolVersion>), SetupError> {
    let mut versions = range.implemented();
    if versions.is_empty() {
        return Err(SetupError::Versions(range));
    }
    versions.retain(|version| {
        !VersionRange::version(version).is_some_and(|version| options.versions_off.contains(version))
    });
    if versions.is_empty() {
        return Err(SetupError::NothingLeft("TLS version"));
    }
    let mut provider = CryptoProvider::clone(&options.provider);
    let level = options.security_level;
    provider.cipher_suites.retain(|suite| {
        versions.iter().any(|version| *version == suite.version()) && is_strong_suite(suite.suite(), level)
    });
    provider.kx_groups.retain(|group| is_strong_group(group.name(), level));
    let has_suites = |version: &&SupportedProtocolVersion| {
        provider.cipher_suites.iter().any(|suite| *version == suite.version())
    };
    // OpenSSL does not do without the highest version (`ssl_cipher_list_to_bytes`), but without a lower one.
    if !versions.last().is_some_and(has_suites) {
        return Err(SetupError::NothingLeft("cipher suite"));
    }
    if provider.kx_groups.is_empty() {
        return Err(SetupError::NothingLeft("key-exchange group"));
    }
    if offered_schemes(options).is_empty() {
        return Err(SetupError::NothingLeft("signature scheme"));
    }
    Ok((Arc::new(provider), versions))
}
