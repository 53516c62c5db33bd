//! Bad ends of a startup exchange.

use crate::param::{AuthMethod, ProtocolVersion};

/// The kind of a broken startup exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ProtocolViolation {
    /// The server closed the connection (end of file, close_notify or an alert).
    Closed,
    /// A message of a type that does not belong here, by its first byte.
    Unexpected(u8),
    /// A message of this type whose length or content makes no sense.
    Malformed(u8),
    /// An error in the format of protocols before 3. Its text is not kept.
    OldError,
}

impl core::fmt::Display for ProtocolViolation {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Closed => f.write_str("server closed the connection unexpectedly after the startup packet"),
            Self::Unexpected(kind) => write!(
                f,
                "expected authentication request from server, but received '{}' (0x{kind:02x}); is this a PostgreSQL server?",
                kind.escape_ascii()
            ),
            Self::Malformed(kind) => {
                write!(
                    f,
                    "received invalid message of type '{}' (0x{kind:02x}) from server",
                    kind.escape_ascii()
                )
            }
            Self::OldError => {
                f.write_str("received invalid error message: server speaks a protocol older than 3.0")
            }
        }
    }
}

impl core::error::Error for ProtocolViolation {}

/// The reason why the client ended the exchange. Nothing more is sent to the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Refusal {
    /// The server requests a password and there is none.
    NoPassword,
    /// `require_auth` does not allow the method that the server requests.
    AuthNotAllowed(AuthMethod),
    /// `require_auth` demands an authentication, and the server sent AuthenticationOk without one.
    AuthNotCompleted,
    /// `channel_binding=require` cannot be satisfied.
    ChannelBinding(BindingRefusal),
    /// SCRAM-SHA-256-PLUS was offered without TLS: somebody in between has taken the TLS away.
    PlusWithoutTls,
    /// None of the SASL mechanisms that the server offers is known.
    NoMechanism,
    /// An authentication request that no client of today answers, by its number.
    UnsupportedMethod(u32),
    /// `sslcertmode=require`, and the server did not request a certificate.
    CertificateNotRequested,
    /// `sslcertmode=require`, and no certificate was sent.
    CertificateNotSent,
    /// The server supports at most `server`, a version below `min_protocol_version` (libpq:
    /// `pqGetNegotiateProtocolVersion3`).
    ProtocolVersion {
        /// The version in NegotiateProtocolVersion: major in the upper 16 bits, minor in the lower.
        server: u32,
        /// `min_protocol_version`.
        minimum: ProtocolVersion,
    },
    /// The StartupMessage requests this version, which is not between `min_protocol_version` and `max_protocol_version`.
    RequestedVersion(u32),
    /// The authentication exchange failed on the client's side (SCRAM nonce, signature, a certificate without a binding hash).
    Exchange,
}

/// The reason why `channel_binding=require` cannot be satisfied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BindingRefusal {
    /// The session is not TLS.
    NotTls,
    /// The server requests a method other than SASL.
    NotSasl,
    /// The server does not offer SCRAM-SHA-256-PLUS.
    NotOffered,
    /// The server sent AuthenticationOk, and nothing was bound.
    NotBound,
}

impl Refusal {
    /// Whether this refusal answers AuthenticationOk: the server has authenticated the client then.
    pub const fn at_authentication_ok(self) -> bool {
        match self {
            Self::AuthNotCompleted
            | Self::ChannelBinding(BindingRefusal::NotBound)
            | Self::CertificateNotRequested
            | Self::CertificateNotSent => true,
            Self::NoPassword
            | Self::AuthNotAllowed(_)
            | Self::ChannelBinding(
                BindingRefusal::NotTls | BindingRefusal::NotSasl | BindingRefusal::NotOffered,
            )
            | Self::PlusWithoutTls
            | Self::NoMechanism
            | Self::UnsupportedMethod(_)
            | Self::ProtocolVersion { .. }
            | Self::RequestedVersion(_)
            | Self::Exchange => false,
        }
    }
}

impl core::fmt::Display for Refusal {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::NoPassword => f.write_str("no password supplied, but the server asks for one"),
            Self::AuthNotAllowed(method) => write!(
                f,
                "authentication method requirement failed: server requested {}, which require_auth does not allow",
                asked_for(*method)
            ),
            Self::AuthNotCompleted => f.write_str(
                "authentication method requirement failed: server did not complete an authentication that require_auth allows",
            ),
            Self::ChannelBinding(BindingRefusal::NotTls) => {
                f.write_str("channel binding required, but SSL is not in use")
            }
            Self::ChannelBinding(BindingRefusal::NotSasl) => {
                f.write_str("channel binding required but not supported by the server's authentication request")
            }
            Self::ChannelBinding(BindingRefusal::NotOffered) => f.write_str(
                "channel binding required, but server did not offer an authentication method that supports channel binding",
            ),
            Self::ChannelBinding(BindingRefusal::NotBound) => {
                f.write_str("channel binding required, but server authenticated client without channel binding")
            }
            Self::PlusWithoutTls => {
                f.write_str("server offered SCRAM-SHA-256-PLUS authentication over a connection that is not SSL")
            }
            Self::NoMechanism => f.write_str("none of the server's SASL authentication mechanisms are supported"),
            Self::UnsupportedMethod(code) => write!(f, "authentication method {code} is not supported"),
            Self::CertificateNotRequested => {
                f.write_str("sslcertmode=require, but server did not request a client certificate")
            }
            Self::CertificateNotSent => f.write_str(
                "sslcertmode=require, but no client certificate was sent: server did not get a certificate from sslcert",
            ),
            Self::ProtocolVersion { server, minimum } => write!(
                f,
                "server only supports protocol version {}, but \"min_protocol_version\" was set to {minimum}",
                Version(*server)
            ),
            Self::RequestedVersion(version) => write!(
                f,
                "StartupMessage requests protocol version {}, which min_protocol_version and max_protocol_version do not allow; the driver has to request max_protocol_version",
                Version(*version)
            ),
            Self::Exchange => f.write_str("authentication exchange with the server failed"),
        }
    }
}

impl core::error::Error for Refusal {}

/// A protocol version as `major.minor`.
struct Version(u32);

impl core::fmt::Display for Version {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{}.{}", self.0 >> 16, self.0 & 0xFFFF)
    }
}

/// The text for a method that a server requests.
const fn asked_for(method: AuthMethod) -> &'static str {
    match method {
        AuthMethod::None => "no authentication",
        AuthMethod::Password => "a cleartext password",
        AuthMethod::Md5 => "a hashed password",
        AuthMethod::Gss => "GSSAPI authentication",
        AuthMethod::Sspi => "SSPI authentication",
        AuthMethod::ScramSha256 => "SASL authentication with SCRAM-SHA-256",
        AuthMethod::Oauth => "SASL authentication with OAUTHBEARER",
    }
}
