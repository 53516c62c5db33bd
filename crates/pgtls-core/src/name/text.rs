//! A name of a certificate against the text of a host.

/// How a comparison ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Match,
    NoMatch,
    EmbeddedNul,
}

/// Compares as libpq does (libpq: `pq_verify_peer_name_matches_certificate_name`): bytes, ASCII letters of either case
/// alike; no conversion of international names in either direction; a final dot is a character like any other.
///
/// The host has no NUL byte. So a name that is alike has none either, and only the others are searched for it.
pub(super) fn compare_text(name: &[u8], host: &[u8], wildcards: bool) -> Verdict {
    if alike(name, host) || (wildcards && wildcard_matches(name, host)) {
        Verdict::Match
    } else if name.contains(&0) {
        Verdict::EmbeddedNul
    } else {
        Verdict::NoMatch
    }
}

/// Equal but for the case of ASCII letters. Most are written alike, which is seen at once.
fn alike(one: &[u8], other: &[u8]) -> bool {
    one == other || one.eq_ignore_ascii_case(other)
}

/// libpq's wildcard (libpq: `wildcard_certificate_match`): a name that begins with `*.` stands for one label.
///
/// - Q: *Which name is a wildcard?* One that begins with `*.` and goes on. In `*`, `*.`, `f*.x`, `a.*.x` the star is a
///   character; so is the second one of `*.*.x`.
/// - Q: *What does the star stand for?* For text that brings no dot before the place where the name and the host end alike.
///   libpq measures that place from the end of the name, star included, one byte before the dot: what is left of it may
///   be empty, and a host with an empty label there, `a..x`, matches `*.x`. `.x` does not; it is shorter than `*.x`.
/// - Q: *Is `*.com` refused?* No. libpq knows no public suffixes.
fn wildcard_matches(name: &[u8], host: &[u8]) -> bool {
    let Some(suffix) = name.strip_prefix(b"*") else { return false };
    if suffix.len() < 2 || !suffix.starts_with(b".") {
        return false;
    }
    let Some(before_star) = host.len().checked_sub(name.len()) else { return false };
    let ends_alike = host.get(before_star + 1..).is_some_and(|tail| alike(tail, suffix));
    let first_dot = host.iter().position(|&byte| byte == b'.');
    ends_alike && first_dot.is_some_and(|dot| dot >= before_star)
}
