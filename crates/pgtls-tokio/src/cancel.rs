//! Cancelling what a session is doing.

use crate::connect::Connecting;
use pgtls_adapter::{Cancelled, Config, ConnectError};
use pgtls_core::{candidates::Candidate, message::CancelRequest};

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
    Connecting::cancel(config, session, request).await
}

/// The same in two steps, for drivers that write the CancelRequest themselves; see [`connecting`](crate::connecting()). After
/// it they read until the server closes the connection.
pub fn cancelling<'c>(config: &'c Config, session: &Candidate) -> Connecting<'c> {
    Connecting::cancelling(config, session)
}
