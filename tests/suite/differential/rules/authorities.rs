//! Who is a CA, and how many may stand below it.

use super::{ACCEPTED, basic_constraints, chain, hold, issuers_key, own_key, refused, usage};
use crate::differential::grammar::{
    Change, Extension,
    ExtensionKind::{BasicConstraints, KeyUsage},
    Extra, KeyIdentifier, Scenario,
};
use pgtls_x509::Verdict::{InvalidCa, InvalidPurpose, PathLengthExceeded};

fn netscape(kind: u8) -> Change {
    Change::Set(Extension::NetscapeType(0, kind), false)
}

#[test]
fn an_intermediate_is_a_ca_by_its_basic_constraints_an_anchor_by_any_sign() {
    hold(&[
        (
            "an intermediate's key usage may be left out",
            chain(3, vec![(1, Change::Drop(KeyUsage))]),
            ACCEPTED,
        ),
        ("or more than wanted", chain(3, vec![(1, usage(0xff))]), ACCEPTED),
        ("but not without keyCertSign", chain(3, vec![(1, usage(0x02))]), refused(InvalidCa, 1)),
        ("nor is it enough", chain(3, vec![(1, Change::Drop(BasicConstraints))]), refused(InvalidCa, 1)),
        (
            "an intermediate that is none",
            chain(3, vec![(1, basic_constraints(false, None))]),
            refused(InvalidCa, 1),
        ),
        ("of X.509 v1", chain(3, vec![(1, Change::Version(None)), (1, Change::Bare)]), refused(InvalidCa, 1)),
        (
            "by its Netscape type",
            chain(3, vec![(1, Change::Bare), (1, netscape(0x04))]),
            refused(InvalidCa, 1),
        ),
        ("an anchor by its key usage", chain(3, vec![(2, Change::Drop(BasicConstraints))]), ACCEPTED),
        ("without keyCertSign", chain(3, vec![(2, usage(0x02))]), refused(InvalidCa, 2)),
        ("of X.509 v1", chain(3, vec![(2, Change::Version(None)), (2, Change::Bare)]), ACCEPTED),
        ("of v3 without a sign", chain(3, vec![(2, Change::Bare)]), refused(InvalidCa, 2)),
        ("by its Netscape type", chain(3, vec![(2, Change::Bare), (2, netscape(0x04))]), ACCEPTED),
        ("which may say more", chain(3, vec![(2, Change::Bare), (2, netscape(0xff))]), ACCEPTED),
        ("a CA for mail", chain(3, vec![(2, Change::Bare), (2, netscape(0x02))]), refused(InvalidPurpose, 2)),
        ("a server", chain(3, vec![(2, Change::Bare), (2, netscape(0x40))]), refused(InvalidCa, 2)),
        (
            "an anchor that is none",
            chain(3, vec![(2, basic_constraints(false, None))]),
            refused(InvalidCa, 2),
        ),
        ("the peer may be a CA or not", chain(3, vec![(0, basic_constraints(false, None))]), ACCEPTED),
        ("the peer may be a CA", chain(3, vec![(0, basic_constraints(true, None))]), ACCEPTED),
    ]);
}

#[test]
fn a_path_length_counts_the_cas_below() {
    let limited = |depth, length| chain(5, vec![(depth, basic_constraints(true, Some(length)))]);
    hold(&[
        ("none below", limited(1, 0), ACCEPTED),
        ("one below", limited(2, 1), ACCEPTED),
        ("one too many", limited(2, 0), refused(PathLengthExceeded, 2)),
        ("two below", limited(3, 2), ACCEPTED),
        ("one of two too many", limited(3, 1), refused(PathLengthExceeded, 3)),
        ("two too many", limited(3, 0), refused(PathLengthExceeded, 3)),
        ("three below the anchor", limited(4, 3), ACCEPTED),
        ("one of three too many", limited(4, 2), refused(PathLengthExceeded, 4)),
        ("more than there are", limited(4, 9), ACCEPTED),
        ("the peer's own is not asked", limited(0, 0), ACCEPTED),
    ]);
}

/// The peer, a CA, that CA's issuer by a certificate of its own making and by its issuer's, a root.
pub(super) fn with_a_self_issued_ca(mut changes: Vec<(usize, Change)>) -> Scenario {
    let self_issued = 4;
    changes.extend([
        (1, issuers_key(KeyIdentifier::Wrong)),
        (self_issued, own_key(KeyIdentifier::Wrong)),
        (self_issued, Change::NotInRootFile),
    ]);
    Scenario { extras: vec![Extra { entity: 2, issuer: 2 }], ..chain(4, changes) }
}

#[test]
fn self_issued_cas_do_not_count() {
    let limited = |length| with_a_self_issued_ca(vec![(3, basic_constraints(true, Some(length)))]);
    hold(&[
        ("two below, and one self-issued", limited(2), ACCEPTED),
        ("one too many", limited(1), refused(PathLengthExceeded, 4)),
    ]);
}
