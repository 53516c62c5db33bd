//! From parameters to a session: all hosts, all addresses.

use crate::{runtime::Tokio, stream::Stream};
use pgtls_adapter::{Config, ConnectError, Connected, Dialer, Hosts, Resolver, Startup, StartupError};

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
/// All attempts, in order.
pub async fn connect<T>(
    config: &Config,
    startup: impl AsyncFnMut(&mut Stream, Startup<'_>) -> Result<T, StartupError>,
) -> Result<Connected<Stream, T>, ConnectError> {
    connecting(config).finish(startup).await
}

/// A connection that is being made to the hosts of the parameters, by a dialer.
pub type Connecting<'c, D = Tokio> = pgtls_adapter::Connecting<'c, Tokio, Hosts<D>>;

/// The same in two steps, for drivers whose startup exchange takes the stream away:
///
/// ```no_run
/// # use pgtls_tokio::{Config, ConnectError, Startup, Stream};
/// # async fn start(stream: Stream, at: Startup<'_>) -> std::io::Result<Stream> { Ok(stream) }
/// # async fn example(config: &Config) -> Result<(), ConnectError> {
/// let mut connecting = pgtls_tokio::connecting(config);
/// let connected = loop {
///     let stream = connecting.advance().await?;
///     let Some(at) = connecting.startup() else { continue };
///     let started = start(stream, at).await.map(|stream| (stream, ())).map_err(Into::into);
///     if let Some(connected) = connecting.finish_startup(started) {
///         break connected;
///     }
/// };
/// # Ok(())
/// # }
/// ```
pub fn connecting(config: &Config) -> Connecting<'_> {
    connecting_with(config, Tokio)
}

/// The same with a dialer of the program: for a tunnel, or a resolver of its own. One that has nothing else to add calls
/// [`Tokio`]'s methods.
pub fn connecting_with<D: Dialer + Resolver>(config: &Config, dialer: D) -> Connecting<'_, D> {
    Connecting::new(config, Tokio, dialer)
}
