//! Inputs of the machine.

use super::TlsFacts;
use crate::{policy::Payload, startup::StartupVerdict};

/// The result of an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Input<'a> {
    /// The connection is open, or could not be opened.
    Opened {
        /// It is open.
        success: bool,
    },
    /// The peer's user was compared with `requirepeer`.
    PeerUser {
        /// They are equal; `false` also when the user cannot be determined.
        matches: bool,
    },
    /// The bytes are sent.
    Sent,
    /// These bytes were read, at most as many as the action allows. None at all means the same as [`Input::Closed`].
    Received(&'a [u8]),
    /// The peer closed or reset the connection, or reading or writing failed. A TLS 1.3 server that misses a client certificate
    /// does so after the client's handshake is complete.
    Closed,
    /// The TLS handshake is complete and its checks passed; or TLS could not be set up, or its handshake or checks failed.
    Tls(Result<TlsFacts, TlsFailure>),
    /// GSSAPI encryption is established, or failed.
    Gss {
        /// It is established.
        success: bool,
    },
    /// The startup exchange is over ([`StartupMonitor::finish`](crate::startup::StartupMonitor::finish)).
    Startup(StartupVerdict),
    /// The deadline of this address has passed.
    TimedOut,
}

impl Input<'_> {
    /// The name of the input, for logs and diagrams.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Opened { .. } => "Opened",
            Self::PeerUser { .. } => "PeerUser",
            Self::Sent => "Sent",
            Self::Received(_) => "Received",
            Self::Closed => "Closed",
            Self::Tls(_) => "Tls",
            Self::Gss { .. } => "Gss",
            Self::Startup(_) => "Startup",
            Self::TimedOut => "TimedOut",
        }
    }
}

/// The kind of a failure of TLS. It decides nothing but events and texts.
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

impl MissingProof {
    /// The first packet.
    pub(crate) const fn of(payload: Payload) -> Self {
        match payload {
            Payload::Startup => Self::StartupMessage,
            Payload::Cancel => Self::CancelRequest,
        }
    }
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
