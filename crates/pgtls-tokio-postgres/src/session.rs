//! A session with all that is known about it.

use crate::{canceller::Canceller, channel::Channel, running::Running};
use pgtls_core::{connect::Report, negotiation::Encryption};
use pgtls_rustls::SessionFacts;
use pgtls_tokio::AttemptError;
use std::fmt;
use tokio_postgres::Client;

/// What has to be driven for the client to get anywhere: spawn it.
pub type Connection = tokio_postgres::Connection<Channel, Channel>;

/// A session with a server, and what is known about it.
#[non_exhaustive]
pub struct Session {
    /// For queries.
    pub client: Client,
    /// Has to be driven meanwhile.
    pub connection: Connection,
    /// Cancels what the session is doing.
    pub canceller: Canceller,
    /// How it is protected.
    pub encryption: Encryption,
    /// Facts of the TLS session; `None` without TLS.
    pub facts: Option<SessionFacts>,
    /// Attempts, files and warnings.
    pub report: Report,
    /// The attempts that failed before, in order: why the session is not encrypted, or not with the first host.
    pub failed: Vec<AttemptError>,
}

impl Session {
    /// Client and connection alone.
    pub fn into_parts(self) -> (Client, Connection) {
        (self.client, self.connection)
    }

    /// Has the runtime drive the connection. It ends when the client is dropped.
    pub fn spawn(self) -> Running {
        let Self { client, connection, canceller, encryption, facts, .. } = self;
        // The client learns of its end when it asks for something.
        tokio::spawn(connection);
        Running { client, canceller, encryption, facts }
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("encryption", &self.encryption)
            .field("facts", &self.facts)
            .finish_non_exhaustive()
    }
}
