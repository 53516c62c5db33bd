//! Constructors for programs without a runtime, and for the crate `postgres`.
//!
//! ```no_run
//! # fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let config = pgtls_tokio_postgres::blocking::config("postgresql://db.example.com/shop?sslmode=verify-full")?;
//! # #[cfg(feature = "postgres")]
//! let mut client = pgtls_tokio_postgres::blocking::connect_with(config)?;
//! # #[cfg(feature = "postgres")]
//! let row = client.query_one("SELECT 1", &[])?;
//! # Ok(())
//! # }
//! ```
//!
//! They read files, so that they must not be called on a thread that drives futures. The crate `postgres` opens the connections
//! by itself: [`DriverConfig`] lists the parameters that it cannot be given.

#[cfg(doc)]
use crate::DriverConfig;
use crate::Error;
use pgtls_core::param::{Ability, Settings};
use pgtls_rustls::CryptoProvider;
use pgtls_tokio::Config;
use std::sync::Arc;

/// Returns the configuration that psql would derive from this connection string or URI, as [`config`](crate::config) does.
///
/// # Errors
/// Parameters that libpq refuses, or an environment that cannot be read.
#[cfg(feature = "aws-lc-rs")]
pub fn config(conninfo: &str) -> Result<Arc<Config>, Error> {
    config_with(conninfo, pgtls_rustls::aws_lc_rs())
}

/// Returns the configuration with a crypto provider that the program chooses, as [`config_with`](crate::config_with) does.
///
/// # Errors
/// Parameters that libpq refuses, or an environment that cannot be read.
pub fn config_with(conninfo: &str, provider: Arc<CryptoProvider>) -> Result<Arc<Config>, Error> {
    from_settings(&Settings::parse(conninfo).map_err(Error::Param)?, provider)
}

pub(crate) fn from_settings(
    settings: &Settings,
    provider: Arc<CryptoProvider>,
) -> Result<Arc<Config>, Error> {
    let environment = pgtls_os::environment().map_err(Error::Environment)?;
    let params = pgtls_os::params(settings, &environment, Ability::default()).map_err(Error::Param)?;
    Ok(Arc::new(Config::new(params, environment, provider)))
}

/// Connects the crate `postgres`, with the crypto provider of aws-lc-rs.
///
/// # Errors
/// Parameters that libpq refuses or the driver cannot be given, and the driver's error.
///
/// # Panics
/// On a thread that drives futures: the crate `postgres` has a runtime of its own.
#[cfg(all(feature = "postgres", feature = "aws-lc-rs"))]
pub fn connect(conninfo: &str) -> Result<postgres::Client, Error> {
    connect_with(config(conninfo)?)
}

/// Connects the crate `postgres` with these parameters.
///
/// # Errors
/// Parameters that the driver cannot be given, and the driver's error.
///
/// # Panics
/// On a thread that drives futures: the crate `postgres` has a runtime of its own.
#[cfg(feature = "postgres")]
pub fn connect_with(config: Arc<Config>) -> Result<postgres::Client, Error> {
    let (config, tls) = crate::DriverConfig::new_blocking(config)?.into_parts();
    postgres::Config::from(config).connect(tls).map_err(|error| crate::driver_error::cleaned(error).into())
}
