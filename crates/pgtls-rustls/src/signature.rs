//! The server's signature over the handshake, for certificates of any version.
//!
//! rustls' own helpers parse the certificate as webpki does and refuse X.509 v1, which is what `openssl x509 -req` makes
//! by default. Here the public key is taken out of the certificate and nothing else of it is looked at. The signature is
//! always checked, also when nobody asks for the chain: without it anyone could pass on another server's certificate.

use crate::{options::TlsOptions, pss, strength};
use pgtls_x509::{SecurityLevel, may_sign_key_exchange, subject_public_key_info};
use rustls::{
    CertificateError, DigitallySignedStruct, Error, OtherError, PeerMisbehaved, SignatureScheme,
    client::danger::HandshakeSignatureValid,
    crypto::{WebPkiSupportedAlgorithms, verify_tls13_signature_with_raw_key},
    pki_types::{CertificateDer, SignatureVerificationAlgorithm, SubjectPublicKeyInfoDer},
    sign::SigningKey,
};
use std::{borrow::Cow, fmt, sync::Arc};
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

/// TLS 1.2: a scheme stands for several algorithms, of which the one for the key's curve is used. The certificate must
/// allow that its key signs.
pub(crate) fn verify_tls12(
    message: &[u8],
    certificate: &CertificateDer<'_>,
    signed: &DigitallySignedStruct,
    algorithms: &WebPkiSupportedAlgorithms,
) -> Result<HandshakeSignatureValid, Error> {
    verify_with_any(signed.scheme, &public_key(certificate)?, message, signed.signature(), algorithms)?;
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
    algorithms: &WebPkiSupportedAlgorithms,
) -> Result<HandshakeSignatureValid, Error> {
    let key = public_key(certificate)?;
    if pss::find(signed.scheme).is_some() {
        verify_with_any(signed.scheme, &key, message, signed.signature(), algorithms)?;
        return Ok(HandshakeSignatureValid::assertion());
    }
    // No signature of TLS 1.3 has the padding of PKCS #1 v1.5.
    let is_pss = matches!(
        signed.scheme,
        SignatureScheme::RSA_PSS_SHA256 | SignatureScheme::RSA_PSS_SHA384 | SignatureScheme::RSA_PSS_SHA512
    );
    if is_pss && let Some(verified) = verify_with_small_rsa(signed.scheme, &key, message, signed.signature())
    {
        return verified.map(|()| HandshakeSignatureValid::assertion());
    }
    verify_tls13_signature_with_raw_key(message, &key, signed, algorithms)
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
    verify_with_any(signer.scheme(), public_key, MESSAGE, &signature, algorithms).is_ok()
}

/// Verifies with whichever of a scheme's algorithms is for this kind of key.
fn verify_with_any(
    scheme: SignatureScheme,
    key: &SubjectPublicKeyInfoDer<'_>,
    message: &[u8],
    signature: &[u8],
    algorithms: &WebPkiSupportedAlgorithms,
) -> Result<(), Error> {
    const UNKNOWN: Error = Error::PeerMisbehaved(PeerMisbehaved::SignedHandshakeWithUnadvertisedSigScheme);
    if let Some(verified) = verify_with_small_rsa(scheme, key, message, signature) {
        return verified;
    }
    if let Some(pss) = pss::find(scheme) {
        let [unrestricted, restricted] = pss.algorithms(algorithms).ok_or(UNKNOWN)?;
        return verify_with_one_of(&[&unrestricted, &restricted], key, message, signature);
    }
    let (_, candidates) = algorithms.mapping.iter().find(|(mapped, _)| *mapped == scheme).ok_or(UNKNOWN)?;
    verify_with_one_of(candidates, key, message, signature)
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
    let key = subject_public_key_info(certificate).map_err(unusable)?;
    Ok(match key {
        Cow::Borrowed(der) => der.into(),
        Cow::Owned(der) => der.into(),
    })
}

/// A certificate without a public key that can be found and read.
fn unusable(error: impl core::error::Error + Send + Sync + 'static) -> Error {
    CertificateError::Other(OtherError(Arc::new(error))).into()
}
