//! `docs/names.md`: which certificate matches which host, by the matcher.

use super::template::{fill, table};
use pgtls_core::{
    hardening::Hardening,
    name::{HostMismatch, NameRules, PeerName, PeerNames, match_host, printable_name},
};

pub(super) fn content() -> String {
    fill(include_str!("names.md"), &[("examples", examples())])
}

use PeerName::{Dns, Ip, Other};

/// Host, subjectAltName, commonName.
const EXAMPLES: &[(&str, &[PeerName<'_>], Option<&str>)] = &[
    ("db.example.com", &[Dns(b"db.example.com")], None),
    ("DB.example.com", &[Dns(b"db.EXAMPLE.com")], None),
    ("db.example.com.", &[Dns(b"db.example.com")], None),
    ("db.example.com", &[Dns(b"*.example.com")], None),
    ("a.db.example.com", &[Dns(b"*.example.com")], None),
    ("example.com", &[Dns(b"*.example.com")], None),
    ("db1.example.com", &[Dns(b"db*.example.com")], None),
    ("example.com", &[Dns(b"*.com")], None),
    ("a..example.com", &[Dns(b"*.example.com")], None),
    ("db.example.com", &[], Some("db.example.com")),
    ("db.example.com", &[Dns(b"other.example.com")], Some("db.example.com")),
    ("db.example.com", &[Ip(&[192, 0, 2, 1])], Some("db.example.com")),
    ("db.example.com", &[Other], Some("db.example.com")),
    ("192.0.2.1", &[Ip(&[192, 0, 2, 1])], None),
    ("0300.0.513", &[Ip(&[192, 0, 2, 1])], None),
    ("192.0.2.1", &[Dns(b"192.0.2.1")], None),
    ("192.0.2.1", &[Dns(b"*.0.2.1")], None),
    ("192.0.2.1", &[Dns(b"db.example.com")], Some("192.0.2.1")),
    ("192.0.2.1", &[Ip(&[192, 0, 2, 9])], Some("192.0.2.1")),
    ("2001:DB8:0::1", &[Ip(&[0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1])], None),
    ("192.0.2.1", &[Ip(&[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 1])], None),
    ("db.example.com", &[Dns(b"db.example.com\0.evil.test")], None),
    ("db.example.com", &[Ip(&[192, 0, 2])], Some("db.example.com")),
    ("db.example.com", &[Dns(b"db.example.com"), Ip(&[192, 0, 2])], None),
];

fn examples() -> String {
    table(
        ["Host", "subjectAltName", "commonName", "15 and later", "9.5 to 14", "8.4 to 9.4"],
        EXAMPLES.iter().map(|(host, subject_alt_names, common_name)| {
            let names = PeerNames { subject_alt_names, common_name: common_name.map(str::as_bytes) };
            let verdict = |rules| match match_host(Some(host), &names, rules, Hardening::NONE) {
                Ok(_) => "yes",
                Err(HostMismatch::NoMatch { .. }) => "no",
                Err(_) => "error",
            };
            let entries: Vec<_> = subject_alt_names.iter().map(entry).collect();
            [
                format!("`{host}`"),
                entries.join(", "),
                common_name.map_or(String::new(), |name| format!("`{name}`")),
                verdict(NameRules::Pg15).to_owned(),
                verdict(NameRules::Pg95).to_owned(),
                verdict(NameRules::Pg90).to_owned(),
            ]
        }),
    )
}

fn entry(name: &PeerName<'_>) -> String {
    match name {
        Dns(_) => format!("DNS `{}`", printable_name(*name)),
        Ip(octets) => {
            let octets = if matches!(octets.len(), 4 | 16) { "" } else { " (octets)" };
            format!("IP `{}`{octets}", printable_name(*name))
        }
        Other => "a URI".to_owned(),
    }
}
