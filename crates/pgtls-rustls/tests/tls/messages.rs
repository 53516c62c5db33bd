//! Every message, so that a change of words is seen.

use pgtls_core::{name::HostMismatch, param::TlsVersion, sni::server_name};
use pgtls_rustls::{ActionError, SetupError, TlsError, VersionRange};
use pgtls_x509::{KeyProblem, X509Error};
use rustls::{AlertDescription, Error, PeerIncompatible};
use std::io;

#[track_caller]
fn check(error: impl std::error::Error, expected: &str) {
    assert_eq!(error.to_string(), expected);
}

#[test]
fn of_setup() {
    use pgtls_core::files::FileRole::{Cert, Crl, Key, RootCert};
    let content = |role, error: &X509Error| {
        TlsError::from(SetupError::Content { role, path: Some("/f".into()), error: error.clone() })
    };
    let needed = X509Error::Key(KeyProblem::PassphraseNeeded);
    let unreadable = content(RootCert, &needed).to_string();
    assert_eq!(unreadable, format!("could not read root certificate file \"/f\": {needed}"));
    assert!(content(Crl, &needed).to_string().starts_with("could not load certificate revocation list file"));
    assert!(content(Cert, &needed).to_string().starts_with("could not read certificate file \"/f\": "));
    assert!(content(Key, &needed).to_string().starts_with("could not load private key file \"/f\": "));
    check(
        SetupError::KeyMismatch { certificate: "/c".into(), key: "/k".into() },
        "certificate \"/c\" does not match private key file \"/k\"",
    );
    check(
        SetupError::KeyUnsupported { path: "/k".into(), error: Error::General("no such curve".into()) },
        "could not load private key file \"/k\": the crypto provider cannot sign with it: \
         unexpected error: no such curve",
    );
    check(
        SetupError::ExternalKey { certificate: "/c".into(), key: "hsm".into(), reason: "no scheme fits" },
        "could not use the key \"hsm\" for certificate \"/c\": no scheme fits",
    );
    let too_long = server_name(Some(&"x".repeat(256)), true).unwrap_err();
    check(SetupError::ServerName(too_long), &too_long.to_string());
    let range = VersionRange { minimum: Some(TlsVersion::Tls1_0), maximum: Some(TlsVersion::Tls1_1) };
    check(
        SetupError::Versions(range),
        "unsupported protocol version: TLS between TLSv1 and TLSv1.1 was asked for, and only TLSv1.2 and TLSv1.3 \
         are implemented; raise ssl_max_protocol_version, or MaxProtocol in openssl.cnf",
    );
    check(
        SetupError::NothingLeft("cipher suite"),
        "no cipher suite available: the crypto provider has none of those that the security level, Protocol, \
         Ciphersuites, CipherString, Groups and SignatureAlgorithms in openssl.cnf allow",
    );
    check(
        SetupError::Provider(Error::General("no suites".into())),
        "the crypto provider cannot be used: unexpected error: no suites",
    );
}

#[test]
fn of_handshakes() {
    check(TlsError::NoCertificate, "the server presented no certificate");
    check(TlsError::Host(HostMismatch::NoHost), &HostMismatch::NoHost.to_string());
    let alert = |alert| Error::AlertReceived(alert);
    check(
        TlsError::Handshake(alert(AlertDescription::HandshakeFailure)),
        "SSL error: server sent alert handshake failure (40)",
    );
    check(
        TlsError::NothingInCommon { lacking: ["X25519MLKEM768", "ML-DSA"].into() },
        "SSL error: server sent alert handshake failure (40); the server may demand X25519MLKEM768 or ML-DSA, which the \
         crypto provider lacks: the one of aws-lc-rs has it",
    );
    check(
        TlsError::Handshake(alert(AlertDescription::from(200))),
        "SSL error: server sent an alert of unknown kind (200)",
    );
    check(TlsError::Handshake(Error::DecryptError), "SSL error: cannot decrypt peer's message");
    let range = VersionRange { minimum: Some(TlsVersion::Tls1_2), maximum: None };
    check(
        TlsError::ProtocolVersion { error: alert(AlertDescription::ProtocolVersion), range },
        "SSL error: no protocol version in common: server sent alert protocol version (70) (the server may not \
         support any TLS version from TLSv1.2 up; see ssl_min_protocol_version and ssl_max_protocol_version)",
    );
    let incompatible = Error::PeerIncompatible(PeerIncompatible::ServerDoesNotSupportTls12Or13);
    assert!(
        TlsError::ProtocolVersion { error: incompatible, range }.to_string().contains("no protocol version")
    );
    check(
        TlsError::Connection(io::ErrorKind::UnexpectedEof.into()),
        "SSL error: server closed the connection during the handshake (unexpected EOF)",
    );
    check(
        TlsError::Connection(io::ErrorKind::ConnectionReset.into()),
        "SSL error: connection broken during the handshake: connection reset",
    );
}

#[test]
fn of_actions() {
    check(ActionError::Io(io::ErrorKind::ConnectionRefused.into()), "connection refused");
    check(ActionError::Startup("no such database".into()), "no such database");
}
