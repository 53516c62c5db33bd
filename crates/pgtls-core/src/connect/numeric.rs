//! Numeric addresses as the GNU C library's `getaddrinfo` reads them with `AI_NUMERICHOST`.

use crate::name::{inet_aton, inet_pton_ipv6};
use core::net::{Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};

/// What a text is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Numeric {
    Address(SocketAddr),
    /// A link-local address with the name of an interface: the operating system knows its number.
    NamedZone,
    Invalid,
}

/// IPv4 in any form that `inet_aton` takes, but with nothing after it; IPv6 with or without a zone.
pub(super) fn parse(text: &str, port: u16) -> Numeric {
    // Where a host may be followed by white space and more, an address may not.
    let exact = !text.contains(|c: char| c.is_ascii_whitespace() || c == '\x0b');
    if let Some(ip) = inet_aton(text).filter(|_| exact) {
        return Numeric::Address(SocketAddrV4::new(ip, port).into());
    }
    let (ip, zone) = match text.split_once('%') {
        Some((ip, zone)) => (ip, Some(zone)),
        None => (text, None),
    };
    let Some(ip) = inet_pton_ipv6(ip) else {
        return Numeric::Invalid;
    };
    let Some(zone) = zone else {
        return Numeric::Address(SocketAddrV6::new(ip, port, 0, 0).into());
    };
    if is_number(zone)
        && let Ok(zone) = zone.parse()
    {
        return Numeric::Address(SocketAddrV6::new(ip, port, 0, zone).into());
    }
    if is_link_local(ip) && !zone.is_empty() { Numeric::NamedZone } else { Numeric::Invalid }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// fe80::/10, and multicast of link-local scope.
fn is_link_local(ip: Ipv6Addr) -> bool {
    let [first, second, ..] = ip.octets();
    ip.is_unicast_link_local() || (first == 0xff && second & 0x0f == 0x02)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::{format, string::String};

    #[test]
    fn forms() {
        for (text, meaning) in [
            ("127.0.0.1", "127.0.0.1:5"),
            ("127.1", "127.0.0.1:5"),
            ("0x7f000001", "127.0.0.1:5"),
            ("::1", "[::1]:5"),
            ("::FFFF:127.0.0.1", "[::ffff:127.0.0.1]:5"),
            ("fe80::1%3", "[fe80::1%3]:5"),
            ("::1%3", "[::1%3]:5"),
            ("fe80::1%eth0", "zone"),
            ("ff02::1%eth0", "zone"),
            ("::1%lo", "invalid"),
            ("fe80::1%", "invalid"),
            ("127.0.0.1%1", "invalid"),
            ("[::1]", "invalid"),
            ("127.0.0.1:5", "invalid"),
            ("127.0.0.1 ", "invalid"),
            ("127.0.0.1 x", "invalid"),
            ("localhost", "invalid"),
            ("", "invalid"),
        ] {
            let found = match parse(text, 5) {
                Numeric::Address(address) => format!("{address}"),
                Numeric::NamedZone => String::from("zone"),
                Numeric::Invalid => String::from("invalid"),
            };
            assert_eq!(found, meaning, "{text:?}");
        }
    }
}
