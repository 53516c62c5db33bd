//! Connections on blocking sockets.

use crate::{
    config::{Config, IntoConfig},
    error::Error,
    startup::{Canceller, StartupContext},
};
use pgtls_adapter::{Cancelled, Connected, StartupError};
pub use pgtls_std::Stream;
use std::sync::Arc;

/// Connects as libpq does and leaves the startup exchange to the driver, once for each connection that is tried.
///
/// `startup` takes the stream, sends the StartupMessage, authenticates, and reads up to ReadyForQuery. It returns the stream, or
/// the driver's own type in its place, and a value of its choice.
///
/// # Errors
/// See [`connect`].
pub fn connect_with<S, T>(
    source: impl IntoConfig,
    mut startup: impl FnMut(Stream, StartupContext) -> Result<(S, T), StartupError>,
) -> Result<Connected<S, T>, Error> {
    let config = Config::new(source)?;
    let passwords = Arc::new(config.passwords());
    let mut connecting = pgtls_std::connecting(&config);
    loop {
        let stream = connecting.advance().map_err(|error| Error::connect(error, &passwords))?;
        let Some(at) = connecting.startup() else { continue };
        let context = StartupContext::new(&config, &passwords, at);
        if let Some(connected) = connecting.finish_startup(startup(stream, context)) {
            return Ok(connected);
        }
    }
}

/// Cancels the query of a session (libpq: `PQcancelBlocking`).
///
/// # Errors
/// All attempts, in order. A server that sends anything, or does not close the connection in order, has not accepted the
/// request.
pub fn cancel(canceller: &Canceller) -> Result<Cancelled, Error> {
    let Canceller { config, peer, key } = canceller;
    pgtls_std::cancel(config, peer, key).map_err(Error::from)
}
