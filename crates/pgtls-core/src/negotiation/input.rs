//! What is reported to the machine.

use super::TlsFacts;
use crate::startup::{Broken, Refusal};

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Input<'a> {
    /// The connection is open.
    Connected,
    /// It could not be opened.
    ConnectFailed,
    /// The peer's user was compared with `requirepeer`.
    PeerUser {
        /// They are equal; `false` also when the user cannot be known.
        matches: bool,
    },
    /// The bytes are sent.
    Sent,
    /// These bytes were read, at most as many as were asked for. None at all means the same as [`Input::Closed`].
    Received(&'a [u8]),
    /// The peer closed or reset the connection, or reading or writing failed.
    Closed,
    /// The TLS handshake is complete and its checks passed.
    TlsEstablished(TlsFacts),
    /// TLS could not be set up, or its handshake or checks failed.
    TlsFailed(TlsFailure),
    /// GSSAPI encryption is up.
    GssEstablished,
    /// GSSAPI failed.
    GssFailed,
    /// ErrorResponse to the startup packet.
    ServerError {
        /// The five characters of SQLSTATE; [`NO_SQLSTATE`](crate::startup::NO_SQLSTATE) if there was none.
        sqlstate: [u8; 5],
        /// It came after AuthenticationOk.
        after_auth_ok: bool,
    },
    /// End of file, alert, malformed or unexpected message after the startup packet. A TLS 1.3 server reports a missing client
    /// certificate here, after the client's handshake is complete.
    StartupBroken(Broken),
    /// A check of ours refused what the server asks for.
    LocalRefusal(Refusal),
    /// ReadyForQuery: the session is up (for a cancel request: the server closed the connection in order).
    Ready,
    /// The session is up, but the server has the wrong role (`target_session_attrs`).
    WrongRole,
    /// The deadline of this address passed.
    TimedOut,
}

impl Input<'_> {
    /// The name of the input, for logs and diagrams.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Connected => "Connected",
            Self::ConnectFailed => "ConnectFailed",
            Self::PeerUser { .. } => "PeerUser",
            Self::Sent => "Sent",
            Self::Received(_) => "Received",
            Self::Closed => "Closed",
            Self::TlsEstablished(_) => "TlsEstablished",
            Self::TlsFailed(_) => "TlsFailed",
            Self::GssEstablished => "GssEstablished",
            Self::GssFailed => "GssFailed",
            Self::ServerError { .. } => "ServerError",
            Self::StartupBroken(_) => "StartupBroken",
            Self::LocalRefusal(_) => "LocalRefusal",
            Self::Ready => "Ready",
            Self::WrongRole => "WrongRole",
            Self::TimedOut => "TimedOut",
        }
    }
}

/// How TLS failed; decides nothing but events and words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TlsFailure {
    /// A file, parameter or key of ours: nothing was sent.
    Setup,
    /// The peer closed or reset the connection during the handshake.
    Closed,
    /// Alert, garbage, verification: anything else.
    Handshake,
}

/// Error of the caller: an input that does not answer the current action, or a session reported without proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Misuse(Kind);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Kind {
    Input { state: &'static str, input: &'static str },
    Unproven(MissingProof),
}

/// The first part of the proof that is missing when a startup exchange is reported as complete
/// ([`StartupMonitor::finish`](crate::startup::StartupMonitor::finish)).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MissingProof {
    /// No StartupMessage was written through the monitor.
    StartupMessage,
    /// No CancelRequest was written through the monitor.
    CancelRequest,
    /// ReadyForQuery, or the orderly end after a CancelRequest, was not read through the monitor.
    ReadyForQuery,
    /// `target_session_attrs` demands a role, the server did not report it, and the monitor has no answer to
    /// [`role_query`](crate::startup::StartupMonitor::role_query).
    Role,
}

impl Misuse {
    pub(crate) const fn input(state: &'static str, input: &'static str) -> Self {
        Self(Kind::Input { state, input })
    }

    /// The part of the proof that is missing, if that is the mistake.
    pub const fn missing_proof(self) -> Option<MissingProof> {
        match self.0 {
            Kind::Input { .. } => None,
            Kind::Unproven(missing) => Some(missing),
        }
    }
}

impl From<MissingProof> for Misuse {
    fn from(missing: MissingProof) -> Self {
        Self(Kind::Unproven(missing))
    }
}

impl core::fmt::Display for Misuse {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self.0 {
            Kind::Input { state, input } => write!(
                f,
                "input {input} does not answer the action of state \"{state}\"; this is a bug in the program"
            ),
            Kind::Unproven(missing) => write!(
                f,
                "the startup exchange was reported as complete, but {}; this is a bug in the program",
                match missing {
                    MissingProof::StartupMessage => "no StartupMessage was written through its monitor",
                    MissingProof::CancelRequest => "no CancelRequest was written through its monitor",
                    MissingProof::ReadyForQuery => "ReadyForQuery was not read through its monitor",
                    MissingProof::Role =>
                        "the role that target_session_attrs demands was not established: the server does not report it, and the answer to role_query is missing",
                }
            ),
        }
    }
}

impl core::error::Error for Misuse {}
