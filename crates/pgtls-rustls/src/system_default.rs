//! What `openssl.cnf` asks of every program, in terms of what rustls can be told.

use crate::{
    algorithms::Algorithms, options::TlsOptions, provider::completed, schemes::Schemes, signature,
    versions::VersionRange,
};
use pgtls_x509::SecurityLevel;
use pgtls_x509::openssl_conf::{Bound, SystemDefault, Unmapped};
use rustls::{SupportedCipherSuite, crypto::CryptoProvider};
use std::sync::Arc;

impl TlsOptions {
    /// The options with what [`system`](Self::system) asks for, as OpenSSL applies it when libpq makes its context (OpenSSL:
    /// `SSL_CTX_new`): the security level, suites, groups and signature schemes with their order, and the bounds on the TLS
    /// version, which hold where the parameters give none.
    ///
    /// The crypto provider is completed first: it gets P-521 if it has P-384, so that the same groups are offered with every
    /// provider. With the options comes what was not applied: what has no counterpart here, and what this provider does not
    /// have.
    pub fn in_force(&self) -> (Self, Vec<Unmapped>) {
        let mut options = Self { provider: completed(&self.provider), ..self.clone() };
        let Some(system) = options.system.take() else { return (options, Vec::new()) };
        let mut unmapped = system.unmapped.clone();
        if let Some(level) = system.security_level {
            options.security_level = SecurityLevel(level);
        }
        options.versions = VersionRange {
            minimum: system.min_protocol.map_or(self.versions.minimum, Bound::version),
            maximum: system.max_protocol.map_or(self.versions.maximum, Bound::version),
        };
        options.versions_off = system.versions_off;
        options.verify_peer = system.verify_peer;
        options.schemes = Schemes::of(&system);
        unmapped.extend(signatures(&options.provider, &system));
        if let Some(provider) = selected(&options.provider, &system, &mut unmapped) {
            options.provider = Arc::new(provider);
        }
        (options, unmapped)
    }
}

/// The provider with the suites and groups that the file names; `None` when it names none.
fn selected(
    provider: &CryptoProvider,
    system: &SystemDefault,
    unmapped: &mut Vec<Unmapped>,
) -> Option<CryptoProvider> {
    let SystemDefault { cipher_list, ciphersuites, groups, .. } = system;
    if cipher_list.is_none() && ciphersuites.is_none() && groups.is_none() {
        return None;
    }
    let mut selected = provider.clone();
    let (of_tls13, of_tls12): (Vec<_>, Vec<_>) =
        provider.cipher_suites.iter().copied().partition(|suite| suite.tls13().is_some());
    let mut choose = |command: &str, had: Vec<SupportedCipherSuite>, wanted: Option<Vec<(u16, &str)>>| {
        let Some(wanted) = wanted else { return had };
        in_order(command, &had, |suite| u16::from(suite.suite()), &wanted, unmapped)
    };
    let ciphersuites = ciphersuites.as_ref();
    let tls13 = ciphersuites.map(|suites| suites.iter().map(|suite| (suite.id, suite.name)).collect());
    let cipher_list = cipher_list.as_ref();
    let tls12 = cipher_list.map(|list| list.suites.iter().map(|suite| (suite.id, suite.name)).collect());
    selected.cipher_suites = choose("Ciphersuites", of_tls13, tls13);
    selected.cipher_suites.extend(choose("CipherString", of_tls12, tls12));
    if let Some(groups) = groups {
        let wanted: Vec<_> = groups.iter().map(|group| (group.id, group.name)).collect();
        let id = |group: &&dyn rustls::crypto::SupportedKxGroup| u16::from(group.name());
        selected.kx_groups = in_order("Groups", &provider.kx_groups, id, &wanted, unmapped);
    }
    Some(selected)
}

/// The signature schemes in the lists that this provider cannot verify.
fn signatures(provider: &CryptoProvider, system: &SystemDefault) -> Vec<Unmapped> {
    let had = signature::supported_schemes(&Algorithms::new(provider), SecurityLevel(0));
    let lists = [
        ("SignatureAlgorithms", &system.signature_algorithms),
        ("ClientSignatureAlgorithms", &system.client_signature_algorithms),
    ];
    let named = lists
        .into_iter()
        .flat_map(|(command, list)| list.iter().flatten().map(move |scheme| (command, scheme)));
    let unknown = named.filter(|(_, scheme)| !had.contains(&scheme.id.into()));
    unknown.map(|(command, scheme)| Unmapped::new(command, scheme.name)).collect()
}

/// Those of a provider's that are wanted, in the order in which they are.
fn in_order<T: Copy>(
    command: &str,
    had: &[T],
    id: impl Fn(&T) -> u16,
    wanted: &[(u16, &str)],
    unmapped: &mut Vec<Unmapped>,
) -> Vec<T> {
    let mut chosen = Vec::new();
    for (number, name) in wanted {
        match had.iter().find(|had| id(had) == *number) {
            Some(found) => chosen.push(*found),
            None => unmapped.push(Unmapped::new(command, *name)),
        }
    }
    chosen
}
