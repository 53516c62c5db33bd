//! What an adapter is asked to do.

use crate::{material::Work, watch::Watch};
use rustls::{ClientConfig, pki_types::ServerName};
use std::sync::Arc;

/// What to do now. Each but the last is answered by the method of [`Walk`](crate::Walk) that it names.
#[derive(Debug)]
pub enum Step<'c> {
    /// Look this name up: [`resolved`](crate::Walk::resolved). It may be the numeric form of an address with a zone, which
    /// only the operating system can read. No deadline covers it, as in libpq.
    Resolve {
        /// The name.
        name: String,
        /// The port, for resolvers that want it.
        port: u16,
    },
    /// Close the connection there is, and open one to [`address`](crate::Walk::address):
    /// [`connected`](crate::Walk::connected).
    Connect,
    /// Who is at the other end of the unix socket? [`peer_user`](crate::Walk::peer_user).
    CheckPeer,
    /// Send all of it: [`sent`](crate::Walk::sent).
    Send(&'static [u8]),
    /// Read once, no more than this, so that no byte is taken from the socket that is not asked for:
    /// [`received`](crate::Walk::received).
    Receive {
        /// The length of the buffer.
        at_most: usize,
    },
    /// Do this where it may block: [`worked`](crate::Walk::worked).
    Work(Work<'c>),
    /// Shake hands: [`encrypted`](crate::Walk::encrypted) or [`not_encrypted`](crate::Walk::not_encrypted).
    StartTls {
        /// For this one connection.
        config: Arc<ClientConfig>,
        /// For rustls. What is verified is not this.
        server_name: ServerName<'static>,
    },
    /// Have the session started up, every byte under this watch: [`conclude`](crate::Walk::conclude).
    StartUp(Watch),
    /// Everything has failed: [`give_up`](crate::Walk::give_up) says how.
    GiveUp,
}
