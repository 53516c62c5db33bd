//! Connections on futures-io: smol, async-std, and any other executor.
//!
//! The futures are `Send + 'static`. The environment, the service file, the password file and the files of TLS are read on
//! the threads of the crate `blocking`.

use crate::{
    config::{Config, IntoConfig, Prepared},
    error::Error,
    session::Session,
    startup::{Canceller, Credentials, StartupContext},
};
use ::blocking::unblock;
use pgtls_adapter::{Cancelled, Connected, StartupError};
pub use pgtls_async_std::{Socket, Stream};
use pgtls_startup::ServerSession;

/// The configuration that psql would derive from these settings; see [`Config::new`].
///
/// # Errors
/// Those of [`Config::new`].
pub fn config(source: impl IntoConfig) -> impl Future<Output = Result<Config, Error>> + Send + 'static {
    let prepared = source.prepare();
    unblock(move || prepared.finish())
}

/// Connects as psql does and logs in (libpq: `PQconnectStart`, `PQconnectPoll`): tries hosts and addresses in its order,
/// negotiates encryption with each, falls back where `sslmode` says so, authenticates with `password`, `PGPASSWORD` or the
/// password file, and checks the role of the server.
///
/// ```no_run
/// # #[cfg(feature = "aws-lc-rs")]
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let session = smol::spawn(pgtls::async_std::connect("host=db.example.com user=alice sslmode=verify-full")).await?;
/// println!("PostgreSQL {}", session.parameter("server_version").unwrap_or_default());
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// Settings that libpq refuses, an environment that cannot be read, or all attempts, in order.
pub fn connect(
    source: impl IntoConfig,
) -> impl Future<Output = Result<Session<Stream>, Error>> + Send + 'static {
    connect_prepared(source.prepare(), log_in, Session::new)
}

/// Connects as [`connect`] does and leaves the startup exchange to the driver, once for each connection that is tried.
///
/// `startup` takes the stream, sends the StartupMessage, authenticates, and reads up to ReadyForQuery. It returns the stream, or
/// the driver's own type in its place, and a value of its choice. The bytes of the server take precedence over its result: there
/// is a session only if the stream has carried one.
///
/// ```no_run
/// # use pgtls::{StartupContext, StartupError, async_std::Stream};
/// # async fn start_up(stream: &mut Stream, at: &StartupContext) -> Result<(), StartupError> { Ok(()) }
/// # async fn example(config: pgtls::Config) -> Result<(), Box<dyn std::error::Error>> {
/// let connecting = pgtls::async_std::connect_with(&config, |mut stream, at| async move {
///     start_up(&mut stream, &at).await?;
///     Ok((stream, ()))
/// });
/// let connected = smol::spawn(connecting).await?;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// Those of [`connect`].
pub fn connect_with<S, T, F, R>(
    source: impl IntoConfig,
    startup: F,
) -> impl Future<Output = Result<Connected<S, T>, Error>> + Send + 'static
where
    F: FnMut(Stream, StartupContext) -> R + Send + 'static,
    R: Future<Output = Result<(S, T), StartupError>> + Send + 'static,
    S: Send + 'static,
    T: Send + 'static,
{
    connect_prepared(source.prepare(), startup, |connected, _context| connected)
}

async fn connect_prepared<S, T, C, R: Future<Output = Result<(S, T), StartupError>>>(
    prepared: Prepared,
    mut startup: impl FnMut(Stream, StartupContext) -> R,
    finish: impl FnOnce(Connected<S, T>, StartupContext) -> C,
) -> Result<C, Error> {
    let credentials = unblock(move || Credentials::load(prepared)).await?;
    let mut connecting = pgtls_async_std::connecting(&credentials.config);
    credentials.warning().into_iter().for_each(|warning| connecting.note(warning));
    loop {
        let stream = connecting.advance().await?;
        let Some(at) = connecting.startup() else { continue };
        let context = StartupContext::new(&credentials, at);
        let outcome = startup(stream, context.clone()).await;
        if let Some(connected) = connecting.finish_startup(outcome) {
            return Ok(finish(connected, context));
        }
    }
}

/// Logs in on a stream of [`connect_with`], for drivers that add to what [`connect`] does.
///
/// # Errors
/// The server's error, a refusal, or an error of the stream.
pub async fn log_in(mut stream: Stream, at: StartupContext) -> Result<(Stream, ServerSession), StartupError> {
    let password = async { at.password().cloned() };
    let session = pgtls_async_std::log_in(&mut stream, at.startup(), at.params(), password).await?;
    Ok((stream, session))
}

/// Cancels the query of a session (libpq: `PQcancelStart`).
///
/// # Errors
/// All attempts, in order. A server that sends anything, or does not close the connection in order, has not accepted the
/// request.
pub fn cancel(canceller: &Canceller) -> impl Future<Output = Result<Cancelled, Error>> + Send + use<> {
    let Canceller { config, peer, key } = canceller.clone();
    async move { pgtls_async_std::cancel(&config, &peer, &key).await.map_err(Error::from) }
}
