//! The matcher against an oracle too plain to be wrong, and what it says when nothing matches. The table of verdicts is
//! `tests/data/names.tsv`.

mod naive;
mod strategy;

use super::*;
use alloc::{string::String, string::ToString, vec, vec::Vec};
use proptest::prelude::*;
use strategy::{OwnedName, OwnedNames};

/// The verdict in a form that the oracle gives too: the place among the names compared, or the reason.
fn verdict(host: Option<&str>, names: &OwnedNames, rules: NameRules, hardening: Hardening) -> naive::Verdict {
    let subject_alt_names: Vec<PeerName<'_>> =
        names.subject_alt_names.iter().map(OwnedName::borrowed).collect();
    let presented =
        PeerNames { subject_alt_names: &subject_alt_names, common_name: names.common_name.as_deref() };
    match match_host(host, &presented, rules, hardening) {
        Ok(matched) if matched.from_common_name() => {
            assert_eq!(Some(matched.name()), presented.common_name.map(PeerName::Dns));
            naive::Verdict::CommonName
        }
        Ok(matched) => naive::Verdict::SubjectAltName(OwnedName::of(matched.name())),
        Err(HostMismatch::NoHost) => naive::Verdict::NoHost,
        Err(HostMismatch::NulInHost) => naive::Verdict::NulInHost,
        Err(HostMismatch::NoMatch { host: shown, examined, count }) => {
            assert_eq!(shown, host.unwrap_or_default());
            assert_eq!(examined.len(), count.min(MAX_NAMES_SHOWN));
            naive::Verdict::NoMatch { examined: count }
        }
        Err(HostMismatch::EmbeddedNul) => naive::Verdict::EmbeddedNul,
        Err(HostMismatch::AddressLength(octets)) => naive::Verdict::AddressLength(octets),
    }
}

fn hardenings() -> impl Strategy<Value = Hardening> {
    any::<(bool, bool)>().prop_map(|(no_wildcard_for_addresses, no_empty_labels)| Hardening {
        no_wildcard_for_addresses,
        no_empty_labels,
        ..Hardening::NONE
    })
}

proptest! {
    /// On names made from the host by small changes, matcher and oracle agree by all rules.
    #[test]
    fn the_oracle_agrees((host, names) in strategy::host_and_names(), hardening in hardenings()) {
        for rules in NameRules::ALL {
            let expected = naive::verdict(Some(&host), &names, rules, hardening);
            prop_assert_eq!(verdict(Some(&host), &names, rules, hardening), expected, "{:?}", rules);
            let without = naive::verdict(None, &names, rules, hardening);
            prop_assert_eq!(verdict(None, &names, rules, hardening), without.clone(), "{:?}", rules);
            prop_assert_eq!(verdict(Some(""), &names, rules, hardening), without, "{:?}", rules);
        }
    }

    /// A hardening takes matches away and never adds one.
    #[test]
    fn hardenings_only_refuse((host, names) in strategy::host_and_names(), hardening in hardenings()) {
        for rules in NameRules::ALL {
            let hard = verdict(Some(&host), &names, rules, hardening);
            if hard.is_match() {
                let plain = verdict(Some(&host), &names, rules, Hardening::NONE);
                prop_assert!(plain.is_match(), "{:?} by {:?}, without hardening {:?}", hard, rules, plain);
            }
        }
    }

    /// Any bytes at all: no panic, and the words stay within their bound and free of control characters.
    #[test]
    fn whatever_a_certificate_says_can_be_printed(
        host in ".{0,40}",
        names in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..MAX_NAME_SHOWN + 40), 0..3),
    ) {
        let names = OwnedNames {
            subject_alt_names: names.into_iter().map(OwnedName::Dns).collect(),
            common_name: None,
        };
        let borrowed: Vec<_> = names.subject_alt_names.iter().map(OwnedName::borrowed).collect();
        let presented = PeerNames { subject_alt_names: &borrowed, common_name: None };
        if let Err(error) = match_host(Some(&host), &presented, NameRules::Pg15, Hardening::NONE) {
            let shown = error.to_string();
            prop_assert!(!shown.chars().any(char::is_control), "{:?}", shown);
            prop_assert!(shown.len() < 16 * (MAX_NAME_SHOWN + 100), "{} bytes", shown.len());
        }
    }

    #[test]
    fn inet_aton_reads_what_the_oracle_reads(text in strategy::ipv4_text()) {
        prop_assert_eq!(inet_aton(&text), naive::inet_aton(&text));
    }

    /// The standard library reads IPv6 addresses as `inet_pton` does.
    #[test]
    fn inet_pton_reads_what_the_standard_library_reads(text in strategy::ipv6_text()) {
        prop_assert_eq!(inet_pton_ipv6(&text), text.parse().ok());
    }

    #[test]
    fn an_address_that_is_printed_is_read_again(octets in strategy::ipv6_octets()) {
        let text = printable_address(&octets);
        prop_assert_eq!(inet_pton_ipv6(&text), Some(octets.into()), "{}", text);
        prop_assert_eq!(naive::printed_ipv6(octets), text);
    }
}

#[track_caller]
fn message(host: Option<&str>, names: &[PeerName<'_>], common_name: Option<&[u8]>, expected: &str) {
    let names = PeerNames { subject_alt_names: names, common_name };
    let error = match_host(host, &names, NameRules::Pg15, Hardening::NONE).unwrap_err();
    assert_eq!(error.to_string(), expected);
}

#[test]
fn messages() {
    use PeerName::{Dns, Ip, Other};
    message(
        Some("db.test"),
        &[Dns(b"a.test")],
        None,
        r#"server certificate for "a.test" does not match host name "db.test""#,
    );
    message(
        Some("db.test"),
        &[Other, Dns(b"a.test"), Ip(&[192, 0, 2, 1])],
        None,
        r#"server certificate for "a.test" (and 1 other name) does not match host name "db.test""#,
    );
    message(
        Some("db.test"),
        &[Ip(&[192, 0, 2, 1]), Other, Ip(&[0; 16])],
        Some(b"x.test"),
        r#"server certificate for "192.0.2.1" (and 2 other names) does not match host name "db.test""#,
    );
    message(
        Some("db.test"),
        &vec![Dns(b"a.test"); 300],
        None,
        r#"server certificate for "a.test" (and 299 other names) does not match host name "db.test""#,
    );
    message(
        Some("db.test"),
        &[],
        Some(b""),
        r#"server certificate for "" does not match host name "db.test""#,
    );
    message(
        Some("db.test"),
        &[Other],
        None,
        "could not get server's host name from server certificate: it has no name that counts",
    );
    message(
        None,
        &[Dns(b"a.test")],
        None,
        "host name must be specified to verify the server certificate; hostaddr is not compared with it",
    );
    message(Some("a\0"), &[Dns(b"a")], None, "host name contains a NUL byte");
    message(
        Some("db.test"),
        &[Dns(b"db.test\0.evil.test")],
        None,
        "a name in the server certificate contains an embedded null byte",
    );
    message(
        Some("db.test"),
        &[Ip(&[1, 2, 3])],
        None,
        "server certificate contains an IP address with invalid length 3, not 4 or 16",
    );
}

#[test]
fn hostile_text_is_made_harmless() {
    #[track_caller]
    fn check(name: &[u8], expected: &str) {
        assert_eq!(printable_name(PeerName::Dns(name)), expected);
    }
    check(b"db.test", "db.test");
    check("b\u{fc}cher.test".as_bytes(), "b\u{fc}cher.test");
    check(b"\x1b[2J\r\n\x07", r"\u{1b}[2J\u{d}\u{a}\u{7}");
    check(br#"a" does not match "b\"#, r"a\u{22} does not match \u{22}b\u{5c}");
    check("\u{202e}tset.bd\u{2028}\u{feff}".as_bytes(), r"\u{202e}tset.bd\u{2028}\u{feff}");
    check(b"a\xff\xfeb\xe2\x82", r"a\xff\xfeb\xe2\x82");
    check(&[b'a'; MAX_NAME_SHOWN], &String::from_iter(['a'; MAX_NAME_SHOWN]));
    check(&[b'a'; MAX_NAME_SHOWN + 1], &(String::from_iter(['a'; MAX_NAME_SHOWN]) + "..."));
    check(&[0xff; MAX_NAME_SHOWN + 1], &(r"\xff".repeat(MAX_NAME_SHOWN) + "..."));
}

#[test]
fn addresses_are_printed_as_libpq_prints_them() {
    #[track_caller]
    fn check(octets: &[u8], expected: &str) {
        assert_eq!(printable_name(PeerName::Ip(octets)), expected);
    }
    #[track_caller]
    fn check_ipv6(groups: [u16; 8], expected: &str) {
        check(&Ipv6Addr::from(groups).octets(), expected);
    }
    check(&[192, 0, 2, 1], "192.0.2.1");
    check_ipv6([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0xa], "2001:db8::a");
    check_ipv6([0, 0, 0, 0, 0, 0xffff, 0x102, 0x304], "::ffff:1.2.3.4");
    check_ipv6([0, 0, 0, 0, 0, 0xfffe, 0x102, 0x304], "::fffe:102:304");
    check_ipv6([0, 0, 0, 0, 0, 0, 0x102, 0x304], "::1.2.3.4");
    check_ipv6([0, 0, 0, 0, 0, 0, 0, 0x304], "::304");
    check_ipv6([0, 0, 0, 0, 0, 0, 0, 1], "::1");
    check_ipv6([0; 8], "::");
    check_ipv6([1, 0, 0, 2, 0, 0, 0, 3], "1:0:0:2::3");
    check_ipv6([1, 0, 0, 2, 3, 0, 0, 4], "1::2:3:0:0:4");
    check_ipv6([1, 0, 2, 3, 4, 5, 6, 7], "1:0:2:3:4:5:6:7");
    check_ipv6([1, 2, 3, 4, 5, 6, 0, 0], "1:2:3:4:5:6::");
    check(&[1, 2, 3], "#010203");
    check(&[], "#");
}

#[test]
fn each_form_of_an_ipv4_address_and_its_near_misses() {
    #[track_caller]
    fn check(text: &str, octets: [u8; 4], near_misses: &[&str]) {
        assert_eq!(inet_aton(text), Some(octets.into()));
        for near_miss in near_misses {
            assert_eq!(inet_aton(near_miss), None, "{near_miss:?}");
        }
    }
    check(
        "1.2.3.4",
        [1, 2, 3, 4],
        &["1.2.3.4.", "1.2.3.4.0", ".1.2.3.4", "1..3.4", "1.2.3.256", "1.2.3.-4", "1.2.3.+4"],
    );
    check("1.2.772", [1, 2, 3, 4], &["1.2.65536", "1.256.1", "256.2.1"]);
    check("1.131844", [1, 2, 3, 4], &["1.16777216", "256.1"]);
    check("16909060", [1, 2, 3, 4], &["4294967296", "18446744073709551616", "-1", ""]);
    check("4294967295", [255; 4], &["4294967295a", "0x100000000"]);
    check(
        "0x1.0X2.03.4",
        [1, 2, 3, 4],
        &["0x.2.3.4", "0xg.2.3.4", "1x.2.3.4", "08.2.3.4", "0x1.0X2.09.4", "0x+1"],
    );
    check("00000000001", [0, 0, 0, 1], &["00000000008", "0b1"]);
    check(
        "1.2.3.4 and more",
        [1, 2, 3, 4],
        &["1.2.3.4and more", " 1.2.3.4", "1.2.3. 4", "1.2.3.4\u{a0}", "1.2.3.4/32"],
    );
    check("1.2.3.4\t", [1, 2, 3, 4], &["\t1.2.3.4", "1.2.3.4\u{85}"]);
    check("1.2.3.4\u{b}", [1, 2, 3, 4], &["1.2.3.4\u{1c}"]);
}

#[test]
fn each_form_of_an_ipv6_address_and_its_near_misses() {
    #[track_caller]
    fn check(text: &str, groups: [u16; 8], near_misses: &[&str]) {
        assert_eq!(inet_pton_ipv6(text), Some(groups.into()));
        for near_miss in near_misses {
            assert_eq!(inet_pton_ipv6(near_miss), None, "{near_miss:?}");
        }
    }
    let counting = [1, 2, 3, 4, 5, 6, 7, 8];
    check(
        "1:2:3:4:5:6:7:8",
        counting,
        &["1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7:8:", ":1:2:3:4:5:6:7:8"],
    );
    check("0001:2:3:4:5:6:7:8", counting, &["00001:2:3:4:5:6:7:8", "g:2:3:4:5:6:7:8", "+1:2:3:4:5:6:7:8"]);
    check("::", [0; 8], &[":", ":::", "", "::%1", "::/0", "[::]", ":: "]);
    check("1::8", [1, 0, 0, 0, 0, 0, 0, 8], &["1:::8", "1::8:", ":1::8", "1::5::8"]);
    check("1:2:3:4:5:6:7::", [1, 2, 3, 4, 5, 6, 7, 0], &["1:2:3:4:5:6:7:8::", "1:2:3:4:5:6:7:"]);
    check("::2:3:4:5:6:7:8", [0, 2, 3, 4, 5, 6, 7, 8], &["::1:2:3:4:5:6:7:8", ":2:3:4:5:6:7:8"]);
    check(
        "1:2:3:4:5:6:0.7.0.8",
        counting,
        &["1:2:3:4:5:6:7:0.7.0.8", "1:2:3:4:5:0.7.0.8", "1:2:3:4:5:6::0.7.0.8"],
    );
    check(
        "::0.7.0.8",
        [0, 0, 0, 0, 0, 0, 7, 8],
        &["::00.7.0.8", "::0.7.0.256", "::7.0.8", "::0.0.7.0.8", "::0.7.0.8:1"],
    );
    check(
        "1::0.7.0.8",
        [1, 0, 0, 0, 0, 0, 7, 8],
        &["1::0.7.0.8.", "0.7.0.8::", "0.7.0.8", "1::0x0.7.0.8", "1::.7.0.8"],
    );
}
