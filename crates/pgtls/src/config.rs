//! The configuration of connections, and its constructors.

use crate::error::Error;
use pgtls_core::{
    environment::Environment,
    param::{Ability, ParamError, Settings, SettingsBuilder},
};
use pgtls_rustls::{CryptoProvider, LibraryInit};
use std::{
    ops::{Deref, DerefMut},
    sync::Arc,
};

/// The configuration of connections: parameters, environment, cryptography, and the cache of TLS files.
///
/// It is made once, from the connection string and from the environment and the service file as they are then, and used for
/// many connections. A clone is cheap and shares the cache. The fields are those of [`pgtls_adapter::Config`]: a change of one
/// does not reach the clones, and begins a new cache.
///
/// ```
/// # #[cfg(feature = "aws-lc-rs")] {
/// let config = pgtls::Config::new("host=db.example.com user=alice sslmode=verify-full")?;
/// assert_eq!(config.params.user(), "alice");
/// # }
/// # Ok::<(), pgtls::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Config(Arc<pgtls_adapter::Config>);

impl Config {
    /// The configuration that psql would derive from these settings, the environment and the service file (libpq:
    /// `PQconnectStart`, `conninfo_add_defaults`). A configuration is returned as it is.
    ///
    /// This reads the service file: it blocks. `pgtls::tokio::config` and `pgtls::async_std::config` read it on a thread of the
    /// runtime.
    ///
    /// # Errors
    /// Settings that libpq refuses, or an environment that cannot be read.
    pub fn new(source: impl IntoConfig) -> Result<Self, Error> {
        source.prepare().finish()
    }

    /// The configuration in the form of the adapters, shared.
    pub fn shared(&self) -> &Arc<pgtls_adapter::Config> {
        &self.0
    }
}

impl Deref for Config {
    type Target = pgtls_adapter::Config;

    fn deref(&self) -> &pgtls_adapter::Config {
        &self.0
    }
}

impl DerefMut for Config {
    fn deref_mut(&mut self) -> &mut pgtls_adapter::Config {
        let config = Arc::make_mut(&mut self.0);
        // The connectors in it belong to the parameters that made them.
        config.cache = Arc::default();
        config
    }
}

impl From<pgtls_adapter::Config> for Config {
    fn from(config: pgtls_adapter::Config) -> Self {
        Self(Arc::new(config))
    }
}

impl From<Arc<pgtls_adapter::Config>> for Config {
    fn from(config: Arc<pgtls_adapter::Config>) -> Self {
        Self(config)
    }
}

/// A [`Config`] that is being made, where the connection string is not all: for another crypto provider, an environment that
/// is not the process's, or a library that the application has initialised itself.
///
/// ```
/// # #[cfg(feature = "ring")] {
/// use pgtls::{Config, ConfigBuilder};
///
/// let config = Config::new(ConfigBuilder::new("host=db.example.com user=alice", pgtls::ring()))?;
/// # }
/// # Ok::<(), pgtls::Error>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct ConfigBuilder {
    settings: Result<Settings, ParamError>,
    provider: Arc<CryptoProvider>,
    environment: Option<Environment>,
    library_init: LibraryInit,
}

impl ConfigBuilder {
    /// Begins with these settings and this crypto provider. Their errors are those of [`build`](Self::build).
    pub fn new(settings: impl IntoSettings, provider: Arc<CryptoProvider>) -> Self {
        let library_init = LibraryInit::default();
        Self { settings: settings.into_settings(), provider, environment: None, library_init }
    }

    /// Takes an environment in the place of the process's.
    pub fn environment(mut self, environment: Environment) -> Self {
        self.environment = Some(environment);
        self
    }

    /// Declares the parts of the library that the application has initialised itself (libpq: `PQinitOpenSSL`): without `ssl` the
    /// machine's `openssl.cnf` is not applied, without `crypto` the default crypto provider of the process is used.
    pub fn library_init(mut self, init: LibraryInit) -> Self {
        self.library_init = init;
        self
    }

    /// The configuration. This reads the service file: it blocks, see [`Config::new`].
    ///
    /// # Errors
    /// Settings that libpq refuses, an environment that cannot be read, or a default crypto provider that is not installed.
    pub fn build(self) -> Result<Config, Error> {
        let settings = self.settings?;
        let environment = match self.environment {
            Some(environment) => environment,
            None => pgtls_os::environment()?,
        };
        let params = pgtls_os::params(&settings, &environment, Ability::default())?;
        let provider = self.provider;
        let config = pgtls_adapter::Config::initialised(params, environment, self.library_init, || provider)?;
        Ok(config.into())
    }
}

/// Settings of a connection, in one of the forms that libpq takes.
///
/// Implemented by connection strings and URIs (libpq: `PQconninfoParse`), by lists of keywords and values in which `dbname` is
/// a name and no connection string (libpq: `PQconnectdbParams` without `expand_dbname`; with it, use
/// [`Settings::from_pairs`]), by [`Settings`] and by [`SettingsBuilder`].
pub trait IntoSettings {
    /// The settings.
    ///
    /// # Errors
    /// Text that libpq refuses.
    fn into_settings(self) -> Result<Settings, ParamError>;
}

impl IntoSettings for &str {
    fn into_settings(self) -> Result<Settings, ParamError> {
        Settings::parse(self)
    }
}

impl IntoSettings for &String {
    fn into_settings(self) -> Result<Settings, ParamError> {
        Settings::parse(self)
    }
}

impl IntoSettings for Settings {
    fn into_settings(self) -> Result<Settings, ParamError> {
        Ok(self)
    }
}

impl IntoSettings for &Settings {
    fn into_settings(self) -> Result<Settings, ParamError> {
        Ok(self.clone())
    }
}

impl IntoSettings for SettingsBuilder {
    fn into_settings(self) -> Result<Settings, ParamError> {
        self.finish()
    }
}

impl<K: AsRef<str>, V: AsRef<str>> IntoSettings for &[(K, V)] {
    fn into_settings(self) -> Result<Settings, ParamError> {
        let pairs: Vec<_> = self.iter().map(|(keyword, value)| (keyword.as_ref(), value.as_ref())).collect();
        Settings::from_pairs(&pairs, false)
    }
}

impl<K: AsRef<str>, V: AsRef<str>, const N: usize> IntoSettings for [(K, V); N] {
    fn into_settings(self) -> Result<Settings, ParamError> {
        self.as_slice().into_settings()
    }
}

/// A configuration, or a value that one is made from.
///
/// Implemented by [`Config`], [`ConfigBuilder`] and, with the feature `aws-lc-rs`, by all [`IntoSettings`], which use the crypto
/// provider of aws-lc-rs whatever else is linked.
pub trait IntoConfig: sealed::Prepare {}

impl IntoConfig for Config {}
impl IntoConfig for &Config {}
impl IntoConfig for ConfigBuilder {}
#[cfg(feature = "aws-lc-rs")]
impl<S: IntoSettings> IntoConfig for S {}

/// A configuration, or one that a thread which may block has to finish.
#[derive(Debug)]
pub enum Prepared {
    /// It is made.
    Config(Config),
    /// Environment and files are to be read.
    Builder(Box<ConfigBuilder>),
}

impl Prepared {
    /// The configuration. Blocks.
    pub(crate) fn finish(self) -> Result<Config, Error> {
        match self {
            Self::Config(config) => Ok(config),
            Self::Builder(builder) => builder.build(),
        }
    }
}

mod sealed {
    use super::{Config, ConfigBuilder, Prepared};

    /// Keeps [`IntoConfig`](super::IntoConfig) ours, so that it can grow.
    pub trait Prepare {
        /// Does what does not block.
        fn prepare(self) -> Prepared;
    }

    impl Prepare for Config {
        fn prepare(self) -> Prepared {
            Prepared::Config(self)
        }
    }

    impl Prepare for &Config {
        fn prepare(self) -> Prepared {
            Prepared::Config(self.clone())
        }
    }

    impl Prepare for ConfigBuilder {
        fn prepare(self) -> Prepared {
            Prepared::Builder(Box::new(self))
        }
    }

    #[cfg(feature = "aws-lc-rs")]
    impl<S: super::IntoSettings> Prepare for S {
        fn prepare(self) -> Prepared {
            Prepared::Builder(Box::new(ConfigBuilder::new(self, pgtls_rustls::aws_lc_rs())))
        }
    }
}
