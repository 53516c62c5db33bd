//! The strict profile: OpenSSL's verdict and webpki's, both of which must accept.
//!
//! webpki applies RFC 5280 as browsers practise it: no X.509 v1, no CA as the peer, no self-signed peer. It searches for a chain
//! where OpenSSL takes the first that fits, does not check the dates of anchors, and has its own minimum for keys. Neither verdict
//! contains the other, so that the strict profile needs both: it accepts no chain that the default profile refuses.

use crate::{
    certificate::Certificate,
    crl::CrlStore,
    error::{CertificateName, Object, PathError, X509Error},
    path::{Purpose, Trust, VerifiedPath, VerifyOptions, check_size, trust_of, verify_chain},
    trust::TrustStore,
    verdict::Verdict,
};
use alloc::{format, vec::Vec};
use rustls_pki_types::{CertificateDer, TrustAnchor};
use webpki::{
    BorrowedCertRevocationList, CertRevocationList, EndEntityCert, ExpirationPolicy, KeyUsage,
    RevocationCheckDepth, RevocationOptionsBuilder, UnknownStatusPolicy, anchor_from_trusted_cert,
};

/// Certificates that a peer may present besides its own in this profile. webpki tries every path through them that is up to seven
/// certificates long before it looks at a signature: with five names of 50 certificates each that takes 17 seconds, and with 16
/// certificates two milliseconds.
const MAX_PRESENTED: usize = 16;

/// Verifies a chain as [`verify_chain`] does, and then with webpki; returns webpki's path. webpki's anchors are the certificates of
/// the store that OpenSSL trusts for the purpose: self-signed ones, or what trust settings say. The others serve as intermediates,
/// except those that trust settings reject. CRLs, when there are any, must cover webpki's whole path and be in date.
///
/// # Errors
/// Those of [`verify_chain`]; [`Verdict::Strict`] when webpki alone refuses. More than 16 presented certificates are refused unread.
pub fn verify_chain_strict(
    leaf: &[u8],
    presented: &[&[u8]],
    trust: &TrustStore,
    crls: Option<&CrlStore>,
    options: &VerifyOptions<'_>,
) -> Result<VerifiedPath, X509Error> {
    check_size(leaf, presented, MAX_PRESENTED)?;
    verify_chain(leaf, presented, trust, crls, options)?;
    let read =
        Certificate::read(leaf).map_err(|error| X509Error::malformed(Object::Certificate, None, error))?;
    let refuse = |error: webpki::Error| {
        X509Error::from(PathError {
            verdict: Verdict::Strict,
            depth: 0,
            certificate: CertificateName::of(&read),
            detail: Some(format!("{error}")),
            decided_by: Vec::new(),
        })
    };
    let leaf = CertificateDer::from(leaf);
    let end_entity = EndEntityCert::try_from(&leaf).map_err(refuse)?;
    let with_trust = |wanted: Trust| {
        let stored = trust.all().filter(move |stored| trust_of(stored, options.purpose) == wanted);
        stored.map(Certificate::der)
    };
    let is_rejected = |der: &[u8]| with_trust(Trust::Rejected).any(|rejected| rejected == der);
    let roots: Vec<CertificateDer<'_>> = with_trust(Trust::Trusted).map(CertificateDer::from).collect();
    let anchors: Vec<TrustAnchor<'_>> =
        roots.iter().filter_map(|der| anchor_from_trusted_cert(der).ok()).collect();
    let intermediates: Vec<CertificateDer<'_>> = presented
        .iter()
        .copied()
        .filter(|der| !is_rejected(der))
        .chain(with_trust(Trust::Neutral))
        .map(CertificateDer::from)
        .collect();

    let lists: Vec<CertRevocationList<'_>> = match crls {
        Some(crls) => crls
            .all()
            .map(|crl| BorrowedCertRevocationList::from_der(crl.der()).map(CertRevocationList::from))
            .collect::<Result<_, _>>()
            .map_err(refuse)?,
        None => Vec::new(),
    };
    let lists: Vec<&CertRevocationList<'_>> = lists.iter().collect();
    let revocation = match (crls, RevocationOptionsBuilder::new(&lists)) {
        (None, _) => None,
        (Some(_), Ok(builder)) => Some(
            builder
                .with_depth(RevocationCheckDepth::Chain)
                .with_status_policy(UnknownStatusPolicy::Deny)
                .with_expiration_policy(ExpirationPolicy::Enforce)
                .build(),
        ),
        // Checking is on and there is nothing to check with.
        (Some(_), Err(_)) => return Err(refuse(webpki::Error::UnknownRevocationStatus)),
    };
    let usage = match options.purpose {
        Purpose::Server => KeyUsage::server_auth(),
        Purpose::Client => KeyUsage::client_auth(),
    };
    let path = end_entity
        .verify_for_usage(options.algorithms, &anchors, &intermediates, options.time, usage, revocation, None)
        .map_err(refuse)?;
    let mut certificates = Vec::from([leaf.clone().into_owned()]);
    certificates.extend(path.intermediate_certificates().map(|link| link.der().into_owned()));
    let anchor =
        roots.iter().find(|der| anchor_from_trusted_cert(der).is_ok_and(|anchor| anchor == *path.anchor()));
    certificates.extend(anchor.map(|der| der.clone().into_owned()));
    Ok(VerifiedPath { certificates })
}
