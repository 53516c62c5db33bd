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
    for (depth, certificate) in chain.links() {
        let crls = known.of_issuer(context, depth, &certificate.issuer_canonical)?;
        check_certificate(context, chain, depth, certificate, &crls)?;
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
        check_crl(context, depth, &best)
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

/// OpenSSL: `check_crl`.
fn check_crl(context: &Context<'_>, depth: usize, best: &Candidate<'_>) -> Checked {
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
    // Not charged for its bytes: a CRL is our own file's, and its signature is checked once.
    context.work.signature(0, depth)?;
    let signed = Signed {
        algorithm: crl.signature_algorithm,
        message: crl.signed_part(),
        signature: crl.signature(),
        proved: Some(crl.proved()),
    };
    match signed.verify(context.options.algorithms, issuer) {
        Outcome::Good => Ok(()),
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
mod tests {
    extern crate std;

    use crate::{
        CrlStore, Purpose, SecurityLevel, TrustStore, Verdict, VerifyOptions, X509Error, verify_chain,
    };
    use core::sync::atomic::{AtomicUsize, Ordering};
    use rcgen::{
        BasicConstraints, Certificate, CertificateParams, CertificateRevocationListParams, IsCa, Issuer,
        KeyIdMethod, KeyPair, SerialNumber, date_time_ymd,
    };
    use rustls_pki_types::{
        AlgorithmIdentifier, InvalidSignature, SignatureVerificationAlgorithm, UnixTime, alg_id,
    };

    /// Counts how often it is asked.
    #[derive(Debug)]
    struct Counting(&'static dyn SignatureVerificationAlgorithm, AtomicUsize);

    impl SignatureVerificationAlgorithm for Counting {
        fn verify_signature(
            &self,
            key: &[u8],
            message: &[u8],
            signature: &[u8],
        ) -> Result<(), InvalidSignature> {
            self.1.fetch_add(1, Ordering::Relaxed);
            self.0.verify_signature(key, message, signature)
        }
        fn public_key_alg_id(&self) -> AlgorithmIdentifier {
            self.0.public_key_alg_id()
        }
        fn signature_alg_id(&self) -> AlgorithmIdentifier {
            self.0.signature_alg_id()
        }
    }

    /// An authority, its certificate and one that it signed. All of them have one name and say that they have one key.
    fn authority() -> (Issuer<'static, KeyPair>, Certificate, Certificate) {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_identifier_method = KeyIdMethod::PreSpecified(std::vec![1]);
        let root = params.self_signed(&key).unwrap();
        let issuer = Issuer::new(params, key);
        let mut params = CertificateParams::new(["db.test".into()]).unwrap();
        params.distinguished_name.push(rcgen::DnType::CommonName, "db.test");
        let leaf = params.signed_by(&KeyPair::generate().unwrap(), &issuer).unwrap();
        (issuer, root, leaf)
    }

    #[test]
    fn a_list_is_checked_once_for_each_key() {
        let (issuer, root, leaf) = authority();
        let (_, other_root, other_leaf) = authority();
        let crl = CertificateRevocationListParams {
            this_update: date_time_ymd(2024, 1, 1),
            next_update: date_time_ymd(2124, 1, 1),
            crl_number: SerialNumber::from(1),
            issuing_distribution_point: None,
            revoked_certs: std::vec::Vec::new(),
            key_identifier_method: KeyIdMethod::PreSpecified(std::vec![1]),
        };
        let crls = CrlStore::from_pem(crl.signed_by(&issuer).unwrap().pem().unwrap().as_bytes()).unwrap();

        let all = rustls::crypto::aws_lc_rs::default_provider().signature_verification_algorithms.all;
        let ecdsa = all.iter().find(|algorithm| {
            algorithm.public_key_alg_id() == alg_id::ECDSA_P256
                && algorithm.signature_alg_id() == alg_id::ECDSA_SHA256
        });
        let counting = Counting(*ecdsa.unwrap(), AtomicUsize::new(0));
        let verify = |root: &Certificate, leaf: &Certificate| {
            let time = UnixTime::since_unix_epoch(core::time::Duration::from_secs(1_750_000_000));
            let algorithms: [&dyn SignatureVerificationAlgorithm; 1] = [&counting];
            let options = VerifyOptions::new(time, Purpose::Server, SecurityLevel::DEFAULT, &algorithms);
            let trust = TrustStore::from_der([&root.der()[..]]);
            let verdict = match verify_chain(leaf.der(), &[], &trust, Some(&crls), &options) {
                Ok(_) => None,
                Err(X509Error::Path(error)) => Some(error.verdict),
                Err(other) => unreachable!("{other:?}"),
            };
            (verdict, counting.1.swap(0, Ordering::Relaxed))
        };
        assert_eq!(verify(&root, &leaf), (None, 2), "the certificate's and the list's");
        assert_eq!(verify(&root, &leaf), (None, 1), "the certificate's");
        let refused = (Some(Verdict::CrlSignatureFailure), 1);
        assert_eq!(verify(&other_root, &other_leaf), refused, "somebody else of that name");
        assert_eq!(verify(&other_root, &other_leaf), refused);
        assert_eq!(verify(&root, &leaf), (None, 1));
    }
}
