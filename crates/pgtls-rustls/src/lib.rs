//! pgtls on rustls: the only crate of the project that names it.

use pgtls_core::{
    files::Loaded,
    negotiation::{TlsFacts, TlsFailure, TlsStart},
    param::Params,
    policy::Verification,
    startup::ClientCertificate,
};
use rustls::{
    ClientConfig, ClientConnection,
    crypto::CryptoProvider,
    pki_types::{CertificateDer, ServerName},
};
use std::sync::Arc;

/// The aws-lc-rs provider as a value; nothing is installed.
#[cfg(feature = "aws-lc-rs")]
pub fn aws_lc_rs() -> Arc<CryptoProvider> {
    todo!()
}

/// The ring provider as a value; nothing is installed.
#[cfg(feature = "ring")]
pub fn ring() -> Arc<CryptoProvider> {
    todo!()
}

/// Trust, CRLs and identity parsed once from loaded files: share it between connections.
pub struct Connector {}

impl Connector {
    /// Parses what was loaded. What libpq would only notice when TLS starts is kept and reported by `session`.
    pub fn new(_params: &Params, _loaded: &Loaded, _provider: Arc<CryptoProvider>) -> Self {
        todo!()
    }
    /// The TLS side of one connection: own verifier, own resolver, resumption off.
    pub fn session(&self, _host: Option<&str>, _start: TlsStart) -> Result<Session, TlsError> {
        todo!()
    }
}

/// The TLS side of one connection.
pub struct Session {}

impl Session {
    /// For `ClientConnection::new` or an async connector.
    pub fn config(&self) -> Arc<ClientConfig> {
        todo!()
    }
    /// For `ClientConnection::new` or an async connector.
    pub fn server_name(&self) -> ServerName<'static> {
        todo!()
    }
    /// After the handshake: tokens for the negotiation machine.
    pub fn facts(&self, _connection: &ClientConnection) -> TlsFacts {
        todo!()
    }
    /// After a failed handshake: the reason in our words. `error` is what the stream returned (it may wrap a rustls error).
    pub fn failure(&self, _error: std::io::Error) -> TlsError {
        todo!()
    }
    /// Client certificate asked for / sent so far.
    pub fn client_certificate(&self) -> ClientCertificate {
        todo!()
    }
    /// Everything a person or a driver may want to know about the session.
    pub fn session_facts(&self, _connection: &ClientConnection) -> SessionFacts {
        todo!()
    }
}

/// Facts of an established session (`PQsslAttribute` and more).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SessionFacts {
    /// `TLSv1.2` or `TLSv1.3`.
    pub protocol: &'static str,
    /// OpenSSL's name of the cipher suite.
    pub cipher: String,
    /// `postgresql` or none.
    pub alpn: Option<String>,
    /// SNI that was sent.
    pub sni: Option<String>,
    /// What was verified.
    pub verified: Verification,
    /// The name that matched.
    pub matched_name: Option<String>,
    /// The server's certificate.
    pub peer_certificate: Option<CertificateDer<'static>>,
}

/// Why TLS failed. Carries the x509 verdict, host mismatch, file problem or rustls error whole.
#[derive(Debug)]
#[non_exhaustive]
pub enum TlsError {
    // to be completed
}

impl TlsError {
    /// For the negotiation machine.
    pub fn failure(&self) -> TlsFailure {
        todo!()
    }
}
