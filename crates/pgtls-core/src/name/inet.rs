//! `inet_aton` and `inet_pton` as the GNU C library has them: which texts libpq takes for addresses.
//!
//! The C functions decide on the machine where libpq runs; here they are pure code, so that the answer is the same
//! everywhere.

use core::net::{Ipv4Addr, Ipv6Addr};

/// The IPv4 address that `inet_aton` reads from a text.
///
/// One to four numbers with dots between them, each decimal, octal (after `0`) or hexadecimal (after `0x`); the last one
/// fills the octets that are left, the others have one each. Anything may follow after white space.
pub fn inet_aton(text: &str) -> Option<Ipv4Addr> {
    // What every host name ends at, without being looked at any further.
    if !text.as_bytes().first().is_some_and(u8::is_ascii_digit) {
        return None;
    }
    // C sees nothing behind a NUL byte.
    let text = text.split('\0').next()?;
    let end = text.find(|c: char| c.is_ascii_whitespace() || c == '\x0b').unwrap_or(text.len());
    let text = text.get(..end)?;

    let mut leading = 0_u32;
    let mut octets_left = 4_u32;
    let mut parts = text.split('.').peekable();
    while let Some(part) = parts.next() {
        let value = c_number(part)?;
        if parts.peek().is_none() {
            let fits = u64::from(value) < 1_u64 << (8 * octets_left);
            return fits.then(|| Ipv4Addr::from(leading | value));
        }
        // The fourth number is the last that there can be.
        octets_left = octets_left.checked_sub(1).filter(|&left| left > 0)?;
        leading |= u32::from(u8::try_from(value).ok()?) << (8 * octets_left);
    }
    None
}

/// A number as C writes it, without a sign: `10`, `012`, `0xa`.
fn c_number(text: &str) -> Option<u32> {
    let (digits, radix) = match text.strip_prefix('0') {
        None | Some("") => (text, 10),
        Some(rest) => match rest.strip_prefix(['x', 'X']) {
            Some(digits) => (digits, 16),
            None => (rest, 8),
        },
    };
    // Neither an empty text nor a sign is a number here, though `from_str_radix` takes a plus.
    if !digits.starts_with(|c: char| c.is_digit(radix)) {
        return None;
    }
    u32::from_str_radix(digits, radix).ok()
}

/// The IPv6 address that `inet_pton` reads from a text: eight groups of one to four hexadecimal digits, of which the last
/// two may be a dotted IPv4 address and one or more may be left out as `::`.
pub fn inet_pton_ipv6(text: &str) -> Option<Ipv6Addr> {
    // There is a colon in every address, and in no host name.
    if !text.as_bytes().contains(&b':') {
        return None;
    }
    let mut groups = [0_u16; GROUPS];
    match text.split_once("::") {
        None => {
            let count = read_groups(text, &mut groups)?;
            (count == GROUPS).then(|| groups.into())
        }
        Some((head, tail)) => {
            let before = if head.is_empty() { 0 } else { read_hexadecimal_groups(head, &mut groups)? };
            let mut last = [0_u16; GROUPS];
            let after = if tail.is_empty() { 0 } else { read_groups(tail, &mut last)? };
            // `::` stands for at least one group.
            let gap = GROUPS.checked_sub(before + after).filter(|&gap| gap > 0)?;
            groups.iter_mut().skip(before + gap).zip(last).for_each(|(group, value)| *group = value);
            Some(groups.into())
        }
    }
}

const GROUPS: usize = 8;

/// Groups with colons between them, of which the last may be a dotted IPv4 address; how many there are.
fn read_groups(text: &str, groups: &mut [u16; GROUPS]) -> Option<usize> {
    let (head, last) = match text.rsplit_once(':') {
        None => (None, text),
        Some((head, last)) => (Some(head), last),
    };
    if !last.contains('.') {
        return read_hexadecimal_groups(text, groups);
    }
    let before = match head {
        None => 0,
        Some(head) => read_hexadecimal_groups(head, groups)?,
    };
    let [a, b, c, d] = dotted(last)?.octets();
    *groups.get_mut(before)? = u16::from_be_bytes([a, b]);
    *groups.get_mut(before + 1)? = u16::from_be_bytes([c, d]);
    Some(before + 2)
}

fn read_hexadecimal_groups(text: &str, groups: &mut [u16; GROUPS]) -> Option<usize> {
    let mut count = 0;
    for group in text.split(':') {
        if !(1..=4).contains(&group.len()) || !group.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        *groups.get_mut(count)? = u16::from_str_radix(group, 16).ok()?;
        count += 1;
    }
    Some(count)
}

/// Four decimal octets without leading zeroes: the strict form, which alone may end an IPv6 address.
fn dotted(text: &str) -> Option<Ipv4Addr> {
    let mut octets = [0_u8; 4];
    let mut parts = text.split('.');
    for octet in &mut octets {
        let part = parts.next()?;
        let canonical = part == "0" || !part.starts_with('0');
        if !canonical || !part.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        *octet = part.parse().ok()?;
    }
    parts.next().is_none().then(|| octets.into())
}
