//! Is any certificate of the chain revoked (OpenSSL: `check_revocation` with `X509_V_FLAG_CRL_CHECK_ALL`)?
//!
//! For each certificate, the anchor included, the best CRL of its issuer is taken ([`Score`]), checked, and asked. OpenSSL
//! knows CRLs for some reasons only, indirect CRLs and delta CRLs, but libpq does not turn that on: they are never used.

mod scope;

use self::scope::{Points, scope};
use super::{
    Chain, Checked, Context, Failure, fail,
    signatures::{Outcome, Signed},
};
use crate::{
    certificate::{Certificate, distribution_point::ALL_REASONS, extensions::key_usage},
    crl::{Crl, CrlStore, Revocation},
    hash::name_hash,
    verdict::{Budget, Verdict},
};
use alloc::vec::Vec;

pub(super) fn check(context: &Context<'_>, chain: &Chain<'_>) -> Checked {
    let Some(store) = context.crls else {
        return Ok(());
    };
    let mut known =
        Known { store, crls: context.trust.crls().iter().chain(store.file()).collect(), opened: Vec::new() };
    let mut verified = Verified(Vec::new());
    for (depth, certificate) in chain.links() {
        let crls = known.of_issuer(context, depth, &certificate.issuer_canonical)?;
        check_certificate(context, chain, depth, certificate, &crls, &mut verified)?;
    }
    Ok(())
}

/// The CRLs known so far: OpenSSL opens files of a directory when it first looks for CRLs of a name, and keeps what it
/// found in them.
struct Known<'a> {
    store: &'a CrlStore,
    crls: Vec<&'a Crl>,
    /// Directories and hashes.
    opened: Vec<(usize, u32)>,
}

impl<'a> Known<'a> {
    /// The CRLs of this issuer. Directories are searched in their order until one of its CRLs is known.
    fn of_issuer(
        &mut self,
        context: &Context<'_>,
        depth: usize,
        issuer: &[u8],
    ) -> Result<Vec<&'a Crl>, Failure> {
        let mut found = Vec::new();
        let mut keep = |crls: &mut dyn Iterator<Item = &'a Crl>| {
            for crl in crls {
                if context.work.equal(Budget::Crls, &crl.issuer_canonical, issuer, depth)? {
                    found.push(crl);
                }
            }
            Ok(found.is_empty())
        };
        let mut is_missing = keep(&mut self.crls.iter().copied())?;
        if self.store.directories() == 0 {
            return Ok(found);
        }
        context.work.turn(Budget::Crls, issuer.len(), depth)?;
        let hash = name_hash(issuer);
        for place in 0..self.store.directories() {
            if !self.opened.contains(&(place, hash)) {
                self.opened.push((place, hash));
                let crls = self.store.in_directory(place, hash);
                self.crls.extend(crls);
                is_missing = keep(&mut crls.iter())?;
            }
            if !is_missing {
                break;
            }
        }
        Ok(found)
    }
}

/// Each round asks the best CRL that covers reasons not covered yet, until all are.
fn check_certificate<'a>(
    context: &Context<'_>,
    chain: &Chain<'a>,
    depth: usize,
    certificate: &'a Certificate<'a>,
    crls: &[&'a Crl],
    verified: &mut Verified<'a>,
) -> Checked {
    let points = if crls.is_empty() { None } else { Some(Points::of(context, depth, certificate)?) };
    let mut covered = 0;
    while covered != ALL_REASONS {
        let best = match &points {
            Some(points) => best_crl(context, chain, depth, (certificate, points), crls, covered)?,
            None => None,
        };
        let Some(best) = best else {
            return Err(missing(context, depth, certificate));
        };
        check_crl(context, depth, &best, verified)
            .and_then(|()| check_listed(depth, certificate, best.crl))
            .map_err(|failure| failure.by([best.crl.source.clone()]))?;
        covered |= best.reasons;
    }
    Ok(())
}

/// No CRL covers the certificate: none of the places where one could be has it.
fn missing(context: &Context<'_>, depth: usize, certificate: &Certificate<'_>) -> Failure {
    let hash = name_hash(&certificate.issuer_canonical);
    let places = context.crls.map(|store| store.places(hash)).unwrap_or_default();
    Failure::new(Verdict::UnableToGetCrl, depth).by(places)
}

/// A CRL that could be the certificate's.
struct Candidate<'a> {
    crl: &'a Crl,
    issuer: &'a Certificate<'a>,
    score: Score,
    /// Reasons it covers for this certificate.
    reasons: u16,
}

/// How suitable a CRL is; the order of the fields is that of OpenSSL's bits, so comparing compares as OpenSSL does.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[expect(clippy::struct_excessive_bools, reason = "each is a bit of OpenSSL's score")]
struct Score {
    no_unhandled_critical: bool,
    in_scope: bool,
    in_date: bool,
    issuer_name: bool,
    /// The certificate's own issuer signed it, not somebody further up.
    issuer_certificate: bool,
}

/// The CRL with the best score, of equals the newest, of those the first (OpenSSL: `get_crl_sk`).
fn best_crl<'a>(
    context: &Context<'_>,
    chain: &Chain<'a>,
    depth: usize,
    subject: (&'a Certificate<'a>, &Points<'_>),
    crls: &[&'a Crl],
    covered: u16,
) -> Result<Option<Candidate<'a>>, Failure> {
    let mut best: Option<Candidate<'a>> = None;
    for crl in crls {
        context.work.turn(Budget::Crls, 0, depth)?;
        let Some(candidate) = score(context, chain, depth, subject, crl, covered)? else {
            continue;
        };
        let is_better = best.as_ref().is_none_or(|best| {
            let newer = match (candidate.crl.last_update.seconds, best.crl.last_update.seconds) {
                (Some(new), Some(old)) => new > old,
                _ => false,
            };
            candidate.score > best.score || (candidate.score == best.score && newer)
        });
        if is_better {
            best = Some(candidate);
        }
    }
    Ok(best)
}

/// OpenSSL: `get_crl_score`; `None` for a CRL that is out of the question.
fn score<'a>(
    context: &Context<'_>,
    chain: &Chain<'a>,
    depth: usize,
    (certificate, points): (&'a Certificate<'a>, &Points<'_>),
    crl: &'a Crl,
    covered: u16,
) -> Result<Option<Candidate<'a>>, Failure> {
    if crl.is_delta || crl.is_beyond_us {
        return Ok(None);
    }
    if let Some(point) = &crl.issuing_distribution_point {
        let only = [point.only_user, point.only_ca, point.only_attribute];
        let is_contradictory = only.iter().filter(|only| **only).count() > 1;
        // A point that says nothing is none; OpenSSL 3.0 does not mind.
        let says_nothing = point.name.is_none() && !only.contains(&true);
        if is_contradictory || says_nothing || point.indirect || point.only_reasons.is_some() {
            return Ok(None);
        }
    }
    let Some((issuer, issuer_certificate)) = issuer_of(context, chain, depth, crl)? else {
        return Ok(None);
    };
    let reasons = scope(context, depth, certificate, points, crl)?;
    if reasons.is_some_and(|reasons| reasons & !covered == 0) {
        return Ok(None);
    }
    let score = Score {
        no_unhandled_critical: !crl.unhandled_critical,
        in_scope: reasons.is_some(),
        in_date: check_time(context, depth, crl).is_ok(),
        issuer_name: true,
        issuer_certificate,
    };
    Ok(Some(Candidate { crl, issuer, score, reasons: reasons.unwrap_or(0) }))
}

/// The CRL's issuer in the chain: the certificate's own issuer (true), or one further up of the CRL's name (OpenSSL: `crl_akid_check`).
fn issuer_of<'a>(
    context: &Context<'_>,
    chain: &Chain<'a>,
    depth: usize,
    crl: &Crl,
) -> Result<Option<(&'a Certificate<'a>, bool)>, Failure> {
    let identifier = crl.authority_key_identifier();
    let matches = |link: &Certificate<'_>| {
        context.work.turn(Budget::Crls, link.bytes_compared_with(identifier), depth)?;
        Ok(link.matches_key_identifier_of(identifier))
    };
    let above = depth.saturating_add(1).min(chain.last_depth());
    let Some(own) = chain.get(above) else { return Ok(None) };
    if matches(own)? {
        return Ok(Some((own, true)));
    }
    for (_, link) in chain.links().skip(above.saturating_add(1)) {
        let issuer = &crl.issuer_canonical;
        if context.work.equal(Budget::Crls, &link.subject_canonical, issuer, depth)? && matches(link)? {
            return Ok(Some((link, false)));
        }
    }
    Ok(None)
}

/// The CRLs whose signatures were found good for this chain, each with the issuer whose key it was. A bad one ends the
/// verification.
struct Verified<'a>(Vec<(&'a Crl, &'a Certificate<'a>)>);

impl Verified<'_> {
    /// How many bytes are charged for verifying the CRL with the issuer's key; `None` if that was done before.
    ///
    /// The CRL is a file of our own and may be larger than the budget, so the first time is free. A peer can make other keys
    /// that fit its signature, and present them in certificates of the issuer's name: with each of them it is hashed again.
    fn cost(
        &self,
        context: &Context<'_>,
        depth: usize,
        crl: &Crl,
        issuer: &Certificate<'_>,
    ) -> Result<Option<usize>, Failure> {
        let (key, mut cost) = (issuer.public_key_bits(), 0);
        for (_, known) in self.0.iter().filter(|(known, _)| core::ptr::eq(*known, crl)) {
            let is_equal = context.work.equal(Budget::Crls, known.public_key_bits(), key, depth)?;
            if is_equal && known.public_key == issuer.public_key {
                return Ok(None);
            }
            cost = crl.signed_part().len();
        }
        Ok(Some(cost))
    }
}

/// OpenSSL: `check_crl`.
fn check_crl<'a>(
    context: &Context<'_>,
    depth: usize,
    best: &Candidate<'a>,
    verified: &mut Verified<'a>,
) -> Checked {
    let Candidate { crl, issuer, score, .. } = best;
    if issuer.extensions.key_usage.is_some_and(|usage| usage & key_usage::CRL_SIGN == 0) {
        return fail(Verdict::KeyUsageNoCrlSign, depth);
    }
    if !score.in_scope {
        return fail(Verdict::DifferentCrlScope, depth);
    }
    if !score.in_date {
        check_time(context, depth, crl)?;
    }
    if !crl.algorithms_agree {
        return Err(Failure::new(Verdict::CrlSignatureFailure, depth)
            .with("the algorithms named inside and beside the signed part differ"));
    }
    let signed = Signed {
        algorithm: crl.signature_algorithm,
        message: crl.signed_part(),
        signature: crl.signature(),
        proved: Some(crl.proved()),
    };
    let cost = verified.cost(context, depth, crl, issuer)?;
    let is_proved = signed.is_proved_by(issuer);
    context.work.signature(cost.filter(|_| !is_proved).unwrap_or(0), depth)?;
    if cost.is_none() {
        return Ok(());
    }
    match signed.verify(context.options.algorithms, issuer) {
        Outcome::Good => {
            // What is proved already was not hashed for this chain.
            if !is_proved {
                verified.0.push((crl, issuer));
            }
            Ok(())
        }
        Outcome::Bad => fail(Verdict::CrlSignatureFailure, depth),
        Outcome::Unsupported => Err(Failure::new(Verdict::UnsupportedSignature, depth)
            .with(alloc::format!("CRL with {}", crl.signature_algorithm.describe()))),
    }
}

/// OpenSSL: `check_crl_time`.
fn check_time(context: &Context<'_>, depth: usize, crl: &Crl) -> Checked {
    let now = context.now();
    match crl.last_update.seconds {
        None => return fail(Verdict::ErrorInCrlLastUpdateField, depth),
        Some(begin) if begin > now => return fail(Verdict::CrlNotYetValid, depth),
        Some(_) => {}
    }
    match crl.next_update.map(|time| time.seconds) {
        Some(None) => fail(Verdict::ErrorInCrlNextUpdateField, depth),
        Some(Some(end)) if end <= now => fail(Verdict::CrlHasExpired, depth),
        _ => Ok(()),
    }
}

/// OpenSSL: `cert_crl`.
fn check_listed(depth: usize, certificate: &Certificate<'_>, crl: &Crl) -> Checked {
    if crl.unhandled_critical {
        return fail(Verdict::UnhandledCriticalCrlExtension, depth);
    }
    match crl.lookup(certificate) {
        Revocation::NotListed | Revocation::Removed => Ok(()),
        Revocation::Revoked => fail(Verdict::CertRevoked, depth),
    }
}

#[cfg(test)]
mod tests;
