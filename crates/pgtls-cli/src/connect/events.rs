//! What each event of the trace means to a person.

use pgtls_core::negotiation::Event;

/// One sentence without a full stop.
pub(super) const fn meaning(event: Event) -> &'static str {
    match event {
        Event::Connect => "connection opened",
        Event::Reconnect => "new connection to the same address, for another method",
        Event::ConnectFail => "no connection",
        Event::PeerReject => "the server runs as another user than requirepeer says",
        Event::SslAccept => "asked for TLS, the server agrees (S)",
        Event::SslReject => "asked for TLS, the server has none (N)",
        Event::DirectSslAccept => "TLS at once, the server takes part",
        Event::DirectSslReject => "TLS at once, the server does not take part",
        Event::GssAccept => "asked for GSSAPI encryption, the server agrees (G)",
        Event::GssReject => "asked for GSSAPI encryption, the server has none (N)",
        Event::BackendError => "the server answers with an error instead of yes or no (E)",
        Event::V2Error => "the server answers with an error of an old kind",
        Event::BadReply => "the answer is no answer to the question: is this a PostgreSQL server?",
        Event::Close => "the server closes the connection",
        Event::ExtraBytes => "bytes in clear follow the agreement to use TLS (CVE-2021-23222)",
        Event::TlsFail => "TLS fails: files, handshake, certificate or name",
        Event::GssFail => "GSSAPI encryption fails",
        Event::AuthOk => "logged in",
        Event::AuthFail => "the server refuses the login",
        Event::StartupError => "the server ends the login, or the connection breaks",
        Event::BadMessage => "a message makes no sense",
        Event::LocalRefusal => "the client refuses to go on",
        Event::WrongRole => "logged in, but the server is not the kind that target_session_attrs asks for",
        Event::CancelSent => "cancel request sent",
        Event::Timeout => "the time is over",
        _ => "",
    }
}
