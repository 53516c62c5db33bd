//! Connections on blocking sockets.

use crate::{
    config::{IntoConfig, Prepared},
    error::Error,
    session::Session,
    startup::{Canceller, Credentials, StartupContext},
};
use pgtls_adapter::{Cancelled, Connected, StartupError};
use pgtls_startup::ServerSession;
pub use pgtls_std::{Socket, Stream};

/// Connects as psql does and logs in (libpq: `PQconnectdb`): tries hosts and addresses in its order, negotiates encryption with
/// each, falls back where `sslmode` says so, authenticates with `password`, `PGPASSWORD` or the password file, and checks the
/// role of the server.
///
/// ```no_run
/// # #[cfg(feature = "aws-lc-rs")] {
/// let session = pgtls::blocking::connect("host=db.example.com user=alice sslmode=verify-full")?;
/// println!("PostgreSQL {}", session.parameter("server_version").unwrap_or_default());
/// # }
/// # Ok::<(), pgtls::Error>(())
/// ```
///
/// # Errors
/// Settings that libpq refuses, an environment that cannot be read, or all attempts, in order.
pub fn connect(source: impl IntoConfig) -> Result<Session<Stream>, Error> {
    connect_prepared(source.prepare(), log_in, Session::new)
}

/// Connects as [`connect`] does and leaves the startup exchange to the driver, once for each connection that is tried.
///
/// `startup` takes the stream, sends the StartupMessage, authenticates, and reads up to ReadyForQuery. It returns the stream, or
/// the driver's own type in its place, and a value of its choice. The bytes of the server take precedence over its result: there
/// is a session only if the stream has carried one.
///
/// # Errors
/// Those of [`connect`].
pub fn connect_with<S, T>(
    source: impl IntoConfig,
    startup: impl FnMut(Stream, StartupContext) -> Result<(S, T), StartupError>,
) -> Result<Connected<S, T>, Error> {
    connect_prepared(source.prepare(), startup, |connected, _context| connected)
}

fn connect_prepared<S, T, C>(
    prepared: Prepared,
    mut startup: impl FnMut(Stream, StartupContext) -> Result<(S, T), StartupError>,
    finish: impl FnOnce(Connected<S, T>, StartupContext) -> C,
) -> Result<C, Error> {
    let credentials = Credentials::load(prepared)?;
    let mut connecting = pgtls_std::connecting(&credentials.config);
    credentials.warning().into_iter().for_each(|warning| connecting.note(warning));
    loop {
        let stream = connecting.advance()?;
        let Some(at) = connecting.startup() else { continue };
        let context = StartupContext::new(&credentials, at);
        let outcome = startup(stream, context.clone());
        if let Some(connected) = connecting.finish_startup(outcome) {
            return Ok(finish(connected, context));
        }
    }
}

/// Logs in on a stream of [`connect_with`], for drivers that add to what [`connect`] does.
///
/// # Errors
/// The server's error, a refusal, or an error of the stream.
#[expect(clippy::needless_pass_by_value, reason = "its form is that of a startup exchange for connect_with")]
pub fn log_in(mut stream: Stream, at: StartupContext) -> Result<(Stream, ServerSession), StartupError> {
    let session = pgtls_std::log_in(&mut stream, at.startup(), at.params(), || at.password().cloned())?;
    Ok((stream, session))
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
