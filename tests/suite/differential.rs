//! Our verdict on random chains against that of OpenSSL itself.
//!
//! A scenario is a good chain with a few things done to it: versions, names, times, extensions, keys, signatures, CRLs,
//! certificates in other places. OpenSSL and we must accept the same scenarios with the same chain, and refuse the others
//! for the same reason at the same depth. `PGTLS_DIFFERENTIAL_CASES=50000` makes a long run.
//!
//! A difference becomes a row of `tests/data/chains.toml` ([`found`]); all of its rows are tried before anything random.

#![expect(clippy::indexing_slicing, reason = "a test fails by panicking")]

mod ber;
mod der;
mod found;
mod grammar;
mod handshakes;
mod hostile;
mod identifiers;
mod keys;
mod make;
mod odd_files;
mod oracle;
mod profile;
mod rules;
mod second;
mod strategy;
mod worst;

use ::openssl::x509::X509;
use grammar::{Change, CrlChange, Extension, Moment, Name, Point, PointName, Scenario};
use keys::{KeyKind, Signature};
use make::{Files, NOW};
use oracle::{Answer, openssl};
use pgtls_x509::{
    CrlStore, Purpose, SecurityLevel, TrustStore, Verdict, VerifyOptions, X509Error, verify_chain,
};
use proptest::{
    strategy::{Strategy, ValueTree},
    test_runner::{Config, TestCaseError, TestError, TestRunner},
};
use rustls_pki_types::{SignatureVerificationAlgorithm, UnixTime};
use std::{cell::Cell, collections::BTreeMap, sync::LazyLock, time::Duration};
use strategy::scenario;

/// Scenarios of a run that asks for no other number.
const CASES: u32 = 2_000;

#[test]
fn verdicts_are_openssls_on_random_chains() {
    let cases =
        std::env::var("PGTLS_DIFFERENTIAL_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(CASES);
    found::replay();
    let mut runner = TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() });
    let verdicts = Cell::new(BTreeMap::<String, u32>::new());
    let result = runner.run(&scenario(), |scenario| {
        let files = make::make(&scenario);
        let theirs = openssl(&files, scenario.client, scenario.level);
        let ours = verify(&files, scenario.client, scenario.level);
        let mut counts = verdicts.take();
        *counts.entry(label(&theirs)).or_default() += 1;
        verdicts.set(counts);
        compare(&theirs, &ours, |ours| is_our_own(&scenario, ours)).map_err(TestCaseError::fail)
    });
    if let Err(TestError::Fail(reason, scenario)) = result {
        let files = make::make(&scenario);
        let theirs = label(&openssl(&files, scenario.client, scenario.level));
        let ours = said(&verify(&files, scenario.client, scenario.level));
        let what = format!("{:?}, CRLs {:?}", scenario.changes, scenario.crls);
        let place = found::append(&what, &files, (scenario.client, scenario.level), [&theirs, &ours]);
        panic!("{reason}\n{scenario:#?}\n{}{place}", reproduction(&files));
    }
    result.map_err(|error| error.to_string()).unwrap();
    println!("{cases} scenarios: {:?}", verdicts.take());
}

/// The grammar must reach verdicts of every kind, or agreement says little.
#[test]
fn the_grammar_is_neither_too_kind_nor_too_cruel() {
    let mut runner = TestRunner::deterministic();
    let mut accepted = 0;
    for _ in 0..300 {
        let scenario = scenario().new_tree(&mut runner).unwrap().current();
        let answer = openssl(&make::make(&scenario), scenario.client, scenario.level);
        accepted += u32::from(matches!(answer, Answer::Accepted(_)));
    }
    assert!((45..=240).contains(&accepted), "{accepted} of 300 scenarios are accepted");
}

/// A plain chain of a leaf, a CA and a root, with these changes.
fn plain(level: u8, changes: Vec<(usize, Change)>, crls: Option<Vec<(usize, CrlChange)>>) -> Scenario {
    let kind = KeyKind::P256;
    Scenario { length: 3, kind, client: false, level, extras: Vec::new(), changes, crls, order: 0 }
}

/// Releases of OpenSSL 3.0 that were not kept up to date take a delta CRL for a full one; the others, and we, leave it out.
#[test]
fn a_delta_crl_is_no_full_one() {
    let files = make::make(&plain(2, Vec::new(), Some(vec![(2, CrlChange::Delta)])));
    let ours = verify(&files, false, 2);
    assert!(
        matches!(&ours, Err(X509Error::Path(error)) if error.verdict == Verdict::UnableToGetCrl),
        "{ours:?}"
    );
}

/// `is_our_own` says which of our refusals need not be OpenSSL's.
fn compare(
    theirs: &Answer,
    ours: &Result<Vec<Vec<u8>>, X509Error>,
    is_our_own: impl Fn(&X509Error) -> bool,
) -> Result<(), String> {
    let agree = match (theirs, ours) {
        (Answer::Accepted(theirs), Ok(ours)) => theirs == ours,
        (_, Err(ours)) if is_our_own(ours) => true,
        (Answer::BadRootFile, Err(X509Error::NothingLoadable { .. } | X509Error::Pem { .. })) => true,
        (Answer::BadRootFile, Err(X509Error::Malformed { block, .. })) => block.is_some(),
        (Answer::Unparsable, Err(X509Error::Malformed { block, .. })) => block.is_none(),
        (Answer::Refused { number, depth }, Err(X509Error::Path(ours))) => {
            ours.verdict.number() == Some(*number) && ours.depth == *depth
        }
        _ => false,
    };
    if agree { Ok(()) } else { Err(format!("OpenSSL: {}\npgtls:   {}", label(theirs), said(ours))) }
}

fn said(ours: &Result<Vec<Vec<u8>>, X509Error>) -> String {
    ours.as_ref().map_or_else(ToString::to_string, |_| "accepted".to_owned())
}

/// Refusals that OpenSSL 3.0 does not share, on purpose.
fn is_our_own(scenario: &Scenario, ours: &X509Error) -> bool {
    let ours = match ours {
        X509Error::Path(ours) => ours,
        // OpenSSL reads some things that DER forbids, and before 3.5 times that are too short.
        X509Error::Malformed { .. } => {
            return is_scrambled(scenario) || has_short_time(scenario) || has_short_crl_time(scenario);
        }
        _ => return false,
    };
    let has_delta = scenario.crls.iter().flatten().any(|(_, change)| matches!(change, CrlChange::Delta));
    // OpenSSL 3.0 takes a CRL's distribution point that says nothing for none; later releases do not use such a CRL.
    let has_empty_point = scenario.crls.iter().flatten().any(|(_, change)| {
        matches!(
            change,
            CrlChange::SpelledOutPoint
                | CrlChange::DistributionPoint {
                    point: None,
                    user: false,
                    ca: false,
                    attribute: false,
                    indirect: false,
                    reasons: false
                }
        )
    });
    let has_unicode_email = scenario.changes.iter().any(|(_, change)| match change {
        Change::Set(Extension::SubjectAltName(names), _) => {
            names.iter().any(|it| matches!(it, Name::SmtpUtf8(_)))
        }
        _ => false,
    });
    let has_explicit_curve = scenario.kind == KeyKind::Explicit
        || scenario.changes.iter().any(|(_, change)| matches!(change, Change::Key(KeyKind::Explicit)));
    let names = |identifier: &str| identifiers::is_of_another_release(identifier, ours);
    let of_another_release = scenario.changes.iter().any(|(_, change)| match change {
        Change::Identifier(identifier) | Change::InnerIdentifier(identifier) => names(identifier),
        _ => false,
    });
    match ours.verdict {
        _ if of_another_release => true,
        // There is no algorithm to check the signature with.
        // Nor do we look into addresses and AS numbers.
        Verdict::UnsupportedSignature | Verdict::UnsupportedExtension => true,
        // OpenSSL looks into a curve that is written out, and lets it pass when the chain is that one certificate; we
        // refuse it unseen.
        _ if has_explicit_curve => true,
        // OpenSSL cannot read scrambled bytes in the place of a curve, and finds no issuer.
        Verdict::EcKeyExplicitParams if is_scrambled(scenario) => true,
        // Releases before June 2026 do not compare the two algorithms that a CRL names.
        Verdict::CrlSignatureFailure if !compares_algorithms_of_crls() => {
            ours.detail.as_deref() == Some("the algorithms named inside and beside the signed part differ")
        }
        // OpenSSL takes a relative name that it cannot complete for a fault of the moment: it fails once and looks no further.
        _ if is_scrambled(scenario) && has_relative_name(scenario) => true,
        // We do not compare e-mail addresses in Unicode with constraints.
        Verdict::UnsupportedNameSyntax => has_unicode_email,
        _ => has_delta || has_empty_point || has_short_crl_time(scenario),
    }
}

/// Whether the release of OpenSSL that is loaded refuses a CRL that names another algorithm inside its signed part than beside it.
fn compares_algorithms_of_crls() -> bool {
    static COMPARES: LazyLock<bool> = LazyLock::new(|| {
        let differs = vec![(0, CrlChange::InnerSignature(Signature::Sha384))];
        !matches!(openssl(&make::make(&plain(2, Vec::new(), Some(differs))), false, 2), Answer::Accepted(_))
    });
    *COMPARES
}

fn has_short_time(scenario: &Scenario) -> bool {
    scenario.changes.iter().any(|(_, change)| {
        matches!(change, Change::NotBefore(Moment::WithoutSeconds) | Change::NotAfter(Moment::WithoutSeconds))
    })
}

/// OpenSSL from 3.2 on does not load a CRL with such a time, and then checks nothing or has no root file.
fn has_short_crl_time(scenario: &Scenario) -> bool {
    scenario.crls.iter().flatten().any(|(_, change)| {
        matches!(
            change,
            CrlChange::ThisUpdate(Moment::WithoutSeconds)
                | CrlChange::NextUpdate(Some(Moment::WithoutSeconds))
        )
    })
}

/// A distribution point of a certificate is relative to the issuer's name.
fn has_relative_name(scenario: &Scenario) -> bool {
    let is_relative = |point: &Point| matches!(point.name, Some(PointName::Relative(_)));
    scenario.changes.iter().any(|(_, change)| match change {
        Change::Set(Extension::CrlDistributionPoints(points), _) => points.iter().any(is_relative),
        _ => false,
    })
}

fn is_scrambled(scenario: &Scenario) -> bool {
    scenario.changes.iter().any(|(_, change)| matches!(change, Change::Scramble(..)))
        || scenario.crls.iter().flatten().any(|(_, change)| matches!(change, CrlChange::Scramble(..)))
}

fn label(answer: &Answer) -> String {
    match answer {
        Answer::Accepted(_) => "accepted".to_owned(),
        Answer::Refused { number, depth } => {
            format!("refused with {number} at depth {depth}")
        }
        Answer::BadRootFile => "the root file does not load".to_owned(),
        Answer::Unparsable => "a certificate does not load".to_owned(),
    }
}

/// Our verdict.
fn verify(files: &Files, client: bool, level: u8) -> Result<Vec<Vec<u8>>, X509Error> {
    let mut trust = TrustStore::from_pem(&files.roots)?;
    let file = match &files.crls {
        Some(crls) => match CrlStore::from_pem(crls.as_bytes()) {
            // OpenSSL would load it.
            Err(error) if CrlStore::loads_as_ber(crls.as_bytes()) => return Err(error),
            read => Some(read.ok()),
        },
        None => None,
    };
    let mut crls = match file {
        // A CRL file that does not load cancels the directories.
        Some(None) => None,
        Some(file) => file,
        None => (!files.crl_directories.is_empty()).then(CrlStore::empty),
    };
    for directory in &files.crl_directories {
        if let Some(crls) = &mut crls {
            let files = directory.iter().map(|(name, content)| (name.as_str(), content.as_bytes()));
            crls.add_directory("crls", files);
        }
    }
    if let Some(crls) = &crls {
        trust.add_from_crl_file(crls);
    }
    let mut options = options(if client { Purpose::Client } else { Purpose::Server }, SecurityLevel(level));
    options.time = UnixTime::since_unix_epoch(Duration::from_secs(files.time()));
    let presented: Vec<&[u8]> = files.presented.iter().map(Vec::as_slice).collect();
    let path = verify_chain(&files.leaf, &presented, &trust, crls.as_ref(), &options)?;
    // Written by OpenSSL again, which does not keep the unused bits of a bit string.
    Ok(path.certificates.iter().map(|link| X509::from_der(link).unwrap().to_der().unwrap()).collect())
}

/// At the time at which all of this happens.
fn options(purpose: Purpose, level: SecurityLevel) -> VerifyOptions<'static> {
    VerifyOptions::new(UnixTime::since_unix_epoch(Duration::from_secs(NOW)), purpose, level, &ALGORITHMS)
}

/// The algorithms of a connection.
static ALGORITHMS: LazyLock<Vec<&'static dyn SignatureVerificationAlgorithm>> =
    LazyLock::new(|| pgtls_rustls::chain_algorithms(&pgtls_rustls::aws_lc_rs()));

/// Everything needed to try it by hand.
fn reproduction(files: &Files) -> String {
    let mut parts = vec!["--- sent by the server\n".to_owned(), der::pem("CERTIFICATE", &files.leaf)];
    parts.extend(files.presented.iter().map(|der| der::pem("CERTIFICATE", der)));
    parts.push(format!("--- root file\n{}", String::from_utf8_lossy(&files.roots)));
    parts.extend(files.crls.iter().map(|crls| format!("--- CRL file\n{crls}")));
    let directory = files.crl_directories.iter().flatten();
    parts.extend(directory.map(|(name, content)| format!("--- {name} in the CRL directory\n{content}")));
    parts.concat()
}
