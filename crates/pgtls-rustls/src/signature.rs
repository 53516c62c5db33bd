//! The server's signature over the handshake, for certificates of any version.
//!
//! rustls' own helpers parse the certificate as webpki does and refuse X.509 v1, which is what `openssl x509 -req` makes
//! by default. Here the public key is taken out of the certificate and nothing else of it is looked at. The signature is
//! always checked, also when nobody asks for the chain: without it anyone could pass on another server's certificate.

use crate::{
    algorithms::{Algorithms, HandshakeAlgorithm},
    options::TlsOptions,
    strength,
};
use pgtls_x509::{SecurityLevel, may_sign_key_exchange, subject_public_key_info};
use rustls::{
    CertificateError, DigitallySignedStruct, Error, OtherError, PeerMisbehaved, SignatureScheme,
    client::danger::HandshakeSignatureValid,
    pki_types::{CertificateDer, SubjectPublicKeyInfoDer},
    sign::SigningKey,
};
use std::{fmt, sync::Arc};
use webpki::RawPublicKeyEntity;

/// The schemes that can be verified, if they are strong enough.
pub(crate) fn supported_schemes(algorithms: &Algorithms, level: SecurityLevel) -> Vec<SignatureScheme> {
    let mut schemes = algorithms.schemes();
    schemes.retain(|scheme| strength::is_strong_scheme(*scheme, level));
    schemes
}

/// The schemes that are offered to a server, in order of preference.
pub(crate) fn offered_schemes(options: &TlsOptions) -> Vec<SignatureScheme> {
    let algorithms = Algorithms::new(&options.provider);
    options.schemes.for_servers(supported_schemes(&algorithms, options.security_level))
}

/// TLS 1.2: a scheme stands for several algorithms, of which the one for the key's curve is used. The certificate must
/// allow that its key signs.
pub(crate) fn verify_tls12(
    message: &[u8],
    certificate: &CertificateDer<'_>,
    signed: &DigitallySignedStruct,
    algorithms: &Algorithms,
) -> Result<HandshakeSignatureValid, Error> {
    let candidates = algorithms.of_scheme(signed.scheme);
    verify_with_one_of(candidates, &public_key(certificate)?, message, signed.signature())?;
    if !may_sign_key_exchange(certificate).map_err(unusable)? {
        return Err(Error::Other(OtherError(Arc::new(NotForSigning))));
    }
    Ok(HandshakeSignatureValid::assertion())
}

/// The server signed with a key whose certificate forbids it. rustls sends the alert that OpenSSL sends, handshake_failure.
#[derive(Debug)]
struct NotForSigning;

impl fmt::Display for NotForSigning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "the key usage of the server certificate does not allow signatures, which TLS 1.2 needs (OpenSSL: bad ecc \
             cert); add digitalSignature to it",
        )
    }
}

impl core::error::Error for NotForSigning {}

/// TLS 1.3: a scheme stands for one algorithm and one kind of key.
pub(crate) fn verify_tls13(
    message: &[u8],
    certificate: &CertificateDer<'_>,
    signed: &DigitallySignedStruct,
    algorithms: &Algorithms,
) -> Result<HandshakeSignatureValid, Error> {
    if is_of_tls12_alone(signed.scheme) {
        return Err(UNKNOWN_SCHEME);
    }
    // A key for RSASSA-PSS alone has two names, by either of which it is for this one algorithm.
    let candidates = algorithms.of_scheme(signed.scheme).enumerate();
    let candidates = candidates
        .filter(|(index, candidate)| *index == 0 || matches!(candidate, HandshakeAlgorithm::RsaPss(_)))
        .map(|(_, candidate)| candidate);
    verify_with_one_of(candidates, &public_key(certificate)?, message, signed.signature())?;
    Ok(HandshakeSignatureValid::assertion())
}

/// Schemes that no signature in TLS 1.3 may have: those with the padding of PKCS #1 v1.5, and those with SHA-1 (RFC 8446,
/// section 4.2.3).
fn is_of_tls12_alone(scheme: SignatureScheme) -> bool {
    matches!(
        scheme,
        SignatureScheme::RSA_PKCS1_SHA1
            | SignatureScheme::ECDSA_SHA1_Legacy
            | SignatureScheme::RSA_PKCS1_SHA256
            | SignatureScheme::RSA_PKCS1_SHA384
            | SignatureScheme::RSA_PKCS1_SHA512
    )
}

/// Whether the private key is the one of the certificate, whatever form its public key is written in: what the one signs,
/// the other verifies.
pub(crate) fn is_key_of(
    key: &dyn SigningKey,
    certificate: &CertificateDer<'_>,
    algorithms: &Algorithms,
) -> bool {
    let Ok(public_key) = public_key(certificate) else { return false };
    key.public_key().is_some_and(|of_key| of_key == public_key) || signs_for(key, &public_key, algorithms)
}

fn signs_for(
    key: &dyn SigningKey,
    public_key: &SubjectPublicKeyInfoDer<'_>,
    algorithms: &Algorithms,
) -> bool {
    const MESSAGE: &[u8] = b"pgtls: does this key belong to this certificate?";
    let Some(signer) = key.choose_scheme(&supported_schemes(algorithms, SecurityLevel(0))) else {
        return false;
    };
    let Ok(signature) = signer.sign(MESSAGE) else { return false };
    verify_with_one_of(algorithms.of_scheme(signer.scheme()), public_key, MESSAGE, &signature).is_ok()
}

const UNKNOWN_SCHEME: Error = Error::PeerMisbehaved(PeerMisbehaved::SignedHandshakeWithUnadvertisedSigScheme);

/// Verifies with the first of a scheme's algorithms that is for this kind of key.
fn verify_with_one_of(
    candidates: impl IntoIterator<Item = HandshakeAlgorithm>,
    key: &SubjectPublicKeyInfoDer<'_>,
    message: &[u8],
    signature: &[u8],
) -> Result<(), Error> {
    let key = RawPublicKeyEntity::try_from(key).map_err(unusable)?;
    let mut is_known = false;
    for algorithm in candidates {
        is_known = true;
        match key.verify_signature(algorithm.as_dyn(), message, signature) {
            Ok(()) => return Ok(()),
            Err(webpki::Error::UnsupportedSignatureAlgorithmForPublicKeyContext(_)) => {}
            Err(_) => return Err(CertificateError::BadSignature.into()),
        }
    }
    Err(if is_known { PeerMisbehaved::SignedKxWithWrongAlgorithm.into() } else { UNKNOWN_SCHEME })
}

fn public_key<'a>(certificate: &'a CertificateDer<'_>) -> Result<SubjectPublicKeyInfoDer<'a>, Error> {
    subject_public_key_info(certificate).map(SubjectPublicKeyInfoDer::from).map_err(unusable)
}

/// A certificate without a public key that can be found and read.
fn unusable(error: impl core::error::Error + Send + Sync + 'static) -> Error {
    CertificateError::Other(OtherError(Arc::new(error))).into()
}
