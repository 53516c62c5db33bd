//! The client certificate: whether the server asked for it, and whether it is sent.

use crate::record::Record;
use rustls::{SignatureScheme, client::ResolvesClientCert, sign::CertifiedKey};
use std::sync::Arc;

/// Answers one server's request for a certificate.
///
/// What certificate authorities the server says it likes does not matter: libpq sends what it was given, and so do we,
/// whatever version it has and whether or not it is in date. It is the server that judges it.
#[derive(Debug)]
pub(crate) struct Resolver {
    pub(crate) identity: Option<Arc<CertifiedKey>>,
    pub(crate) record: Arc<Record>,
}

impl ResolvesClientCert for Resolver {
    fn resolve(
        &self,
        _root_hint_subjects: &[&[u8]],
        sigschemes: &[SignatureScheme],
    ) -> Option<Arc<CertifiedKey>> {
        // rustls sends nothing when the key cannot sign as the server wants, and does not say so.
        let identity =
            self.identity.as_ref().filter(|identity| identity.key.choose_scheme(sigschemes).is_some());
        let mut seen = self.record.seen();
        seen.requested = true;
        seen.answered = identity.is_some();
        identity.cloned()
    }

    /// Whether rustls has to remember the handshake in order to sign it; `resolve` is asked either way.
    fn has_certs(&self) -> bool {
        self.identity.is_some()
    }
}
