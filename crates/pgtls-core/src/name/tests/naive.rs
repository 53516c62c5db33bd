//! The rules once more, from the specification and with other means: no early returns from loops that a reader has to
//! follow, every text copied and folded, every case spelled out.

use super::{OwnedName, OwnedNames};
use crate::{hardening::Hardening, name::NameRules};
use alloc::{format, string::String, vec::Vec};
use core::net::{Ipv4Addr, Ipv6Addr};

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    SubjectAltName(OwnedName),
    CommonName,
    NoMatch { examined: usize },
    NoHost,
    NulInHost,
    EmbeddedNul,
    AddressLength(usize),
}

impl Verdict {
    pub(super) fn is_match(&self) -> bool {
        matches!(self, Self::SubjectAltName(_) | Self::CommonName)
    }
}

pub(super) fn verdict(
    host: Option<&str>,
    names: &OwnedNames,
    rules: NameRules,
    hardening: Hardening,
) -> Verdict {
    let no_common_name_in_84 = rules == NameRules::Pg90 && names.common_name.is_none();
    let nul_in_84 = rules == NameRules::Pg90 && names.common_name.iter().flatten().any(|&byte| byte == 0);
    match host {
        None | Some("") if no_common_name_in_84 => return Verdict::NoMatch { examined: 0 },
        None | Some("") if nul_in_84 => return Verdict::EmbeddedNul,
        None | Some("") => return Verdict::NoHost,
        Some(host) if host.bytes().any(|byte| byte == 0) => return Verdict::NulInHost,
        Some(_) => {}
    }
    let host = host.unwrap();

    let mut compared = Vec::new();
    let mut common_name_counts = true;
    for name in &names.subject_alt_names {
        match (rules, name) {
            (NameRules::Pg90, _) | (_, OwnedName::Other) | (NameRules::Pg95, OwnedName::Ip(_)) => {}
            (NameRules::Pg95, OwnedName::Dns(_)) => {
                common_name_counts = false;
                compared.push(name);
            }
            (NameRules::Pg15, OwnedName::Dns(_)) => {
                common_name_counts &= is_address(host);
                compared.push(name);
            }
            (NameRules::Pg15, OwnedName::Ip(_)) => {
                common_name_counts &= !is_address(host);
                compared.push(name);
            }
        }
    }

    for name in &compared {
        match name {
            OwnedName::Dns(text) if text.contains(&0) => return Verdict::EmbeddedNul,
            OwnedName::Dns(text) if same_text(text, host, hardening) => {
                return Verdict::SubjectAltName((*name).clone());
            }
            OwnedName::Ip(octets) if octets.len() != 4 && octets.len() != 16 => {
                return Verdict::AddressLength(octets.len());
            }
            OwnedName::Ip(octets) if same_address(octets, host) => {
                return Verdict::SubjectAltName((*name).clone());
            }
            OwnedName::Dns(_) | OwnedName::Ip(_) | OwnedName::Other => {}
        }
    }

    let common_name = names.common_name.as_ref().filter(|_| common_name_counts);
    match common_name {
        Some(text) if text.contains(&0) => Verdict::EmbeddedNul,
        Some(text) if same_text(text, host, hardening) => Verdict::CommonName,
        Some(_) => Verdict::NoMatch { examined: compared.len() + 1 },
        None => Verdict::NoMatch { examined: compared.len() },
    }
}

fn is_address(host: &str) -> bool {
    inet_aton(host).is_some() || host.parse::<Ipv6Addr>().is_ok()
}

fn same_address(octets: &[u8], host: &str) -> bool {
    let ipv4 = inet_aton(host).map(|address| address.octets().to_vec());
    let ipv6 = host.parse::<Ipv6Addr>().ok().map(|address| address.octets().to_vec());
    ipv4.as_deref() == Some(octets) || ipv6.as_deref() == Some(octets)
}

fn same_text(name: &[u8], host: &str, hardening: Hardening) -> bool {
    let name: Vec<u8> = name.iter().map(u8::to_ascii_lowercase).collect();
    let host_text = host;
    let host: Vec<u8> = host.bytes().map(|byte| byte.to_ascii_lowercase()).collect();
    if name == host {
        return true;
    }
    if hardening.no_wildcard_for_addresses && is_address(host_text) {
        return false;
    }
    if hardening.no_empty_labels {
        // `a.b.` is written without the dot at its end first: it ends no label, it says that the name is whole.
        let relative = host_text.strip_suffix('.').unwrap_or(host_text);
        if relative.split('.').any(str::is_empty) {
            return false;
        }
    }
    if name.len() < 3 || name[0] != b'*' || name[1] != b'.' {
        return false;
    }
    // The star stands for `left`: one byte at least, and no dot in it but, by libpq's arithmetic, as its last byte.
    let right = &name[1..];
    (1..=host.len()).any(|length| {
        let left = &host[..length];
        host[length..] == *right && !left[..length - 1].contains(&b'.')
    })
}

/// `inet_aton` by its manual page, a byte at a time.
pub(super) fn inet_aton(text: &str) -> Option<Ipv4Addr> {
    let bytes = text.as_bytes();
    let at = |index: usize| bytes.get(index).copied().unwrap_or(0);
    let mut index = 0;
    let mut numbers: Vec<u128> = Vec::new();
    loop {
        if !at(index).is_ascii_digit() {
            return None;
        }
        let mut radix = 10;
        if at(index) == b'0' && (at(index + 1) == b'x' || at(index + 1) == b'X') {
            radix = 16;
            index += 2;
        } else if at(index) == b'0' {
            radix = 8;
        }
        let mut number = 0_u128;
        let mut digits = 0;
        while let Some(digit) = char::from(at(index)).to_digit(radix) {
            number = (number * u128::from(radix) + u128::from(digit)).min(u128::from(u64::MAX));
            digits += 1;
            index += 1;
        }
        if digits == 0 {
            return None;
        }
        numbers.push(number);
        match at(index) {
            b'.' => index += 1,
            0 | b' ' | b'\t' | b'\n' | 0x0b | 0x0c | b'\r' => break,
            _ => return None,
        }
    }
    let value = match numbers[..] {
        [a] if a < 1 << 32 => a,
        [a, b] if a < 256 && b < 1 << 24 => (a << 24) + b,
        [a, b, c] if a < 256 && b < 256 && c < 1 << 16 => (a << 24) + (b << 16) + c,
        [a, b, c, d] if a < 256 && b < 256 && c < 256 && d < 256 => (a << 24) + (b << 16) + (c << 8) + d,
        _ => return None,
    };
    Some(Ipv4Addr::from(u32::try_from(value).unwrap()))
}

/// The shortest text, the first of equals, over all places where `::` can stand; the dotted forms by their prefix.
pub(super) fn printed_ipv6(octets: [u8; 16]) -> String {
    let groups = Ipv6Addr::from(octets).segments();
    let [.., a, b, c, d] = octets;
    match groups {
        [0, 0, 0, 0, 0, 0xffff, _, _] => return format!("::ffff:{a}.{b}.{c}.{d}"),
        [0, 0, 0, 0, 0, 0, seventh, _] if seventh != 0 => return format!("::{a}.{b}.{c}.{d}"),
        _ => {}
    }
    let hexadecimal =
        |groups: &[u16]| groups.iter().map(|group| format!("{group:x}")).collect::<Vec<_>>().join(":");
    let mut best = (1, hexadecimal(&groups));
    for start in 0..8 {
        for end in start + 2..=8 {
            if groups[start..end].iter().all(|&group| group == 0) && end - start > best.0 {
                best = (
                    end - start,
                    format!("{}::{}", hexadecimal(&groups[..start]), hexadecimal(&groups[end..])),
                );
            }
        }
    }
    best.1
}
