//! Cancel requests.

use crate::{connect::Connecting, runtime::AsyncIo};
use pgtls_adapter::{Cancelled, Config, ConnectError};
use pgtls_core::{connect::Peer, message::CancelRequest};

/// Sends a cancel request for a session, under the same mode, roots, identity and time limit, to the session's one address
/// (libpq: `PQcancelStart`).
///
/// `session` is the server of the session ([`Connected::peer`](crate::Connected::peer)); `request` has the key from the
/// BackendKeyData that its server sent.
///
/// # Errors
/// All attempts, in order. A server that sends anything, or does not close the connection in order, has not accepted the
/// request.
pub async fn cancel(
    config: &Config,
    session: &Peer,
    request: &CancelRequest,
) -> Result<Cancelled, ConnectError> {
    Connecting::cancel(config, session, request, AsyncIo, AsyncIo).await
}
