//! Who could have issued a certificate, and which of them OpenSSL takes (`ossl_x509_likely_issued`, `find_issuer`,
//! `X509_STORE_CTX_get1_issuer`).

use super::{Chain, Context, Failure, validity};
use crate::certificate::Certificate;

/// Could `issuer` have issued `subject`? By names, key identifiers and the kind of key; the signature is checked later, and
/// what the key may be used for, too. A certificate with an invalid extension neither issues nor is issued.
pub(super) fn likely_issued(issuer: &Certificate<'_>, subject: &Certificate<'_>) -> bool {
    issuer.subject_canonical == subject.issuer_canonical
        && issuer.extensions.invalid.is_none()
        && subject.extensions.invalid.is_none()
        && issuer.matches_key_identifier_of(subject.authority_key_identifier())
        && issuer.key_fits_signature_of(subject)
}

/// The issuer among certificates the peer sent, given with their places. It may not be in the chain yet. OpenSSL lets the peer's
/// own certificate repeat when that is self-issued, but has not come here when it fits itself.
pub(super) fn among_presented<'a>(
    context: &Context<'_>,
    presented: impl Iterator<Item = (usize, &'a Certificate<'a>)>,
    chain: &Chain<'a>,
    subject: &Certificate<'_>,
) -> Result<Option<(usize, &'a Certificate<'a>)>, Failure> {
    choose(context, presented, chain.last_depth(), |candidate| {
        likely_issued(candidate, subject)
            && !chain.certificates.iter().any(|link| link.der() == candidate.der())
    })
}

/// The issuer among the trusted certificates, which may repeat.
pub(super) fn among_trusted<'a>(
    context: &Context<'a>,
    depth: usize,
    subject: &Certificate<'_>,
) -> Result<Option<&'a Certificate<'a>>, Failure> {
    let candidates = context.trust.by_subject(&subject.issuer_canonical).map(|candidate| (0, candidate));
    let found = choose(context, candidates, depth, |candidate| likely_issued(candidate, subject))?;
    Ok(found.map(|(_, candidate)| candidate))
}

/// The first candidate that fits and is in date, else of those that fit the one whose time ended last.
fn choose<'a>(
    context: &Context<'_>,
    candidates: impl Iterator<Item = (usize, &'a Certificate<'a>)>,
    depth: usize,
    fits: impl Fn(&Certificate<'_>) -> bool,
) -> Result<Option<(usize, &'a Certificate<'a>)>, Failure> {
    let mut out_of_date: Option<(usize, &Certificate<'_>)> = None;
    for (place, candidate) in candidates {
        context.work.candidate(depth)?;
        if !fits(candidate) {
            continue;
        }
        if validity::is_in_date(context, candidate) {
            return Ok(Some((place, candidate)));
        }
        // A time that is none is later than nothing.
        let ends_later = |best: &Certificate<'_>| match (candidate.not_after.seconds, best.not_after.seconds)
        {
            (Some(end), Some(best)) => end > best,
            _ => false,
        };
        if out_of_date.is_none_or(|(_, best)| ends_later(best)) {
            out_of_date = Some((place, candidate));
        }
    }
    Ok(out_of_date)
}
