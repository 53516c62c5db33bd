//! From a connection that the program has opened itself to a session.

use crate::{connecting::Connecting, connection::Connection, stream::Stream};
use pgtls_adapter::{
    Config, ConnectError, Connected, Driver, Endpoint, Provided, Purpose, Startup, StartupError,
};
use std::io;

/// Negotiates on a connection that is open already, as libpq would with this one address.
///
/// `host` is what the certificate is verified against and what the server is told (SNI). `redial` opens a new connection
/// to the same address, which some modes need to fall back. The deadline of `connect_timeout` begins now.
///
/// # Errors
/// What failed on this address; [`ConnectError::then`] says whether libpq would go on to another.
pub fn negotiate<S: Connection, T>(
    config: &Config,
    host: Option<&str>,
    connection: S,
    redial: impl FnMut() -> io::Result<S>,
    startup: impl FnMut(&mut Stream<S>, Startup<'_>) -> Result<T, StartupError>,
) -> Result<Connected<Stream<S>, T>, ConnectError> {
    negotiating(config, host, connection, redial).finish(startup)
}

/// The same in two steps; see [`connecting`](crate::connecting()).
pub fn negotiating<'c, S: Connection, F: FnMut() -> io::Result<S>>(
    config: &'c Config,
    host: Option<&str>,
    connection: S,
    redial: F,
) -> Connecting<'c, Provided<S, F>> {
    let mut endpoint = Endpoint::tcp(host);
    endpoint.transport = connection.transport();
    Connecting::new(Driver::to(config, endpoint, Purpose::Session), Provided::new(connection, redial))
}
