//! What the servers saw, in the words of PostgreSQL's own negotiation test (`src/interfaces/libpq/t/005_negotiate_encryption.pl`).

use core::fmt;
use serde::Serialize;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How a session is protected, as the server knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Channel {
    /// In clear.
    Plain,
    /// Inside TLS.
    Ssl,
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Plain => "plain",
            Self::Ssl => "ssl",
        })
    }
}

/// One event; `Display` gives the word.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// The first connection.
    Connect,
    /// A later connection.
    Reconnect,
    /// `S` was sent.
    SslAccept,
    /// `N` was sent for SSLRequest.
    SslReject,
    /// A direct ClientHello was answered with a handshake.
    DirectSslAccept,
    /// A direct ClientHello was turned away.
    DirectSslReject,
    /// `G` was sent.
    GssAccept,
    /// `N` was sent for GSSENCRequest.
    GssReject,
    /// An ErrorResponse was sent in place of an answer.
    BackendError,
    /// An error of protocol 2 was sent in place of an answer.
    V2Error,
    /// A byte was sent that is no answer.
    BadReply,
    /// The server ended the connection on purpose.
    Dropped,
    /// The client sent this proof of a password.
    AuthSent {
        /// `cleartext`, `md5`, or the SASL mechanism that the client chose.
        mechanism: String,
        /// Where.
        channel: Channel,
    },
    /// The channel binding is that of the session.
    BindingMatches,
    /// It is not.
    BindingMismatch,
    /// The session is up.
    AuthOk,
    /// The client was turned away.
    AuthFail,
    /// An error was sent after AuthenticationOk.
    FatalAfterAuth,
    /// A CancelRequest came.
    Cancel(Channel),
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connect => "connect",
            Self::Reconnect => "reconnect",
            Self::SslAccept => "sslaccept",
            Self::SslReject => "sslreject",
            Self::DirectSslAccept => "directsslaccept",
            Self::DirectSslReject => "directsslreject",
            Self::GssAccept => "gssaccept",
            Self::GssReject => "gssreject",
            Self::BackendError => "backenderror",
            Self::V2Error => "v2error",
            Self::BadReply => "badreply",
            Self::Dropped => "dropped",
            Self::AuthSent { mechanism, channel } => return write!(f, "authsent:{mechanism}-{channel}"),
            Self::BindingMatches => "cbind-ok",
            Self::BindingMismatch => "cbind-mismatch",
            Self::AuthOk => "authok",
            Self::AuthFail => "authfail",
            Self::FatalAfterAuth => "fatal-after-auth",
            Self::Cancel(Channel::Plain) => "cancel",
            Self::Cancel(Channel::Ssl) => "cancel-ssl",
        })
    }
}

impl Serialize for Event {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A message that came in clear.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub enum ClearMessage {
    /// SSLRequest.
    #[serde(rename = "SSLRequest")]
    SslRequest,
    /// GSSENCRequest.
    #[serde(rename = "GSSENCRequest")]
    GssEncRequest,
    /// A ClientHello as the first bytes.
    ClientHello,
    /// A StartupMessage: user and database are no secret any more.
    StartupMessage,
    /// A CancelRequest.
    CancelRequest,
}

/// One ClientHello.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct HelloRecord {
    /// Server name as sent; bytes that are not UTF-8 are replaced.
    pub sni: Option<String>,
    /// Protocols offered by ALPN; `None` when the extension is absent.
    pub alpn: Option<Vec<String>>,
    /// Versions offered, such as `TLSv1.3`, lowest first.
    pub versions: Vec<String>,
}

/// One CancelRequest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct CancelRecord {
    /// The backend it names.
    pub process_id: u32,
    /// The key; nobody is harmed by a key of a server that has no sessions.
    pub key: Vec<u8>,
}

/// What was seen of one connection.
#[expect(clippy::struct_excessive_bools, reason = "independent observations, each of which is there or not")]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ConnectionRecord {
    /// Index of the server among those that share a log.
    pub server: usize,
    /// Events of this connection.
    pub events: Vec<Event>,
    /// Messages that came in clear.
    pub clear: Vec<ClearMessage>,
    /// Whether a password came in clear, outside TLS.
    pub password_in_clear: bool,
    /// The ClientHello, if one came.
    pub hello: Option<HelloRecord>,
    /// Whether the client sent bytes before the answer to its request was there.
    pub pipelined: bool,
    /// Common name of the client's certificate; empty when it has none.
    pub client_certificate: Option<String>,
    /// Version of an established TLS session.
    pub tls_version: Option<String>,
    /// Why the handshake failed, in rustls' words.
    pub tls_failure: Option<String>,
    /// Version of the StartupMessage, such as `3.0`.
    pub startup_version: Option<String>,
    /// Parameters of the StartupMessage, in order.
    pub startup: Vec<(String, String)>,
    /// Channel of the StartupMessage.
    pub startup_channel: Option<Channel>,
    /// The client's word on channel binding: `n`, `y` or `p=tls-server-end-point`.
    pub gs2: Option<String>,
    /// The CancelRequest, if one came.
    pub cancel: Option<CancelRecord>,
    /// Channel of the session, if one came about.
    pub session: Option<Channel>,
    /// The client said goodbye with Terminate.
    pub terminated: bool,
    /// Whether the server is done with this connection.
    pub ended: bool,
}

/// The log that one or several servers write: events in the order in which they happened, and every connection.
#[derive(Clone, Debug, Default)]
pub struct Log {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    entries: Mutex<Entries>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Entries {
    events: Vec<(usize, Event)>,
    connections: Vec<ConnectionRecord>,
}

impl Log {
    /// An empty log.
    pub fn new() -> Self {
        Self::default()
    }

    /// All events so far, each with the index of its server.
    pub fn events(&self) -> Vec<(usize, Event)> {
        self.entries().events.clone()
    }

    /// The words of all events so far.
    pub fn words(&self) -> Vec<String> {
        self.entries().events.iter().map(|(_, event)| event.to_string()).collect()
    }

    /// All connections so far, in the order in which they came.
    pub fn connections(&self) -> Vec<ConnectionRecord> {
        self.entries().connections.clone()
    }

    /// Waits until every connection so far has ended, at most this long. Says whether they have.
    ///
    /// A client that has exited leaves nothing to wait for but the servers' reading of its last bytes.
    pub fn settle(&self, patience: Duration) -> bool {
        self.wait_until(patience, |connections| connections.iter().all(|seen| seen.ended))
    }

    /// Waits until the connections are as `condition` wants them, at most this long. Says whether they are.
    pub fn wait_until(
        &self,
        patience: Duration,
        mut condition: impl FnMut(&[ConnectionRecord]) -> bool,
    ) -> bool {
        let deadline = Instant::now().checked_add(patience);
        let mut entries = self.entries();
        while !condition(&entries.connections) {
            let left =
                deadline.map_or(patience, |deadline| deadline.saturating_duration_since(Instant::now()));
            if left.is_zero() {
                return false;
            }
            entries =
                self.shared.changed.wait_timeout(entries, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }

    /// Opens the record of a new connection: `connect` for the first of the log, `reconnect` for all others.
    pub(super) fn open(&self, server: usize) -> Recorder {
        let mut entries = self.entries();
        let event = if entries.connections.is_empty() { Event::Connect } else { Event::Reconnect };
        let connection = entries.connections.len();
        entries.connections.push(ConnectionRecord { server, ..ConnectionRecord::default() });
        drop(entries);
        let recorder = Recorder { log: self.clone(), server, connection };
        recorder.event(event);
        recorder
    }

    /// A thread that panicked while it held the lock leaves entries that are whole: every change is one push.
    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.shared.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes the record of one connection; it ends when this is dropped.
#[derive(Debug)]
pub(super) struct Recorder {
    log: Log,
    server: usize,
    connection: usize,
}

impl Recorder {
    pub(super) fn event(&self, event: Event) {
        let mut entries = self.log.entries();
        entries.events.push((self.server, event.clone()));
        if let Some(seen) = entries.connections.get_mut(self.connection) {
            seen.events.push(event);
        }
        self.log.shared.changed.notify_all();
    }

    pub(super) fn note(&self, change: impl FnOnce(&mut ConnectionRecord)) {
        if let Some(seen) = self.log.entries().connections.get_mut(self.connection) {
            change(seen);
        }
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.note(|seen| seen.ended = true);
        self.log.shared.changed.notify_all();
    }
}
