//! The server's signature over the handshake, for certificates of any version.
//!
//! rustls' own helpers parse the certificate as webpki does and refuse X.509 v1, which is what `openssl x509 -req` makes
//! by default. Here the public key is taken out of the certificate and nothing else of it is looked at. The signature is
//! always checked, also when nobody asks for the chain: without it anyone could pass on another server's certificate.

use crate::{options::TlsOptions, pss, strength};
use pgtls_core::param::TlsVersion;
use pgtls_x509::{HandshakeKey, SecurityLevel};
use rustls::{
    CertificateError, DigitallySignedStruct, Error, OtherError, PeerMisbehaved, SignatureScheme,
    client::danger::HandshakeSignatureValid,
    crypto::WebPkiSupportedAlgorithms,
    pki_types::{CertificateDer, SignatureVerificationAlgorithm, SubjectPublicKeyInfoDer},
    sign::SigningKey,
};
use std::{fmt, sync::Arc};
use webpki::RawPublicKeyEntity;

/// The schemes that can be verified: the provider's, and those of RSA-PSS keys whose algorithm it has, if they are strong enough.
pub(crate) fn supported_schemes(
    algorithms: &WebPkiSupportedAlgorithms,
    level: SecurityLevel,
) -> Vec<SignatureScheme> {
    let mut schemes = algorithms.supported_schemes();
    schemes.extend(pss::schemes(algorithms));
    schemes.retain(|scheme| strength::is_strong_scheme(*scheme, level));
    schemes
}

/// The schemes that are offered to a server, in order of preference.
pub(crate) fn offered_schemes(options: &TlsOptions) -> Vec<SignatureScheme> {
    let algorithms = &options.provider.signature_verification_algorithms;
    options.schemes.for_servers(supported_schemes(algorithms, options.security_level))
}

/// Verifies a signature of TLS 1.2. The certificate must allow that its key signs.
pub(crate) fn verify_tls12(
    message: &[u8],
    certificate: &CertificateDer<'_>,
    signed: &DigitallySignedStruct,
    algorithms: &WebPkiSupportedAlgorithms,
) -> Result<HandshakeSignatureValid, Error> {
    let key = HandshakeKey::read(certificate).map_err(unusable)?;
    let info = SubjectPublicKeyInfoDer::from(key.public_key_info());
    verify_with_any(TlsVersion::Tls1_2, signed.scheme, &info, message, signed.signature(), algorithms)?;
    if !key.may_sign_key_exchange().map_err(unusable)? {
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

/// Verifies a signature of TLS 1.3.
pub(crate) fn verify_tls13(
    message: &[u8],
    certificate: &CertificateDer<'_>,
    signed: &DigitallySignedStruct,
    algorithms: &WebPkiSupportedAlgorithms,
) -> Result<HandshakeSignatureValid, Error> {
    let key = public_key(certificate)?;
    verify_with_any(TlsVersion::Tls1_3, signed.scheme, &key, message, signed.signature(), algorithms)?;
    Ok(HandshakeSignatureValid::assertion())
}

/// Whether signatures of this scheme, made with this key in this version of TLS, can be verified.
pub(crate) fn fits(
    version: TlsVersion,
    scheme: SignatureScheme,
    key: &HandshakeKey<'_>,
    algorithms: &WebPkiSupportedAlgorithms,
) -> bool {
    let is_for_key = |algorithms: &[&dyn SignatureVerificationAlgorithm]| {
        algorithms.iter().any(|algorithm| algorithm.public_key_alg_id().as_ref() == key.algorithm())
    };
    key.is_well_formed() && with_algorithms(version, scheme, algorithms, is_for_key) == Some(true)
}

/// Calls `with` with the algorithms of a scheme; `None` when the version or the provider does not have the scheme. In TLS 1.2 a
/// scheme stands for several algorithms, of which the one for the key's curve is used; in TLS 1.3 for one algorithm and one
/// kind of key, and none has the padding of PKCS #1 v1.5 (RFC 8446, section 4.2.3).
fn with_algorithms<T>(
    version: TlsVersion,
    scheme: SignatureScheme,
    algorithms: &WebPkiSupportedAlgorithms,
    with: impl FnOnce(&[&dyn SignatureVerificationAlgorithm]) -> T,
) -> Option<T> {
    if let Some(pss) = pss::find(scheme) {
        let [unrestricted, restricted] = pss.algorithms(algorithms)?;
        return Some(with(&[&unrestricted, &restricted]));
    }
    let (_, candidates) = algorithms.mapping.iter().find(|(mapped, _)| *mapped == scheme)?;
    match (version, scheme) {
        (
            TlsVersion::Tls1_3,
            SignatureScheme::RSA_PKCS1_SHA1
            | SignatureScheme::RSA_PKCS1_SHA256
            | SignatureScheme::RSA_PKCS1_SHA384
            | SignatureScheme::RSA_PKCS1_SHA512
            | SignatureScheme::ECDSA_SHA1_Legacy,
        ) => None,
        (TlsVersion::Tls1_3, _) => Some(with(candidates.get(..1)?)),
        _ => Some(with(candidates)),
    }
}

/// Whether the private key is the one of the certificate, whatever form its public key is written in: what the one signs,
/// the other verifies.
pub(crate) fn is_key_of(
    key: &dyn SigningKey,
    certificate: &CertificateDer<'_>,
    algorithms: &WebPkiSupportedAlgorithms,
) -> bool {
    let Ok(public_key) = public_key(certificate) else { return false };
    key.public_key().is_some_and(|of_key| of_key == public_key) || signs_for(key, &public_key, algorithms)
}

fn signs_for(
    key: &dyn SigningKey,
    public_key: &SubjectPublicKeyInfoDer<'_>,
    algorithms: &WebPkiSupportedAlgorithms,
) -> bool {
    const MESSAGE: &[u8] = b"pgtls: does this key belong to this certificate?";
    let Some(signer) = key.choose_scheme(&supported_schemes(algorithms, SecurityLevel(0))) else {
        return false;
    };
    let Ok(signature) = signer.sign(MESSAGE) else { return false };
    // The version with the most schemes: whether the keys belong together does not depend on it.
    verify_with_any(TlsVersion::Tls1_2, signer.scheme(), public_key, MESSAGE, &signature, algorithms).is_ok()
}

/// Verifies with whichever of a scheme's algorithms is for this kind of key.
fn verify_with_any(
    version: TlsVersion,
    scheme: SignatureScheme,
    key: &SubjectPublicKeyInfoDer<'_>,
    message: &[u8],
    signature: &[u8],
    algorithms: &WebPkiSupportedAlgorithms,
) -> Result<(), Error> {
    const UNKNOWN: Error = Error::PeerMisbehaved(PeerMisbehaved::SignedHandshakeWithUnadvertisedSigScheme);
    let verify = |candidates: &[&dyn SignatureVerificationAlgorithm]| {
        verify_with_small_rsa(scheme, key, message, signature)
            .unwrap_or_else(|| verify_with_one_of(candidates, key, message, signature))
    };
    with_algorithms(version, scheme, algorithms, verify).unwrap_or(Err(UNKNOWN))
}

/// Verifies with an RSA key that is too small for every algorithm; `None` if it is another key.
#[cfg(feature = "small-rsa")]
fn verify_with_small_rsa(
    scheme: SignatureScheme,
    key: &SubjectPublicKeyInfoDer<'_>,
    message: &[u8],
    signature: &[u8],
) -> Option<Result<(), Error>> {
    let is_good = crate::small_rsa::verify(scheme, key, message, signature)?;
    Some(if is_good { Ok(()) } else { Err(CertificateError::BadSignature.into()) })
}

#[cfg(not(feature = "small-rsa"))]
fn verify_with_small_rsa(
    _scheme: SignatureScheme,
    _key: &SubjectPublicKeyInfoDer<'_>,
    _message: &[u8],
    _signature: &[u8],
) -> Option<Result<(), Error>> {
    None
}

/// Verifies with the one algorithm that is for this kind of key.
fn verify_with_one_of(
    candidates: &[&dyn SignatureVerificationAlgorithm],
    key: &SubjectPublicKeyInfoDer<'_>,
    message: &[u8],
    signature: &[u8],
) -> Result<(), Error> {
    let key = RawPublicKeyEntity::try_from(key).map_err(unusable)?;
    for algorithm in candidates {
        match key.verify_signature(*algorithm, message, signature) {
            Ok(()) => return Ok(()),
            Err(webpki::Error::UnsupportedSignatureAlgorithmForPublicKeyContext(_)) => {}
            Err(_) => return Err(CertificateError::BadSignature.into()),
        }
    }
    Err(PeerMisbehaved::SignedKxWithWrongAlgorithm.into())
}

fn public_key<'a>(certificate: &'a CertificateDer<'_>) -> Result<SubjectPublicKeyInfoDer<'a>, Error> {
    let key = HandshakeKey::read(certificate).map_err(unusable)?;
    Ok(SubjectPublicKeyInfoDer::from(key.public_key_info()))
}

/// A certificate without a public key that can be found and read.
fn unusable(error: impl core::error::Error + Send + Sync + 'static) -> Error {
    CertificateError::Other(OtherError(Arc::new(error))).into()
}
