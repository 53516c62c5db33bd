//! CRLs: which covers a certificate, which of several counts, and what it says.

use super::{ACCEPTED, Expected, checked, hold, issuers_key, judge, own_key, refused, usage};
use crate::differential::{
    der::{pem, unpem},
    grammar::{
        Change, CrlChange, EntryExtension, Extension,
        ExtensionKind::{KeyUsage, SubjectKeyIdentifier},
        Extra, KeyIdentifier, Moment, Point, PointName, Scenario,
    },
    make::make,
};
use pgtls_x509::Verdict::{
    CertRevoked, CrlHasExpired, CrlNotYetValid, CrlSignatureFailure, DifferentCrlScope,
    ErrorInCrlLastUpdateField, ErrorInCrlNextUpdateField, KeyUsageNoCrlSign, UnableToGetCrl,
    UnhandledCriticalCrlExtension,
};

const A: PointName = PointName::Uri("http://a/");
const B: PointName = PointName::Uri("http://b/");

#[test]
fn every_certificate_needs_a_current_list_of_its_issuer() {
    let of = |list, change| checked(3, vec![], vec![(list, change)]);
    hold(&[
        ("all there", checked(3, vec![], vec![]), ACCEPTED),
        ("the peer's is missing", of(0, CrlChange::Missing), refused(UnableToGetCrl, 0)),
        ("the CA's is missing", of(1, CrlChange::Missing), refused(UnableToGetCrl, 1)),
        ("a broken signature", of(0, CrlChange::BreakSignature), refused(CrlSignatureFailure, 0)),
        ("another's signature", of(0, CrlChange::SignedBy(2)), refused(CrlSignatureFailure, 0)),
        ("from now on", of(0, CrlChange::ThisUpdate(Moment::Now)), ACCEPTED),
        ("not yet", of(0, CrlChange::ThisUpdate(Moment::Future)), refused(CrlNotYetValid, 0)),
        (
            "from no date on",
            of(0, CrlChange::ThisUpdate(Moment::NoDate)),
            refused(ErrorInCrlLastUpdateField, 0),
        ),
        ("until now", of(0, CrlChange::NextUpdate(Some(Moment::Now))), refused(CrlHasExpired, 0)),
        ("no more", of(1, CrlChange::NextUpdate(Some(Moment::Past))), refused(CrlHasExpired, 1)),
        ("for ever", of(0, CrlChange::NextUpdate(None)), ACCEPTED),
        (
            "until no date",
            of(0, CrlChange::NextUpdate(Some(Moment::NoDate))),
            refused(ErrorInCrlNextUpdateField, 0),
        ),
        (
            "a CA that signs no lists",
            checked(3, vec![(1, usage(0x04))], vec![]),
            refused(KeyUsageNoCrlSign, 0),
        ),
        ("a CA that may do anything", checked(3, vec![(1, Change::Drop(KeyUsage))], vec![]), ACCEPTED),
        ("something critical", of(0, CrlChange::Unknown(true)), refused(UnhandledCriticalCrlExtension, 0)),
        ("something else", of(0, CrlChange::Unknown(false)), ACCEPTED),
    ]);
}

#[test]
fn a_list_names_serial_numbers_of_its_issuer() {
    let with = |entry| checked(3, vec![], vec![(0, CrlChange::Lists(entry))]);
    hold(&[
        ("the peer", with(EntryExtension::None), refused(CertRevoked, 0)),
        (
            "the CA",
            checked(3, vec![], vec![(1, CrlChange::Lists(EntryExtension::None))]),
            refused(CertRevoked, 1),
        ),
        ("others", checked(3, vec![], vec![(0, CrlChange::ListsOthers)]), ACCEPTED),
        ("for a reason", with(EntryExtension::Reason(1)), refused(CertRevoked, 0)),
        ("no longer", with(EntryExtension::Reason(8)), ACCEPTED),
        ("the issuer's own", with(EntryExtension::RightIssuer), refused(CertRevoked, 0)),
        ("another issuer's", with(EntryExtension::WrongIssuer), ACCEPTED),
        (
            "with something critical",
            with(EntryExtension::Critical),
            refused(UnhandledCriticalCrlExtension, 0),
        ),
    ]);
}

/// A list that says where it is, and for which certificates.
fn point(point: Option<PointName>, flags: &str) -> CrlChange {
    CrlChange::DistributionPoint {
        point,
        user: flags.contains("user"),
        ca: flags.contains("ca"),
        attribute: flags.contains("attribute"),
        indirect: flags.contains("indirect"),
        reasons: flags.contains("reasons"),
    }
}

/// A certificate that says where its lists are.
fn lists_at(points: &[PointName]) -> (usize, Change) {
    let points = points.iter().map(|&name| Point { name: Some(name), reasons: None, issuer: None }).collect();
    (0, Change::Set(Extension::CrlDistributionPoints(points), false))
}

#[test]
fn a_list_covers_what_its_distribution_point_says() {
    let other_scope = |depth| refused(DifferentCrlScope, depth);
    let none = || refused(UnableToGetCrl, 0);
    hold(&[
        ("the same point", checked(3, vec![lists_at(&[A])], vec![(0, point(Some(A), ""))]), ACCEPTED),
        ("the second point", checked(3, vec![lists_at(&[B, A])], vec![(0, point(Some(A), ""))]), ACCEPTED),
        ("another point", checked(3, vec![lists_at(&[B])], vec![(0, point(Some(A), ""))]), other_scope(0)),
        ("no point asked for", checked(3, vec![], vec![(0, point(Some(A), ""))]), other_scope(0)),
        ("no point offered", checked(3, vec![lists_at(&[A])], vec![]), ACCEPTED),
        (
            "a relative name, completed",
            checked(
                3,
                vec![lists_at(&[PointName::Relative("a")])],
                vec![(0, point(Some(PointName::Completed), ""))],
            ),
            ACCEPTED,
        ),
        (
            "another relative name",
            checked(
                3,
                vec![lists_at(&[PointName::Relative("b")])],
                vec![(0, point(Some(PointName::Completed), ""))],
            ),
            other_scope(0),
        ),
        (
            "both relative",
            checked(
                3,
                vec![lists_at(&[PointName::Relative("a")])],
                vec![(0, point(Some(PointName::Relative("a")), ""))],
            ),
            ACCEPTED,
        ),
        (
            "both written out",
            checked(
                3,
                vec![lists_at(&[PointName::Completed])],
                vec![(0, point(Some(PointName::Completed), ""))],
            ),
            ACCEPTED,
        ),
        ("of users", checked(3, vec![], vec![(0, point(None, "user"))]), ACCEPTED),
        ("of users, for a CA", checked(3, vec![], vec![(1, point(None, "user"))]), other_scope(1)),
        ("of CAs", checked(3, vec![], vec![(1, point(None, "ca"))]), ACCEPTED),
        ("of CAs, for a user", checked(3, vec![], vec![(0, point(None, "ca"))]), other_scope(0)),
        ("of attributes", checked(3, vec![], vec![(0, point(None, "attribute"))]), other_scope(0)),
        ("of users and of CAs", checked(3, vec![], vec![(0, point(None, "user ca"))]), none()),
        ("of others' too", checked(3, vec![lists_at(&[A])], vec![(0, point(Some(A), "indirect"))]), none()),
        ("for some reasons", checked(3, vec![lists_at(&[A])], vec![(0, point(Some(A), "reasons"))]), none()),
    ]);
}

#[test]
fn all_reasons_are_covered_and_by_the_issuer_that_the_certificate_names() {
    let at = |points: &[(Option<u8>, Option<bool>)]| {
        let points = points
            .iter()
            .map(|&(reasons, issuer)| Point { name: Some(A), reasons: reasons.map(|byte| (0, byte)), issuer })
            .collect();
        let own = (0, Change::Set(Extension::CrlDistributionPoints(points), false));
        checked(3, vec![own], vec![(0, point(Some(A), ""))])
    };
    hold(&[
        ("all", at(&[(None, None)]), ACCEPTED),
        ("one", at(&[(Some(0x40), None)]), refused(UnableToGetCrl, 0)),
        ("one, then another", at(&[(Some(0x40), None), (Some(0x20), None)]), refused(UnableToGetCrl, 0)),
        ("none, which leaves the CRL without use", at(&[(Some(0), None)]), refused(UnableToGetCrl, 0)),
        ("by the issuer", at(&[(None, Some(true))]), ACCEPTED),
        ("by another", at(&[(None, Some(false))]), refused(DifferentCrlScope, 0)),
        ("by another, or the issuer", at(&[(None, Some(false)), (None, None)]), ACCEPTED),
    ]);
}

#[test]
fn a_list_fits_its_issuer_by_key_identifier() {
    let by = |identifier| (0, CrlChange::AuthorityKeyIdentifier(identifier));
    let unnamed_root = (2, Change::Drop(SubjectKeyIdentifier));
    let another_name = vec![
        (1, issuers_key(KeyIdentifier::Wrong)),
        (2, issuers_key(KeyIdentifier::Wrong)),
        (2, own_key(KeyIdentifier::Wrong)),
    ];
    // Above the peer stands a CA of another key, and above that the one who signed the list.
    let rolled_over = vec![
        (0, issuers_key(KeyIdentifier::Wrong)),
        (3, own_key(KeyIdentifier::Wrong)),
        (3, Change::NotInRootFile),
    ];
    let rolled_over = |crls| Scenario {
        extras: vec![Extra { entity: 1, issuer: 1 }],
        ..checked(3, rolled_over.clone(), crls)
    };
    hold(&[
        ("the issuer's key", checked(3, vec![], vec![by(KeyIdentifier::Right)]), ACCEPTED),
        ("another key", checked(3, vec![], vec![by(KeyIdentifier::Wrong)]), refused(UnableToGetCrl, 0)),
        (
            "of somebody further up",
            checked(3, another_name, vec![by(KeyIdentifier::Wrong)]),
            refused(UnableToGetCrl, 0),
        ),
        (
            "who does not say",
            checked(3, vec![unnamed_root], vec![by(KeyIdentifier::Wrong)]),
            refused(UnableToGetCrl, 0),
        ),
        ("of the issuer's name further up", rolled_over(vec![by(KeyIdentifier::Right)]), ACCEPTED),
        ("of neither", rolled_over(vec![by(KeyIdentifier::Empty)]), refused(UnableToGetCrl, 0)),
    ]);
}

#[test]
fn lists_are_found_in_directories_by_name_and_number() {
    let both = |number, second| {
        let place = CrlChange::InDirectory(number, second);
        checked(3, vec![], vec![(0, place.clone()), (1, place)])
    };
    let revoked = vec![
        (0, CrlChange::InDirectory(0, false)),
        (1, CrlChange::InDirectory(0, false)),
        (0, CrlChange::Lists(EntryExtension::None)),
    ];
    hold(&[
        ("the first number", both(0, false), ACCEPTED),
        ("in the second directory", both(0, true), ACCEPTED),
        ("behind a gap", both(2, false), refused(UnableToGetCrl, 0)),
        ("one in the file", checked(3, vec![], vec![(0, CrlChange::InDirectory(0, false))]), ACCEPTED),
        ("one in the root file", checked(3, vec![], vec![(0, CrlChange::InRootFile)]), ACCEPTED),
        ("revoked", checked(3, vec![], revoked), refused(CertRevoked, 0)),
    ]);
}

/// What the first of two lists is, what was done to it, and the answers in both orders.
type TwoLists = (&'static str, Vec<(usize, CrlChange)>, [Expected; 2]);

/// The second list is good, names nobody, and is of now.
#[test]
fn of_two_lists_the_better_counts_then_the_newer_then_the_first() {
    let listed = || (0, CrlChange::Lists(EntryExtension::None));
    let table: [TwoLists; 5] = [
        ("older", vec![listed()], [ACCEPTED; 2]),
        ("expired", vec![listed(), (0, CrlChange::NextUpdate(Some(Moment::Past)))], [ACCEPTED; 2]),
        ("newer, from later on", vec![listed(), (0, CrlChange::ThisUpdate(Moment::Future))], [ACCEPTED; 2]),
        ("for others", vec![listed(), (0, point(None, "ca"))], [ACCEPTED; 2]),
        (
            "as new",
            vec![listed(), (0, CrlChange::ThisUpdate(Moment::Now))],
            [refused(CertRevoked, 0), ACCEPTED],
        ),
    ];
    for (what, changes, expected) in table {
        let mut files = make(&checked(2, vec![], [changes, vec![(0, CrlChange::Newer)]].concat()));
        let [in_order, in_reverse] = expected;
        judge(&files, (false, 2), in_order).unwrap_or_else(|why| panic!("{what}: {why}"));
        let mut lists = unpem(files.crls.as_ref().unwrap());
        lists.reverse();
        files.crls = Some(lists.iter().map(|der| pem("X509 CRL", der)).collect());
        judge(&files, (false, 2), in_reverse).unwrap_or_else(|why| panic!("{what}, reversed: {why}"));
    }
}

#[test]
fn certificates_of_the_crl_file_join_the_store() {
    let mut files = make(&checked(3, vec![], vec![]));
    judge(&files, (false, 2), ACCEPTED).unwrap();
    let root = std::mem::replace(&mut files.roots, pem("CERTIFICATE", &files.presented[0]).into_bytes());
    files.crls.as_mut().unwrap().push_str(str::from_utf8(&root).unwrap());
    judge(&files, (false, 2), ACCEPTED).unwrap();
}
