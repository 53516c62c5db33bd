//! From parameters to a session: all hosts, all addresses.

use crate::{runtime::Tokio, stream::Stream};
use pgtls_adapter::{Config, ConnectError, Connected, Hosts, Startup, StartupError};

/// Connects as libpq does: tries hosts and addresses in its order, negotiates encryption with each, falls back where
/// `sslmode` says so, and has `startup` send the StartupMessage and authenticate (libpq: `PQconnectdb`).
///
/// `startup` may be called several times, each time on a new connection. It reads up to ReadyForQuery.
///
/// In a task that is spawned it has to own what it uses: Rust cannot tell yet that the future of a closure which borrows is
/// [`Send`] ("implementation of `Send` is not general enough"). Or the task calls [`connecting`], where nothing is a closure.
///
/// ```no_run
/// # use pgtls_tokio::{Config, StartupError, Stream, connect};
/// # async fn start_up(stream: &mut Stream, config: &Config) -> Result<(), StartupError> { Ok(()) }
/// # fn example(config: std::sync::Arc<Config>) {
/// tokio::spawn(async move {
///     let owned = config.clone();
///     let connected = connect(&config, async move |stream, _at| start_up(stream, &owned).await).await;
/// });
/// # }
/// ```
///
/// # Errors
/// All attempts, in order, with what was seen on the way.
pub async fn connect<T>(
    config: &Config,
    startup: impl AsyncFnMut(&mut Stream, Startup<'_>) -> Result<T, StartupError>,
) -> Result<Connected<Stream, T>, ConnectError> {
    connecting(config).finish(startup).await
}

/// What [`connecting`] returns.
pub type Connecting<'c> = pgtls_adapter::Connecting<'c, Tokio, Hosts>;

/// The same in two steps, for drivers whose startup exchange takes the stream away:
///
/// ```no_run
/// # use pgtls_tokio::{Config, ConnectError, Startup, Stream};
/// # async fn start(stream: Stream, at: Startup<'_>) -> std::io::Result<Stream> { Ok(stream) }
/// # async fn example(config: &Config) -> Result<(), ConnectError> {
/// let mut connecting = pgtls_tokio::connecting(config);
/// let connected = loop {
///     let stream = connecting.advance().await?;
///     let started = start(stream, connecting.startup()).await;
///     if let Some(connected) = connecting.conclude(started.map(|stream| (stream, ())).map_err(Into::into)) {
///         break connected;
///     }
/// };
/// # Ok(())
/// # }
/// ```
pub fn connecting(config: &Config) -> Connecting<'_> {
    Connecting::new(config)
}
