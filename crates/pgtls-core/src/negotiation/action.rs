//! What the machine wants done.

use super::{Failure, Then};

/// How a session is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Encryption {
    /// Not at all.
    Plain,
    /// TLS.
    Ssl,
    /// GSSAPI.
    Gss,
}

impl Encryption {
    /// `plain`, `ssl` or `gss`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Ssl => "ssl",
            Self::Gss => "gss",
        }
    }
}

impl core::fmt::Display for Encryption {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How to start TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct TlsStart {
    /// Without an SSLRequest before it: the server must select ALPN `postgresql`.
    pub direct: bool,
}

/// What to do now, and which inputs answer it. [`TimedOut`](super::Input::TimedOut) answers every action but the last two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Action {
    /// Open a connection to the address: `Connected` or `ConnectFailed`.
    Connect,
    /// Compare the operating-system user of the peer of this unix socket with `requirepeer`: `PeerUser`.
    CheckPeer,
    /// Send these bytes: `Sent` or `Closed`.
    Send(&'static [u8]),
    /// Read at most this many bytes in one read: `Received` or `Closed`.
    Receive {
        /// Never 0, never more than 2.
        at_most: usize,
    },
    /// Run a TLS handshake and the checks of the certificate: `TlsEstablished`, `TlsFailed` or `Closed`.
    StartTls(TlsStart),
    /// Run a GSSAPI handshake: `GssEstablished`, `GssFailed` or `Closed`.
    StartGss,
    /// Send the StartupMessage (or CancelRequest) and feed the answers to a [`StartupWatch`](crate::startup::StartupWatch):
    /// `Ready`, `ServerError`, `StartupBroken`, `LocalRefusal`, `WrongRole` or `Closed`.
    Startup {
        /// How the session is protected.
        encryption: Encryption,
        /// A byte that was read after `N`, to be parsed before anything read from the socket.
        carry: Option<u8>,
    },
    /// Drop the connection with all that belongs to it and open a new one to the same address: `Connected` or `ConnectFailed`.
    Reconnect {
        /// Why the last method failed; libpq keeps such errors and shows all of them in the end.
        because: Failure,
    },
    /// The session is up. Nothing is left to do; `WrongRole` may still be reported.
    Done(Encryption),
    /// Give up on this address.
    Fail {
        /// Why.
        error: Failure,
        /// What to try next.
        then: Then,
    },
}
