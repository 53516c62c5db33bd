//! How pgtls is configured.

use crate::{material::HOST, setup::Setup};
use pgtls_core::{
    environment::{Environment, Platform},
    param::{Ability, Params, Settings},
};
use pgtls_rustls::clock;
use pgtls_std::Config;
use std::{
    io,
    path::Path,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// `verify-full` by the files of the setup. There is a home directory, and nothing in it.
///
/// # Errors
/// Paths that are no text.
pub(crate) fn config(setup: &Setup) -> io::Result<Config> {
    let text = |path: &Path| path.to_str().map(str::to_owned).ok_or(io::ErrorKind::InvalidInput);
    let crl = setup.crl.as_deref().map(text).transpose()?;
    let settings = [
        format!("host={HOST} hostaddr={} port={}", setup.address.ip(), setup.address.port()),
        format!("user=bench sslmode=verify-full sslrootcert='{}'", text(&setup.roots)?),
        crl.map_or_else(String::new, |crl| format!("sslcrl='{crl}'")),
        if setup.direct { "sslnegotiation=direct".to_owned() } else { String::new() },
    ]
    .join(" ");
    let home = setup.roots.parent().map(text).transpose()?.unwrap_or_default();
    let environment = Environment::empty(Platform::Unix).with_variable("HOME", &home);
    let settings = Settings::parse(&settings).map_err(io::Error::other)?;
    let params =
        Params::resolve(&settings, None, &environment, Ability::default()).map_err(io::Error::other)?;
    let mut config = Config::new(params, environment, setup.provider.make());
    // Files that were not changed just now are looked at only.
    let later = || SystemTime::now() + Duration::from_secs(60);
    config.tls.clock = clock(move || later().duration_since(UNIX_EPOCH).unwrap());
    Ok(config)
}
