//! From parameters to a session: all hosts, all addresses.

use crate::{
    connecting::Connecting,
    dial::{Dialer, SocketDialer},
    stream::Stream,
};
use pgtls_adapter::{Config, ConnectError, Connected, Driver, Hosts, Startup, StartupError};

/// Connects as libpq does: tries hosts and addresses in its order, negotiates encryption with each, falls back where
/// `sslmode` says so, and has `startup` send the StartupMessage and authenticate (libpq: `PQconnectdb`).
///
/// `startup` may be called several times, each time on a new connection. It reads up to ReadyForQuery.
///
/// # Errors
/// All attempts, in order.
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
///     let Some(at) = connecting.startup() else { continue };
///     let started = start(stream, at).map(|stream| (stream, ())).map_err(Into::into);
///     if let Some(connected) = connecting.finish_startup(started) {
///         break connected;
///     }
/// };
/// # Ok(())
/// # }
/// ```
pub fn connecting(config: &Config) -> Connecting<'_, Hosts<SocketDialer>> {
    connecting_with(config, SocketDialer)
}

/// The same with a dialer of the program: for a tunnel, or a resolver of its own.
pub fn connecting_with<D: Dialer>(config: &Config, dialer: D) -> Connecting<'_, Hosts<D>> {
    Connecting::new(Driver::new(config), Hosts(dialer))
}
