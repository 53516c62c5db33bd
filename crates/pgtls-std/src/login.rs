//! The startup exchange, for programs that have none of their own.

use crate::{connection::Connection, stream::Stream};
use pgtls_adapter::{READ, Startup, StartupError};
use pgtls_core::param::{Params, Secret};
use pgtls_startup::{Action, ServerSession};
use std::io::{ErrorKind, Read as _, Write as _};

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
    let mut exchange = at.exchange(params, stream.facts())?;
    let mut password = Some(password);
    let mut buffer = [0; READ];
    loop {
        match exchange.poll() {
            Ok(Action::Send(bytes)) => {
                let count = bytes.len();
                stream.write_all(bytes)?;
                exchange.sent(count);
            }
            Ok(Action::Receive) => {
                stream.flush()?;
                match stream.read(&mut buffer) {
                    Ok(count) => exchange.received(buffer.get(..count).unwrap_or_default()),
                    Err(error) if error.kind() == ErrorKind::Interrupted => {}
                    Err(error) => return Err(error.into()),
                }
            }
            Ok(Action::Password) => {
                exchange.supply_password(password.take().and_then(|password| password()));
            }
            Ok(Action::Derive) => {
                at.check_deadline()?;
                exchange.derive();
            }
            Ok(Action::Ready(session)) => return at.finish(Ok(session)),
            Err(error) => return at.finish(Err(error)),
        }
    }
}
