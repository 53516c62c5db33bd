//! The client certificate: whether the server asked for it, and which certificates are sent.

use crate::{error::TlsError, handshake_log::HandshakeLog, trust::Trust, verifier::Rules};
use pgtls_x509::{X509Error, check_own_keys, complete_chain};
use rustls::{
    Error, SignatureAlgorithm, SignatureScheme,
    client::ResolvesClientCert,
    pki_types::SubjectPublicKeyInfoDer,
    sign::{CertifiedKey, Signer, SigningKey},
    time_provider::TimeProvider,
};
use std::{iter, sync::Arc};

/// Answers one server's request for a certificate.
///
/// The certificate authorities that the server names do not matter: libpq sends the certificate that it was given, whatever its
/// version and its dates. The server judges it.
#[derive(Debug)]
pub(crate) struct Resolver {
    pub(crate) identity: Option<Arc<CertifiedKey>>,
    pub(crate) rules: Arc<Rules>,
    pub(crate) clock: Arc<dyn TimeProvider>,
    pub(crate) record: Arc<HandshakeLog>,
}

impl Resolver {
    /// The identity with the chain that is sent. A certificate that is alone in its file is completed from the roots and from the
    /// certificates of the CRL files, the root included; two or more are sent as they are (OpenSSL: `ssl_add_cert_chain`).
    fn with_chain(&self, identity: &Arc<CertifiedKey>) -> Arc<CertifiedKey> {
        let (Trust::Verified { roots, .. }, [leaf]) = (&self.rules.trust, identity.cert.as_slice()) else {
            return identity.clone();
        };
        let issuers = self.clock.current_time().map(|time| complete_chain(leaf, roots, time));
        let chain: Vec<_> = iter::once(leaf.clone()).chain(issuers.unwrap_or_default()).collect();
        Arc::new(match check_own_keys(&chain, self.rules.security_level) {
            Ok(()) => CertifiedKey::new(chain, identity.key.clone()),
            Err(error) => {
                let key = RefusedKey { key: identity.key.clone(), error, record: self.record.clone() };
                CertifiedKey::new(identity.cert.clone(), Arc::new(key))
            }
        })
    }
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
        {
            let mut seen = self.record.seen();
            seen.requested = true;
            seen.answered = identity.is_some();
        }
        identity.map(|identity| self.with_chain(identity))
    }

    /// Whether rustls has to remember the handshake in order to sign it; `resolve` is asked either way.
    fn has_certs(&self) -> bool {
        self.identity.is_some()
    }
}

/// The key of a chain that the security level forbids. It fails when it has to sign, which is after the server has been
/// verified, as OpenSSL fails when it sends the chain (`ssl_security_cert_chain`).
#[derive(Clone, Debug)]
struct RefusedKey {
    key: Arc<dyn SigningKey>,
    error: X509Error,
    record: Arc<HandshakeLog>,
}

impl SigningKey for RefusedKey {
    fn choose_scheme(&self, offered: &[SignatureScheme]) -> Option<Box<dyn Signer>> {
        let scheme = self.key.choose_scheme(offered)?.scheme();
        Some(Box::new(RefusedSigner { key: self.clone(), scheme }))
    }

    fn public_key(&self) -> Option<SubjectPublicKeyInfoDer<'_>> {
        self.key.public_key()
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        self.key.algorithm()
    }
}

#[derive(Debug)]
struct RefusedSigner {
    key: RefusedKey,
    scheme: SignatureScheme,
}

impl Signer for RefusedSigner {
    fn sign(&self, _message: &[u8]) -> Result<Vec<u8>, Error> {
        let RefusedKey { error, record, .. } = &self.key;
        record.seen().refused = Some(TlsError::OwnChain(error.clone()));
        Err(Error::General(error.to_string()))
    }

    fn scheme(&self) -> SignatureScheme {
        self.scheme
    }
}
