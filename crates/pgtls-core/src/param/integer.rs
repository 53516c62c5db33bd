//! Integers in parameters.

use super::{ParamErrorKind, conninfo::is_space};
use alloc::borrow::ToOwned;

/// A decimal integer of 32 bits with an optional sign; white space around it does not matter
/// (libpq: `pqParseIntParam`).
pub(super) fn parse(keyword: &'static str, text: &str) -> Result<i32, ParamErrorKind> {
    let trimmed = text.trim_matches(is_space);
    trimmed.parse().map_err(|_| ParamErrorKind::InvalidInteger { keyword, value: text.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn accepts_what_strtol_does() {
        for (text, value) in [
            ("10", Some(10)),
            (" \t+10\n", Some(10)),
            ("-1", Some(-1)),
            ("007", Some(7)),
            ("2147483647", Some(i32::MAX)),
            ("-2147483648", Some(i32::MIN)),
            ("2147483648", None),
            ("", None),
            (" ", None),
            ("+", None),
            ("+-1", None),
            ("- 1", None),
            ("5.5", None),
            ("0x5", None),
            ("5s", None),
            ("1 2", None),
            ("٣", None),
        ] {
            assert_eq!(parse("port", text).ok(), value, "{text:?}");
        }
    }
}
