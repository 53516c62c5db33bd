//! A logged-in session.

use crate::{
    config::Config,
    startup::{Canceller, StartupContext},
};
use pgtls_adapter::{AttemptError, Connected};
use pgtls_core::{
    connect::{Peer, Report},
    message::CancelRequest,
};
use pgtls_startup::ServerSession;

/// A logged-in session: the server has sent ReadyForQuery.
///
/// Encryption and TLS are facts of the stream: `stream.encryption()`, `stream.facts()`.
#[derive(Debug)]
#[non_exhaustive]
pub struct Session<S> {
    /// The stream, on which the server waits for a query. Bytes that the server sent after ReadyForQuery and that were read with
    /// it come before the first of the stream: they are in `server.unread`.
    pub stream: S,
    /// The parameters that the server has reported, its cancel key, the authentication, and the protocol version.
    pub server: ServerSession,
    /// Attempts, files and warnings.
    pub report: Report,
    /// The attempts that failed before, in order: why the session is not encrypted, or not with the first host.
    pub failed: Vec<AttemptError>,
    config: Config,
}

impl<S> Session<S> {
    pub(crate) fn new(connected: Connected<S, ServerSession>, at: StartupContext) -> Self {
        let Connected { stream, value, report, failed, .. } = connected;
        Self { stream, server: value, report, failed, config: at.credentials.config }
    }

    /// The configuration that the session was made with.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The server.
    pub fn peer(&self) -> Option<&Peer> {
        self.report.peer()
    }

    /// The value of a parameter that the server has reported: `server_version`, `TimeZone` …
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.server.parameter(name)
    }

    /// The key of the session for cancel requests; `None` if the server sent none.
    pub fn cancel_key(&self) -> Option<&CancelRequest> {
        self.server.cancel.as_ref()
    }

    /// Cancels queries of this session; `None` if the server sent no key.
    pub fn canceller(&self) -> Option<Canceller> {
        Some(Canceller::new(&self.config, self.peer()?, self.cancel_key()?.clone()))
    }
}
