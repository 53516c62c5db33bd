//! The client's negotiation machine for one address (spec 3).

use crate::policy::{EncryptionPlan, Verification};

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

/// How to start TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TlsStart {
    /// Without an SSLRequest before it: the server must select ALPN `postgresql`.
    pub direct: bool,
}

/// Proof that a chain was verified. Made by `assertion()` alone: greppable, callers are listed by tidy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ChainVerified(());

impl ChainVerified {
    /// States that the server's chain was verified. Call only where it was.
    pub const fn assertion() -> Self {
        Self(())
    }
}

/// What ALPN ended with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Alpn {
    /// No protocol selected.
    Absent,
    /// `postgresql`.
    Postgresql,
    /// Something else.
    Other,
}

/// What the TLS engine reports after its handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TlsFacts {
    /// Selected protocol.
    pub alpn: Alpn,
    /// Proof that the chain was verified, if it was.
    pub chain: Option<ChainVerified>,
    /// Proof that the name was matched, if it was (`name::MatchedName::proof`).
    pub name: Option<crate::name::NameVerified>,
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

/// What to do now. The same answer until something is handed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Action {
    /// Open a connection to the address.
    Connect,
    /// Report the operating-system user of the peer of this unix socket (`requirepeer`).
    CheckPeer,
    /// Send these bytes.
    Send(&'static [u8]),
    /// Read at most this many bytes in one read.
    Receive {
        /// Never more than 2.
        at_most: usize,
    },
    /// Run a TLS handshake.
    StartTls(TlsStart),
    /// Run a GSSAPI handshake.
    StartGss,
    /// Send the StartupMessage (or CancelRequest) and feed the answers to a `StartupWatch`.
    Startup {
        /// How the session is protected.
        encryption: Encryption,
        /// A byte that was read after `N`, to be parsed before anything read from the socket (spec 3.5).
        carry: Option<u8>,
    },
    /// Drop the connection and open a new one to the same address.
    Reconnect {
        /// Why the last method failed.
        because: Failure,
    },
    /// The session is up.
    Done(Encryption),
    /// Give up on this address.
    Fail {
        /// Why.
        error: Failure,
        /// What to try next.
        then: Then,
    },
}

/// What comes after a failed address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Then {
    /// The next address of this host, then the next host.
    NextAddress,
    /// The next host.
    NextHost,
    /// Nothing: the attempt has failed.
    Stop,
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
    /// `N` and nothing else is allowed.
    Refused(Request),
    /// `E`: an error instead of an answer. Its text is never read.
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
    /// Bytes in clear after `S` or `G` (CVE-2021-23222).
    UnencryptedData(Request),
    /// TLS failed; the adapter has the reason.
    Tls(TlsFailure),
    /// Direct TLS without ALPN.
    NoAlpn,
    /// Direct TLS with another protocol.
    WrongAlpn,
    /// The engine reported success without the proof that the mode needs.
    Unproven(Verification),
    /// The GSSAPI handshake failed.
    Gss,
    /// The server answered the startup packet with an error.
    ServerError {
        /// Five characters.
        sqlstate: [u8; 5],
        /// It came after AuthenticationOk.
        after_auth_ok: bool,
    },
    /// The connection broke, or made no sense, after the startup packet.
    StartupBroken(crate::startup::Broken),
    /// We refused to authenticate.
    LocalRefusal(crate::startup::Refusal),
    /// The server has the wrong role (`target_session_attrs`).
    WrongRole,
}

/// What was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Request {
    /// SSLRequest.
    Ssl,
    /// GSSENCRequest.
    Gss,
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Input<'a> {
    /// The connection is open.
    Connected,
    /// It could not be opened.
    ConnectFailed,
    /// The peer's user was compared with `requirepeer`.
    PeerUser {
        /// Equal.
        matches: bool,
    },
    /// The bytes are sent.
    Sent,
    /// Bytes were read.
    Received(&'a [u8]),
    /// The peer closed the connection, or reading failed.
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
        /// Five characters.
        sqlstate: [u8; 5],
        /// It came after AuthenticationOk.
        after_auth_ok: bool,
    },
    /// EOF, alert, malformed or unexpected message after the startup packet.
    StartupBroken(crate::startup::Broken),
    /// A check of ours refused what the server asks for.
    LocalRefusal(crate::startup::Refusal),
    /// ReadyForQuery: the session is up (for a cancel request: the server closed the connection in order).
    Ready,
    /// The session is up, but the server has the wrong role.
    WrongRole,
    /// The deadline of this address passed.
    TimedOut,
}

/// What was seen, in the words of PostgreSQL's own negotiation test.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Event {
    /// `connect`
    Connect,
    /// `reconnect`
    Reconnect,
    /// `sslaccept`
    SslAccept,
    /// `sslreject`
    SslReject,
    /// `directsslaccept`
    DirectSslAccept,
    /// `directsslreject`
    DirectSslReject,
    /// `gssaccept`
    GssAccept,
    /// `gssreject`
    GssReject,
    /// `backenderror`
    BackendError,
    /// `v2error`
    V2Error,
    /// `authok`
    AuthOk,
    /// `authfail`
    AuthFail,
    // more as the tables need: badreply, close, tlsfail, extrabytes, startuperror
}

impl Event {
    /// The word.
    pub const fn as_str(self) -> &'static str {
        todo!()
    }
}

/// The caller's mistake: an input that does not answer the current action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Misuse {
    // private: state and input names
}

/// The negotiation with one address.
#[derive(Clone, Debug)]
pub struct Negotiation {
    // private
}

#[allow(clippy::unused_self)]
impl Negotiation {
    /// Starts with `Action::Connect`.
    pub fn new(_plan: EncryptionPlan) -> Self {
        todo!()
    }
    /// What to do now.
    pub fn poll_action(&self) -> Action {
        todo!()
    }
    /// This happened.
    pub fn handle_input(&mut self, _input: Input<'_>) -> Result<(), Misuse> {
        todo!()
    }
    /// The next event not yet taken.
    pub fn poll_event(&mut self) -> Option<Event> {
        todo!()
    }
}
