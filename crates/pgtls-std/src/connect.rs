//! From parameters to a session: all hosts, all addresses.

use crate::{connecting::Connecting, stream::Stream};
use pgtls_adapter::{Config, ConnectError, Connected, Startup, StartupError};

/// Connects as libpq does: tries hosts and addresses in its order, negotiates encryption with each, falls back where
/// `sslmode` says so, and has `startup` send the StartupMessage and authenticate (libpq: `PQconnectdb`).
///
/// `startup` may be called several times, each time on a new connection. It reads up to ReadyForQuery.
///
/// # Errors
/// All attempts, in order, with what was seen on the way.
pub fn connect<T>(
    config: &Config,
    startup: impl FnMut(&mut Stream, Startup<'_>) -> Result<T, StartupError>,
) -> Result<Connected<Stream, T>, ConnectError> {
    Connecting::new(config).finish(startup)
}
