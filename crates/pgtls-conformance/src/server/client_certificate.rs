//! Asking a client for its certificate, and judging it as PostgreSQL's OpenSSL does.

use super::{
    answer::{ClientCertificate, Hints},
    client_hello_rewrite::as_sent,
    odd_key::RSA_PSS_PSS_SHA256,
};
use crate::pki::{Pki, PkiError};
use der::{Decode as _, Encode as _};
use pgtls_x509::{Purpose, Refusal, SecurityLevel, TrustStore, VerifyOptions, X509Error, verify_chain};
use rsa::{pkcs1::DecodeRsaPublicKey as _, signature::Verifier as _};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, SignatureScheme,
    client::danger::HandshakeSignatureValid,
    crypto::{WebPkiSupportedAlgorithms, aws_lc_rs, verify_tls13_signature_with_raw_key},
    pki_types::{CertificateDer, SubjectPublicKeyInfoDer, UnixTime},
    server::danger::{ClientCertVerified, ClientCertVerifier},
};
use sha2::Sha256;
use std::sync::Arc;
use webpki::RawPublicKeyEntity;

/// The authorities of `ssl_ca_file`: their names are offered to clients as a hint.
const AUTHORITIES: &[&str] = &["root", "clientca"];
/// Who is named instead.
const UNRELATED: &[&str] = &["root2"];

/// What rustls asks with, when a certificate is to be asked for.
pub(super) fn verifier(
    asked: ClientCertificate,
    hints: Hints,
    pki: &Pki,
) -> Result<Option<Arc<dyn ClientCertVerifier>>, PkiError> {
    let certificates = |names: &[&str]| {
        names.iter().map(|name| Ok(pki.authority(name)?.leaf())).collect::<Result<Vec<_>, PkiError>>()
    };
    let authorities = certificates(AUTHORITIES)?;
    let named = match hints {
        Hints::Own => authorities.clone(),
        Hints::None => Vec::new(),
        Hints::Unrelated => certificates(UNRELATED)?,
    };
    let trust = match asked {
        ClientCertificate::None => return Ok(None),
        ClientCertificate::Optional | ClientCertificate::Required => None,
        ClientCertificate::Verify => Some(TrustStore::from_der(authorities.iter().map(AsRef::as_ref))),
    };
    Ok(Some(Arc::new(Verifier {
        trust,
        hints: named.into_iter().filter_map(|certificate| subject(certificate)).collect(),
        mandatory: asked == ClientCertificate::Required,
        algorithms: aws_lc_rs::default_provider().signature_verification_algorithms,
    })))
}

/// Asks for a certificate, and takes those whose chain ends in `trust`, or any. What the client signed is always checked,
/// and seen through a disguise.
#[derive(Debug)]
struct Verifier {
    trust: Option<TrustStore>,
    hints: Vec<DistinguishedName>,
    mandatory: bool,
    algorithms: WebPkiSupportedAlgorithms,
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
        if let Some(trust) = &self.trust {
            let presented: Vec<&[u8]> = intermediates.iter().map(AsRef::as_ref).collect();
            let options =
                VerifyOptions::new(now, Purpose::Client, SecurityLevel::DEFAULT, self.algorithms.all);
            verify_chain(leaf, &presented, trust, None, &options).map_err(|error| refusal(&error))?;
        }
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let message = as_sent(message);
        if signature.scheme == RSA_PSS_PSS_SHA256 {
            return rsa_pss(certificate, &message, signature);
        }
        let key = public_key(certificate)?;
        let key = RawPublicKeyEntity::try_from(&key).map_err(general)?;
        // The key alone tells which of the scheme's algorithms it is.
        self.algorithms
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
        if signature.scheme == RSA_PSS_PSS_SHA256 {
            return rsa_pss(certificate, message, signature);
        }
        verify_tls13_signature_with_raw_key(message, &public_key(certificate)?, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        [self.algorithms.supported_schemes(), vec![RSA_PSS_PSS_SHA256]].concat()
    }
}

/// A signature of a key that names RSASSA-PSS as its algorithm, which webpki does not read.
fn rsa_pss(
    certificate: &[u8],
    message: &[u8],
    signature: &DigitallySignedStruct,
) -> Result<HandshakeSignatureValid, Error> {
    let bad = |_| Error::InvalidCertificate(CertificateError::BadSignature);
    let certificate = x509_cert::Certificate::from_der(certificate).map_err(general)?;
    let bits = certificate.tbs_certificate().subject_public_key_info().subject_public_key.raw_bytes();
    let key = rsa::PublicKey::from_pkcs1_der(bits).map_err(general)?;
    let signature = rsa::pss::Signature::try_from(signature.signature()).map_err(bad)?;
    rsa::pss::VerifyingKey::<Sha256>::new(key).verify(message, &signature).map_err(bad)?;
    Ok(HandshakeSignatureValid::assertion())
}

/// The error of rustls whose alert is the one that OpenSSL sends for this verdict.
fn refusal(error: &X509Error) -> Error {
    Error::InvalidCertificate(match error.path().map(|path| path.verdict.refusal()) {
        Some(Refusal::Expired) => CertificateError::Expired,
        Some(Refusal::NotYetValid) => CertificateError::NotValidYet,
        Some(Refusal::Revoked) => CertificateError::Revoked,
        Some(Refusal::WrongPurpose) => CertificateError::InvalidPurpose,
        Some(Refusal::BadSignature) => CertificateError::BadSignature,
        Some(_) => CertificateError::UnknownIssuer,
        None => CertificateError::BadEncoding,
    })
}

/// The name that the hint consists of.
fn subject(certificate: &[u8]) -> Option<DistinguishedName> {
    let certificate = x509_cert::Certificate::from_der(certificate).ok()?;
    certificate.tbs_certificate().subject().to_der().ok().map(DistinguishedName::from)
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
