//! Behaviours: what the server does on one connection.

use super::{
    answer::{
        AfterTls, Alpn, ClientCertificate, DirectAnswer, Flight, Greeting, GssAnswer, Hints, SslAnswer,
        StartupAnswer, Suites,
    },
    chunks::Chunks,
};
use core::fmt;
use serde::{Deserialize, Serialize};

/// What the server does on one connection. The default is an honest server with TLS that trusts everybody; another begins as
/// that, or as one that has a name ([`named`](Self::named)), and has its fields changed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Behaviour {
    /// Before the client has said anything.
    pub greeting: Greeting,
    /// The answer to SSLRequest.
    pub sslrequest: SslAnswer,
    /// The answer to GSSENCRequest.
    pub gssencrequest: GssAnswer,
    /// The answer to a ClientHello as the first bytes.
    pub clienthello: DirectAnswer,
    /// The answer to a startup packet in clear.
    pub plain: StartupAnswer,
    /// The answer to a startup packet inside TLS.
    pub encrypted: StartupAnswer,
    /// What a client must prove to know where a password is asked for.
    pub password: String,
    /// How everything is cut that is sent.
    pub chunks: Chunks,
    /// How TLS is spoken.
    pub tls: TlsBehaviour,
}

/// How TLS is spoken on one connection.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TlsBehaviour {
    /// Name of a server certificate of the PKI.
    pub certificate: String,
    /// Whether a certificate is asked of the client.
    pub client_certificate: ClientCertificate,
    /// The authorities that are named then.
    pub hints: Hints,
    /// Lowest version.
    pub min_version: TlsVersion,
    /// Highest version.
    pub max_version: TlsVersion,
    /// Which protocol is selected.
    pub alpn: Alpn,
    /// Cipher suites under TLS 1.2.
    pub suites: Suites,
    /// How the handshake is sent.
    pub flight: Flight,
    /// What follows the handshake.
    pub after: AfterTls,
}

/// A version of TLS that the server can speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[non_exhaustive]
pub enum TlsVersion {
    /// TLS 1.2.
    #[serde(rename = "TLSv1.2")]
    Tls1_2,
    /// TLS 1.3.
    #[serde(rename = "TLSv1.3")]
    Tls1_3,
}

impl fmt::Display for TlsVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tls1_2 => "TLSv1.2",
            Self::Tls1_3 => "TLSv1.3",
        })
    }
}

impl Default for Behaviour {
    fn default() -> Self {
        Self {
            greeting: Greeting::Wait,
            sslrequest: SslAnswer::Accept,
            gssencrequest: GssAnswer::Reject,
            clienthello: DirectAnswer::Accept,
            plain: StartupAnswer::Trust,
            encrypted: StartupAnswer::Trust,
            password: "secret".to_owned(),
            chunks: Chunks::default(),
            tls: TlsBehaviour::default(),
        }
    }
}

impl Default for TlsBehaviour {
    fn default() -> Self {
        Self {
            certificate: "good".to_owned(),
            client_certificate: ClientCertificate::None,
            hints: Hints::Own,
            min_version: TlsVersion::Tls1_2,
            max_version: TlsVersion::Tls1_3,
            alpn: Alpn::Postgresql,
            suites: Suites::All,
            flight: Flight::Whole,
            after: AfterTls::Continue,
        }
    }
}

impl Behaviour {
    /// The same with another certificate of the PKI.
    #[must_use]
    pub fn with_certificate(mut self, name: &str) -> Self {
        name.clone_into(&mut self.tls.certificate);
        self
    }
}
