//! TLS as a behaviour wants it: the configuration of rustls' server side.

use super::{
    answer::{Alpn, Suites},
    behaviour::{TlsBehaviour, TlsVersion},
    client_certificate,
    client_hello_rewrite::ClientHelloRewrite,
    odd_key,
};
use crate::pki::{Identity, NAMED, Pki, PkiError};
use pgtls_core::message::ALPN_POSTGRESQL;
use rustls::{
    CipherSuite, Error, ServerConfig, SupportedProtocolVersion,
    crypto::aws_lc_rs,
    server::{ClientHello, NoServerSessionStorage, ResolvesServerCert, danger::ClientCertVerifier},
    sign::CertifiedKey,
    version,
};
use std::sync::Arc;

/// Everything of a behaviour that can be made before a client comes.
#[derive(Debug)]
pub(super) struct Prepared {
    certified: Arc<CertifiedKey>,
    verifier: Option<Arc<dyn ClientCertVerifier>>,
    versions: Vec<&'static SupportedProtocolVersion>,
    suites: Suites,
    /// The digest of `tls-server-end-point` (RFC 5929); none for certificates whose signature names no hash.
    pub(super) end_point: Option<Vec<u8>>,
}

impl Prepared {
    pub(super) fn new(behaviour: &TlsBehaviour, pki: &Pki) -> Result<Self, PrepareError> {
        let made;
        let identity = match behaviour.certificate.strip_prefix(NAMED) {
            Some(names) => {
                made = pki.named(names)?;
                &made
            }
            None => pki.server(&behaviour.certificate)?,
        };
        Ok(Self {
            certified: Arc::new(certified(identity)?),
            verifier: client_certificate::verifier(behaviour.client_certificate, behaviour.hints, pki)?,
            versions: [(TlsVersion::Tls1_2, &version::TLS12), (TlsVersion::Tls1_3, &version::TLS13)]
                .into_iter()
                .filter(|(version, _)| (behaviour.min_version..=behaviour.max_version).contains(version))
                .map(|(_, version)| version)
                .collect(),
            suites: behaviour.suites,
            end_point: identity.server_end_point().map(<[u8]>::to_vec),
        })
    }

    /// For one connection. Disguised, the configuration is for a thread that wears its [`ClientHelloRewrite`].
    pub(super) fn config(&self, alpn: Alpn, disguised: bool) -> Result<Arc<ServerConfig>, Error> {
        let mut provider =
            if disguised { ClientHelloRewrite::provider() } else { Arc::new(aws_lc_rs::default_provider()) };
        if self.suites != Suites::All {
            Arc::make_mut(&mut provider).cipher_suites.retain(|suite| has(self.suites, suite.suite()));
        }
        let builder = ServerConfig::builder_with_provider(provider).with_protocol_versions(&self.versions)?;
        let builder = match &self.verifier {
            Some(verifier) => builder.with_client_cert_verifier(Arc::clone(verifier)),
            None => builder.with_no_client_auth(),
        };
        let mut config = builder.with_cert_resolver(Arc::new(Always(Arc::clone(&self.certified))));
        config.alpn_protocols = match alpn {
            Alpn::Postgresql => vec![ALPN_POSTGRESQL.to_vec()],
            other => other.imposed().map(<[u8]>::to_vec).into_iter().collect(),
        };
        // No session is ever resumed, so that every connection shows all of the handshake.
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        Ok(Arc::new(config))
    }
}

/// Whether a list has this suite. Those of TLS 1.3 are left as they are.
fn has(suites: Suites, suite: CipherSuite) -> bool {
    use CipherSuite as Suite;
    match suite {
        Suite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384
        | Suite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256
        | Suite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384 => suites != Suites::Aes128,
        Suite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256
        | Suite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256 => suites == Suites::All,
        _ => true,
    }
}

/// Why a behaviour cannot be had.
#[derive(Debug)]
pub(super) enum PrepareError {
    Pki(PkiError),
    Tls(Error),
}

impl From<PkiError> for PrepareError {
    fn from(error: PkiError) -> Self {
        Self::Pki(error)
    }
}

impl From<Error> for PrepareError {
    fn from(error: Error) -> Self {
        Self::Tls(error)
    }
}

/// The certificate is not looked at: rustls' own constructor would refuse the odd ones.
fn certified(identity: &Identity) -> Result<CertifiedKey, Error> {
    let key = odd_key::odd(identity.key())
        .unwrap_or_else(|| aws_lc_rs::sign::any_supported_type(&identity.key().pkcs8()))?;
    Ok(CertifiedKey::new(identity.chain().to_vec(), key))
}

/// The same certificate for everybody.
#[derive(Debug)]
struct Always(Arc<CertifiedKey>);

impl ResolvesServerCert for Always {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }
}
