//! The `ClientConfig` that sessions are cloned from.

use crate::{error::SetupError, offer::offered, options::TlsOptions, versions::VersionRange};
use pgtls_core::message::ALPN_POSTGRESQL;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, SignatureScheme,
    client::{
        Resumption,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    pki_types::{CertificateDer, ServerName, UnixTime},
};
use std::sync::Arc;

/// Everything about a session that is the same for all of a connector's. It trusts nobody until it is given the
/// session's own verifier.
pub(crate) fn template(versions: VersionRange, options: &TlsOptions) -> Result<ClientConfig, SetupError> {
    let (provider, speakable) = offered(versions, options)?;
    let mut config = ClientConfig::builder_with_details(provider, options.clock.clone())
        .with_protocol_versions(&speakable)
        .map_err(SetupError::Provider)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(TrustNobody))
        .with_no_client_auth();
    config.alpn_protocols = vec![ALPN_POSTGRESQL.to_vec()];
    // A resumed session is not shown to the verifier.
    config.resumption = Resumption::disabled();
    if let Some(key_log) = &options.key_log {
        config.key_log = key_log.clone();
    }
    Ok(config)
}

#[derive(Debug)]
struct TrustNobody;

impl ServerCertVerifier for TrustNobody {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Err(CertificateError::ApplicationVerificationFailure.into())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(CertificateError::ApplicationVerificationFailure.into())
    }

    fn verify_tls13_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(CertificateError::ApplicationVerificationFailure.into())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        Vec::new()
    }
}
