//! Why TLS failed, with everything that is known about it.

use crate::versions::VersionRange;
use pgtls_core::{
    files::{FileError, FileRole},
    name::HostMismatch,
    negotiation::TlsFailure,
    sni::ServerNameTooLong,
};
use pgtls_x509::X509Error;
use rustls::AlertDescription;
use std::{error::Error, fmt, io, sync::Arc};

/// Why TLS could not be set up, or its handshake or checks failed.
#[derive(Debug)]
#[non_exhaustive]
pub enum TlsError {
    /// A file or parameter of ours: nothing was sent to the server.
    Setup(SetupError),
    /// The server's certificate chain was refused.
    Chain(X509Error),
    /// The names in the server's certificate cannot be read.
    Names(X509Error),
    /// The server's certificate is for another host.
    Host(HostMismatch),
    /// The client's own chain, as it is completed from the roots, was refused. The connection ends before it is sent.
    OwnChain(X509Error),
    /// The server presented no certificate.
    NoCertificate,
    /// The two sides have no version of TLS in common, as far as one can tell from how the handshake ended.
    ProtocolVersion {
        /// What rustls said.
        error: rustls::Error,
        /// The versions that the parameters allow.
        range: VersionRange,
    },
    /// The server ended the handshake with the alert handshake_failure, and the crypto provider lacks what newer servers may
    /// demand.
    NothingInCommon {
        /// What the provider lacks, by registered names.
        lacking: Arc<[&'static str]>,
    },
    /// Anything else that rustls or the server objected to, alerts included. A TLS 1.3 server objects to a client
    /// certificate, or to there being none, after the client's handshake is complete.
    Handshake(rustls::Error),
    /// The handshake was not signed with the client's [external key](crate::ExternalKey).
    Signing(SigningError),
    /// The connection ended or broke during the handshake.
    Connection(io::Error),
}

/// A signature that an [external key](crate::ExternalKey) did not make, or made wrongly. Nothing of it was sent.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SigningError {
    /// The path of the certificate, or its label.
    pub certificate: String,
    /// The label of the key.
    pub key: String,
    /// The reason.
    pub problem: SigningProblem,
}

/// The reason of a [`SigningError`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum SigningProblem {
    /// The key's implementation returned this error.
    Refused(Arc<dyn Error + Send + Sync>),
    /// The signature does not verify with the public key of the certificate.
    Mismatch {
        /// The scheme that was requested.
        scheme: rustls::SignatureScheme,
    },
}

/// A file or parameter that does not let TLS start. The first one in libpq's order is reported (libpq: `initialize_SSL`).
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum SetupError {
    /// A file that is missing, cannot be read, or must not be used.
    File(FileError),
    /// A file was read and does not load.
    Content {
        /// What it is for.
        role: FileRole,
        /// Its path; `None` for the system's trusted roots.
        path: Option<String>,
        /// Why.
        error: X509Error,
    },
    /// The private key is of a kind that the crypto provider cannot sign with.
    KeyUnsupported {
        /// Path of the key.
        path: String,
        /// What the provider said.
        error: rustls::Error,
    },
    /// The private key belongs to another certificate.
    KeyMismatch {
        /// Path of the certificate.
        certificate: String,
        /// Path of the key.
        key: String,
    },
    /// The [external key](crate::ExternalKey) cannot sign for the certificate.
    ExternalKey {
        /// Path of the certificate, or its label.
        certificate: String,
        /// The label of the key.
        key: String,
        /// The reason, a clause.
        reason: &'static str,
    },
    /// The host is too long for a server name indication.
    ServerName(ServerNameTooLong),
    /// The parameters allow only versions of TLS that rustls does not have.
    Versions(VersionRange),
    /// Of versions, suites, groups or signature schemes, as it says: the crypto provider has none of those that `openssl.cnf` and the security level
    /// allow.
    NothingLeft(&'static str),
    /// The crypto provider cannot be used.
    Provider(rustls::Error),
}

impl TlsError {
    /// The failure as the negotiation machine knows it.
    pub fn failure(&self) -> TlsFailure {
        match self {
            Self::Setup(_) => TlsFailure::Setup,
            Self::Connection(_) => TlsFailure::Closed,
            Self::Chain(_)
            | Self::Names(_)
            | Self::Host(_)
            | Self::OwnChain(_)
            | Self::NoCertificate
            | Self::ProtocolVersion { .. }
            | Self::NothingInCommon { .. }
            | Self::Signing(_)
            | Self::Handshake(_) => TlsFailure::Handshake,
        }
    }

    /// The alert with which the server ended the handshake, if it did.
    pub fn alert(&self) -> Option<AlertDescription> {
        match self {
            Self::ProtocolVersion { error: rustls::Error::AlertReceived(alert), .. }
            | Self::Handshake(rustls::Error::AlertReceived(alert)) => Some(*alert),
            Self::NothingInCommon { .. } => Some(AlertDescription::HandshakeFailure),
            _ => None,
        }
    }
}

impl TlsError {
    /// What the server is to be sent before the connection is dropped, when [`Connector::session`](crate::Connector::session)
    /// has failed; empty for most faults. OpenSSL notices that no version of TLS is left only when the handshake starts,
    /// and sends an alert.
    pub fn closing_alert(&self) -> &'static [u8] {
        /// A record with the fatal alert protocol_version (RFC 8446, sections 5.1 and 6).
        const PROTOCOL_VERSION_ALERT: [u8; 7] = [21, 3, 1, 0, 2, 2, 70];
        match self {
            Self::Setup(SetupError::Versions(_)) => &PROTOCOL_VERSION_ALERT,
            _ => &[],
        }
    }
}

impl From<SetupError> for TlsError {
    fn from(error: SetupError) -> Self {
        Self::Setup(error)
    }
}

impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Setup(error) => error.fmt(f),
            Self::Chain(error) | Self::OwnChain(error) => write!(f, "SSL error: {error}"),
            Self::Names(error) => write!(f, "the names in the server certificate cannot be read: {error}"),
            Self::Host(mismatch) => mismatch.fmt(f),
            Self::NoCertificate => f.write_str("the server presented no certificate"),
            Self::ProtocolVersion { error, range } => write!(
                f,
                "SSL error: no protocol version in common: {} (the server may not support any TLS version {range}; see \
                 ssl_min_protocol_version and ssl_max_protocol_version)",
                Reason(error)
            ),
            Self::NothingInCommon { lacking } => write!(
                f,
                "SSL error: {}; the server may demand {}, which the crypto provider lacks: the one of aws-lc-rs has it",
                Reason(&rustls::Error::AlertReceived(AlertDescription::HandshakeFailure)),
                lacking.join(" or ")
            ),
            Self::Handshake(error) => write!(f, "SSL error: {}", Reason(error)),
            Self::Signing(error) => write!(f, "SSL error: {error}"),
            Self::Connection(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                f.write_str("SSL error: server closed the connection during the handshake (unexpected EOF)")
            }
            Self::Connection(error) => {
                write!(f, "SSL error: connection broken during the handshake: {error}")
            }
        }
    }
}

impl Error for TlsError {
    /// What led to the error within, whose text is in this one's.
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Setup(error) => error.source(),
            Self::Chain(error) | Self::Names(error) | Self::OwnChain(error) => error.source(),
            Self::Host(mismatch) => mismatch.source(),
            Self::NoCertificate | Self::NothingInCommon { .. } => None,
            Self::ProtocolVersion { error, .. } | Self::Handshake(error) => error.source(),
            Self::Signing(error) => error.source(),
            Self::Connection(error) => error.source(),
        }
    }
}

impl fmt::Display for SigningError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { certificate, key, problem } = self;
        match problem {
            SigningProblem::Refused(error) => {
                write!(f, "could not sign with the key \"{key}\" of certificate \"{certificate}\": {error}")
            }
            SigningProblem::Mismatch { scheme } => write!(
                f,
                "certificate \"{certificate}\" does not match the signature of key \"{key}\": it is not of this \
                 certificate, or its signature is not {scheme:?} as TLS encodes it"
            ),
        }
    }
}

impl Error for SigningError {
    /// The source of the error within, whose text is in this one's.
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.problem {
            SigningProblem::Refused(error) => error.source(),
            SigningProblem::Mismatch { .. } => None,
        }
    }
}

impl fmt::Display for SetupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(error) => error.fmt(f),
            Self::Content { role, path, error } => {
                let what = match role {
                    FileRole::RootCert => "could not read root certificate file",
                    FileRole::Crl | FileRole::CrlDir => "could not load certificate revocation list file",
                    FileRole::Cert => "could not read certificate file",
                    FileRole::Key => "could not load private key file",
                };
                let path = path.as_deref().unwrap_or("system");
                write!(f, "{what} \"{path}\": {error}")
            }
            Self::KeyUnsupported { path, error } => write!(
                f,
                "could not load private key file \"{path}\": the crypto provider cannot sign with it: {error}"
            ),
            Self::KeyMismatch { certificate, key } => {
                write!(f, "certificate \"{certificate}\" does not match private key file \"{key}\"")
            }
            Self::ExternalKey { certificate, key, reason } => {
                write!(f, "could not use the key \"{key}\" for certificate \"{certificate}\": {reason}")
            }
            Self::ServerName(error) => error.fmt(f),
            Self::Versions(range) => write!(
                f,
                "unsupported protocol version: TLS {range} was asked for, and only TLSv1.2 and TLSv1.3 are \
                 implemented; raise ssl_max_protocol_version, or MaxProtocol in openssl.cnf"
            ),
            Self::NothingLeft(what) => write!(
                f,
                "no {what} available: the crypto provider has none of those that the security level, Protocol, \
                 Ciphersuites, CipherString, Groups and SignatureAlgorithms in openssl.cnf allow"
            ),
            Self::Provider(error) => write!(f, "the crypto provider cannot be used: {error}"),
        }
    }
}

impl Error for SetupError {
    /// What led to the error within, whose text is in this one's.
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::File(error) => error.source(),
            Self::Content { error, .. } => error.source(),
            Self::KeyUnsupported { error, .. } | Self::Provider(error) => error.source(),
            Self::ServerName(error) => error.source(),
            Self::KeyMismatch { .. }
            | Self::ExternalKey { .. }
            | Self::Versions(_)
            | Self::NothingLeft(_) => None,
        }
    }
}

/// What rustls reports, with alerts by their registered names, which is how OpenSSL prints them.
struct Reason<'a>(&'a rustls::Error);

impl fmt::Display for Reason<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            rustls::Error::AlertReceived(alert) => {
                let number = u8::from(*alert);
                match alert_name(*alert) {
                    Some(name) => write!(f, "server sent alert {name} ({number})"),
                    None => write!(f, "server sent an alert of unknown kind ({number})"),
                }
            }
            error => error.fmt(f),
        }
    }
}

/// The alert's name in the words of RFC 8446 section 6, with blanks.
pub fn alert_name(alert: AlertDescription) -> Option<&'static str> {
    Some(match alert {
        AlertDescription::CloseNotify => "close notify",
        AlertDescription::UnexpectedMessage => "unexpected message",
        AlertDescription::BadRecordMac => "bad record mac",
        AlertDescription::RecordOverflow => "record overflow",
        AlertDescription::HandshakeFailure => "handshake failure",
        AlertDescription::BadCertificate => "bad certificate",
        AlertDescription::UnsupportedCertificate => "unsupported certificate",
        AlertDescription::CertificateRevoked => "certificate revoked",
        AlertDescription::CertificateExpired => "certificate expired",
        AlertDescription::CertificateUnknown => "certificate unknown",
        AlertDescription::IllegalParameter => "illegal parameter",
        AlertDescription::UnknownCA => "unknown ca",
        AlertDescription::AccessDenied => "access denied",
        AlertDescription::DecodeError => "decode error",
        AlertDescription::DecryptError => "decrypt error",
        AlertDescription::ProtocolVersion => "protocol version",
        AlertDescription::InsufficientSecurity => "insufficient security",
        AlertDescription::InternalError => "internal error",
        AlertDescription::InappropriateFallback => "inappropriate fallback",
        AlertDescription::UserCanceled => "user canceled",
        AlertDescription::MissingExtension => "missing extension",
        AlertDescription::UnsupportedExtension => "unsupported extension",
        AlertDescription::UnrecognisedName => "unrecognized name",
        AlertDescription::BadCertificateStatusResponse => "bad certificate status response",
        AlertDescription::UnknownPSKIdentity => "unknown psk identity",
        AlertDescription::CertificateRequired => "certificate required",
        AlertDescription::NoApplicationProtocol => "no application protocol",
        _ => return None,
    })
}
