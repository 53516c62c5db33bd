//! Name constraints: which names they speak of, and whose.

use super::{
    ACCEPTED, authorities::with_a_self_issued_ca, basic_constraints, chain, hold, own_key, refused, usage,
};
use crate::differential::{
    grammar::{
        Change, Extension,
        ExtensionKind::{ExtendedKeyUsage, SubjectAltName},
        Extra, KeyIdentifier, Name, NameForm, Scenario, Subtree,
    },
    make::make,
    verify,
};
use pgtls_x509::{
    Verdict::{
        ExcludedViolation, PermittedViolation, SubtreeMinMax, UnsupportedConstraintType,
        UnsupportedNameSyntax,
    },
    X509Error,
};

fn subtrees(names: &[Name]) -> Vec<Subtree> {
    names.iter().map(|&base| Subtree { base, minimum: None, maximum: None }).collect()
}

fn permitted(names: &[Name]) -> Change {
    Change::Set(Extension::NameConstraints { permitted: subtrees(names), excluded: Vec::new() }, true)
}

fn excluded(names: &[Name]) -> Change {
    Change::Set(Extension::NameConstraints { permitted: Vec::new(), excluded: subtrees(names) }, true)
}

/// The peer's subjectAltName.
fn speaks_for(names: &[Name]) -> (usize, Change) {
    (0, Change::Set(Extension::SubjectAltName(names.to_vec()), false))
}

const HERE: Name = Name::Dns("example.com");
const ELSEWHERE: Name = Name::Dns("other.test");

#[test]
fn a_name_is_in_one_permitted_subtree_of_its_kind_and_in_no_excluded_one() {
    let outside = || refused(PermittedViolation, 0);
    let inside = || refused(ExcludedViolation, 0);
    let net = Name::Ip(&[192, 0, 2, 0, 255, 255, 255, 0]);
    let address = speaks_for(&[Name::Ip(&[192, 0, 2, 1])]);
    let link = speaks_for(&[Name::Uri("https://db.example.com/x")]);
    let mail = speaks_for(&[Name::Email("a@example.com")]);
    let person = speaks_for(&[Name::Directory(Some("Somebody"))]);
    hold(&[
        ("DNS", chain(3, vec![(1, permitted(&[HERE]))]), ACCEPTED),
        ("outside", chain(3, vec![(1, permitted(&[ELSEWHERE]))]), outside()),
        ("in the second", chain(3, vec![(1, permitted(&[ELSEWHERE, HERE]))]), ACCEPTED),
        ("in the first", chain(3, vec![(1, permitted(&[HERE, ELSEWHERE]))]), ACCEPTED),
        ("excluded", chain(3, vec![(1, excluded(&[HERE]))]), inside()),
        ("by the second", chain(3, vec![(1, excluded(&[ELSEWHERE, HERE]))]), inside()),
        ("others are excluded", chain(3, vec![(1, excluded(&[ELSEWHERE]))]), ACCEPTED),
        ("other kinds are permitted", chain(3, vec![(1, permitted(&[net, Name::Email("x@y")]))]), ACCEPTED),
        (
            "one of two names",
            chain(3, vec![(1, permitted(&[HERE])), speaks_for(&[HERE, ELSEWHERE])]),
            outside(),
        ),
        ("by the root", chain(3, vec![(2, permitted(&[ELSEWHERE]))]), outside()),
        (
            "by both",
            chain(3, vec![(2, permitted(&[HERE])), (1, permitted(&[Name::Dns("db.example.com")]))]),
            ACCEPTED,
        ),
        ("an address", chain(3, vec![(1, permitted(&[net])), address.clone()]), ACCEPTED),
        ("excluded", chain(3, vec![(1, excluded(&[net])), address]), inside()),
        (
            "another",
            chain(3, vec![(1, permitted(&[net])), speaks_for(&[Name::Ip(&[10, 0, 0, 1])])]),
            outside(),
        ),
        ("a link", chain(3, vec![(1, permitted(&[Name::Uri("db.example.com")])), link.clone()]), ACCEPTED),
        ("below", chain(3, vec![(1, permitted(&[Name::Uri(".example.com")])), link.clone()]), ACCEPTED),
        ("elsewhere", chain(3, vec![(1, permitted(&[Name::Uri("example.com")])), link]), outside()),
        ("mail", chain(3, vec![(1, permitted(&[Name::Email("example.com")])), mail.clone()]), ACCEPTED),
        ("elsewhere", chain(3, vec![(1, permitted(&[Name::Email("other.test")])), mail]), outside()),
        (
            "a person",
            chain(3, vec![(1, excluded(&[Name::Directory(Some("Somebody"))])), person.clone()]),
            inside(),
        ),
        ("another", chain(3, vec![(1, excluded(&[Name::Directory(Some("Nobody"))])), person]), ACCEPTED),
    ]);
}

#[test]
fn the_subject_is_a_name_and_so_is_the_mail_in_it() {
    let peer = Name::Directory(Some("Entity 0"));
    let somebody = Name::Directory(Some("Somebody"));
    let anybody = Name::Directory(Some(""));
    let with_mail = (0, Change::Subject(NameForm::WithEmail));
    let with_odd_mail = (0, Change::Subject(NameForm::WithEmailInUtf8));
    let (here, elsewhere) = (Name::Email("example.com"), Name::Email("other.test"));
    hold(&[
        ("the peer", chain(3, vec![(1, permitted(&[peer]))]), ACCEPTED),
        ("excluded", chain(3, vec![(1, excluded(&[peer]))]), refused(ExcludedViolation, 0)),
        ("somebody else", chain(3, vec![(1, permitted(&[somebody]))]), refused(PermittedViolation, 0)),
        ("anybody", chain(3, vec![(1, permitted(&[anybody]))]), ACCEPTED),
        ("nobody", chain(3, vec![(1, excluded(&[anybody]))]), refused(ExcludedViolation, 0)),
        ("a CA below the root", chain(3, vec![(2, permitted(&[peer]))]), refused(PermittedViolation, 1)),
        (
            "no name at all",
            chain(3, vec![(1, permitted(&[peer])), (0, Change::Subject(NameForm::Empty))]),
            ACCEPTED,
        ),
        ("mail", chain(3, vec![(1, permitted(&[here])), with_mail.clone()]), ACCEPTED),
        (
            "elsewhere",
            chain(3, vec![(1, permitted(&[elsewhere])), with_mail]),
            refused(PermittedViolation, 0),
        ),
        (
            "in UTF-8",
            chain(3, vec![(1, permitted(&[here])), with_odd_mail]),
            refused(UnsupportedNameSyntax, 0),
        ),
    ]);
}

#[test]
fn a_self_issued_ca_is_not_asked_but_a_self_issued_peer_is() {
    let its_name = excluded(&[Name::Directory(Some("Entity 2"))]);
    // The CA of the peer's own name: its key is named, and the peer's is another.
    let peer_of_its_name = |constraints| {
        let changes = vec![
            (0, Change::IssuedBy(0)),
            (0, own_key(KeyIdentifier::Wrong)),
            (2, basic_constraints(true, None)),
            (2, usage(0x06)),
            (2, Change::Drop(ExtendedKeyUsage)),
            (2, constraints),
        ];
        Scenario { extras: vec![Extra { entity: 0, issuer: 1 }], ..chain(2, changes) }
    };
    hold(&[
        ("self-issued", with_a_self_issued_ca(vec![(2, its_name.clone())]), ACCEPTED),
        ("issued by another", with_a_self_issued_ca(vec![(3, its_name)]), refused(ExcludedViolation, 3)),
        ("the peer", peer_of_its_name(excluded(&[HERE])), refused(ExcludedViolation, 0)),
        ("the peer, elsewhere", peer_of_its_name(excluded(&[ELSEWHERE])), ACCEPTED),
    ]);
}

#[test]
fn common_names_that_look_like_hosts_count_without_a_dns_name() {
    let no_names = (0, Change::Drop(SubjectAltName));
    let subject = |form| (0, Change::Subject(form));
    let here = || (1, permitted(&[HERE]));
    hold(&[
        ("a host", chain(3, vec![here(), no_names.clone(), subject(NameForm::HostName)]), ACCEPTED),
        (
            "another",
            chain(3, vec![here(), no_names.clone(), subject(NameForm::OtherHostName)]),
            refused(PermittedViolation, 0),
        ),
        ("no host", chain(3, vec![here(), no_names.clone()]), ACCEPTED),
        ("beside a DNS name", chain(3, vec![here(), subject(NameForm::OtherHostName)]), ACCEPTED),
        (
            "beside an address",
            chain(
                3,
                vec![here(), speaks_for(&[Name::Ip(&[192, 0, 2, 1])]), subject(NameForm::OtherHostName)],
            ),
            refused(PermittedViolation, 0),
        ),
        (
            "two in one",
            chain(3, vec![here(), no_names, subject(NameForm::NulInHostName)]),
            refused(UnsupportedNameSyntax, 0),
        ),
        (
            "a CA's",
            chain(3, vec![(2, permitted(&[HERE])), (1, Change::Subject(NameForm::OtherHostName))]),
            ACCEPTED,
        ),
    ]);
}

#[test]
fn what_cannot_be_compared_is_refused() {
    let unsupported = || refused(UnsupportedConstraintType, 0);
    let nearer_than = |minimum, maximum| {
        let permitted = vec![Subtree { base: HERE, minimum, maximum }];
        (1, Change::Set(Extension::NameConstraints { permitted, excluded: Vec::new() }, true))
    };
    hold(&[
        (
            "a kind of one's own",
            chain(3, vec![(1, excluded(&[Name::Other("x")])), speaks_for(&[Name::Other("y")])]),
            unsupported(),
        ),
        (
            "permitted",
            chain(3, vec![(1, permitted(&[Name::Other("x")])), speaks_for(&[Name::Other("x")])]),
            unsupported(),
        ),
        ("which the peer has not", chain(3, vec![(1, excluded(&[Name::Other("x")]))]), ACCEPTED),
        (
            "another of them",
            chain(3, vec![(1, excluded(&[Name::Other("x")])), speaks_for(&[Name::SmtpUtf8("x")])]),
            ACCEPTED,
        ),
        (
            "of another type",
            chain(3, vec![(1, excluded(&[Name::SmtpUtf8("x")])), speaks_for(&[Name::Other("y")])]),
            ACCEPTED,
        ),
        (
            "of the type that is mail in Unicode",
            chain(3, vec![(1, excluded(&[Name::SmtpUtf8("x")])), speaks_for(&[Name::SmtpUtf8("x")])]),
            ACCEPTED,
        ),
        (
            "beside others",
            chain(3, vec![(1, permitted(&[HERE])), speaks_for(&[HERE, Name::Other("y")])]),
            ACCEPTED,
        ),
        (
            "a registered name",
            chain(3, vec![(1, excluded(&[Name::RegisteredId])), speaks_for(&[Name::RegisteredId])]),
            unsupported(),
        ),
        ("the usual minimum", chain(3, vec![nearer_than(Some(0), None)]), ACCEPTED),
        ("a minimum", chain(3, vec![nearer_than(Some(1), None)]), refused(SubtreeMinMax, 0)),
        ("a maximum", chain(3, vec![nearer_than(None, Some(1))]), refused(SubtreeMinMax, 0)),
    ]);
}

/// OpenSSL compares them; we do not know how the constraint reads in Unicode, and refuse.
#[test]
fn an_e_mail_address_in_unicode_is_not_held_to_constraints() {
    for constraints in [permitted(&[Name::Email("example.com")]), excluded(&[Name::Email("other.test")])] {
        let files = make(&chain(3, vec![(1, constraints), speaks_for(&[Name::SmtpUtf8("a@example.com")])]));
        match verify(&files, false, 2) {
            Err(X509Error::Path(error)) => {
                assert_eq!((error.verdict, error.depth), (UnsupportedNameSyntax, 0));
            }
            other => panic!("{other:?}"),
        }
    }
}
