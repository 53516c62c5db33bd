//! Which certificate speaks for which host: `tests/data/names.tsv` through the core's matcher.

mod libc;

use crate::support::table::{self, Row};
use pgtls_core::{
    hardening::Hardening,
    name::{
        HostMismatch, MatchedName, NameRules, PeerName, PeerNames, inet_aton, inet_pton_ipv6, match_host,
    },
};

/// A row, unescaped.
struct Case {
    line: usize,
    host: Option<String>,
    subject_alt_names: Vec<Entry>,
    /// The first commonName, which is the one that counts.
    common_name: Option<Vec<u8>>,
    /// What is expected, by column.
    verdicts: [(Judge, String); 4],
}

enum Entry {
    Dns(Vec<u8>),
    Ip(Vec<u8>),
    Other,
}

impl Entry {
    fn borrowed(&self) -> PeerName<'_> {
        match self {
            Self::Dns(text) => PeerName::Dns(text),
            Self::Ip(octets) => PeerName::Ip(octets),
            Self::Other => PeerName::Other,
        }
    }
}

/// Whose verdict a column holds.
#[derive(Clone, Copy, Debug)]
struct Judge {
    rules: NameRules,
    hardening: Hardening,
}

const HARDENED: Hardening = {
    let mut hardening = Hardening::NONE;
    hardening.no_wildcard_for_addresses = true;
    hardening.no_empty_labels = true;
    hardening
};

fn cases() -> Vec<Case> {
    table::rows("names.tsv").iter().map(case).collect()
}

fn case(row: &Row) -> Case {
    let common_name = list(row.field("cn")).next().map(|name| match name.strip_prefix("bmp:") {
        Some(text) => text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
        None => unescape(if name == "\"\"" { "" } else { name }).into_bytes(),
    });
    let judge = |rules| Judge { rules, hardening: Hardening::NONE };
    let hardened = match row.field("hard") {
        "=" => row.field("15"),
        other => other,
    };
    Case {
        line: row.line,
        host: Some(row.field("host")).filter(|&host| host != "-").map(unescape),
        subject_alt_names: list(row.field("san")).map(entry).collect(),
        common_name,
        verdicts: [
            (judge(NameRules::Pg15), row.field("15").to_owned()),
            (judge(NameRules::Pg95), row.field("9.5").to_owned()),
            (judge(NameRules::Pg90), row.field("8.4").to_owned()),
            (Judge { rules: NameRules::Pg15, hardening: HARDENED }, hardened.to_owned()),
        ],
    }
}

fn list(cell: &str) -> impl Iterator<Item = &str> {
    Some(cell).filter(|&cell| cell != "-").into_iter().flat_map(|cell| cell.split('|'))
}

fn entry(text: &str) -> Entry {
    let (kind, value) = text.split_once(':').unwrap_or_else(|| panic!("{text:?} has no kind"));
    match (kind, value.strip_prefix('#')) {
        ("dns", _) => Entry::Dns(unescape(value).into_bytes()),
        ("ip", Some(hexadecimal)) => {
            let octet = |at| u8::from_str_radix(hexadecimal.get(at..at + 2).unwrap(), 16).unwrap();
            Entry::Ip((0..hexadecimal.len()).step_by(2).map(octet).collect())
        }
        ("ip", None) => match value.parse::<std::net::IpAddr>().unwrap() {
            std::net::IpAddr::V4(address) => Entry::Ip(address.octets().to_vec()),
            std::net::IpAddr::V6(address) => Entry::Ip(address.octets().to_vec()),
        },
        ("uri" | "email", _) => Entry::Other,
        _ => panic!("{text:?} has no kind that is known"),
    }
}

fn unescape(text: &str) -> String {
    text.replace("\\0", "\0")
        .replace("\\t", "\t")
        .replace("\\x20", " ")
        .replace("\\p", "|")
        .replace("\\\\", "\\")
}

impl Case {
    fn judge<T>(&self, judge: Judge, then: impl FnOnce(Result<MatchedName<'_>, HostMismatch>) -> T) -> T {
        let subject_alt_names: Vec<_> = self.subject_alt_names.iter().map(Entry::borrowed).collect();
        let names =
            PeerNames { subject_alt_names: &subject_alt_names, common_name: self.common_name.as_deref() };
        then(match_host(self.host.as_deref(), &names, judge.rules, judge.hardening))
    }

    /// The verdict in the words of the table.
    fn verdict(&self, judge: Judge) -> String {
        self.judge(judge, |result| match result {
            Ok(matched) if matched.from_common_name() => "cn".to_owned(),
            Ok(matched) => {
                let place = self
                    .subject_alt_names
                    .iter()
                    .position(|entry| entry.borrowed() == matched.name())
                    .expect("the name that matched is one of them");
                format!("san {}", place + 1)
            }
            Err(HostMismatch::NoMatch { .. }) => "no".to_owned(),
            Err(HostMismatch::EmbeddedNul) => "nul".to_owned(),
            Err(HostMismatch::AddressLength(_)) => "length".to_owned(),
            Err(HostMismatch::NoHost) => "no host".to_owned(),
            Err(other) => other.to_string(),
        })
    }
}

#[test]
fn every_row_has_its_verdict() {
    let cases = cases();
    let mut wrong = Vec::new();
    for case in &cases {
        for (judge, expected) in &case.verdicts {
            let verdict = case.verdict(*judge);
            if verdict != *expected {
                wrong.push(format!("line {}, {judge:?}: expected {expected}, got {verdict}", case.line));
            }
        }
    }
    assert!(wrong.is_empty(), "{} wrong verdicts:\n{}", wrong.len(), wrong.join("\n"));
    assert!(cases.len() > 255, "the table has shrunk to {} rows", cases.len());
}

/// A table that lists only what is accepted would be kept by a matcher that accepts everything.
#[test]
fn every_verdict_occurs_for_every_rule_set() {
    let cases = cases();
    for column in 0..4 {
        for verdict in ["san", "cn", "no", "nul", "length", "no host"] {
            let (Judge { rules, .. }, _) = cases[0].verdicts[column];
            let possible = match verdict {
                "san" => rules != NameRules::Pg90,
                "length" => rules == NameRules::Pg15,
                _ => true,
            };
            let occurs = cases.iter().any(|case| {
                let expected = case.verdicts[column].1.as_str();
                expected == verdict || (verdict == "san" && expected.starts_with("san "))
            });
            assert_eq!(occurs, possible, "{verdict} by {rules:?}");
        }
    }
}

/// The hot path of a connection: names are borrowed and compared in place.
#[test]
fn a_match_allocates_nothing() {
    for case in cases() {
        let subject_alt_names: Vec<_> = case.subject_alt_names.iter().map(Entry::borrowed).collect();
        let names =
            PeerNames { subject_alt_names: &subject_alt_names, common_name: case.common_name.as_deref() };
        for (Judge { rules, hardening }, _) in case.verdicts {
            let mut matched = false;
            let allocations = allocation_counter::measure(|| {
                matched = match_host(case.host.as_deref(), &names, rules, hardening).is_ok();
            });
            assert!(!matched || allocations.count_total == 0, "line {}: {allocations:?}", case.line);
        }
    }
}
