//! What is said to people: every word of the trace and every sentence, pinned.

use super::explore::{brokens, refusals, up};
use pgtls_core::{
    accept::Rejection,
    message::MessageError,
    negotiation::{Action, Encryption, Event, Failure, Input, Negotiation, Request, TlsFailure},
    param::SslMode,
    policy::{EncryptionPlan, GssCredentials, Payload, PolicyInput, Transport, Verification},
};

#[test]
fn events() {
    let words = [
        (Event::Connect, "connect"),
        (Event::Reconnect, "reconnect"),
        (Event::ConnectFail, "connectfail"),
        (Event::PeerReject, "peerreject"),
        (Event::SslAccept, "sslaccept"),
        (Event::SslReject, "sslreject"),
        (Event::DirectSslAccept, "directsslaccept"),
        (Event::DirectSslReject, "directsslreject"),
        (Event::GssAccept, "gssaccept"),
        (Event::GssReject, "gssreject"),
        (Event::BackendError, "backenderror"),
        (Event::V2Error, "v2error"),
        (Event::BadReply, "badreply"),
        (Event::Close, "close"),
        (Event::ExtraBytes, "extrabytes"),
        (Event::TlsFail, "tlsfail"),
        (Event::GssFail, "gssfail"),
        (Event::AuthOk, "authok"),
        (Event::AuthFail, "authfail"),
        (Event::StartupError, "startuperror"),
        (Event::BadMessage, "badmessage"),
        (Event::LocalRefusal, "localrefusal"),
        (Event::WrongRole, "wrongrole"),
        (Event::CancelSent, "cancelsent"),
        (Event::Timeout, "timeout"),
    ];
    for (event, word) in words {
        assert_eq!(event.to_string(), word);
    }
}

#[test]
fn failures() {
    let failures = [
        Failure::Connect,
        Failure::TimedOut,
        Failure::PeerUser,
        Failure::Refused(Request::Ssl),
        Failure::Refused(Request::Gss),
        Failure::ErrorReply(Request::Ssl),
        Failure::ErrorReply(Request::Gss),
        Failure::BadReply { request: Request::Ssl, byte: b'X' },
        Failure::BadReply { request: Request::Gss, byte: 0 },
        Failure::Closed(Request::Ssl),
        Failure::Closed(Request::Gss),
        Failure::UnencryptedData(Request::Ssl),
        Failure::UnencryptedData(Request::Gss),
        Failure::Tls(TlsFailure::Setup),
        Failure::Tls(TlsFailure::Closed),
        Failure::Tls(TlsFailure::Handshake),
        Failure::NoAlpn,
        Failure::WrongAlpn,
        Failure::Unproven(Verification::Ca),
        Failure::Unproven(Verification::Full),
        Failure::Gss,
        Failure::ServerError { sqlstate: *b"28000", after_auth_ok: false },
        Failure::ServerError { sqlstate: *b"3D000", after_auth_ok: true },
        Failure::WrongRole,
    ];
    let expected = "\
could not connect to the server
timeout expired
the server does not run as the user that requirepeer demands
server does not support SSL, and sslmode leaves no other way to connect
server does not support GSSAPI encryption, and gssencmode leaves no other way to connect
server sent an error response during SSL negotiation (its text is not shown, as nothing vouches for the server yet)
server sent an error response during GSSAPI negotiation (its text is not shown, as nothing vouches for the server yet)
received invalid response to SSL negotiation: 'X' (0x58); is this a PostgreSQL server?
received invalid response to GSSAPI negotiation: '\\x00' (0x00); is this a PostgreSQL server?
server closed the connection unexpectedly instead of answering SSLRequest
server closed the connection unexpectedly instead of answering GSSENCRequest
received unencrypted data after SSL response
received unencrypted data after GSSAPI response
SSL could not be set up
SSL error: server closed the connection during the handshake
SSL error: handshake failed
direct SSL connection was established but the server did not select ALPN protocol \"postgresql\"
SSL connection was established with an unexpected ALPN protocol
SSL connection was established without proof of the verification that sslmode demands (ca)
SSL connection was established without proof of the verification that sslmode demands (full)
GSSAPI encryption could not be established
server reported an error before or during authentication (SQLSTATE 28000)
server reported an error after authentication (SQLSTATE 3D000)
server does not have the role that target_session_attrs asks for";
    check(failures, expected);
}

#[test]
fn what_breaks_after_the_startup_packet() {
    let expected = "\
server closed the connection unexpectedly after the startup packet
expected authentication request from server, but received 'X' (0x58); is this a PostgreSQL server?
received invalid message of type 'R' (0x52) from server
received invalid error message: server speaks a protocol older than 3.0";
    check(brokens(), expected);
    check(brokens().map(Failure::StartupBroken), expected);
}

#[test]
fn local_refusals() {
    let expected = "\
no password supplied, but the server asks for one
authentication method requirement failed: server requested a hashed password, which require_auth does not allow
authentication method requirement failed: server did not complete an authentication that require_auth allows
server offered SCRAM-SHA-256-PLUS authentication over a connection that is not SSL
none of the server's SASL authentication mechanisms are supported
authentication method 99 is not supported
sslcertmode=require, but server did not request a client certificate
sslcertmode=require, but no client certificate was sent: server did not get a certificate from sslcert
server only supports protocol version 3.0, but \"min_protocol_version\" was set to 3.2
StartupMessage requests protocol version 3.1, which min_protocol_version and max_protocol_version do not allow; the driver has to request max_protocol_version
authentication exchange with the server failed
channel binding required, but SSL is not in use
channel binding required but not supported by the server's authentication request
channel binding required, but server did not offer an authentication method that supports channel binding
channel binding required, but server authenticated client without channel binding";
    check(refusals(), expected);
    check(refusals().map(Failure::LocalRefusal), expected);
}

#[test]
fn what_servers_say() {
    let rejections = [
        Rejection::UnencryptedData(Request::Ssl),
        Rejection::UnencryptedData(Request::Gss),
        Rejection::Packet(MessageError::Length),
        Rejection::Packet(MessageError::Layout),
        Rejection::UnsupportedProtocol { major: 2, minor: 0 },
        Rejection::TlsNotConfigured,
        Rejection::DirectWithoutAlpn,
    ];
    let expected = "\
received unencrypted data after SSL request
received unencrypted data after GSSAPI encryption request
invalid length of startup packet
invalid startup packet layout
unsupported frontend protocol 2.0
received a direct SSL connection, but SSL is not configured
received direct SSL connection without ALPN protocol \"postgresql\"";
    check(rejections, expected);
}

#[test]
fn misuse_names_state_and_input_and_changes_nothing() {
    let input = PolicyInput::new(SslMode::Prefer);
    let plan = EncryptionPlan::new(input, Transport::Tcp, GssCredentials::Absent, Payload::Startup).unwrap();
    let mut negotiation = Negotiation::new(plan);
    let misuse = negotiation.handle_input(Input::Startup(up())).unwrap_err();
    assert_eq!(
        misuse.to_string(),
        "input Startup does not answer the action of state \"connecting\"; this is a bug in the program"
    );
    assert_eq!(negotiation.poll_action(), Action::Connect);
}

#[test]
fn encryptions() {
    let words = [Encryption::Plain, Encryption::Ssl, Encryption::Gss].map(Encryption::as_str);
    assert_eq!(words, ["plain", "ssl", "gss"]);
}

/// One sentence a line; none begins with a capital that is not a name's, and none ends with a full stop.
#[track_caller]
fn check(errors: impl IntoIterator<Item = impl std::error::Error>, expected: &str) {
    let sentences: Vec<_> = errors.into_iter().map(|error| error.to_string()).collect();
    assert!(sentences.iter().all(|sentence| !sentence.ends_with('.') && !sentence.contains('\n')));
    assert_eq!(sentences.join("\n"), expected);
}
