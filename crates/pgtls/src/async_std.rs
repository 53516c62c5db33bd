//! Connections on futures-io: smol, async-std, and any other executor.
//!
//! The futures are `Send + 'static`. The environment, the service file, the password file and the files of TLS are read on
//! a pool of threads for blocking work.

use crate::{
    config::{Config, IntoConfig, Prepared, with_passwords},
    error::Error,
    startup::{Canceller, StartupContext},
};
use ::blocking::unblock;
use pgtls_adapter::{Cancelled, Connected, StartupError};
pub use pgtls_async_std::Stream;

/// The configuration that psql would derive from these settings; see [`Config::new`].
///
/// # Errors
/// Those of [`Config::new`].
pub fn config(source: impl IntoConfig) -> impl Future<Output = Result<Config, Error>> + Send + 'static {
    let prepared = source.prepare();
    unblocked(move || prepared.finish())
}

/// Connects as libpq does and leaves the startup exchange to the driver, once for each connection that is tried.
///
/// `startup` takes the stream, sends the StartupMessage, authenticates, and reads up to ReadyForQuery. It returns the stream, or
/// the driver's own type in its place, and a value of its choice.
///
/// # Errors
/// See [`connect`].
pub fn connect_with<S, T, F, E>(
    source: impl IntoConfig,
    startup: F,
) -> impl Future<Output = Result<Connected<S, T>, Error>> + Send + 'static
where
    F: FnMut(Stream, StartupContext) -> E + Send + 'static,
    E: Future<Output = Result<(S, T), StartupError>> + Send + 'static,
    S: Send + 'static,
    T: Send + 'static,
{
    connect_prepared(source.prepare(), startup)
}

async fn connect_prepared<S, T, E: Future<Output = Result<(S, T), StartupError>>>(
    prepared: Prepared,
    mut startup: impl FnMut(Stream, StartupContext) -> E,
) -> Result<Connected<S, T>, Error> {
    let (config, passwords) = unblocked(move || with_passwords(prepared)).await?;
    let mut connecting = pgtls_async_std::connecting(&config);
    loop {
        let stream = connecting.advance().await.map_err(|error| Error::connect(error, &passwords))?;
        let Some(at) = connecting.startup() else { continue };
        let context = StartupContext::new(&config, &passwords, at);
        let outcome = startup(stream, context).await;
        if let Some(connected) = connecting.finish_startup(outcome) {
            return Ok(connected);
        }
    }
}

/// Cancels the query of a session (libpq: `PQcancelStart`).
///
/// # Errors
/// All attempts, in order. A server that sends anything, or does not close the connection in order, has not accepted the
/// request.
pub async fn cancel(canceller: &Canceller) -> Result<Cancelled, Error> {
    let Canceller { config, peer, key } = canceller;
    pgtls_async_std::cancel(config, peer, key).await.map_err(Error::from)
}

/// Runs a task on a thread that may block.
async fn unblocked<T: Send + 'static>(
    task: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    unblock(task).await
}
