//! Who could have issued a certificate, and which of them OpenSSL takes (`ossl_x509_likely_issued`, `find_issuer`,
//! `X509_STORE_CTX_get1_issuer`).

use super::{Context, Failure, validity};
use crate::{certificate::Certificate, verdict::Budget};

/// Could `issuer` have issued `subject`? By names, key identifiers and the kind of key; the signature is checked later, and
/// what the key may be used for, too. A certificate with an invalid extension neither issues nor is issued.
pub(super) fn likely_issued(issuer: &Certificate<'_>, subject: &Certificate<'_>) -> bool {
    issuer.subject_canonical == subject.issuer_canonical
        && issuer.extensions.invalid.is_none()
        && subject.extensions.invalid.is_none()
        && issuer.matches_key_identifier_of(subject.authority_key_identifier())
        && issuer.key_fits_signature_of(subject)
}

/// Bytes that [`likely_issued`] compares at most.
fn bytes_compared(issuer: &Certificate<'_>, subject: &Certificate<'_>) -> usize {
    if issuer.subject_canonical.len() != subject.issuer_canonical.len() {
        return 0;
    }
    let identifier = issuer.bytes_compared_with(subject.authority_key_identifier());
    issuer.subject_canonical.len().saturating_add(identifier)
}

/// The issuer among certificates of the peer that are not in the chain.
pub(super) fn among_presented<'a>(
    context: &Context<'_>,
    depth: usize,
    presented: &[&'a Certificate<'a>],
    subject: &Certificate<'_>,
) -> Result<Option<&'a Certificate<'a>>, Failure> {
    choose(context, depth, presented.iter().copied(), subject)
}

/// The issuer among the trusted certificates, which may repeat.
pub(super) fn among_trusted<'a>(
    context: &Context<'a>,
    depth: usize,
    subject: &Certificate<'_>,
) -> Result<Option<&'a Certificate<'a>>, Failure> {
    // The index compares the name with those of some certificates.
    context.work.turn(Budget::Candidates, subject.issuer_canonical.len(), depth)?;
    let candidates = context.trust.by_subject(&subject.issuer_canonical);
    choose(context, depth, candidates.map(|candidate| -> &Certificate<'_> { candidate }), subject)
}

/// The first candidate that fits and is in date, else of those that fit the one whose time ended last.
fn choose<'a>(
    context: &Context<'_>,
    depth: usize,
    candidates: impl Iterator<Item = &'a Certificate<'a>>,
    subject: &Certificate<'_>,
) -> Result<Option<&'a Certificate<'a>>, Failure> {
    let mut out_of_date: Option<&Certificate<'_>> = None;
    for candidate in candidates {
        context.work.turn(Budget::Candidates, bytes_compared(candidate, subject), depth)?;
        if !likely_issued(candidate, subject) {
            continue;
        }
        if validity::is_in_date(context, candidate) {
            return Ok(Some(candidate));
        }
        // A time that is none is later than nothing.
        let ends_later = |best: &Certificate<'_>| match (candidate.not_after.seconds, best.not_after.seconds)
        {
            (Some(end), Some(best)) => end > best,
            _ => false,
        };
        if out_of_date.is_none_or(ends_later) {
            out_of_date = Some(candidate);
        }
    }
    Ok(out_of_date)
}
