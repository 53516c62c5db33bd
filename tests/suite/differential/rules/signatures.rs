//! Signatures and their algorithms, strength of keys and digests, and dates.

use super::{ACCEPTED, Expected, Row, chain, checked, hold, refused};
use crate::differential::{
    der::{implicit, sequence},
    grammar::{Change, CrlChange, Extension, Extra, Moment, Scenario, TrustSetting, UnusedBits},
    keys::{KeyKind, Signature},
    make::make,
    verify,
};
use pgtls_x509::{
    Verdict::{
        CaKeyTooSmall, CaMdTooWeak, CertHasExpired, CertNotYetValid, CertSignatureFailure,
        CrlSignatureFailure, DepthZeroSelfSignedCert, EeKeyTooSmall, ErrorInCertNotAfterField,
        ErrorInCertNotBeforeField, InvalidCa, InvalidPurpose, KeyUsageNoCrlSign, UnableToGetCrl,
        UnableToGetIssuerCertLocally, UnsupportedSignature,
    },
    X509Error,
};

#[test]
fn every_signature_but_the_anchors_is_checked() {
    let bad = |depth| refused(CertSignatureFailure, depth);
    hold(&[
        ("the peer's", chain(3, vec![(0, Change::BreakSignature)]), bad(0)),
        ("a CA's", chain(3, vec![(1, Change::BreakSignature)]), bad(1)),
        ("the anchor's", chain(3, vec![(2, Change::BreakSignature)]), ACCEPTED),
        ("by another key", chain(3, vec![(0, Change::SignedBy(2))]), bad(0)),
        ("an unused bit", chain(3, vec![(0, Change::UnusedSignatureBits(1))]), bad(0)),
        ("of two minds", chain(3, vec![(0, Change::InnerSignature(Signature::Sha384))]), bad(0)),
    ]);
}

/// OpenSSL clears the unused bits of every BIT STRING that it reads, and accepts no signature that has any.
#[test]
fn unused_bits_are_cleared() {
    let rsa = |place, changes: Vec<Change>| {
        let changes = changes.into_iter().map(|change| (place, change)).collect();
        Scenario { kind: KeyKind::Rsa2048, ..chain(3, changes) }
    };
    let ec = |place, change| chain(3, vec![(place, change)]);
    let key = |unused| Change::UnusedKeyBits(unused);
    let usage = |unused, byte| Change::Set(Extension::KeyUsage(unused, vec![byte]), true);
    let netscape = |unused, byte| Change::Set(Extension::NetscapeType(unused, byte), false);
    let bad = |depth| refused(CertSignatureFailure, depth);
    hold(&[
        // The exponent 65537 becomes 65536.
        ("the anchor's RSA key", rsa(2, vec![key(UnusedBits::Number(1))]), bad(1)),
        ("a CA's", rsa(1, vec![key(UnusedBits::Number(7))]), bad(0)),
        ("the peer's, which is used later", rsa(0, vec![key(UnusedBits::Number(1))]), ACCEPTED),
        // The point is not on its curve any more.
        (
            "the anchor's key on a curve",
            ec(2, key(UnusedBits::ZerosAndOne)),
            refused(UnableToGetIssuerCertLocally, 1),
        ),
        ("a CA's", ec(1, key(UnusedBits::ZerosAndOne)), refused(UnableToGetIssuerCertLocally, 0)),
        ("the peer's", ec(0, key(UnusedBits::ZerosAndOne)), refused(EeKeyTooSmall, 0)),
        ("the anchor's, which are zero", ec(2, key(UnusedBits::Zeros)), ACCEPTED),
        ("a CA's", ec(1, key(UnusedBits::Zeros)), ACCEPTED),
        ("the peer's", ec(0, key(UnusedBits::Zeros)), ACCEPTED),
        ("of a signature", ec(0, Change::UnusedSignatureBits(7)), bad(0)),
        ("of a CA's signature", ec(1, Change::UnusedSignatureBits(1)), bad(1)),
        ("of the anchor's signature", ec(2, Change::UnusedSignatureBits(1)), ACCEPTED),
        (
            "of a CRL's signature",
            checked(3, vec![], vec![(0, CrlChange::UnusedSignatureBits(1))]),
            refused(CrlSignatureFailure, 0),
        ),
        ("of a key usage, behind keyCertSign", ec(1, usage(2, 0xff)), ACCEPTED),
        ("in front of cRLSign", checked(3, vec![(1, usage(2, 0xff))], vec![]), refused(KeyUsageNoCrlSign, 0)),
        ("in front of keyCertSign", ec(1, usage(3, 0xff)), refused(InvalidCa, 1)),
        ("all that it says", ec(0, usage(7, 0x7f)), refused(UnableToGetIssuerCertLocally, 0)),
        ("of a Netscape type, behind the server", ec(0, netscape(6, 0xff)), ACCEPTED),
        ("in front of the server", ec(0, netscape(7, 0x7f)), refused(InvalidPurpose, 0)),
        ("of unique identifiers", ec(0, Change::UniqueIdentifiers(7)), ACCEPTED),
        (
            "of a CRL's reasons, which leaves none",
            checked(3, vec![], vec![(0, CrlChange::Point(sequence(&[implicit(3, &[7, 0x7f])])))]),
            refused(UnableToGetCrl, 0),
        ),
    ]);
    // The peer's certificate and that of the root file differ in an unused bit alone. RSA signatures are the same each time.
    let alone = |changes: Vec<(usize, Change)>| Scenario {
        kind: KeyKind::Rsa2048,
        extras: vec![Extra { entity: 0, issuer: 0 }],
        ..chain(1, [vec![(0, Change::NotInRootFile), (1, Change::Serial(vec![1]))], changes].concat())
    };
    let unused = |place| (place, Change::UnusedSignatureBits(1));
    let broken = (0, Change::BreakSignature);
    hold(&[
        ("the same certificate", alone(vec![]), ACCEPTED),
        ("in an unused bit", alone(vec![unused(0), unused(1), broken.clone()]), ACCEPTED),
        ("in a bit that is used", alone(vec![broken]), refused(DepthZeroSelfSignedCert, 0)),
        ("in its being used", alone(vec![unused(1)]), refused(DepthZeroSelfSignedCert, 0)),
    ]);
}

/// What a crypto provider for rustls verifies.
const VERIFIED: &[(KeyKind, &[Signature])] = &[
    (KeyKind::P256, &[Signature::Natural, Signature::Sha384, Signature::Sha512]),
    (KeyKind::P384, &[Signature::Natural, Signature::Sha384, Signature::Sha512]),
    (KeyKind::P521, &[Signature::Natural, Signature::Sha384, Signature::Sha512]),
    (
        KeyKind::Rsa2048,
        &[
            Signature::Natural,
            Signature::Sha384,
            Signature::Sha512,
            Signature::Pss,
            Signature::PssSha384,
            Signature::PssSha512,
        ],
    ),
    (KeyKind::RsaPss, &[Signature::Natural, Signature::PssSha384, Signature::PssSha512]),
    (KeyKind::RsaPssSha256, &[Signature::Natural]),
    (KeyKind::Ed25519, &[Signature::Natural]),
];

#[test]
fn every_usual_algorithm_is_verified() {
    for (kind, signatures) in VERIFIED {
        for signature in *signatures {
            let signed = |changes: Vec<(usize, Change)>| {
                let by = (0, Change::Signature(*signature));
                Scenario { kind: *kind, ..chain(2, [vec![by], changes].concat()) }
            };
            hold(&[
                ("good", signed(vec![]), ACCEPTED),
                ("broken", signed(vec![(0, Change::BreakSignature)]), refused(CertSignatureFailure, 0)),
            ]);
        }
    }
}

#[test]
fn a_key_for_one_algorithm_alone_signs_with_no_other() {
    let by = |signature| {
        let scenario = chain(2, vec![(0, Change::Signature(signature))]);
        Scenario { kind: KeyKind::RsaPssSha256, ..scenario }
    };
    let bad = || refused(CertSignatureFailure, 0);
    hold(&[
        ("its own", by(Signature::Pss), ACCEPTED),
        ("another digest", by(Signature::PssSha384), bad()),
        ("another digest of the mask", by(Signature::PssOtherMask), bad()),
        ("a shorter salt", by(Signature::PssShortSalt), bad()),
    ]);
}

/// OpenSSL verifies these; no crypto provider for rustls does.
#[test]
fn what_no_provider_verifies_is_refused_as_that() {
    for (kind, signature) in
        [(KeyKind::Rsa2048, Signature::PssShortSalt), (KeyKind::Rsa2048, Signature::PssOtherMask)]
    {
        let scenario = Scenario { kind, ..chain(2, vec![(0, Change::Signature(signature))]) };
        match verify(&make(&scenario), false, 2) {
            Err(X509Error::Path(error)) => {
                assert_eq!((error.verdict, error.depth), (UnsupportedSignature, 0), "{kind:?} {signature:?}");
                let told = error.detail.unwrap();
                assert!(told.contains(", issuer's key "), "{told}");
            }
            other => panic!("{kind:?} {signature:?}: {other:?}"),
        }
    }
}

#[test]
fn keys_and_digests_are_as_strong_as_the_level_wants() {
    let at = |level, kind, changes| Scenario { kind, level, ..chain(3, changes) };
    let key = |place, kind| vec![(place, Change::Key(kind))];
    let digest = |place, signature| vec![(place, Change::Signature(signature))];
    let everywhere = |signature| (0..2).map(|place| (place, Change::Signature(signature))).collect();
    hold(&[
        ("RSA, 2048 bits", at(2, KeyKind::Rsa2048, vec![]), ACCEPTED),
        ("at level 3", at(3, KeyKind::Rsa2048, vec![]), refused(EeKeyTooSmall, 0)),
        ("the peer's, 1024 bits", at(2, KeyKind::P256, key(0, KeyKind::Rsa1024)), refused(EeKeyTooSmall, 0)),
        ("a CA's", at(2, KeyKind::P256, key(1, KeyKind::Rsa1024)), refused(CaKeyTooSmall, 1)),
        ("the anchor's", at(2, KeyKind::P256, key(2, KeyKind::Rsa1024)), refused(CaKeyTooSmall, 2)),
        ("P-256 at level 3", at(3, KeyKind::P256, vec![]), ACCEPTED),
        ("at level 4", at(4, KeyKind::P256, vec![]), refused(EeKeyTooSmall, 0)),
        ("P-384 with SHA-256", at(4, KeyKind::P384, vec![]), refused(CaMdTooWeak, 0)),
        ("with SHA-384", at(4, KeyKind::P384, everywhere(Signature::Sha384)), ACCEPTED),
        ("at level 5", at(5, KeyKind::P384, everywhere(Signature::Sha512)), refused(EeKeyTooSmall, 0)),
        ("P-521 with SHA-384", at(5, KeyKind::P521, everywhere(Signature::Sha384)), refused(CaMdTooWeak, 0)),
        ("with SHA-512", at(5, KeyKind::P521, everywhere(Signature::Sha512)), ACCEPTED),
        ("the peer by SHA-1", at(2, KeyKind::Rsa2048, digest(0, Signature::Sha1)), refused(CaMdTooWeak, 0)),
        ("a CA by SHA-1", at(2, KeyKind::Rsa2048, digest(1, Signature::Sha1)), refused(CaMdTooWeak, 1)),
        ("the anchor by SHA-1", at(2, KeyKind::Rsa2048, digest(2, Signature::Sha1)), ACCEPTED),
        ("the anchor by MD5", at(2, KeyKind::Rsa2048, digest(2, Signature::Md5)), ACCEPTED),
        (
            "the peer by MD5 at level 1",
            at(1, KeyKind::Rsa2048, digest(0, Signature::Md5)),
            refused(CaMdTooWeak, 0),
        ),
    ]);
}

#[test]
fn every_certificate_is_in_date_the_anchor_too() {
    let begins = |place, moment| chain(3, vec![(place, Change::NotBefore(moment))]);
    let ends = |place, moment| chain(3, vec![(place, Change::NotAfter(moment))]);
    let mut rows: Vec<Row> = Vec::new();
    for place in 0..3 {
        let table: [(&str, Scenario, Expected); 7] = [
            ("begins now", begins(place, Moment::Now), ACCEPTED),
            ("begins later", begins(place, Moment::Future), refused(CertNotYetValid, place)),
            ("ends now", ends(place, Moment::Now), refused(CertHasExpired, place)),
            ("has ended", ends(place, Moment::Past), refused(CertHasExpired, place)),
            ("ends later", ends(place, Moment::FarFuture), ACCEPTED),
            ("begins never", begins(place, Moment::NoDate), refused(ErrorInCertNotBeforeField, place)),
            ("ends never", ends(place, Moment::NoDate), refused(ErrorInCertNotAfterField, place)),
        ];
        rows.extend(table);
    }
    let trusted = (1, Change::Trusted(TrustSetting::Server));
    rows.push((
        "an anchor that another issued is not asked",
        chain(3, vec![trusted, (1, Change::NotAfter(Moment::Past))]),
        ACCEPTED,
    ));
    hold(&rows);
}
