//! From parameters to a session: all hosts, all addresses.

use crate::{connecting::Connecting, stream::Stream};
use pgtls_adapter::{Config, ConnectError, Connected, Hosts, Startup, StartupError, Walk};

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
    connecting(config).finish(startup)
}

/// The same in two steps, for drivers whose startup exchange takes the stream away:
///
/// ```no_run
/// # use pgtls_std::{Config, ConnectError, Startup, Stream};
/// # fn start(stream: Stream, at: Startup<'_>) -> std::io::Result<Stream> { Ok(stream) }
/// # fn example(config: &Config) -> Result<(), ConnectError> {
/// let mut connecting = pgtls_std::connecting(config);
/// let connected = loop {
///     let stream = connecting.advance()?;
///     let started = start(stream, connecting.startup());
///     if let Some(connected) = connecting.conclude(started.map(|stream| (stream, ())).map_err(Into::into)) {
///         break connected;
///     }
/// };
/// # Ok(())
/// # }
/// ```
pub fn connecting(config: &Config) -> Connecting<'_, Hosts> {
    Connecting::new(Walk::new(config), Hosts)
}
