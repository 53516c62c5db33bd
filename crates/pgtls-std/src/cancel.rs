//! Cancelling what a session is doing.

use crate::{connecting::Connecting, stream::Stream};
use pgtls_adapter::{Cancelled, Config, ConnectError, Hosts, Walk, cancel_message};
use pgtls_core::{candidates::Candidate, message::CancelRequest, negotiation::Encryption};
use std::io::{self, Read, Write};

/// Asks the server to cancel what a session is doing, under the rules that the session was made under: the same mode, roots,
/// identity and time limit, and the session's one address (libpq: `PQcancelBlocking`).
///
/// `session` is where it is ([`Connected::candidate`](crate::Connected::candidate)); `request` has the key from the
/// BackendKeyData that its server sent.
///
/// # Errors
/// All attempts, in order. A server that says anything, or breaks off instead of closing the connection in order, has not
/// taken the request.
pub fn cancel(
    config: &Config,
    session: &Candidate,
    request: &CancelRequest,
) -> Result<Cancelled, ConnectError> {
    let message = cancel_message(request);
    let mut connecting = Connecting::new(Walk::cancel(config, session), Hosts);
    loop {
        let stream = connecting.advance()?;
        if let Some(cancelled) = connecting.cancelled(ask(stream, &message).map_err(Into::into)) {
            return Ok(cancelled);
        }
    }
}

fn ask(mut stream: Stream, message: &[u8]) -> io::Result<Encryption> {
    stream.write_all(message)?;
    stream.flush()?;
    // The watch lets nothing through but the end.
    stream.read_to_end(&mut Vec::new())?;
    Ok(stream.encryption())
}
