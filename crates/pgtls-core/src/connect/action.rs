//! Actions of the machine and the inputs that answer them.

use crate::{
    negotiation::{Encryption, TlsFacts, TlsFailure},
    sni::ServerNameTooLong,
    startup::{ClientCertificate, StartupVerdict},
};
use alloc::{string::String, vec::Vec};
use core::net::SocketAddr;

/// Greatest length of the read that [`Action::Receive`] asks for (libpq: `inBufSize` in `pqMakeEmptyPGconn`).
pub const MAX_RECEIVE: usize = 16_384;

/// The next action. Each names the inputs that answer it.
///
/// [`Input::TimedOut`] answers every action but `Resolve` and the last three, [`Input::Abandoned`] every action but the last
/// three.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Action {
    /// Resolve this name: `Resolved`. It may be the numeric form of an address with a zone, which only the operating system
    /// can read. No deadline covers it, as in libpq.
    Resolve {
        /// The name.
        name: String,
        /// The port, for resolvers that need one.
        port: u16,
    },
    /// Close the present connection and open a new one to [`Connection::peer`](super::Connection::peer): `Opened`, or `TimedOut`
    /// when the connection is under way and the deadline passes.
    ///
    /// The connection is started even if the deadline has passed already, which is the case when `connect_timeout` is no
    /// integer. An error that occurs without waiting is `Opened` then, and everything else is `TimedOut`.
    Open,
    /// Determine the operating-system user of the peer of this unix socket: `PeerUser`.
    CheckPeer,
    /// Send all of these bytes: `Sent` or `ConnectionLost`.
    Send(&'static [u8]),
    /// Read once, no more than this: `Received` or `ConnectionLost`. All bytes that have arrived with the reply should be
    /// read. They were sent before the handshake, so that they must not reach TLS, and a handshake that succeeds after them ends
    /// the attempt (CVE-2021-23222).
    Receive {
        /// Length of the buffer, at least 1 and at most [`MAX_RECEIVE`].
        at_most: usize,
    },
    /// Load the files, run a TLS handshake and check the server's certificate: `TlsEstablished`, `TlsFailed` or
    /// `ConnectionLost`.
    StartTls {
        /// TLS starts without an SSLRequest: offer ALPN `postgresql` and nothing else, which the server must select.
        direct: bool,
        /// The server name to send (SNI). An error fails TLS with [`TlsFailure::Setup`] after the files have been loaded.
        server_name: Result<Option<String>, ServerNameTooLong>,
    },
    /// Run a GSSAPI handshake: `Gss` or `ConnectionLost`.
    StartGss,
    /// Send the StartupMessage or CancelRequest and run the exchange up to ReadyForQuery, every byte through
    /// [`Connection::monitor`](super::Connection::monitor): `StartupFinished`.
    Startup,
    /// There is a session, or the cancel request has been accepted.
    Done(Encryption),
    /// The connection is ready for another driver's startup exchange ([`Purpose::Tls`](super::Purpose::Tls)). Every byte of it
    /// goes through [`Connection::monitor`](super::Connection::monitor) up to ReadyForQuery.
    Established(Encryption),
    /// Every attempt has failed: see [`Connection::take_error`](super::Connection::take_error).
    Failed,
}

/// The result of an action. `E` is the embedder's error.
#[derive(Debug)]
pub enum Input<'a, E> {
    /// The addresses of the name, in the resolver's order. Their ports do not matter.
    Resolved(Result<Vec<SocketAddr>, E>),
    /// The connection is open, or could not be opened.
    Opened(Result<(), E>),
    /// The name of the peer's user.
    PeerUser(Result<&'a str, E>),
    /// All bytes are sent.
    Sent,
    /// These bytes were read. None at all means the same as `ConnectionLost(None)`.
    Received(&'a [u8]),
    /// The peer closed or reset the connection, or reading or writing failed.
    ConnectionLost(Option<E>),
    /// The handshake is complete and the checks of the certificate passed.
    TlsEstablished {
        /// Facts and proofs of the session.
        facts: TlsFacts,
        /// The state of the client certificate.
        certificate: ClientCertificate,
    },
    /// TLS could not be set up, or its handshake or checks failed.
    TlsFailed {
        /// The kind of failure.
        failure: TlsFailure,
        /// The state of the client certificate.
        certificate: ClientCertificate,
        /// Bytes to send before the connection is closed: the next action, unless there are none.
        alert: &'static [u8],
        /// The error.
        cause: E,
    },
    /// GSSAPI encryption is established, or failed.
    Gss(Result<(), E>),
    /// The startup exchange is over.
    StartupFinished {
        /// The verdict of the monitor.
        verdict: StartupVerdict,
        /// The error of the driver, if it has one.
        cause: Option<E>,
    },
    /// [`Connection::deadline`](super::Connection::deadline) has passed.
    TimedOut,
    /// The embedder cannot go on: a dropped future, a lost thread. The whole connection fails.
    Abandoned(E),
}

impl<E> Input<'_, E> {
    /// The name of the input.
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::Resolved(_) => "Resolved",
            Self::Opened(_) => "Opened",
            Self::PeerUser(_) => "PeerUser",
            Self::Sent => "Sent",
            Self::Received(_) => "Received",
            Self::ConnectionLost(_) => "ConnectionLost",
            Self::TlsEstablished { .. } => "TlsEstablished",
            Self::TlsFailed { .. } => "TlsFailed",
            Self::Gss(_) => "Gss",
            Self::StartupFinished { .. } => "StartupFinished",
            Self::TimedOut => "TimedOut",
            Self::Abandoned(_) => "Abandoned",
        }
    }
}
