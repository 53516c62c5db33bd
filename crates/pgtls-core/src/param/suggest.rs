//! What may have been meant by a name or word that is not known.

use super::KEYWORDS;

/// The parameter that an unknown name may have meant.
pub(super) fn keyword(name: &str) -> Option<&'static str> {
    let foreign = FOREIGN.iter().find(|(other, _)| other.eq_ignore_ascii_case(name));
    foreign.map(|(_, ours)| *ours).or_else(|| nearest(name, KEYWORDS.iter().map(|keyword| keyword.name)))
}

/// The word that an unknown value may have meant.
pub(super) fn word(value: &str, allowed: &[&'static str]) -> Option<&'static str> {
    nearest(value, allowed.iter().copied())
}

/// What other drivers call libpq's parameters.
const FOREIGN: &[(&str, &str)] = &[
    ("ca", "sslrootcert"),
    ("cert", "sslcert"),
    ("database", "dbname"),
    ("db", "dbname"),
    ("hostname", "host"),
    ("key", "sslkey"),
    ("pass", "password"),
    ("pwd", "password"),
    ("rootcert", "sslrootcert"),
    ("server", "host"),
    ("ssl", "sslmode"),
    ("sslca", "sslrootcert"),
    ("timeout", "connect_timeout"),
    ("tls", "sslmode"),
    ("username", "user"),
];

/// Longest text that is compared, so that a long one costs nothing.
const MAX_LENGTH: usize = 32;

/// The nearest candidate, if it is near: at most a third of its characters differ, and at most two. Case, blanks,
/// `_` and `-` do not count.
fn nearest(text: &str, candidates: impl Iterator<Item = &'static str>) -> Option<&'static str> {
    if text.len() > MAX_LENGTH {
        return None;
    }
    candidates
        .map(|candidate| (distance(text, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= (candidate.len() / 3).min(2))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Levenshtein's distance over the letters and digits, where two neighbours that have changed places are one mistake.
fn distance(a: &str, b: &str) -> usize {
    type Row = [usize; MAX_LENGTH + 1];
    let at = |row: &Row, column: usize| row.get(column).copied().unwrap_or(MAX_LENGTH);
    let mut row: Row = core::array::from_fn(|column| column);
    let mut above = row;
    let mut before = None;
    for (index, x) in letters(a).enumerate() {
        let mut next: Row = [index.saturating_add(1); MAX_LENGTH + 1];
        let mut left = None;
        for (column, (y, end)) in letters(b).zip(1..).enumerate() {
            let replaced = at(&row, column).saturating_add(usize::from(x != y));
            let moved = at(&next, column).min(at(&row, end)).saturating_add(1);
            let swapped = (before == Some(y) && left == Some(x))
                .then(|| at(&above, column.saturating_sub(1)).saturating_add(1));
            if let Some(cell) = next.get_mut(end) {
                *cell = replaced.min(moved).min(swapped.unwrap_or(usize::MAX));
            }
            left = Some(y);
        }
        (above, row, before) = (row, next, Some(x));
    }
    at(&row, letters(b).count().min(MAX_LENGTH))
}

fn letters(text: &str) -> impl Iterator<Item = char> {
    text.chars().filter(|c| !matches!(c, ' ' | '_' | '-')).map(|c| c.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::param::SslMode;

    #[test]
    fn near_misses_are_recognised() {
        for (written, meant) in [
            ("SSLMODE", Some("sslmode")),
            ("ssl_mode", Some("sslmode")),
            ("sslmod", Some("sslmode")),
            ("sslmdoe", Some("sslmode")),
            ("hots", Some("host")),
            ("prot", Some("port")),
            ("usre", Some("user")),
            ("rose", None),
            ("ssl", Some("sslmode")),
            ("database", Some("dbname")),
            ("sslroot", None),
            ("sslrootcrt", Some("sslrootcert")),
            ("x", None),
            ("", None),
            ("nosuch", None),
        ] {
            assert_eq!(keyword(written), meant, "{written}");
        }
        for (a, b, expected) in
            [("ab", "ba", 1), ("abc", "ca", 3), ("", "ab", 2), ("ab", "", 2), ("abc", "abc", 0)]
        {
            assert_eq!(distance(a, b), expected, "{a} {b}");
        }
        assert_eq!(word("verify_full", SslMode::WORDS), Some("verify-full"));
        assert_eq!(word("Require", SslMode::WORDS), Some("require"));
        assert_eq!(word("required", SslMode::WORDS), Some("require"));
        assert_eq!(word("", SslMode::WORDS), None);
        assert_eq!(word(&"a".repeat(100_000), SslMode::WORDS), None);
    }
}
