//! The signature schemes that `openssl.cnf` allows: the server's, and our own.

use pgtls_x509::openssl_conf::{Scheme, SystemDefault};
use rustls::{
    SignatureAlgorithm, SignatureScheme,
    pki_types::SubjectPublicKeyInfoDer,
    sign::{CertifiedKey, Signer, SigningKey},
};
use std::sync::Arc;

/// Schemes in order of preference.
type List = Arc<[SignatureScheme]>;

/// The signature schemes that `openssl.cnf` allows; `None` leaves it to the library.
#[derive(Clone, Debug, Default)]
pub(crate) struct Schemes {
    /// What a server may sign with (`SignatureAlgorithms`).
    server: Option<List>,
    /// What we may sign with (`ClientSignatureAlgorithms`, else the same list).
    client: Option<List>,
}

impl Schemes {
    pub(crate) fn of(system: &SystemDefault) -> Self {
        let list = |schemes: &Vec<&Scheme>| schemes.iter().map(|scheme| scheme.id.into()).collect();
        let server: Option<List> = system.signature_algorithms.as_ref().map(list);
        let client = system.client_signature_algorithms.as_ref().map(list).or_else(|| server.clone());
        Self { server, client }
    }

    /// Those that a server may sign with, of what can be verified.
    pub(crate) fn for_servers(&self, had: Vec<SignatureScheme>) -> Vec<SignatureScheme> {
        match &self.server {
            None => had,
            Some(wanted) => wanted.iter().copied().filter(|scheme| had.contains(scheme)).collect(),
        }
    }

    /// The client's key, which signs with nothing else then.
    pub(crate) fn restrict(&self, identity: Arc<CertifiedKey>) -> Arc<CertifiedKey> {
        match &self.client {
            None => identity,
            Some(allowed) => {
                let key = Restricted { key: identity.key.clone(), allowed: allowed.clone() };
                Arc::new(CertifiedKey::new(identity.cert.clone(), Arc::new(key)))
            }
        }
    }
}

/// A key that signs with some schemes alone.
#[derive(Debug)]
struct Restricted {
    key: Arc<dyn SigningKey>,
    allowed: List,
}

impl SigningKey for Restricted {
    fn choose_scheme(&self, offered: &[SignatureScheme]) -> Option<Box<dyn Signer>> {
        let offered: Vec<_> =
            offered.iter().copied().filter(|scheme| self.allowed.contains(scheme)).collect();
        self.key.choose_scheme(&offered)
    }

    fn public_key(&self) -> Option<SubjectPublicKeyInfoDer<'_>> {
        self.key.public_key()
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        self.key.algorithm()
    }
}
