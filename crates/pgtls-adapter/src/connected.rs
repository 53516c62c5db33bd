//! A session, a cancel request that was accepted, and the place of a startup exchange.

use crate::{deadline::Deadline, monitor::SharedMonitor};
use pgtls_core::{
    connect::{Peer, Report},
    message::CancelRequest,
    negotiation::Encryption,
};
use pgtls_rustls::AttemptError;
use rustls::crypto::SecureRandom;
use zeroize::Zeroizing;

/// A session with a server.
#[derive(Debug)]
#[non_exhaustive]
pub struct Connected<S, T> {
    /// The stream.
    pub stream: S,
    /// The value that the startup exchange returned.
    pub value: T,
    /// Attempts, files and warnings.
    pub report: Report,
    /// The attempts that failed before, in order: why the session is not encrypted, or not with the first host.
    pub failed: Vec<AttemptError>,
}

impl<S, T> Connected<S, T> {
    /// The server of the session, for cancel requests.
    pub fn peer(&self) -> Option<&Peer> {
        self.report.peer()
    }
}

/// A cancel request that the server has accepted. The server does not report whether there was anything to cancel.
#[derive(Debug)]
#[non_exhaustive]
pub struct Cancelled {
    /// The encryption of the request: `sslmode` decides, not the session. With `prefer` it may be sent in clear, with `allow`
    /// it is.
    pub encryption: Encryption,
    /// Attempts, files and warnings.
    pub report: Report,
    /// The attempts that failed before, in order.
    pub failed: Vec<AttemptError>,
}

/// The bytes of a cancel request, whose memory is overwritten afterwards.
pub fn cancel_message(request: &CancelRequest) -> Zeroizing<Vec<u8>> {
    Zeroizing::new(request.encode())
}

/// The server of a startup exchange, and the role that it must have.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Startup<'a> {
    /// The server.
    pub peer: &'a Peer,
    pub(crate) monitor: Option<&'a SharedMonitor>,
    pub(crate) deadline: Deadline,
    pub(crate) random: &'static dyn SecureRandom,
}

impl Startup<'_> {
    /// Returns a copy that borrows from no connection, for a startup exchange that takes the stream away.
    pub fn detached(self) -> DetachedStartup {
        let Self { peer, monitor, deadline, random } = self;
        DetachedStartup { peer: peer.clone(), monitor: monitor.cloned(), deadline, random }
    }

    /// The query that establishes the server's role, after ReadyForQuery has been read. Servers report their role since
    /// release 14; for older ones a driver sends this query, passes its one value to [`role_answer`](Self::role_answer), and
    /// reads up to the next ReadyForQuery. `None` if the role is established or none is demanded.
    ///
    /// ```
    /// # use pgtls_adapter::{Startup, StartupError};
    /// /// The end of a startup exchange. `query` runs a simple query and returns the value in its first row.
    /// fn after_ready_for_query(
    ///     at: Startup<'_>,
    ///     query: impl FnOnce(&str) -> Result<Option<Vec<u8>>, StartupError>,
    /// ) -> Result<(), StartupError> {
    ///     if let Some(sql) = at.role_query() {
    ///         at.role_answer(query(sql)?.as_deref());
    ///     }
    ///     Ok(())
    /// }
    /// ```
    pub fn role_query(self) -> Option<&'static str> {
        self.monitor?.role_query()
    }

    /// The answer to [`role_query`](Self::role_query); `None` if the query failed or returned no row. A server of the wrong
    /// role fails the attempt, whatever the startup exchange returns.
    pub fn role_answer(self, value: Option<&[u8]>) {
        if let Some(monitor) = self.monitor {
            monitor.role_answer(value);
        }
    }
}

/// A [`Startup`] that borrows from no connection.
#[derive(Clone, Debug)]
pub struct DetachedStartup {
    peer: Peer,
    monitor: Option<SharedMonitor>,
    deadline: Deadline,
    random: &'static dyn SecureRandom,
}

impl DetachedStartup {
    /// The server and its role.
    pub fn startup(&self) -> Startup<'_> {
        let Self { peer, monitor, deadline, random } = self;
        Startup { peer, monitor: monitor.as_ref(), deadline: *deadline, random: *random }
    }
}
