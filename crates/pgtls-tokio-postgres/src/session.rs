//! Sessions.

use crate::{canceller::Canceller, channel::Channel};
use pgtls_core::{connect::Report, negotiation::Encryption};
use pgtls_rustls::SessionFacts;
use pgtls_tokio::AttemptError;
use std::{
    fmt,
    ops::{Deref, DerefMut},
};
use tokio_postgres::Client;

/// The connection of a client, which has to be driven: spawn it.
pub type Connection = tokio_postgres::Connection<Channel, Channel>;

/// A session with a server.
#[non_exhaustive]
pub struct Session {
    /// The client, for queries.
    pub client: Client,
    /// The connection, which has to be driven meanwhile.
    pub connection: Connection,
    /// Cancels the query of the session.
    pub canceller: Canceller,
    /// The encryption.
    pub encryption: Encryption,
    /// Facts of the TLS session; `None` without TLS.
    pub facts: Option<SessionFacts>,
    /// Attempts, files and warnings.
    pub report: Report,
    /// The attempts that failed before, in order: why the session is not encrypted, or not with the first host.
    pub failed: Vec<AttemptError>,
}

impl Session {
    /// The client and its connection.
    pub fn into_parts(self) -> (Client, Connection) {
        (self.client, self.connection)
    }

    /// Spawns the connection on the runtime. It ends when the client is dropped.
    pub fn spawn(self) -> SpawnedClient {
        let Self { client, connection, canceller, encryption, facts, .. } = self;
        // An error of the connection is returned by the client's next request.
        tokio::spawn(connection);
        SpawnedClient { client, canceller, encryption, facts }
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

/// A client whose connection the runtime drives, as pools hold it. It dereferences to its [`Client`].
pub struct SpawnedClient {
    pub(crate) client: Client,
    pub(crate) canceller: Canceller,
    pub(crate) encryption: Encryption,
    pub(crate) facts: Option<SessionFacts>,
}

impl SpawnedClient {
    /// Cancels the query of the session.
    pub fn canceller(&self) -> &Canceller {
        &self.canceller
    }

    /// The encryption of the session.
    pub fn encryption(&self) -> Encryption {
        self.encryption
    }

    /// Facts of the TLS session; `None` without TLS.
    pub fn facts(&self) -> Option<&SessionFacts> {
        self.facts.as_ref()
    }
}

impl Deref for SpawnedClient {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

impl DerefMut for SpawnedClient {
    fn deref_mut(&mut self) -> &mut Client {
        &mut self.client
    }
}

impl fmt::Debug for SpawnedClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SpawnedClient")
            .field("encryption", &self.encryption)
            .field("facts", &self.facts)
            .finish_non_exhaustive()
    }
}
