//! Is a name inside a subtree (RFC 5280 section 4.2.1.10, as OpenSSL reads it: `nc_dns`, `nc_email`, `nc_uri`, `nc_ip`)?
//! Names are bytes, as they stand in the certificate. Directory names are not here: they are compared in canonical form.

use crate::verdict::Verdict;
use core::ops::Range;

/// `host.example.com` is inside `example.com` and `.example.com`; `example.com` is inside the first alone. Everything is
/// inside the empty name.
pub(super) fn dns_is_inside(name: &[u8], base: &[u8]) -> bool {
    if base.is_empty() {
        return true;
    }
    let Some((front, tail)) = split_at_end(name, base.len()) else {
        return false;
    };
    let at_label = front.is_empty() || base.first() == Some(&b'.') || front.last() == Some(&b'.');
    at_label && tail.eq_ignore_ascii_case(base)
}

/// Where the host stands in an e-mail address.
pub(super) fn host_of_email(email: &[u8]) -> Option<Range<usize>> {
    let at = email.iter().rposition(|&byte| byte == b'@')?;
    Some(at.saturating_add(1)..email.len())
}

/// The hosts of `scheme://[user@]host[:port][/...]` as releases of OpenSSL read it; `None` where one of them reads none.
///
/// OpenSSL 3.0 takes the text between `://` and a colon, else a slash (`nc_uri`). Later releases skip the text before an `@`, know
/// brackets, queries and fragments, and demand a port of digits (`OSSL_parse_url`).
pub(super) fn hosts_of_uri(uri: &[u8]) -> Option<[Range<usize>; 2]> {
    let start = uri.iter().position(|&byte| byte == b':')?.saturating_add(3);
    let scheme = uri.get(..start)?.strip_suffix(b"://")?;
    let rest = uri.get(start..)?;
    if scheme.is_empty() || rest.contains(&0) {
        return None;
    }
    let at = |wanted| rest.iter().position(|&byte| byte == wanted);
    let authority = rest.iter().position(|byte| b"/?#".contains(byte)).unwrap_or(rest.len());
    let after_user = |at: usize| at.saturating_add(1);
    let old = 0..at(b':').or_else(|| at(b'/')).unwrap_or(rest.len());
    let new = host_and_port(rest, at(b'@').filter(|at| *at < authority).map_or(0, after_user))?;
    let hosts = [old, new];
    if hosts.iter().any(Range::is_empty) {
        return None;
    }
    let shifted = |host: Range<usize>| start.saturating_add(host.start)..start.saturating_add(host.end);
    Some(hosts.map(shifted))
}

/// The host that begins at this place, if a port of digits, a path, a query, a fragment or nothing follows.
fn host_and_port(text: &[u8], start: usize) -> Option<Range<usize>> {
    const MAX_PORT: u32 = 65_535;
    let rest = text.get(start..)?;
    let at = |wanted| rest.iter().position(|&byte| byte == wanted);
    let length = if rest.first() == Some(&b'[') {
        at(b']')?.saturating_add(1)
    } else {
        [b':', b'/', b'?', b'#'].into_iter().find_map(at).unwrap_or(rest.len())
    };
    let mut behind = rest.get(length..)?;
    if let Some(port) = behind.strip_prefix(b":") {
        let digits = port.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (digits, path) = port.split_at_checked(digits)?;
        let number: u32 = core::str::from_utf8(digits).ok()?.parse().ok()?;
        if number > MAX_PORT {
            return None;
        }
        behind = path;
    }
    let is_end = behind.first().is_none_or(|byte| b"/?#".contains(byte));
    is_end.then(|| start..start.saturating_add(length))
}

/// A constraint is a mailbox (`user@host`, local part compared exactly), a host, or `.domain`. `host` is where the host of the
/// address stands.
pub(super) fn email_is_inside(email: &[u8], host: Range<usize>, base: &[u8]) -> Result<bool, Verdict> {
    let local = email.get(..host.start.saturating_sub(1)).unwrap_or_default();
    let host = email.get(host).unwrap_or_default();
    match split_at_last(base, b'@') {
        None if base.first() == Some(&b'.') => Ok(is_longer_tail(email, base)),
        None => Ok(host.eq_ignore_ascii_case(base)),
        Some((base_local, base_host)) => {
            if !base_local.is_empty() {
                if base_local.len() != local.len() {
                    return Ok(false);
                }
                if base_local.contains(&0) || local.contains(&0) {
                    return Err(Verdict::UnsupportedNameSyntax);
                }
                if base_local != local {
                    return Ok(false);
                }
            }
            Ok(host.eq_ignore_ascii_case(base_host))
        }
    }
}

/// The host of a URI must be the constraint, or end in it when that begins with a dot.
pub(super) fn uri_is_inside(host: &[u8], base: &[u8]) -> bool {
    if base.first() == Some(&b'.') { is_longer_tail(host, base) } else { host.eq_ignore_ascii_case(base) }
}

/// The constraint is an address and a mask of the same length.
pub(super) fn ip_is_inside(ip: &[u8], base: &[u8]) -> Result<bool, Verdict> {
    if !matches!(ip.len(), 4 | 16) || !matches!(base.len(), 8 | 32) {
        return Err(Verdict::UnsupportedNameSyntax);
    }
    let Some((network, mask)) =
        base.split_at_checked(ip.len()).filter(|(network, mask)| network.len() == mask.len())
    else {
        return Ok(false);
    };
    Ok(ip.iter().zip(network).zip(mask).all(|((ip, network), mask)| ip & mask == network & mask))
}

/// `text` ends in `tail` and is longer.
fn is_longer_tail(text: &[u8], tail: &[u8]) -> bool {
    split_at_end(text, tail.len())
        .is_some_and(|(front, end)| !front.is_empty() && end.eq_ignore_ascii_case(tail))
}

/// Splits so that the second part has `length` bytes.
fn split_at_end(text: &[u8], length: usize) -> Option<(&[u8], &[u8])> {
    text.split_at_checked(text.len().checked_sub(length)?)
}

/// Splits around the last `separator`.
fn split_at_last(text: &[u8], separator: u8) -> Option<(&[u8], &[u8])> {
    let at = text.iter().rposition(|&byte| byte == separator)?;
    Some((text.get(..at)?, text.get(at.saturating_add(1)..)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dns_subtrees() {
        for (name, base, expected) in [
            ("example.com", "example.com", true),
            ("a.Example.com", "example.COM", true),
            ("a.example.com", ".example.com", true),
            ("anything", "", true),
            // Near misses.
            ("example.com", ".example.com", false),
            ("badexample.com", "example.com", false),
            ("example.com.evil", "example.com", false),
            ("com", "example.com", false),
        ] {
            assert_eq!(dns_is_inside(name.as_bytes(), base.as_bytes()), expected, "{name} in {base:?}");
        }
    }

    #[test]
    fn email_subtrees() {
        for (email, base, expected) in [
            ("a@example.com", "a@example.com", Ok(true)),
            ("a@EXAMPLE.com", "example.com", Ok(true)),
            ("a@b.example.com", ".example.com", Ok(true)),
            ("a@example.com", "@example.com", Ok(true)),
            // Near misses.
            ("A@example.com", "a@example.com", Ok(false)),
            ("a@b.example.com", "example.com", Ok(false)),
            ("a@example.com", ".example.com", Ok(false)),
            ("a@example.com", "", Ok(false)),
            ("example.com", "example.com", Err(Verdict::UnsupportedNameSyntax)),
            ("\0@example.com", "a@example.com", Err(Verdict::UnsupportedNameSyntax)),
        ] {
            let inside = host_of_email(email.as_bytes())
                .map_or(Err(Verdict::UnsupportedNameSyntax), |host| {
                    email_is_inside(email.as_bytes(), host, base.as_bytes())
                });
            assert_eq!(inside, expected, "{email} in {base:?}");
        }
    }

    #[test]
    fn uri_subtrees() {
        for (uri, base, expected) in [
            ("https://host.example.com/path", "host.example.com", Some(true)),
            ("https://host.example.com:80/", ".example.com", Some(true)),
            ("x://host", "HOST", Some(true)),
            // Near misses.
            ("https://example.com/", ".example.com", Some(false)),
            ("https://host/a:b", "host", None),
            ("host.example.com", "host.example.com", None),
            ("https:///path", "host", None),
            ("https://:80/", "host", None),
            ("x:a//host", "host", None),
            ("x:/", "host", None),
            ("x:", "host", None),
        ] {
            let host = hosts_of_uri(uri.as_bytes()).map(|[host, _]| &uri.as_bytes()[host]);
            let inside = host.map(|host| uri_is_inside(host, base.as_bytes()));
            assert_eq!(inside, expected, "{uri} in {base:?}");
        }
    }

    #[test]
    fn address_subtrees() {
        let net = [192, 0, 2, 0, 255, 255, 255, 0];
        assert_eq!(ip_is_inside(&[192, 0, 2, 77], &net), Ok(true));
        assert_eq!(ip_is_inside(&[192, 0, 3, 77], &net), Ok(false));
        assert_eq!(ip_is_inside(&[0; 16], &net), Ok(false));
        assert_eq!(ip_is_inside(&[0; 16], &[0; 32]), Ok(true));
        assert_eq!(ip_is_inside(&[0; 5], &net), Err(Verdict::UnsupportedNameSyntax));
        assert_eq!(ip_is_inside(&[0; 4], &[0; 4]), Err(Verdict::UnsupportedNameSyntax));
    }
}
