//! Cancelling what a session is doing.

use crate::{
    connect::Connecting,
    io::{Hosts, Io},
};
use pgtls_adapter::{Cancelled, Config, ConnectError, Walk, cancel_message};
use pgtls_core::{candidates::Candidate, message::CancelRequest};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// Asks the server to cancel what a session is doing, under the rules that the session was made under: the same mode, roots,
/// identity and time limit, and the session's one address (libpq: `PQcancelStart`).
///
/// `session` is where it is ([`Connected::candidate`](crate::Connected::candidate)); `request` has the key from the
/// BackendKeyData that its server sent.
///
/// # Errors
/// All attempts, in order. A server that says anything, or breaks off instead of closing the connection in order, has not
/// taken the request.
pub async fn cancel(
    config: &Config,
    session: &Candidate,
    request: &CancelRequest,
) -> Result<Cancelled, ConnectError> {
    let message = cancel_message(request);
    let connecting = Connecting::new(Walk::cancel(config, session), Io(Hosts::of(config)));
    let connected = connecting.finish(async |stream, _| {
        stream.write_all(&message).await?;
        stream.flush().await?;
        // The watch lets nothing through but the end.
        stream.read_to_end(&mut Vec::new()).await?;
        Ok(stream.encryption())
    });
    Ok(Cancelled::new(connected.await?))
}
