//! The rules of path validation, each with its near misses: OpenSSL's answer, which is ours. Random chains meet most of them on
//! most runs; these rows are met on every run.

mod authorities;
pub(super) mod issuers;
mod lists;
mod names;
mod purposes;
mod signatures;
mod sources;

use super::{
    compare,
    grammar::{Change, CrlChange, Extension, KeyIdentifier, Scenario},
    keys::KeyKind,
    label,
    make::{Files, make},
    oracle::{Answer, openssl},
    reproduction, verify,
};
use pgtls_x509::{Verdict, X509Error};

/// What OpenSSL answers.
type Expected = Result<(), (Verdict, usize)>;

/// What a row is about, its chain, and the answer.
type Row = (&'static str, Scenario, Expected);

const ACCEPTED: Expected = Ok(());

/// Refused at this depth.
fn refused(verdict: Verdict, depth: usize) -> Expected {
    Err((verdict, depth))
}

/// A chain of so many certificates, the peer's own first and the root last, with these changes.
pub(super) fn chain(length: usize, changes: Vec<(usize, Change)>) -> Scenario {
    let kind = KeyKind::P256;
    Scenario { length, kind, client: false, level: 2, extras: Vec::new(), changes, crls: None, order: 0 }
}

/// The same with CRLs: number 0 is that of the CA above the peer's certificate, number 1 that of the CA above that one.
fn checked(length: usize, changes: Vec<(usize, Change)>, crls: Vec<(usize, CrlChange)>) -> Scenario {
    Scenario { crls: Some(crls), ..chain(length, changes) }
}

/// A key usage that says this.
fn usage(bits: u8) -> Change {
    Change::Set(Extension::KeyUsage(0, vec![bits]), true)
}

fn basic_constraints(ca: bool, path_length: Option<u8>) -> Change {
    let path_length = path_length.map(|length| vec![length]);
    Change::Set(Extension::BasicConstraints { ca: Some(ca), path_length }, true)
}

/// The certificate's own key is said to be this one.
fn own_key(identifier: KeyIdentifier) -> Change {
    Change::Set(Extension::SubjectKeyIdentifier(identifier), false)
}

/// The issuer's key is said to be this one.
fn issuers_key(identifier: KeyIdentifier) -> Change {
    let key = Some(identifier);
    Change::Set(Extension::AuthorityKeyIdentifier { key, issuer: None, serial: None }, false)
}

/// Every row holds.
#[track_caller]
fn hold(rows: &[Row]) {
    let wrong: Vec<String> = rows
        .iter()
        .filter_map(|(what, scenario, expected)| {
            let asked = (scenario.client, scenario.level);
            judge(&make(scenario), asked, *expected).err().map(|why| format!("{what}\n{why}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{} of {} rows differ:\n{}", wrong.len(), rows.len(), wrong.join("\n"));
}

/// OpenSSL answers as expected, and so do we.
fn judge(files: &Files, (client, level): (bool, u8), expected: Expected) -> Result<(), String> {
    let theirs = openssl(files, client, level);
    let ours = verify(files, client, level);
    let is_expected = match (&theirs, expected) {
        (Answer::Accepted(_), Ok(())) => true,
        (Answer::Refused { number, depth }, Err((verdict, at))) => {
            verdict.number() == Some(*number) && *depth == at
        }
        _ => false,
    };
    let failed = |why: String| format!("{why}\n{}", reproduction(files));
    if !is_expected {
        return Err(failed(format!("expected {expected:?}, OpenSSL: {}", label(&theirs))));
    }
    compare(&theirs, &ours, |_: &X509Error| false).map_err(failed)
}
