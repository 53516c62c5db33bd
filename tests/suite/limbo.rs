//! The x509-limbo suite with OpenSSL's verdicts: the same verdict for the same reason in every case, or a row in
//! `data/divergences.toml`. No row can explain that we accept what OpenSSL refuses.
//!
//! The data is not part of the project: it is read from `../shared/x509-limbo` beside the workspace when it is there.
#![expect(clippy::indexing_slicing, reason = "a test fails by panicking")]

use crate::support::divergences::Divergences;
use pgtls_x509::{
    CrlStore, Purpose, SecurityLevel, TrustStore, VerifyOptions, X509Error, certificates_from_pem,
    verify_chain,
};
use rustls_pki_types::UnixTime;
use serde::Deserialize;
use std::{collections::BTreeMap, io::Write, path::Path, time::Duration};

/// Cases of the suite.
const CASES: usize = 194;
/// Validation time of the cases that give none: all their certificates are valid for centuries.
const DEFAULT_TIME: u64 = 1_781_000_000;

#[derive(Deserialize)]
struct Suite {
    testcases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    id: String,
    trusted_certs: Vec<String>,
    untrusted_intermediates: Vec<String>,
    peer_certificate: String,
    crls: Vec<String>,
}

/// A row of OpenSSL's verdicts.
struct Truth {
    kind: String,
    verdict: String,
    code: u16,
    time: u64,
}

#[test]
fn verdicts_are_openssls() {
    // This is a module of two tests, whose packages are not equally deep in the workspace.
    let above = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors();
    let Some(data) = above.map(|folder| folder.join("shared/x509-limbo")).find(|data| data.is_dir()) else {
        writeln!(std::io::stderr(), "skipped: x509-limbo: there is no data beside the workspace").unwrap();
        return;
    };
    let suite: Suite =
        serde_json::from_str(&std::fs::read_to_string(data.join("limbo.json")).unwrap()).unwrap();
    let truths = truths(&std::fs::read_to_string(data.join("openssl.tsv")).unwrap());
    assert_eq!(
        (suite.testcases.len(), truths.len()),
        (CASES, CASES),
        "no case is lost, and each has its verdict"
    );
    let mut divergences = Divergences::of("limbo");
    let mut wrong = Vec::new();
    for case in &suite.testcases {
        let truth = &truths[&case.id];
        let expected = if truth.verdict == "accept" { "accept" } else { "refuse" };
        let result = verify(case, truth);
        let actual = if result.is_ok() { "accept" } else { "refuse" };
        // The reason must be OpenSSL's, too, wherever OpenSSL has one.
        let number = result.as_ref().err().and_then(|error| error.path()?.verdict.number()).unwrap_or(0);
        if actual == expected && (number == truth.code || truth.verdict == "unparsable") {
            continue;
        }
        if actual == "refuse" && divergences.explains(&case.id, expected, actual) {
            continue;
        }
        let reason = result.map_or_else(|error| error.to_string(), |()| "accepted".to_owned());
        wrong.push(format!("{}: OpenSSL would {expected} ({}), we {actual}: {reason}", case.id, truth.code));
    }
    assert!(wrong.is_empty(), "{} of {} differ:\n{}", wrong.len(), suite.testcases.len(), wrong.join("\n"));
    divergences.finish();
}

fn verify(case: &Case, truth: &Truth) -> Result<(), X509Error> {
    let trust = TrustStore::from_pem(case.trusted_certs.join("\n").as_bytes())?;
    let crls =
        if case.crls.is_empty() { None } else { Some(CrlStore::from_pem(case.crls.join("\n").as_bytes())?) };
    let leaf = certificates_from_pem(case.peer_certificate.as_bytes())?;
    let presented = match case.untrusted_intermediates.as_slice() {
        [] => Vec::new(),
        some => certificates_from_pem(some.join("\n").as_bytes())?,
    };
    let presented: Vec<&[u8]> = presented.iter().map(AsRef::as_ref).collect();
    let options = VerifyOptions::new(
        UnixTime::since_unix_epoch(Duration::from_secs(truth.time)),
        if truth.kind == "CLIENT" { Purpose::Client } else { Purpose::Server },
        SecurityLevel::DEFAULT,
        rustls::crypto::aws_lc_rs::default_provider().signature_verification_algorithms.all,
    );
    verify_chain(&leaf[0], &presented, &trust, crls.as_ref(), &options).map(|_| ())
}

fn truths(table: &str) -> BTreeMap<String, Truth> {
    table
        .lines()
        .skip(1)
        .map(|line| {
            let fields: Vec<&str> = line.split('\t').collect();
            let truth = Truth {
                kind: fields[1].to_owned(),
                verdict: fields[3].to_owned(),
                code: fields[4].parse().unwrap_or(0),
                time: unix_seconds(fields[6]).unwrap_or(DEFAULT_TIME),
            };
            (fields[0].to_owned(), truth)
        })
        .collect()
}

/// `2024-01-01T00:00:00+00:00` as seconds since 1970.
fn unix_seconds(text: &str) -> Option<u64> {
    let number = |from: usize, to: usize| text.get(from..to)?.parse::<u64>().ok();
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let leap = |year: u64| (year.is_multiple_of(4) && !year.is_multiple_of(100)) || year.is_multiple_of(400);
    let lengths = [31, if leap(year) { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let days: u64 = (1970..year).map(|year| if leap(year) { 366 } else { 365 }).sum::<u64>()
        + lengths.iter().take(usize::try_from(month).ok()? - 1).sum::<u64>()
        + day
        - 1;
    Some(days * 86_400 + number(11, 13)? * 3600 + number(14, 16)? * 60 + number(17, 19)?)
}
