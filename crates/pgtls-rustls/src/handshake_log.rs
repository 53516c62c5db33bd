//! What happened in one handshake, shared by the verifier, the resolver and the session.

use crate::error::TlsError;
use pgtls_core::{name::NameVerified, negotiation::ChainVerified, startup::ClientCertificate};
use pgtls_x509::VerifiedPath;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Written by the callbacks of rustls during the handshake, read by the session afterwards.
#[derive(Debug, Default)]
pub(crate) struct HandshakeLog(Mutex<HandshakeState>);

/// What was seen so far.
#[derive(Debug, Default)]
pub(crate) struct HandshakeState {
    /// Proof that the chain was verified, and the path that was accepted.
    pub(crate) chain: Option<(ChainVerified, VerifiedPath)>,
    /// Proof that the name was matched, and the name.
    pub(crate) name: Option<(NameVerified, String)>,
    /// Why the verifier refused the server, or the resolver the client's own chain.
    pub(crate) refused: Option<TlsError>,
    /// The server proved that it holds the key of its certificate.
    pub(crate) authenticated: bool,
    /// The server asked for a certificate.
    pub(crate) requested: bool,
    /// One was handed to rustls, which sends it once the server is authenticated.
    pub(crate) answered: bool,
}

impl HandshakeLog {
    /// The record for reading or writing. A panic elsewhere cannot leave it half-written: every write is one assignment.
    pub(crate) fn seen(&self) -> MutexGuard<'_, HandshakeState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl HandshakeState {
    /// What libpq would have in its flags. rustls chooses the certificate before it has verified the server and sends it
    /// after; OpenSSL does both after, so a server that was refused has, in libpq's eyes, not asked.
    pub(crate) fn client_certificate(&self) -> ClientCertificate {
        ClientCertificate {
            requested: self.authenticated && self.requested,
            sent: self.authenticated && self.answered,
        }
    }
}
