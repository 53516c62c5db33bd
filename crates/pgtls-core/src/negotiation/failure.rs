//! Why a method or an address failed, and what follows.

use super::TlsFailure;
use crate::{
    policy::Verification,
    startup::{ProtocolViolation, Refusal},
};

/// What was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Request {
    /// SSLRequest.
    Ssl,
    /// GSSENCRequest.
    Gss,
}

impl Request {
    /// `SSL` or `GSSAPI`, as libpq's messages say.
    const fn word(self) -> &'static str {
        match self {
            Self::Ssl => "SSL",
            Self::Gss => "GSSAPI",
        }
    }

    /// The message's name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ssl => "SSLRequest",
            Self::Gss => "GSSENCRequest",
        }
    }
}

/// Why a method or an address failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Failure {
    /// The connection could not be opened; the adapter has the reason.
    Connect,
    /// The deadline passed.
    TimedOut,
    /// The peer's user is not the one required, or cannot be known.
    PeerUser,
    /// `N`, and nothing else is allowed.
    Refused(Request),
    /// `E`: an error instead of an answer. Its text is never read (CVE-2024-10977).
    ErrorReply(Request),
    /// A byte that is no answer.
    BadReply {
        /// To which request.
        request: Request,
        /// The byte.
        byte: u8,
    },
    /// The server closed the connection instead of answering.
    Closed(Request),
    /// A handshake succeeded, and plaintext bytes had come with `S` or `G` (CVE-2021-23222). With the hardening
    /// `no_injected_bytes` the handshake does not take place.
    UnencryptedData(Request),
    /// TLS failed; the adapter has the reason.
    Tls(TlsFailure),
    /// Direct TLS without ALPN.
    NoAlpn,
    /// ALPN ended with a protocol that was not offered.
    WrongAlpn,
    /// The engine reported success without the proof that the mode needs.
    Unproven(Verification),
    /// The GSSAPI handshake failed.
    Gss,
    /// The server answered the startup packet with an error.
    ServerError {
        /// The five characters of SQLSTATE.
        sqlstate: [u8; 5],
        /// It came after AuthenticationOk.
        after_auth_ok: bool,
    },
    /// The connection broke, or made no sense, after the startup packet.
    StartupBroken(ProtocolViolation),
    /// We refused to authenticate.
    LocalRefusal(Refusal),
    /// The server has the wrong role (`target_session_attrs`).
    WrongRole,
}

/// What a failure means for the other methods.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Consequence {
    /// The next method is tried on the same connection, if it can be (libpq: `encryption_negotiation_failed`).
    Refused,
    /// The next method is tried on a new connection to the same address (libpq: `connection_failed`).
    Broken,
    /// No other method is tried on this address.
    Ends(AfterFailure),
}

/// What comes after a failed address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AfterFailure {
    /// The next address of this host, then the next host.
    NextAddress,
    /// The next host.
    NextHost,
    /// Nothing: the whole attempt has failed.
    Stop,
}

/// ERRCODE_CANNOT_CONNECT_NOW: the server is starting up, shutting down or recovering.
const CANNOT_CONNECT_NOW: [u8; 5] = *b"57P03";

impl Failure {
    /// What follows, the same in every mode (libpq: `PQconnectPoll`).
    ///
    /// | failure | follows |
    /// |---|---|
    /// | `N` | the next method on the same connection |
    /// | TLS or GSSAPI setup, handshake, check; `E` to GSSENCRequest | the next method on a new connection |
    /// | ErrorResponse before AuthenticationOk | the same; but 57P03 goes to the next host |
    /// | cannot connect, deadline | the next address |
    /// | wrong role | the next host |
    /// | everything else: `E` to SSLRequest, other bytes, end of file, injected bytes, refusals of ours | nothing |
    #[expect(clippy::match_same_arms, reason = "one arm for each reason")]
    pub const fn consequence(self) -> Consequence {
        use Consequence::{Broken, Ends, Refused};
        match self {
            Self::Refused(_) => Refused,
            // A server before 12 does not know GSSENCRequest and answers so.
            Self::ErrorReply(Request::Gss)
            | Self::Tls(_)
            | Self::NoAlpn
            | Self::WrongAlpn
            | Self::Unproven(_)
            | Self::Gss => Broken,
            Self::ServerError { after_auth_ok: true, .. } => Ends(AfterFailure::Stop),
            Self::ServerError { sqlstate: CANNOT_CONNECT_NOW, after_auth_ok: false } => {
                Ends(AfterFailure::NextHost)
            }
            Self::ServerError { after_auth_ok: false, .. } => Broken,
            Self::Connect | Self::TimedOut => Ends(AfterFailure::NextAddress),
            Self::WrongRole => Ends(AfterFailure::NextHost),
            Self::PeerUser
            | Self::ErrorReply(Request::Ssl)
            | Self::BadReply { .. }
            | Self::Closed(_)
            | Self::UnencryptedData(_)
            | Self::StartupBroken(_)
            | Self::LocalRefusal(_) => Ends(AfterFailure::Stop),
        }
    }
}

impl core::fmt::Display for Failure {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Connect => f.write_str("could not connect to the server"),
            Self::TimedOut => f.write_str("timeout expired"),
            Self::PeerUser => f.write_str("the server does not run as the user that requirepeer demands"),
            Self::Refused(Request::Ssl) => {
                f.write_str("server does not support SSL, and sslmode leaves no other way to connect")
            }
            Self::Refused(Request::Gss) => f.write_str(
                "server does not support GSSAPI encryption, and gssencmode leaves no other way to connect",
            ),
            Self::ErrorReply(request) => write!(
                f,
                "server sent an error response during {} negotiation (its text is not shown, as nothing vouches for the server yet)",
                request.word()
            ),
            Self::BadReply { request, byte } => write!(
                f,
                "received invalid response to {} negotiation: '{}' (0x{byte:02x}); is this a PostgreSQL server?",
                request.word(),
                byte.escape_ascii()
            ),
            Self::Closed(request) => {
                write!(f, "server closed the connection unexpectedly instead of answering {}", request.as_str())
            }
            Self::UnencryptedData(request) => {
                write!(f, "received unencrypted data after {} response", request.word())
            }
            Self::Tls(TlsFailure::Setup) => f.write_str("SSL could not be set up"),
            Self::Tls(TlsFailure::Closed) => {
                f.write_str("SSL error: server closed the connection during the handshake")
            }
            Self::Tls(TlsFailure::Handshake) => f.write_str("SSL error: handshake failed"),
            Self::NoAlpn => {
                f.write_str("direct SSL connection was established but the server did not select ALPN protocol \"postgresql\"")
            }
            Self::WrongAlpn => f.write_str("SSL connection was established with an unexpected ALPN protocol"),
            Self::Unproven(level) => write!(
                f,
                "SSL connection was established without proof of the verification that sslmode demands ({level})"
            ),
            Self::Gss => f.write_str("GSSAPI encryption could not be established"),
            Self::ServerError { sqlstate, after_auth_ok } => write!(
                f,
                "server reported an error {} authentication (SQLSTATE {})",
                if *after_auth_ok { "after" } else { "before or during" },
                sqlstate.escape_ascii()
            ),
            Self::StartupBroken(broken) => broken.fmt(f),
            Self::LocalRefusal(refusal) => refusal.fmt(f),
            Self::WrongRole => f.write_str("server does not have the role that target_session_attrs asks for"),
        }
    }
}

impl core::error::Error for Failure {}
