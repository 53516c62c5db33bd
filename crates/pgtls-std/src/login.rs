//! The startup exchange, for programs that have none of their own.

use crate::{
    connection::Connection,
    deadline::{Blocking, block_on},
    stream::Stream,
};
use pgtls_adapter::{Startup, StartupError};
use pgtls_core::param::{Params, Secret};
use pgtls_startup::ServerSession;

/// Logs in: runs the startup exchange on a stream, up to ReadyForQuery and the role of the server. A connect function takes it
/// as its startup:
///
/// ```no_run
/// # use pgtls_std::{Config, ConnectError, Connected, ServerSession, Stream, connect, log_in};
/// # fn example(config: &Config) -> Result<Connected<Stream, ServerSession>, ConnectError> {
/// connect(config, |stream, at| log_in(stream, at, &config.params, || config.params.password().cloned()))
/// # }
/// ```
///
/// `password` is called when the server requests a password; `pgtls_os::passwords` has those of the password file. The derivation
/// of SCRAM's key checks the deadline of the address after each slice.
///
/// # Errors
/// The server's error, a refusal, or an error of the stream.
pub fn log_in<S: Connection>(
    stream: &mut Stream<S>,
    at: Startup<'_>,
    params: &Params,
    password: impl FnOnce() -> Option<Secret>,
) -> Result<ServerSession, StartupError> {
    block_on(pgtls_adapter::log_in(&Blocking, stream.as_mut(), at, params, async { password() }))
}
