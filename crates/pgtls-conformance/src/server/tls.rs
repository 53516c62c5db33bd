//! TLS as a behaviour wants it: the configuration of rustls' server side.

use super::{
    answer::{Alpn, ClientCertificate},
    disguise::{Disguise, as_the_client_knows},
    script::{TlsBehaviour, TlsVersion},
};
use crate::zoo::{Identity, Zoo, ZooError};
use der::{Decode as _, Encode as _};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, RootCertStore, ServerConfig,
    SignatureScheme, SupportedProtocolVersion,
    client::danger::HandshakeSignatureValid,
    crypto::{CryptoProvider, aws_lc_rs, verify_tls13_signature_with_raw_key},
    pki_types::{CertificateDer, SubjectPublicKeyInfoDer, UnixTime},
    server::{
        ClientHello, NoServerSessionStorage, ResolvesServerCert, WebPkiClientVerifier,
        danger::{ClientCertVerified, ClientCertVerifier},
    },
    sign::CertifiedKey,
    version,
};
use std::sync::Arc;
use webpki::RawPublicKeyEntity;

/// Names of the authorities that are offered to clients as a hint.
const CLIENT_AUTHORITIES: &[&str] = &["root", "clientca"];

/// Everything of a behaviour that can be made before a client comes.
#[derive(Debug)]
pub(super) struct Prepared {
    certified: Arc<CertifiedKey>,
    verifier: Option<Arc<dyn ClientCertVerifier>>,
    versions: Vec<&'static SupportedProtocolVersion>,
    /// The digest of `tls-server-end-point` (RFC 5929); none for certificates whose signature names no hash.
    pub(super) end_point: Option<Vec<u8>>,
}

impl Prepared {
    pub(super) fn new(behaviour: &TlsBehaviour, zoo: &Zoo) -> Result<Self, PrepareError> {
        let identity = zoo.server(&behaviour.certificate)?;
        Ok(Self {
            certified: Arc::new(certified(identity)?),
            verifier: verifier(behaviour.client_certificate, zoo)?,
            versions: [(TlsVersion::Tls1_2, &version::TLS12), (TlsVersion::Tls1_3, &version::TLS13)]
                .into_iter()
                .filter(|(version, _)| (behaviour.min_version..=behaviour.max_version).contains(version))
                .map(|(_, version)| version)
                .collect(),
            end_point: identity.server_end_point().map(<[u8]>::to_vec),
        })
    }

    /// For one connection. Disguised, the configuration is for a thread that wears its [`Disguise`].
    pub(super) fn config(&self, alpn: Alpn, disguised: bool) -> Result<Arc<ServerConfig>, Error> {
        let provider = if disguised { Disguise::provider() } else { Arc::new(aws_lc_rs::default_provider()) };
        let builder = ServerConfig::builder_with_provider(provider).with_protocol_versions(&self.versions)?;
        let builder = match &self.verifier {
            Some(verifier) => builder.with_client_cert_verifier(Arc::clone(verifier)),
            None => builder.with_no_client_auth(),
        };
        let mut config = builder.with_cert_resolver(Arc::new(Always(Arc::clone(&self.certified))));
        config.alpn_protocols = match alpn {
            Alpn::Postgresql => vec![b"postgresql".to_vec()],
            Alpn::None => Vec::new(),
            Alpn::Wrong => vec![b"http/1.1".to_vec()],
        };
        // No session is ever resumed, so that every connection shows all of the handshake.
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        Ok(Arc::new(config))
    }
}

/// Why a behaviour cannot be had.
#[derive(Debug)]
pub(super) enum PrepareError {
    Zoo(ZooError),
    Tls(Error),
}

impl From<ZooError> for PrepareError {
    fn from(error: ZooError) -> Self {
        Self::Zoo(error)
    }
}

impl From<Error> for PrepareError {
    fn from(error: Error) -> Self {
        Self::Tls(error)
    }
}

/// The certificate is not looked at: rustls' own constructor would refuse the odd ones.
fn certified(identity: &Identity) -> Result<CertifiedKey, Error> {
    let key = aws_lc_rs::sign::any_supported_type(&identity.key().pkcs8())?;
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

fn verifier(
    asked: ClientCertificate,
    zoo: &Zoo,
) -> Result<Option<Arc<dyn ClientCertVerifier>>, PrepareError> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let mut roots = RootCertStore::empty();
    for name in CLIENT_AUTHORITIES {
        roots.add(zoo.authority(name)?.leaf().clone())?;
    }
    let hints = roots.subjects();
    let chain = match asked {
        ClientCertificate::None => return Ok(None),
        ClientCertificate::Optional | ClientCertificate::Required => None,
        ClientCertificate::Verify => Some(
            WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
                .allow_unauthenticated()
                .build()
                .map_err(general)?,
        ),
    };
    let mandatory = asked == ClientCertificate::Required;
    Ok(Some(Arc::new(Verifier { chain, hints, mandatory, provider })))
}

/// Asks for a certificate, and judges its chain as `chain` does, or takes any. What the client signed is always checked,
/// and seen through a disguise.
#[derive(Debug)]
struct Verifier {
    chain: Option<Arc<dyn ClientCertVerifier>>,
    hints: Vec<DistinguishedName>,
    mandatory: bool,
    provider: Arc<CryptoProvider>,
}

impl ClientCertVerifier for Verifier {
    fn client_auth_mandatory(&self) -> bool {
        self.mandatory
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &self.hints
    }

    fn verify_client_cert(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        match &self.chain {
            Some(chain) => chain.verify_client_cert(leaf, intermediates, now),
            None => Ok(ClientCertVerified::assertion()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        let key = public_key(certificate)?;
        let key = RawPublicKeyEntity::try_from(&key).map_err(general)?;
        let message = as_the_client_knows(message);
        // The key alone tells which of the scheme's algorithms it is.
        algorithms
            .mapping
            .iter()
            .filter(|(scheme, _)| *scheme == signature.scheme)
            .flat_map(|(_, algorithms)| *algorithms)
            .find_map(|algorithm| key.verify_signature(*algorithm, &message, signature.signature()).ok())
            .map(|()| HandshakeSignatureValid::assertion())
            .ok_or(Error::InvalidCertificate(CertificateError::BadSignature))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature_with_raw_key(message, &public_key(certificate)?, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// The key alone: webpki's own way to it refuses X.509 version 1.
fn public_key(certificate: &[u8]) -> Result<SubjectPublicKeyInfoDer<'static>, Error> {
    let certificate = x509_cert::Certificate::from_der(certificate).map_err(general)?;
    let key = certificate.tbs_certificate().subject_public_key_info().to_der().map_err(general)?;
    Ok(key.into())
}

fn general(error: impl core::fmt::Display) -> Error {
    Error::General(error.to_string())
}
