//! What a connection is made from.

use crate::{observer::Observer, openssl::OpensslConf};
use pgtls_core::{connect::Warning, environment::Environment, param::Params};
use pgtls_rustls::{Connector, ConnectorCache, LibraryInit, NoDefaultProvider, TlsOptions, clock};
use rustls::crypto::CryptoProvider;
use std::{borrow::Cow, ops::Deref, sync::Arc, time::Duration};

/// What a connection is made from: parameters, environment, cryptography. Use it for one connection or for many.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Config {
    /// The parameters.
    pub params: Params,
    /// The environment, for default files and the default host.
    pub environment: Environment,
    /// Cryptography, clock and more.
    pub tls: TlsOptions,
    /// Whether the machine's `openssl.cnf` counts (`ssl`); the cryptography is chosen already.
    pub init: LibraryInit,
    /// Where roots, CRLs and identity are kept between connections: the files are looked at when TLS starts, and read
    /// when they have changed. Clones share it; for other parameters take a new one.
    pub cache: Arc<ConnectorCache>,
    /// Roots, CRLs and identity that the program has made itself, for as long as it likes; the files are not looked at.
    pub connector: Option<Arc<Connector>>,
    /// Receives what happens on each connection while it is made.
    pub observer: Option<Arc<dyn Observer>>,
    pub(crate) openssl: OpensslConf,
}

impl Config {
    /// libpq's behaviour with these parameters.
    pub fn new(params: Params, environment: Environment, provider: Arc<CryptoProvider>) -> Self {
        let tls = TlsOptions::new(provider, clock(|| Duration::from_secs(pgtls_os::unix_time())));
        Self {
            params,
            environment,
            tls,
            init: LibraryInit::default(),
            cache: Arc::default(),
            connector: None,
            observer: None,
            openssl: OpensslConf::default(),
        }
    }

    /// The same where the application may have initialised the library itself (libpq: `PQinitOpenSSL`). `ours` makes the
    /// crypto provider, if it is not the application's that is used.
    ///
    /// # Errors
    /// The application was to install a default crypto provider, and has not.
    pub fn initialised(
        params: Params,
        environment: Environment,
        init: LibraryInit,
        ours: impl FnOnce() -> Arc<CryptoProvider>,
    ) -> Result<Self, NoDefaultProvider> {
        let provider = init.provider(ours)?;
        Ok(Self { init, ..Self::new(params, environment, provider) })
    }

    /// Whether the machine's `openssl.cnf` counts: what the program has to say counts for more.
    fn is_by_machine(&self) -> bool {
        self.init.ssl && self.tls.system.is_none()
    }

    /// The options that count. May have to read the machine's `openssl.cnf`.
    pub(crate) fn options(&self) -> Cow<'_, TlsOptions> {
        if self.is_by_machine() { Cow::Owned(self.openssl.with(&self.tls)) } else { Cow::Borrowed(&self.tls) }
    }

    /// The same, if that waits for nobody.
    pub(crate) fn try_options(&self) -> Option<Cow<'_, TlsOptions>> {
        (!self.is_by_machine() || self.openssl.is_read()).then(|| self.options())
    }

    /// The problem with the machine's `openssl.cnf`, if there is one.
    pub(crate) fn warning(&self, connector: &Connector) -> Option<Warning> {
        if self.is_by_machine() { self.openssl.warning(connector.unmapped()) } else { None }
    }
}

/// A [`Config`], borrowed or shared.
#[derive(Clone)]
pub(crate) enum ConfigRef<'c> {
    Borrowed(&'c Config),
    Shared(Arc<Config>),
}

impl ConfigRef<'_> {
    /// The same configuration without a borrow.
    pub(crate) fn into_shared(self) -> ConfigRef<'static> {
        ConfigRef::Shared(match self {
            Self::Borrowed(config) => Arc::new(config.clone()),
            Self::Shared(config) => config,
        })
    }
}

impl Deref for ConfigRef<'_> {
    type Target = Config;

    fn deref(&self) -> &Config {
        match self {
            Self::Borrowed(config) => config,
            Self::Shared(config) => config,
        }
    }
}
