//! What the machine's `openssl.cnf` changes, and what is offered to a server in the end.

use crate::labels::printable;
use pgtls_core::param::{Params, TlsVersion};
use pgtls_rustls::{TlsOptions, clock};
use pgtls_x509::openssl_conf::{Bound, SystemDefault};
use serde::Serialize;
use std::{sync::Arc, time::Duration};

/// OpenSSL's own settings.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Openssl {
    /// The file; nothing when there is none, or it cannot be used.
    pub(crate) path: Option<String>,
    /// Why the file counts for nothing.
    pub(crate) error: Option<String>,
    /// Settings that a parameter goes before.
    pub(crate) overridden: Vec<String>,
    /// Settings that were not applied: this program cannot do as they say, or OpenSSL does not know them either.
    pub(crate) not_applied: Vec<String>,
    /// OpenSSL's security level.
    pub(crate) security_level: u8,
    /// Versions of TLS that are offered.
    pub(crate) versions: Vec<&'static str>,
    /// Cipher suites that are offered, in order.
    pub(crate) cipher_suites: Vec<String>,
    /// Key-exchange groups that are offered, in order.
    pub(crate) groups: Vec<String>,
    /// Why nothing is.
    pub(crate) impossible: Option<String>,
    /// What a connection would be made with.
    #[serde(skip)]
    pub(crate) options: TlsOptions,
}

impl Openssl {
    /// Reads the file of this machine.
    pub(crate) fn new(params: &Params) -> Self {
        // What time it is does not matter before there is a certificate.
        let mut options = TlsOptions::new(pgtls_rustls::aws_lc_rs(), clock(|| Duration::ZERO));
        let (path, system, error) = match pgtls_os::openssl_conf() {
            Ok(Some((path, conf))) => (Some(printable(&path)), SystemDefault::of(&conf), None),
            Ok(None) => (None, SystemDefault::default(), None),
            Err(error) => (None, SystemDefault::default(), Some(printable(&error.to_string()))),
        };
        options.system = Some(Arc::new(system.clone()));
        let (in_force, unmapped) = options.in_force();
        let not_applied = unmapped.iter().map(|setting| printable(&setting.to_string())).collect();
        let offer = options.offer(params);
        let impossible = offer.as_ref().err().map(ToString::to_string);
        let offer = offer.ok();
        Self {
            path,
            error,
            overridden: overridden(&system, params),
            not_applied,
            security_level: in_force.security_level.0,
            versions: offer
                .iter()
                .flat_map(|offer| &offer.versions)
                .map(|version| version.as_str())
                .collect(),
            cipher_suites: offer.iter().flat_map(|offer| offer.cipher_suites.clone()).collect(),
            groups: offer.map(|offer| offer.groups).unwrap_or_default(),
            impossible,
            options,
        }
    }
}

/// Bounds of the file that say something else than the parameter which goes before them.
fn overridden(system: &SystemDefault, params: &Params) -> Vec<String> {
    let line = |command: &str, bound: Option<Bound>, keyword: &str, given: Option<TlsVersion>| {
        let (bound, given) = (bound?, given?);
        (bound != Bound::At(given)).then(|| {
            let word = bound.version().map_or("None", TlsVersion::as_str);
            format!("{command} = {word}, because {keyword}={given} goes before it")
        })
    };
    let minimum = line(
        "MinProtocol",
        system.min_protocol,
        "ssl_min_protocol_version",
        params.ssl_min_protocol_version(),
    );
    let maximum = line(
        "MaxProtocol",
        system.max_protocol,
        "ssl_max_protocol_version",
        params.ssl_max_protocol_version(),
    );
    minimum.into_iter().chain(maximum).collect()
}
