//! The trace.

/// What was seen, in the words of PostgreSQL's own negotiation test where it has one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Event {
    /// A connection is open.
    Connect,
    /// A new connection to the same address is open; the old one was dropped.
    Reconnect,
    /// The connection could not be opened.
    ConnectFail,
    /// The peer's user is not the one that `requirepeer` wants.
    PeerReject,
    /// `S` to SSLRequest.
    SslAccept,
    /// `N` to SSLRequest.
    SslReject,
    /// A direct TLS handshake is complete.
    DirectSslAccept,
    /// The server closed the connection on a ClientHello that came first.
    DirectSslReject,
    /// `G` to GSSENCRequest.
    GssAccept,
    /// `N` to GSSENCRequest.
    GssReject,
    /// An error of the server's own making: `E` to a request, or SQLSTATE class XX to the startup packet.
    BackendError,
    /// An error in the format used before protocol 3.
    V2Error,
    /// A reply byte that is no answer.
    BadReply,
    /// The connection ended where something was expected.
    Close,
    /// Plaintext bytes followed `S` or `G`.
    ExtraBytes,
    /// TLS could not be set up, or its handshake or checks failed.
    TlsFail,
    /// The GSSAPI handshake failed.
    GssFail,
    /// The server authenticated the user.
    AuthOk,
    /// The server refused the user: SQLSTATE class 28 to the startup packet.
    AuthFail,
    /// Any other error of the server after the startup packet.
    StartupError,
    /// A message after the startup packet that does not belong there or makes no sense.
    BadMessage,
    /// We refused to go on.
    LocalRefusal,
    /// The server has the wrong role.
    WrongRole,
    /// A cancel request was taken.
    CancelSent,
    /// The deadline passed.
    Timeout,
}

impl Event {
    /// The word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Reconnect => "reconnect",
            Self::ConnectFail => "connectfail",
            Self::PeerReject => "peerreject",
            Self::SslAccept => "sslaccept",
            Self::SslReject => "sslreject",
            Self::DirectSslAccept => "directsslaccept",
            Self::DirectSslReject => "directsslreject",
            Self::GssAccept => "gssaccept",
            Self::GssReject => "gssreject",
            Self::BackendError => "backenderror",
            Self::V2Error => "v2error",
            Self::BadReply => "badreply",
            Self::Close => "close",
            Self::ExtraBytes => "extrabytes",
            Self::TlsFail => "tlsfail",
            Self::GssFail => "gssfail",
            Self::AuthOk => "authok",
            Self::AuthFail => "authfail",
            Self::StartupError => "startuperror",
            Self::BadMessage => "badmessage",
            Self::LocalRefusal => "localrefusal",
            Self::WrongRole => "wrongrole",
            Self::CancelSent => "cancelsent",
            Self::Timeout => "timeout",
        }
    }
}

impl core::fmt::Display for Event {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// More than one negotiation can produce: three connections at most, at most three events on each, and the replies to requests. The
/// test that walks all states adds them up.
const MAX_EVENTS: usize = 16;

/// The events not yet taken, oldest first.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Events {
    waiting: [Option<Event>; MAX_EVENTS],
}

impl Events {
    pub(super) const EMPTY: Self = Self { waiting: [None; MAX_EVENTS] };

    pub(super) fn push(&mut self, event: Event) {
        let free = self.waiting.iter_mut().find(|slot| slot.is_none());
        debug_assert!(free.is_some(), "a negotiation has at most {MAX_EVENTS} events");
        if let Some(slot) = free {
            *slot = Some(event);
        }
    }

    pub(super) fn pop(&mut self) -> Option<Event> {
        let event = self.waiting.first_mut()?.take();
        self.waiting.rotate_left(1);
        event
    }
}
