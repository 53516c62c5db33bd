//! From a connection that the program has opened itself to a session.

use crate::{runtime::AsyncIo, stream::Stream};
use futures_io::{AsyncRead, AsyncWrite};
use pgtls_adapter::{Config, ConnectError, Connected, Endpoint, Provided, Startup, StartupError};
use std::io;

/// Negotiates on a connection that is open already, as libpq would with this one address.
///
/// `endpoint` is what is known about the other end: mostly the host that the certificate is verified against. `redial`
/// opens a new connection to the same address, which some modes need to fall back. The deadline of `connect_timeout`
/// begins now. What [`connect`](crate::connect()) says about tasks that are spawned holds for both closures.
///
/// # Errors
/// What failed on this address; [`ConnectError::then`] says whether libpq would go on to another.
pub async fn negotiate<S: AsyncRead + AsyncWrite + Unpin, T>(
    config: &Config,
    endpoint: impl Into<Endpoint>,
    connection: S,
    redial: impl AsyncFnMut() -> io::Result<S>,
    startup: impl AsyncFnMut(&mut Stream<S>, Startup<'_>) -> Result<T, StartupError>,
) -> Result<Connected<Stream<S>, T>, ConnectError> {
    negotiating(config, endpoint, connection, redial).finish(startup).await
}

/// A connection that is being made over connections of the program.
pub type Negotiating<'c, S, F> = pgtls_adapter::Connecting<'c, AsyncIo, Provided<S, F>>;

/// The same in two steps; see [`connecting`](crate::connecting()).
pub fn negotiating<S: AsyncRead + AsyncWrite + Unpin, F: AsyncFnMut() -> io::Result<S>>(
    config: &Config,
    endpoint: impl Into<Endpoint>,
    connection: S,
    redial: F,
) -> Negotiating<'_, S, F> {
    Negotiating::to(config, endpoint.into(), Provided::new(connection, redial), AsyncIo)
}
