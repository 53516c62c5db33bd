//! What happened, as data: the JSON object is this structure, the text for people is written from it.

use super::timeline::Attempt;
use crate::{
    certificate::Certificate,
    labels::{FileLine, printable},
};
use pgtls_core::{connect, startup::ClientCertificate};
use serde::Serialize;
use std::collections::BTreeMap;

/// One attempt to connect, whole.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Report {
    /// `plain`, `ssl`, `gss`, or `fail`.
    pub(crate) outcome: &'static str,
    /// The trace of all connections in the words of PostgreSQL's own negotiation test; with several hosts each word has the
    /// host's index before it.
    pub(crate) events: Vec<String>,
    /// One word for the kind of failure; that of the last error.
    pub(crate) error_class: Option<&'static str>,
    /// All errors, one per line, each with its address.
    pub(crate) error: Option<String>,
    /// TLS version, as libpq calls it.
    pub(crate) protocol: Option<String>,
    /// Cipher suite, by OpenSSL's name.
    pub(crate) cipher: Option<String>,
    /// ALPN protocol that the server selected.
    pub(crate) alpn: Option<String>,
    /// Server name sent in clear.
    pub(crate) sni: Option<String>,
    /// What was verified: `none`, `ca` or `full`.
    pub(crate) verified: &'static str,
    /// The name in the certificate that is the host's.
    pub(crate) matched_name: Option<String>,
    /// The path that was accepted, from the server's certificate to the root; empty when nothing was verified, because
    /// then it could be anybody's.
    pub(crate) certificates: Vec<Certificate>,
    /// libpq's attributes of the session (libpq: `PQsslAttributeNames`, `PQsslAttribute`); none without TLS.
    pub(crate) attributes: BTreeMap<&'static str, String>,
    /// What SCRAM can be bound to, `tls-server-end-point`, in hexadecimal digits.
    pub(crate) tls_server_end_point: Option<String>,
    /// Whether the server asked for a client certificate, and was sent one; not there without TLS.
    pub(crate) client_certificate: Option<Identification>,
    /// Files, in the order in which libpq looks at them; none if TLS was never about to start.
    pub(crate) files: Vec<FileLine>,
    /// Connections opened.
    pub(crate) connections: usize,
    /// Version of the server.
    pub(crate) server_version: Option<String>,
    /// How the server let us in.
    pub(crate) authentication: Option<&'static str>,
    /// What to change, when it failed.
    pub(crate) advice: Option<&'static str>,
    /// Each address that was tried.
    pub(crate) attempts: Vec<Attempt>,
    /// What failed before the connection was made: why it is in plain text, or with another host.
    pub(crate) earlier_errors: Vec<String>,
    /// Problems that did not prevent the connection.
    pub(crate) warnings: Vec<Warning>,
    /// `sslmode` and where it came from, for people.
    #[serde(skip)]
    pub(crate) mode: Option<(String, String)>,
}

/// A problem that did not prevent the connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Warning {
    /// Stable name of the kind.
    name: &'static str,
    /// The sentence.
    pub(crate) text: String,
    /// The line that psql prints; not there if it prints none.
    libpq: Option<String>,
}

impl From<&connect::Warning> for Warning {
    fn from(warning: &connect::Warning) -> Self {
        Self {
            name: warning.name(),
            text: printable(&warning.to_string()),
            libpq: warning.libpq_text().as_deref().map(printable),
        }
    }
}

/// The client's side of a handshake.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Identification {
    requested: bool,
    sent: bool,
}

impl From<ClientCertificate> for Identification {
    fn from(ClientCertificate { requested, sent }: ClientCertificate) -> Self {
        Self { requested, sent }
    }
}

impl Report {
    /// Not connected, and nothing seen yet.
    pub(crate) fn empty() -> Self {
        Self {
            outcome: "fail",
            events: Vec::new(),
            error_class: None,
            error: None,
            protocol: None,
            cipher: None,
            alpn: None,
            sni: None,
            verified: "none",
            matched_name: None,
            certificates: Vec::new(),
            attributes: BTreeMap::new(),
            tls_server_end_point: None,
            client_certificate: None,
            files: Vec::new(),
            connections: 0,
            server_version: None,
            authentication: None,
            advice: None,
            attempts: Vec::new(),
            earlier_errors: Vec::new(),
            warnings: Vec::new(),
            mode: None,
        }
    }

    /// Nothing could be tried, or there was no time to see it through.
    pub(crate) fn refused(error_class: &'static str, error: String) -> Self {
        Self {
            error_class: Some(error_class),
            error: Some(error),
            advice: crate::advice::advice(error_class),
            ..Self::empty()
        }
    }
}
