//! One word for each kind of failure, for programs that read the JSON.
//!
//! The word is found by matching on what the crates report, never on text. Where libpq distinguishes less than we do, the
//! finer word is used only for chains, whose verdict libpq hides behind "certificate verify failed".

use pgtls_core::{
    files::{FileError, FileProblem, FileRole},
    name::HostMismatch,
    negotiation::{Failure, TlsFailure},
    param::{ParamError, ParamErrorKind},
    startup::{ProtocolViolation, Refusal},
};
use pgtls_rustls::{SetupError, TlsError};
use pgtls_x509::X509Error;
use std::io;

/// Of a parameter, string, URI or service file.
pub(crate) fn of_param(error: &ParamError) -> &'static str {
    match &*error.kind {
        ParamErrorKind::WeakModeForDirect { .. } => "weak-mode-for-direct",
        ParamErrorKind::WeakModeForSystem { .. } => "weak-mode-for-system",
        ParamErrorKind::HostAddr { .. } => "could-not-resolve",
        ParamErrorKind::AuthMethodRepeated { .. } | ParamErrorKind::AuthMethodMixed { .. } => {
            "auth-requirement"
        }
        ParamErrorKind::GssNotSupported => "server-no-gss",
        ParamErrorKind::ScramKey { .. } => "other",
        _ => "invalid-parameter",
    }
}

/// Of a failed address; what the TLS layer or the exchange knows more about is asked for with the other functions.
pub(crate) fn of_failure(failure: Failure) -> &'static str {
    match failure {
        Failure::Connect => "refused",
        Failure::TimedOut => "timeout",
        Failure::PeerUser => "peer-requirement",
        Failure::Refused(request) => match request {
            pgtls_core::negotiation::Request::Ssl => "server-no-ssl",
            pgtls_core::negotiation::Request::Gss => "server-no-gss",
        },
        Failure::ErrorReply(_) => "server-error-in-negotiation",
        Failure::BadReply { .. } => "bad-reply",
        Failure::Closed(_) | Failure::Tls(TlsFailure::Closed) => "eof",
        Failure::UnencryptedData(_) => "unencrypted-data",
        Failure::Tls(TlsFailure::Setup | TlsFailure::Handshake) => "handshake",
        Failure::NoAlpn | Failure::WrongAlpn => "bad-alpn",
        Failure::Unproven(_) => "chain-untrusted",
        Failure::Gss => "gss-error",
        Failure::ServerError { .. } => "server-error",
        Failure::StartupBroken(broken) => of_broken(broken),
        Failure::LocalRefusal(refusal) => of_refusal(refusal),
        _ => "other",
    }
}

/// Of an exchange after the startup packet that broke.
pub(crate) fn of_broken(broken: ProtocolViolation) -> &'static str {
    match broken {
        ProtocolViolation::Closed => "eof",
        ProtocolViolation::Unexpected(_) | ProtocolViolation::Malformed(_) => "bad-reply",
        _ => "other",
    }
}

/// Of what we refused.
pub(crate) fn of_refusal(refusal: Refusal) -> &'static str {
    match refusal {
        Refusal::NoPassword => "no-password",
        Refusal::AuthNotAllowed(_) | Refusal::AuthNotCompleted | Refusal::NoMechanism => "auth-requirement",
        Refusal::ChannelBinding(_) => "channel-binding",
        Refusal::UnsupportedMethod(_) => "bad-auth-request",
        Refusal::CertificateNotRequested => "client-cert-missing",
        Refusal::ProtocolVersion { .. } | Refusal::RequestedVersion(_) => "protocol-version",
        _ => "other",
    }
}

/// Of a connection that could not be opened.
pub(crate) fn of_io(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::ConnectionRefused | io::ErrorKind::NotFound => "refused",
        io::ErrorKind::TimedOut => "timeout",
        io::ErrorKind::UnexpectedEof
        | io::ErrorKind::ConnectionReset
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::BrokenPipe => "eof",
        _ => "other",
    }
}

/// Of TLS: setup, handshake, chain, name.
pub(crate) fn of_tls(error: &TlsError) -> &'static str {
    match error {
        TlsError::Setup(error) => of_setup(error),
        TlsError::Chain(error) => of_chain(error),
        TlsError::Names(_) | TlsError::NoCertificate => "bad-server-name",
        TlsError::Host(mismatch) => of_host(mismatch),
        TlsError::ProtocolVersion { .. } => "protocol-version",
        TlsError::Connection(error) => match of_io(error) {
            "timeout" => "timeout",
            _ => "eof",
        },
        other => other.alert().map_or("handshake", |alert| of_alert(u8::from(alert))),
    }
}

/// Of an alert of the server, by its number (RFC 8446, section 6). Those about certificates are about the client's.
pub(crate) fn of_alert(alert: u8) -> &'static str {
    match alert {
        42..=46 | 48 | 49 | 51 => "server-rejected-client-cert",
        70 => "protocol-version",
        116 => "client-cert-missing",
        120 => "bad-alpn",
        _ => "handshake",
    }
}

/// Of a name.
pub(crate) fn of_host(mismatch: &HostMismatch) -> &'static str {
    match mismatch {
        HostMismatch::NoMatch { examined, .. } if !examined.is_empty() => "name-mismatch",
        HostMismatch::EmbeddedNul => "nul-in-name",
        _ => "bad-server-name",
    }
}

/// Of files and parameters that do not let TLS start.
pub(crate) fn of_setup(error: &SetupError) -> &'static str {
    match error {
        SetupError::File(error) => of_file(error),
        SetupError::Content { role, .. } => match role {
            FileRole::RootCert => "bad-root-file",
            FileRole::Crl | FileRole::CrlDir => "invalid-crl",
            FileRole::Cert => "bad-client-cert-file",
            FileRole::Key => "bad-key-file",
        },
        SetupError::KeyUnsupported { .. } => "bad-key-file",
        SetupError::KeyMismatch { .. } => "key-mismatch",
        SetupError::ServerName(_) => "bad-server-name",
        SetupError::Versions(_) => "protocol-version",
        SetupError::NothingLeft(_) => "handshake",
        _ => "other",
    }
}

fn of_file(error: &FileError) -> &'static str {
    match (error.role, &error.problem) {
        (FileRole::RootCert, FileProblem::Missing(_) | FileProblem::HomeUnknown) => "missing-root-file",
        (FileRole::RootCert, _) => "bad-root-file",
        (FileRole::Crl | FileRole::CrlDir, _) => "invalid-crl",
        (FileRole::Cert, _) => "bad-client-cert-file",
        (FileRole::Key, FileProblem::Missing(_) | FileProblem::HomeUnknown) => "missing-key-file",
        (FileRole::Key, FileProblem::NotRegular) => "key-not-regular",
        (FileRole::Key, FileProblem::InsecurePermissions(_)) => "key-permissions",
        (FileRole::Key, FileProblem::Engine { .. }) => "other",
        (FileRole::Key, _) => "bad-key-file",
    }
}

/// The group of OpenSSL's verdict on a chain.
pub(crate) fn of_chain(error: &X509Error) -> &'static str {
    error.path().map_or("chain-untrusted", |error| error.verdict.refusal().as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use pgtls_core::{
        environment::{Environment, Platform},
        files::ReadError,
        negotiation::Request,
        param::{Ability, AuthMethod, Params, Settings},
        policy::Verification,
        startup::BindingRefusal,
    };

    fn param_class(conninfo: &str) -> &'static str {
        let mut environment = Environment::empty(Platform::Unix);
        environment.user = Some("u".to_owned());
        let error = Settings::parse(conninfo)
            .and_then(|settings| Params::resolve(&settings, None, &environment, Ability::default()))
            .expect_err("libpq refuses it");
        of_param(&error)
    }

    #[test]
    fn parameters() {
        for (conninfo, class) in [
            ("sslmode=bogus", "invalid-parameter"),
            ("sslmode", "invalid-parameter"),
            ("nonsense=1", "invalid-parameter"),
            ("postgresql://h?ssl=false", "invalid-parameter"),
            ("host=a,b hostaddr=127.0.0.1", "invalid-parameter"),
            ("ssl_max_protocol_version=TLSv1.1", "invalid-parameter"),
            ("require_auth=md5,md5", "auth-requirement"),
            ("sslmode=prefer sslnegotiation=direct", "weak-mode-for-direct"),
            ("sslmode=verify-ca sslrootcert=system", "weak-mode-for-system"),
            ("scram_client_key=x", "other"),
            ("gssencmode=require", "server-no-gss"),
        ] {
            assert_eq!(param_class(conninfo), class, "{conninfo}");
        }
    }

    #[test]
    fn failures() {
        let server_error = Failure::ServerError { sqlstate: *b"28000", after_auth_ok: false };
        for (failure, class) in [
            (Failure::Connect, "refused"),
            (Failure::TimedOut, "timeout"),
            (Failure::PeerUser, "peer-requirement"),
            (Failure::Refused(Request::Ssl), "server-no-ssl"),
            (Failure::Refused(Request::Gss), "server-no-gss"),
            (Failure::ErrorReply(Request::Ssl), "server-error-in-negotiation"),
            (Failure::BadReply { request: Request::Ssl, byte: b'X' }, "bad-reply"),
            (Failure::Closed(Request::Ssl), "eof"),
            (Failure::UnencryptedData(Request::Ssl), "unencrypted-data"),
            (Failure::Tls(TlsFailure::Closed), "eof"),
            (Failure::Tls(TlsFailure::Handshake), "handshake"),
            (Failure::NoAlpn, "bad-alpn"),
            (Failure::Unproven(Verification::Full), "chain-untrusted"),
            (server_error, "server-error"),
            (Failure::StartupBroken(ProtocolViolation::Closed), "eof"),
            (Failure::StartupBroken(ProtocolViolation::Unexpected(b'X')), "bad-reply"),
            (Failure::LocalRefusal(Refusal::NoPassword), "no-password"),
            (Failure::LocalRefusal(Refusal::AuthNotAllowed(AuthMethod::Md5)), "auth-requirement"),
            (Failure::LocalRefusal(Refusal::NoMechanism), "auth-requirement"),
            (Failure::LocalRefusal(Refusal::ChannelBinding(BindingRefusal::NotTls)), "channel-binding"),
            (Failure::LocalRefusal(Refusal::UnsupportedMethod(99)), "bad-auth-request"),
            (Failure::LocalRefusal(Refusal::CertificateNotRequested), "client-cert-missing"),
            (Failure::LocalRefusal(Refusal::CertificateNotSent), "other"),
            (Failure::WrongRole, "other"),
        ] {
            assert_eq!(of_failure(failure), class, "{failure:?}");
        }
    }

    #[test]
    fn files() {
        let missing = || FileProblem::Missing(ReadError::NotFound);
        let unreadable = || FileProblem::Unreadable(ReadError::PermissionDenied);
        for (role, problem, class) in [
            (FileRole::RootCert, missing(), "missing-root-file"),
            (FileRole::RootCert, FileProblem::HomeUnknown, "missing-root-file"),
            (FileRole::RootCert, unreadable(), "bad-root-file"),
            (FileRole::Crl, FileProblem::NothingLoads, "invalid-crl"),
            (FileRole::Cert, unreadable(), "bad-client-cert-file"),
            (FileRole::Key, missing(), "missing-key-file"),
            (FileRole::Key, FileProblem::NotRegular, "key-not-regular"),
            (FileRole::Key, unreadable(), "bad-key-file"),
            (FileRole::Key, FileProblem::Engine { engine: "pkcs11".to_owned() }, "other"),
        ] {
            let error = SetupError::File(FileError::new(role, None, problem));
            assert_eq!(of_setup(&error), class, "{error}");
        }
    }

    #[test]
    fn names_alerts_and_connections() {
        let no_match = |examined: &[&str]| HostMismatch::NoMatch {
            host: "h".to_owned(),
            examined: examined.iter().map(|name| (*name).to_owned()).collect(),
            count: examined.len(),
        };
        assert_eq!(of_host(&no_match(&["a"])), "name-mismatch");
        assert_eq!(of_host(&no_match(&[])), "bad-server-name");
        assert_eq!(of_host(&HostMismatch::NoHost), "bad-server-name");
        assert_eq!(of_host(&HostMismatch::EmbeddedNul), "nul-in-name");
        for (alert, class) in [
            (40, "handshake"),
            (42, "server-rejected-client-cert"),
            (47, "handshake"),
            (48, "server-rejected-client-cert"),
            (70, "protocol-version"),
            (116, "client-cert-missing"),
            (120, "bad-alpn"),
        ] {
            assert_eq!(of_alert(alert), class, "{alert}");
        }
        for (kind, class) in [
            (io::ErrorKind::ConnectionRefused, "refused"),
            (io::ErrorKind::NotFound, "refused"),
            (io::ErrorKind::TimedOut, "timeout"),
            (io::ErrorKind::ConnectionReset, "eof"),
            (io::ErrorKind::PermissionDenied, "other"),
        ] {
            assert_eq!(of_io(&kind.into()), class, "{kind}");
        }
    }
}
