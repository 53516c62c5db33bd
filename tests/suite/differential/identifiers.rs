//! Signature algorithms by their identifiers: OpenSSL's cross reference (`tests/data/signature_ids.tsv`), and every identifier
//! with every kind of key in each place of a chain.

use super::{
    compare,
    grammar::{Change, Extra, Moment, Scenario, TrustSetting},
    keys::{KINDS, KeyKind},
    label,
    make::make,
    oracle::{Answer, openssl, release},
    reproduction, rules, said, verify,
};
use crate::support::table;
use openssl::{asn1::Asn1Object, nid::Nid};
use pgtls_x509::{PathError, Verdict, X509Error};
use std::{collections::BTreeSet, sync::LazyLock};

/// The releases that have a column.
const RELEASES: [(&str, [u8; 2]); 2] = [("3.0", [3, 0]), ("3.5", [3, 5])];

/// Identifiers that no release has in its cross reference: signature algorithms, kinds of keys, and a digest.
const ABSENT: [&str; 8] = [
    "1.2.840.113549.1.1.15",
    "1.2.840.113549.1.1.16",
    "2.16.840.1.101.3.4.3.3",
    "2.16.840.1.101.3.4.3.4",
    "1.2.840.113549.1.1.1",
    "1.2.840.10045.2.1",
    "2.16.840.1.101.3.4.2.1",
    "1.3.6.1.4.1.99999.1",
];

/// A row of the table.
struct Row {
    identifier: String,
    name: String,
    digest: String,
    key: String,
    /// Presence in each of the [`RELEASES`].
    releases: [bool; 2],
}

static ROWS: LazyLock<Vec<Row>> = LazyLock::new(|| {
    let rows = table::rows("signature_ids.tsv");
    rows.iter()
        .map(|row| Row {
            identifier: row.field("identifier").to_owned(),
            name: row.field("name").to_owned(),
            digest: row.field("digest").to_owned(),
            key: row.field("key").to_owned(),
            releases: RELEASES.map(|(column, _)| match row.field(column) {
                "yes" => true,
                "no" => false,
                other => panic!("line {}: {other}", row.line),
            }),
        })
        .collect()
});

/// All identifiers of the table, and those that no release has.
pub(super) fn identifiers() -> &'static [&'static str] {
    static ALL: LazyLock<Vec<&'static str>> =
        LazyLock::new(|| ROWS.iter().map(|row| row.identifier.as_str()).chain(ABSENT).collect());
    &ALL
}

/// Whether the releases differ on an identifier.
fn depends_on_release(identifier: &str) -> bool {
    ROWS.iter().any(|row| row.identifier == identifier && row.releases[0] != row.releases[1])
}

/// Whether a refusal need not be that of the release that is loaded, because of an identifier on which the releases differ.
pub(super) fn is_of_another_release(identifier: &str, ours: &PathError) -> bool {
    // Releases after 3.0 do not rate a signature whose digest they do not know; they go on to verify it.
    let is_unrated = || {
        let detail = ours.detail.as_deref().unwrap_or_default();
        let unrated =
            ["ECDSA without a digest, where", "RSA-PSS, where", "an unknown signature algorithm, where"];
        ours.verdict == Verdict::CaMdTooWeak && unrated.iter().any(|start| detail.starts_with(start))
    };
    depends_on_release(identifier) || (!rates_unknown_digests() && is_unrated())
}

/// Whether the release of OpenSSL that is loaded takes a signature without a known digest for weak.
fn rates_unknown_digests() -> bool {
    static RATES: LazyLock<bool> = LazyLock::new(|| {
        let scenario = rules::chain(2, vec![(0, Change::Identifier("1.2.840.10045.4.2"))]);
        !matches!(openssl(&make(&scenario), false, 2), Answer::Accepted(_))
    });
    *RATES
}

/// More numbers than OpenSSL gives to its objects.
const NIDS: i32 = 4_096;

/// Name, digest and kind of key of an algorithm, as the loaded library has them; `None` when it is not in its cross reference.
fn in_library(nid: Nid) -> Option<[&'static str; 3]> {
    let algorithms = nid.signature_algorithms()?;
    Some([nid, algorithms.digest, algorithms.pkey].map(|nid| nid.short_name().unwrap()))
}

#[test]
fn the_cross_reference_is_that_of_the_loaded_openssl() {
    let [major, minor, _] = release();
    let nid = |identifier: &str| Asn1Object::from_str(identifier).unwrap().nid();
    for (place, (column, numbers)) in RELEASES.iter().enumerate() {
        if *numbers != [major, minor] {
            println!("column {column} is not compared: OpenSSL {major}.{minor} is loaded");
            continue;
        }
        for row in &*ROWS {
            let ours = [&row.name, &row.digest, &row.key].map(String::as_str);
            let theirs = in_library(nid(&row.identifier));
            assert_eq!(row.releases[place].then_some(ours), theirs, "{}, column {column}", row.identifier);
        }
    }
    // A release between the two has what both have, and nothing that neither has.
    let theirs: BTreeSet<i32> =
        (1..NIDS).filter(|number| in_library(Nid::from_raw(*number)).is_some()).collect();
    let of_rows = |rows: &mut dyn Iterator<Item = &Row>| -> BTreeSet<i32> {
        rows.map(|row| nid(&row.identifier).as_raw()).collect()
    };
    assert!(of_rows(&mut ROWS.iter().filter(|row| row.releases == [true, true])).is_subset(&theirs));
    assert!(theirs.is_subset(&of_rows(&mut ROWS.iter())), "a release has more than all columns");
    assert!(ABSENT.iter().all(|absent| in_library(nid(absent)).is_none()));
}

/// Places of an identifier: the anchor, an anchor by trust settings, a CA, the peer.
fn places(identifier: &'static str, kind: KeyKind) -> Vec<(&'static str, Scenario)> {
    let named = |place| (place, Change::Identifier(identifier));
    let inner = |place| (place, Change::InnerIdentifier(identifier));
    let trusted = |place| (place, Change::Trusted(TrustSetting::Server));
    let ended = |place| (place, Change::NotAfter(Moment::Past));
    let level = |level, scenario| Scenario { level, ..scenario };
    // The chain has keys that verify quickly but for the issuer of what carries the identifier.
    let with = |length, owner: usize, changes: Vec<(usize, Change)>| {
        rules::chain(length, [vec![(owner, Change::Key(kind))], changes].concat())
    };
    let v1 = |place| vec![(place, Change::Version(None)), (place, Change::Bare)];
    vec![
        ("a root", with(2, 1, vec![named(1)])),
        ("a root, inside its signed part alone", with(2, 1, vec![inner(1)])),
        ("a root at level 0", level(0, with(2, 1, vec![named(1)]))),
        ("a root of X.509 v1", with(2, 1, [vec![named(1)], v1(1)].concat())),
        ("a root, trusted by its settings", with(2, 1, vec![named(1), trusted(1)])),
        ("a root, trusted by its settings, that has ended", with(2, 1, vec![named(1), trusted(1), ended(1)])),
        (
            "a root of X.509 v1, trusted by its settings",
            with(2, 1, [vec![named(1), trusted(1)], v1(1)].concat()),
        ),
        ("a certificate alone", with(1, 0, vec![named(0)])),
        ("a certificate alone, trusted by its settings", with(1, 0, vec![named(0), trusted(0)])),
        (
            "a root that was sent and is not known",
            rules::issuers::with_a_stranger(with(
                2,
                1,
                vec![named(1), (1, Change::NotInRootFile), (1, Change::Presented)],
            )),
        ),
        ("a CA", with(3, 2, vec![named(1)])),
        ("a CA at level 0", level(0, with(3, 2, vec![named(1)]))),
        ("a CA of the root file, trusted by its settings", with(3, 2, vec![named(1), trusted(1)])),
        ("the peer", with(2, 1, vec![named(0)])),
        ("the peer, inside its signed part alone", with(2, 1, vec![inner(0)])),
        ("the peer at level 0", level(0, with(2, 1, vec![named(0)]))),
        (
            "a root of two",
            Scenario {
                extras: vec![Extra { entity: 1, issuer: 1 }],
                ..with(2, 1, vec![named(1), (2, Change::Key(kind)), (2, Change::InRootFile)])
            },
        ),
    ]
}

/// Of the rows whose key is for another algorithm, a run that asks for no number of cases tries one in so many.
const SAMPLED: u32 = 7;

/// Whether an identifier is for such keys.
fn is_for(identifier: &str, kind: KeyKind) -> bool {
    use KeyKind::{Dsa, Ed448, Ed25519, Rsa1024, Rsa2048, RsaPss, RsaPssSha256};
    ROWS.iter().find(|row| row.identifier == identifier).is_some_and(|row| match kind {
        Rsa2048 => matches!(row.key.as_str(), "rsaEncryption" | "RSA" | "RSASSA-PSS"),
        Rsa1024 | RsaPss | RsaPssSha256 => row.key == "RSASSA-PSS",
        Dsa => row.key.starts_with("DSA"),
        Ed25519 => row.key == "ED25519",
        Ed448 => row.key == "ED448",
        _ => row.key == "id-ecPublicKey",
    })
}

/// Our verdict is OpenSSL's, but for what no provider verifies. Where the releases differ, we accept only what all of them accept.
#[test]
fn every_identifier_with_every_kind_of_key() {
    let mut wrong = Vec::new();
    let (mut accepted, mut count) = (0, 0);
    let all = std::env::var_os("PGTLS_DIFFERENTIAL_CASES").is_some();
    let mut number = 0;
    for identifier in identifiers() {
        for kind in KINDS {
            for (place, scenario) in places(identifier, *kind) {
                number += 1;
                if !all && !is_for(identifier, *kind) && number % SAMPLED != 0 {
                    continue;
                }
                let files = make(&scenario);
                let theirs = openssl(&files, false, scenario.level);
                let ours = verify(&files, false, scenario.level);
                count += 1;
                accepted += u32::from(ours.is_ok());
                let is_our_own = |ours: &X509Error| match ours {
                    X509Error::Path(ours) => {
                        ours.verdict == Verdict::UnsupportedSignature
                            || *kind == KeyKind::Explicit
                            || is_of_another_release(identifier, ours)
                    }
                    _ => false,
                };
                if compare(&theirs, &ours, is_our_own).is_err() {
                    wrong.push(format!(
                        "{identifier} with {kind:?}: {place}: OpenSSL {}, pgtls {}",
                        label(&theirs),
                        said(&ours)
                    ));
                    if wrong.len() == 1 {
                        println!("{}", reproduction(&files));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {count} rows differ:\n{}", wrong.len(), wrong.join("\n"));
    println!("{count} rows, {accepted} accepted");
    assert!(accepted > 500, "{accepted} of {count} rows are accepted");
}
