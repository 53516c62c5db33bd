//! From a connection string to the configuration of a connection.

use crate::{blocking, error::Error};
use pgtls_core::param::Settings;
use pgtls_rustls::CryptoProvider;
use pgtls_tokio::Config;
use std::{io, sync::Arc};
use tokio::task::spawn_blocking;

/// The configuration that psql would derive from this connection string or URI, with the service file and the environment as
/// they are now, and the crypto provider of aws-lc-rs. It uses this provider whatever else the program links; [`config_with`]
/// takes another one.
///
/// # Errors
/// Parameters that libpq refuses, or an environment that cannot be read.
#[cfg(feature = "aws-lc-rs")]
pub async fn config(conninfo: &str) -> Result<Arc<Config>, Error> {
    config_with(conninfo, pgtls_rustls::aws_lc_rs()).await
}

/// The same with a crypto provider that the program chooses, as `pgtls_rustls::ring()`.
///
/// # Errors
/// Parameters that libpq refuses, or an environment that cannot be read.
pub async fn config_with(conninfo: &str, provider: Arc<CryptoProvider>) -> Result<Arc<Config>, Error> {
    let settings = Settings::parse(conninfo).map_err(Error::Param)?;
    // The service file is on the disk.
    let made = spawn_blocking(move || blocking::from_settings(&settings, provider));
    made.await.map_err(|error| Error::Io(io::Error::from(error)))?
}
