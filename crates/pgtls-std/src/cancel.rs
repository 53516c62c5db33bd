//! Cancel requests.

use crate::{connecting::Connecting, dial::SocketDialer};
use pgtls_adapter::{Cancelled, Config, ConnectError, Driver, Hosts};
use pgtls_core::{connect::Peer, message::CancelRequest};

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
    Connecting::new(Driver::cancel(config, session), Hosts(SocketDialer)).request_cancel(request)
}
