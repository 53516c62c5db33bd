//! Actions of the machine.

use super::{AfterFailure, Failure};

/// The protection of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Encryption {
    /// None.
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

/// The kind of TLS handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct TlsStart {
    /// Without an SSLRequest before it: the server must select ALPN `postgresql`.
    pub direct: bool,
}

/// The next action, and the inputs that answer it. [`TimedOut`](super::Input::TimedOut) answers every action but the last two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Action {
    /// Open a connection to the address: `Opened`.
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
    /// Run a TLS handshake and the checks of the certificate: `Tls` or `Closed`.
    StartTls(TlsStart),
    /// Run a GSSAPI handshake: `Gss` or `Closed`.
    StartGss,
    /// Send the StartupMessage or CancelRequest and run the exchange, every byte through a
    /// [`StartupMonitor`](crate::startup::StartupMonitor): `Startup` or `Closed`.
    Startup {
        /// The protection of the session.
        encryption: Encryption,
        /// A byte that was read after `N`. It comes before the bytes of the socket.
        carry: Option<u8>,
    },
    /// Drop the connection with all that belongs to it and open a new one to the same address: `Opened`.
    Reconnect {
        /// The failure of the last method; libpq shows the errors of all methods in the end.
        because: Failure,
    },
    /// The session is up. No input follows.
    Done(Encryption),
    /// Give up on this address.
    Fail {
        /// The failure.
        error: Failure,
        /// The next thing to try.
        then: AfterFailure,
    },
}
