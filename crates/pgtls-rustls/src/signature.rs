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
use pgtls_core::param::TlsVersion;
use pgtls_x509::{HandshakeKey, SecurityLevel};
use rustls::{
    CertificateError, DigitallySignedStruct, Error, OtherError, PeerMisbehaved, SignatureScheme,
    client::danger::HandshakeSignatureValid,
    pki_types::{CertificateDer, SubjectPublicKeyInfoDer},
    sign::SigningKey,
};
use std::{fmt, sync::Arc};

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

/// Verifies a signature of TLS 1.2. The certificate must allow that its key signs.
pub(crate) fn verify_tls12(
    message: &[u8],
    certificate: &CertificateDer<'_>,
    signed: &DigitallySignedStruct,
    algorithms: &Algorithms,
) -> Result<HandshakeSignatureValid, Error> {
    let key = HandshakeKey::read(certificate).map_err(unusable)?;
    let candidates = candidates(TlsVersion::Tls1_2, signed.scheme, algorithms);
    verify_with_one_of(candidates, &key, message, signed.signature())?;
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
    algorithms: &Algorithms,
) -> Result<HandshakeSignatureValid, Error> {
    let key = HandshakeKey::read(certificate).map_err(unusable)?;
    let candidates = candidates(TlsVersion::Tls1_3, signed.scheme, algorithms);
    verify_with_one_of(candidates, &key, message, signed.signature())?;
    Ok(HandshakeSignatureValid::assertion())
}

/// Whether signatures of this scheme, made with this key in this version of TLS, can be verified.
pub(crate) fn fits(
    version: TlsVersion,
    scheme: SignatureScheme,
    key: &HandshakeKey<'_>,
    algorithms: &Algorithms,
) -> bool {
    let candidates = candidates(version, scheme, algorithms);
    // rustls offers uncompressed points alone, which concerns TLS 1.2.
    let has_offered_form = version != TlsVersion::Tls1_2 || !key.is_compressed();
    key.is_well_formed()
        && has_offered_form
        && candidates
            .filter_map(|candidate| for_key(candidate, key))
            .any(|candidate| candidate.takes_key(key.public_key()))
}

/// Whether a client signs with this scheme and key in some version of TLS: RSASSA-PKCS1-v1_5 in TLS 1.2, and the others in
/// both.
pub(crate) fn signs_with(scheme: SignatureScheme, key: &HandshakeKey<'_>, algorithms: &Algorithms) -> bool {
    let version = match scheme {
        SignatureScheme::RSA_PKCS1_SHA256
        | SignatureScheme::RSA_PKCS1_SHA384
        | SignatureScheme::RSA_PKCS1_SHA512 => TlsVersion::Tls1_2,
        _ => TlsVersion::Tls1_3,
    };
    fits(version, scheme, key, algorithms)
        && candidates(version, scheme, algorithms)
            .filter_map(|candidate| for_key(candidate, key))
            .any(|candidate| candidate.has_room(key.public_key()))
}

/// Verifies a signature of the client's own, made with the key of this certificate.
pub(crate) fn verify_own(
    (message, scheme, signature): (&[u8], SignatureScheme, &[u8]),
    certificate: &CertificateDer<'_>,
    algorithms: &Algorithms,
) -> Result<(), Error> {
    let key = HandshakeKey::read(certificate).map_err(unusable)?;
    verify_with_one_of(algorithms.of_scheme(scheme), &key, message, signature)
}

/// The algorithm as it is used with this key, if it is for this kind of key.
fn for_key(candidate: HandshakeAlgorithm, key: &HandshakeKey<'_>) -> Option<HandshakeAlgorithm> {
    let is_of_kind = candidate.as_dyn().public_key_alg_id().as_ref() == key.algorithm();
    match candidate {
        _ if !is_of_kind => None,
        HandshakeAlgorithm::RsaPss(algorithm) => {
            algorithm.restricted(key.pss_restriction()).map(HandshakeAlgorithm::RsaPss)
        }
        other => Some(other),
    }
}

/// The algorithms for a scheme. In TLS 1.2 it stands for several, of which the one for the key is used; in TLS 1.3 for one
/// algorithm and one kind of key.
fn candidates(
    version: TlsVersion,
    scheme: SignatureScheme,
    algorithms: &Algorithms,
) -> impl Iterator<Item = HandshakeAlgorithm> {
    let is_tls13 = version == TlsVersion::Tls1_3;
    let candidates = algorithms.of_scheme(scheme).enumerate();
    let is_candidate = move |(index, _): &(usize, HandshakeAlgorithm)| {
        !is_tls13 || (!is_of_tls12_alone(scheme) && *index == 0)
    };
    candidates.filter(is_candidate).map(|(_, candidate)| candidate)
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
    let Ok(public_key) = HandshakeKey::read(certificate) else { return false };
    let is_same = |of_key: SubjectPublicKeyInfoDer<'_>| of_key.as_ref() == public_key.public_key_info();
    key.public_key().is_some_and(is_same) || signs_for(key, &public_key, algorithms)
}

fn signs_for(key: &dyn SigningKey, public_key: &HandshakeKey<'_>, algorithms: &Algorithms) -> bool {
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
    key: &HandshakeKey<'_>,
    message: &[u8],
    signature: &[u8],
) -> Result<(), Error> {
    let mut candidates = candidates.into_iter().peekable();
    if candidates.peek().is_none() {
        return Err(UNKNOWN_SCHEME);
    }
    let Some(algorithm) = candidates.find_map(|candidate| for_key(candidate, key)) else {
        return Err(PeerMisbehaved::SignedKxWithWrongAlgorithm.into());
    };
    let verified = algorithm.as_dyn().verify_signature(key.public_key(), message, signature);
    verified.map_err(|_| CertificateError::BadSignature.into())
}

/// A certificate without a public key that can be found and read.
fn unusable(error: impl core::error::Error + Send + Sync + 'static) -> Error {
    CertificateError::Other(OtherError(Arc::new(error))).into()
}
