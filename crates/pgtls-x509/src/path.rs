//! Path validation with OpenSSL's verdict (`X509_verify_cert`), as libpq asks for it: purpose given, no partial chains, trusted
//! certificates first, CRLs for the whole chain as soon as there are any, no policies.
//!
//! The order of the checks is OpenSSL's, because the first failure is the verdict that is reported:
//!
//! 1. the peer's own key is strong enough ([`security_level`]);
//! 2. a chain is found that ends in something trusted ([`builder`], [`issuer`], [`anchor`]);
//! 3. from the peer's certificate upwards: critical extensions, proxies, CAs, curves, purpose, path length ([`links`]);
//! 4. keys of CAs and digests of signatures are strong enough ([`security_level`]);
//! 5. no certificate is revoked ([`revocation`]);
//! 6. from the anchor downwards: who may sign, signatures, validity ([`signatures`]);
//! 7. names are within the constraints ([`name_constraints`]).
//!
//! OpenSSL does not search: among the certificates that could have issued one it takes the first that fits, and if the chain
//! built so fails, the answer is no. Searching for another would accept what OpenSSL refuses.

mod anchor;
mod basic_constraints;
mod budget;
mod builder;
mod issuer;
mod links;
mod name_constraints;
mod purpose;
mod revocation;
mod security_level;
mod signatures;
mod validity;

use crate::{
    certificate::{Certificate, Outline},
    crl::CrlStore,
    error::{CertificateName, Object, PathError, X509Error},
    source::Source,
    trust::TrustStore,
    verdict::{Budget, Verdict},
};
use alloc::{format, string::String, vec::Vec};
pub(crate) use anchor::{Trust, trust_of};
use budget::Work;
pub use budget::{MAX_PRESENTED, MAX_PRESENTED_BYTES};
use core::sync::atomic::{AtomicUsize, Ordering};
use rustls_pki_types::{CertificateDer, SignatureVerificationAlgorithm, UnixTime};
pub(crate) use signatures::Proved;

/// What the certificate is to be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// TLS server.
    Server,
    /// TLS client.
    Client,
}

/// OpenSSL's security level: the least strength of keys and digests. Level 2, 112 bits, is the default of OpenSSL and so of
/// libpq: RSA from 2048 bits (from 1963, to be exact), curves from 224 bits, no SHA-1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SecurityLevel(pub u8);

impl SecurityLevel {
    /// Level 2.
    pub const DEFAULT: Self = Self(2);
}

impl Default for SecurityLevel {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// How to verify.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct VerifyOptions<'a> {
    /// Time of the verification.
    pub time: UnixTime,
    /// Purpose.
    pub purpose: Purpose,
    /// Security level.
    pub security_level: SecurityLevel,
    /// Signature algorithms of the crypto provider.
    pub algorithms: &'a [&'a dyn SignatureVerificationAlgorithm],
    /// Counter to which the work of the verification is added, in the bytes that [`Budget`] bounds. It has no influence on the verdict.
    pub meter: Option<&'a AtomicUsize>,
}

impl<'a> VerifyOptions<'a> {
    /// Options without a meter.
    pub const fn new(
        time: UnixTime,
        purpose: Purpose,
        security_level: SecurityLevel,
        algorithms: &'a [&'a dyn SignatureVerificationAlgorithm],
    ) -> Self {
        Self { time, purpose, security_level, algorithms, meter: None }
    }
}

/// The path that was accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct VerifiedPath {
    /// DER, from the peer's certificate to the anchor.
    pub certificates: Vec<CertificateDer<'static>>,
}

/// Verifies a chain as libpq's OpenSSL would: the peer's certificate, then whatever else the peer sent, in its order.
/// Names are not compared: see [`presented_names`](crate::presented_names).
///
/// # Errors
/// A certificate that cannot be read, or the verdict. More than [`MAX_PRESENTED`] certificates or [`MAX_PRESENTED_BYTES`] bytes
/// are refused unread.
pub fn verify_chain(
    leaf: &[u8],
    presented: &[&[u8]],
    trust: &TrustStore,
    crls: Option<&CrlStore>,
    options: &VerifyOptions<'_>,
) -> Result<VerifiedPath, X509Error> {
    let bytes = check_size(leaf, presented, MAX_PRESENTED)?;
    let read =
        |der| Certificate::read(der).map_err(|error| X509Error::malformed(Object::Certificate, None, error));
    let context = Context { options, trusted_for: Some(options.purpose), trust, crls, work: Work::new() };
    let leaf = read(leaf)?;
    let mut charged = context.work.parsing(Budget::PresentedBytes, bytes, 0);
    let mut read_presented = Vec::with_capacity(presented.len());
    for der in presented {
        if charged.is_err() {
            break;
        }
        let certificate = read(der)?;
        charged = context.work.turn(Budget::PresentedBytes, certificate.key_work, 0);
        read_presented.push(certificate);
    }
    let presented = read_presented;
    let mut chain = Chain::of(&leaf);
    let checked = charged.and_then(|()| context.verify(&mut chain, &presented));
    if let Some(meter) = options.meter {
        meter.fetch_add(context.work.bytes(), Ordering::Relaxed);
    }
    match checked {
        Ok(()) => Ok(VerifiedPath {
            certificates: chain
                .certificates
                .iter()
                .map(|link| CertificateDer::from(link.der().to_vec()))
                .collect(),
        }),
        Err(failure) => {
            let certificate = chain.certificates.get(failure.depth).copied().unwrap_or(&leaf);
            Err(failure.about(certificate, trust).into())
        }
    }
}

/// Completes the chain of one's own certificate from a trust store, as OpenSSL does before it sends a certificate that has
/// no chain of its own (`ssl_add_cert_chain`). Returns the issuers that are found, in DER, from the certificate upwards, the
/// root included.
///
/// The verdict of the builder is ignored: dates, purposes, trust and a missing root end nothing. The time decides only between
/// issuers of the same name. The work is bounded as that of [`verify_chain`].
pub fn complete_chain(leaf: &[u8], trust: &TrustStore, time: UnixTime) -> Vec<CertificateDer<'static>> {
    let Ok(leaf) = Certificate::read(leaf) else { return Vec::new() };
    // Neither the purpose nor the level is looked at before a chain is built.
    let options = VerifyOptions::new(time, Purpose::Client, SecurityLevel(0), &[]);
    let context = Context { options: &options, trusted_for: None, trust, crls: None, work: Work::new() };
    let mut chain = Chain::of(&leaf);
    let _ignored = builder::build(&context, &mut chain, &[]);
    chain.links().skip(1).map(|(_, link)| CertificateDer::from(link.der().to_vec())).collect()
}

/// Refuses more than `most` certificates besides the peer's own, and more bytes than a handshake carries; else the number of bytes.
pub(crate) fn check_size(leaf: &[u8], presented: &[&[u8]], most: usize) -> Result<usize, X509Error> {
    let bytes = presented.iter().fold(leaf.len(), |sum, der| sum.saturating_add(der.len()));
    let budget = if presented.len() > most {
        Budget::Presented
    } else if bytes > MAX_PRESENTED_BYTES {
        Budget::PresentedBytes
    } else {
        return Ok(bytes);
    };
    // The outline is enough for a name, and takes no longer for a large certificate.
    let outline =
        Outline::read(leaf).map_err(|error| X509Error::malformed(Object::Certificate, None, error))?;
    Err(X509Error::from(PathError {
        verdict: Verdict::BudgetExceeded(budget),
        depth: 0,
        certificate: CertificateName::of_outline(&outline),
        detail: Some(format!("{} certificates, {bytes} bytes", presented.len().saturating_add(1))),
        decided_by: Vec::from([Source::Peer]),
    }))
}

/// What every check may look at.
struct Context<'a> {
    options: &'a VerifyOptions<'a>,
    /// Purpose for which the anchor is trusted; `None` for any.
    trusted_for: Option<Purpose>,
    trust: &'a TrustStore,
    crls: Option<&'a CrlStore>,
    work: Work,
}

impl<'a> Context<'a> {
    fn verify(&self, chain: &mut Chain<'a>, presented: &'a [Certificate<'a>]) -> Checked {
        security_level::check_leaf(self, chain)?;
        builder::build(self, chain, presented)?;
        links::check(self, chain)?;
        security_level::check_issuers(self, chain)?;
        revocation::check(self, chain)?;
        signatures::check(self, chain)?;
        name_constraints::check(self, chain)?;
        links::refuse_internet_resources(chain)
    }

    /// Seconds since 1970.
    fn now(&self) -> i64 {
        i64::try_from(self.options.time.as_secs()).unwrap_or(i64::MAX)
    }
}

/// The chain as far as it is built, from the peer's certificate upwards.
struct Chain<'a> {
    certificates: Vec<&'a Certificate<'a>>,
    /// How many at its beginning came from the peer; the others are the root file's.
    untrusted: usize,
}

impl<'a> Chain<'a> {
    fn of(leaf: &'a Certificate<'a>) -> Self {
        Self { certificates: Vec::from([leaf]), untrusted: 1 }
    }

    fn len(&self) -> usize {
        self.certificates.len()
    }

    fn get(&self, depth: usize) -> Option<&'a Certificate<'a>> {
        self.certificates.get(depth).copied()
    }

    /// Depth of the anchor.
    fn last_depth(&self) -> usize {
        self.len().saturating_sub(1)
    }

    /// Certificates with their depths, from the peer's upwards.
    fn links(&self) -> impl DoubleEndedIterator<Item = (usize, &'a Certificate<'a>)> + ExactSizeIterator {
        self.certificates.iter().copied().enumerate()
    }
}

/// A check that failed, and where.
#[derive(Debug)]
struct Failure {
    verdict: Verdict,
    depth: usize,
    detail: Option<String>,
    decided_by: Vec<Source>,
}

type Checked = Result<(), Failure>;

impl Failure {
    fn new(verdict: Verdict, depth: usize) -> Self {
        Self { verdict, depth, detail: None, decided_by: Vec::new() }
    }

    fn with(self, detail: impl Into<String>) -> Self {
        Self { detail: Some(detail.into()), ..self }
    }

    /// Says what decided, where that is not the certificate.
    fn by(self, decided_by: impl IntoIterator<Item = Source>) -> Self {
        Self { decided_by: decided_by.into_iter().collect(), ..self }
    }

    fn about(mut self, certificate: &Certificate<'_>, trust: &TrustStore) -> PathError {
        if self.decided_by.is_empty() {
            self.decided_by.push(match self.verdict {
                // Decided by what is not in there.
                Verdict::UnableToGetIssuerCert
                | Verdict::UnableToGetIssuerCertLocally
                | Verdict::DepthZeroSelfSignedCert
                | Verdict::SelfSignedCertInChain
                | Verdict::UnableToVerifyLeafSignature => trust.source(),
                _ => certificate.source.clone(),
            });
        }
        PathError {
            verdict: self.verdict,
            depth: self.depth,
            certificate: CertificateName::of(certificate),
            detail: self.detail,
            decided_by: self.decided_by,
        }
    }
}

/// Fails with a verdict at a depth.
fn fail(verdict: Verdict, depth: usize) -> Checked {
    Err(Failure::new(verdict, depth))
}
