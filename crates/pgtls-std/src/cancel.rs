//! Cancel requests.

use crate::{connecting::Connecting, dial::SocketDialer, stream::Stream};
use pgtls_adapter::{Cancelled, Config, ConnectError, Driver, Hosts, cancel_message};
use pgtls_core::{connect::Peer, message::CancelRequest};
use std::io::{self, Read, Write};

/// Sends a cancel request for a session, under the same mode, roots, identity and time limit, to the session's one address
/// (libpq: `PQcancelBlocking`).
///
/// `session` is the server of the session ([`Connected::peer`](crate::Connected::peer)); `request` has the key from the
/// BackendKeyData that its server sent.
///
/// # Errors
/// All attempts, in order. A server that sends anything, or does not close the connection in order, has not accepted the
/// request.
pub fn cancel(config: &Config, session: &Peer, request: &CancelRequest) -> Result<Cancelled, ConnectError> {
    let message = cancel_message(request);
    let mut connecting = Connecting::new(Driver::cancel(config, session), Hosts(SocketDialer));
    loop {
        let stream = connecting.advance()?;
        if let Some(cancelled) = connecting.finish_cancel(send(stream, &message).map_err(Into::into)) {
            return Ok(cancelled);
        }
    }
}

fn send(mut stream: Stream, message: &[u8]) -> io::Result<()> {
    stream.write_all(message)?;
    stream.flush()?;
    // The monitor rejects everything but the end.
    stream.read_to_end(&mut Vec::new())?;
    Ok(())
}
