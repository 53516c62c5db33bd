//! The startup exchange, for programs that have none of their own.

use crate::{runtime::Tokio, stream::Stream};
use pgtls_adapter::{Startup, StartupError};
use pgtls_core::param::{Params, Secret};
use pgtls_startup::ServerSession;
use tokio::io::{AsyncRead, AsyncWrite};

/// Logs in: runs the startup exchange on a stream, up to ReadyForQuery and the role of the server. A connect function takes it
/// as its startup:
///
/// ```no_run
/// # use pgtls_tokio::{Config, ConnectError, Connected, ServerSession, Stream, connect, log_in};
/// # async fn example(config: &Config) -> Result<Connected<Stream, ServerSession>, ConnectError> {
/// connect(config, async |stream, at| {
///     let password = async { config.params.password().cloned() };
///     log_in(stream, at, &config.params, password).await
/// })
/// .await
/// # }
/// ```
///
/// `password` is polled when the server requests a password, under the deadline of the address; `pgtls_os::passwords` has those of
/// the password file. The derivation of SCRAM's key yields to the runtime after each slice: the deadline and a dropped future end
/// it.
///
/// # Errors
/// The server's error, a refusal, or an error of the stream.
pub async fn log_in<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut Stream<S>,
    at: Startup<'_>,
    params: &Params,
    password: impl Future<Output = Option<Secret>>,
) -> Result<ServerSession, StartupError> {
    pgtls_adapter::log_in(&Tokio, stream.as_mut(), at, params, password).await
}
