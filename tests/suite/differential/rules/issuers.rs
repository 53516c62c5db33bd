//! Which certificate is taken for the issuer of another, and where a chain ends.

use super::{ACCEPTED, Row, chain, hold, issuers_key, own_key, refused, usage};
use crate::differential::{
    grammar::{
        Change, Extension,
        ExtensionKind::{BasicConstraints, SubjectAltName},
        Extra, KeyIdentifier, Moment, Scenario,
    },
    keys::KeyKind,
};
use pgtls_x509::Verdict::{
    CertChainTooLong, CertHasExpired, DepthZeroSelfSignedCert, InvalidCa, SelfSignedCertInChain,
    UnableToGetIssuerCert, UnableToGetIssuerCertLocally,
};

/// With the root of somebody else in the root file, which may not be empty.
pub(in crate::differential) fn with_a_stranger(scenario: Scenario) -> Scenario {
    Scenario { extras: vec![Extra { entity: 200, issuer: 200 }], ..scenario }
}

#[test]
fn a_chain_ends_in_the_root_file() {
    let strange = |changes| with_a_stranger(chain(3, changes));
    let unknown_root = || (2, Change::NotInRootFile);
    let known_ca = || (1, Change::InRootFile);
    let sent_root = || (2, Change::Presented);
    let unsent_ca = || (1, Change::NotPresented);
    let not_found = |depth| refused(UnableToGetIssuerCertLocally, depth);
    hold(&[
        ("a root that is not sent", strange(vec![]), ACCEPTED),
        ("or is", strange(vec![sent_root()]), ACCEPTED),
        ("an intermediate of the root file", strange(vec![known_ca(), unsent_ca()]), ACCEPTED),
        ("a root that nobody has", strange(vec![unknown_root()]), not_found(1)),
        (
            "a root of the peer's",
            strange(vec![unknown_root(), sent_root()]),
            refused(SelfSignedCertInChain, 2),
        ),
        ("an intermediate that nobody has", strange(vec![unsent_ca()]), not_found(0)),
        (
            "a root file that ends below the root",
            strange(vec![unknown_root(), known_ca()]),
            refused(UnableToGetIssuerCert, 1),
        ),
        (
            "which then does not look at what was sent",
            strange(vec![unknown_root(), known_ca(), sent_root()]),
            refused(UnableToGetIssuerCert, 1),
        ),
        ("an invalid root", strange(vec![(2, Change::Malformed(BasicConstraints))]), not_found(1)),
        ("a certificate alone, trusted", with_a_stranger(chain(1, vec![])), ACCEPTED),
        (
            "and not",
            with_a_stranger(chain(1, vec![(0, Change::NotInRootFile)])),
            refused(DepthZeroSelfSignedCert, 0),
        ),
    ]);
    let namesake = Scenario {
        extras: vec![Extra { entity: 0, issuer: 0 }],
        ..chain(1, vec![(0, Change::NotInRootFile)])
    };
    hold(&[("alone, with another of its name trusted", namesake, refused(DepthZeroSelfSignedCert, 0))]);
}

#[test]
fn an_issuer_fits_by_name_key_identifier_and_kind_of_key() {
    let not_found = || refused(UnableToGetIssuerCertLocally, 0);
    let identifier = |key, issuer, serial| {
        (0, Change::Set(Extension::AuthorityKeyIdentifier { key, issuer, serial }, false))
    };
    let another_kind = vec![(1, Change::NotPresented), (3, Change::Key(KeyKind::Rsa2048))];
    hold(&[
        (
            "key, issuer and serial number",
            chain(3, vec![identifier(Some(KeyIdentifier::Right), Some(true), Some(true))]),
            ACCEPTED,
        ),
        ("nothing said", chain(3, vec![identifier(None, None, None)]), ACCEPTED),
        ("another key", chain(3, vec![identifier(Some(KeyIdentifier::Wrong), None, None)]), not_found()),
        ("another issuer's issuer", chain(3, vec![identifier(None, Some(false), None)]), not_found()),
        ("another serial number", chain(3, vec![identifier(None, None, Some(false))]), not_found()),
        (
            "an issuer with an invalid extension",
            chain(3, vec![(1, Change::Malformed(BasicConstraints))]),
            not_found(),
        ),
        (
            "an invalid extension of its own",
            chain(3, vec![(0, Change::Malformed(SubjectAltName))]),
            not_found(),
        ),
        (
            "a key of another kind",
            Scenario { extras: vec![Extra { entity: 1, issuer: 2 }], ..chain(3, another_kind) },
            not_found(),
        ),
    ]);
}

/// There are two certificates for the CA above the peer; the second may not sign, so that its being taken shows.
#[test]
fn of_several_issuers_the_first_in_date_is_taken_else_the_last_to_end() {
    let two = |first: Moment, second: Moment| {
        let changes = vec![(1, Change::NotAfter(first)), (3, Change::NotAfter(second)), (3, usage(0x02))];
        Scenario { extras: vec![Extra { entity: 1, issuer: 2 }], ..chain(3, changes) }
    };
    let second = || refused(InvalidCa, 1);
    let first = || refused(CertHasExpired, 1);
    hold(&[
        ("both in date", two(Moment::Future, Moment::FarFuture), ACCEPTED),
        ("the first in date", two(Moment::Future, Moment::Past), ACCEPTED),
        ("the second in date", two(Moment::Past, Moment::Future), second()),
        ("the second ended later", two(Moment::LongAgo, Moment::Past), second()),
        ("the first ended later", two(Moment::Past, Moment::LongAgo), first()),
        ("they ended together", two(Moment::Past, Moment::Past), first()),
    ]);
}

/// Two certificates of one name that name each other's keys, one of them sent twice: RSA signatures are the same each time.
#[test]
fn what_was_sent_is_used_once() {
    let same_serial = Change::Serial(vec![9]);
    let mut changes = vec![(1, Change::NotInRootFile), (1, Change::NotPresented)];
    for place in [2, 4] {
        changes.extend([(place, issuers_key(KeyIdentifier::Wrong)), (place, same_serial.clone())]);
    }
    changes.push((3, own_key(KeyIdentifier::Wrong)));
    changes.extend((2..5).map(|place| (place, Change::NotInRootFile)));
    let mut extras = vec![Extra { entity: 1, issuer: 1 }; 3];
    extras.push(Extra { entity: 200, issuer: 200 });
    let scenario = Scenario { kind: KeyKind::Rsa2048, extras, ..chain(2, changes) };
    hold(&[("a ring", scenario, refused(UnableToGetIssuerCertLocally, 2))]);
}

#[test]
fn a_chain_has_its_greatest_length() {
    let without_root =
        |length: usize| with_a_stranger(chain(length, vec![(length - 1, Change::NotInRootFile)]));
    let rows: [Row; 4] = [
        ("a hundred intermediates", chain(102, vec![]), ACCEPTED),
        ("without their root", without_root(102), refused(UnableToGetIssuerCertLocally, 100)),
        ("one more", chain(103, vec![]), refused(CertChainTooLong, 101)),
        ("without its root", without_root(103), refused(CertChainTooLong, 101)),
    ];
    hold(&rows);
}
