//! What a connection is made from.

use pgtls_core::{environment::Environment, param::Params};
use pgtls_rustls::{Connector, ConnectorCache, TlsOptions, clock};
use rustls::crypto::CryptoProvider;
use std::{sync::Arc, time::Duration};

/// What a connection is made from: parameters, environment, cryptography. Use it for one connection or for many.
#[derive(Clone, Debug)]
pub struct Config {
    /// The parameters.
    pub params: Params,
    /// The environment, for default files and the default host.
    pub environment: Environment,
    /// Cryptography, clock and more.
    pub tls: TlsOptions,
    /// Where roots, CRLs and identity are kept between connections: the files are looked at when TLS starts, and read
    /// when they have changed. Clones share it; for other parameters take a new one.
    pub cache: Arc<ConnectorCache>,
    /// Roots, CRLs and identity that the program has made itself, for as long as it likes; the files are not looked at.
    pub connector: Option<Arc<Connector>>,
}

impl Config {
    /// libpq's behaviour with these parameters.
    pub fn new(params: Params, environment: Environment, provider: Arc<CryptoProvider>) -> Self {
        let tls = TlsOptions::new(provider, clock(|| Duration::from_secs(pgtls_os::unix_time())));
        Self { params, environment, tls, cache: Arc::default(), connector: None }
    }
}
