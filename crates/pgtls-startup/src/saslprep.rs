//! SASLprep (RFC 4013) as PostgreSQL applies it (PostgreSQL: `pg_saslprep`).

use alloc::{
    string::{String, ToString as _},
    vec::Vec,
};
use stringprep::tables;
use unicode_normalization::UnicodeNormalization as _;
use zeroize::{Zeroize as _, Zeroizing};

/// The password as it enters a key derivation: prepared, or as it is where it cannot be prepared (libpq: `scram_init`).
pub(crate) fn prepare(password: &str) -> Zeroizing<Vec<u8>> {
    let prepared = if password.is_ascii() { None } else { profile(password) };
    Zeroizing::new(prepared.unwrap_or_else(|| password.to_string()).into_bytes())
}

/// The steps of RFC 3454, section 2. PostgreSQL looks for prohibited, unassigned and bidirectional characters in the text
/// before normalization, and prohibits a text of which the mapping leaves no character.
fn profile(password: &str) -> Option<String> {
    let mut mapped: Zeroizing<String> = Zeroizing::new(String::with_capacity(password.len()));
    mapped.extend(
        password
            .chars()
            .filter(|c| tables::non_ascii_space_character(*c) || !tables::commonly_mapped_to_nothing(*c))
            .map(|c| if tables::non_ascii_space_character(c) { ' ' } else { c }),
    );
    let (first, last) = (mapped.chars().next()?, mapped.chars().next_back()?);
    let mut normalized: String = mapped.nfkc().collect();
    let is_right_to_left = mapped.contains(tables::bidi_r_or_al);
    let is_prohibited = mapped.contains(prohibited)
        || is_right_to_left
            && (mapped.contains(tables::bidi_l)
                || !tables::bidi_r_or_al(first)
                || !tables::bidi_r_or_al(last));
    if is_prohibited {
        normalized.zeroize();
        return None;
    }
    Some(normalized)
}

/// RFC 4013, sections 2.3 and 2.5.
fn prohibited(c: char) -> bool {
    tables::non_ascii_space_character(c)
        || tables::ascii_control_character(c)
        || tables::non_ascii_control_character(c)
        || tables::private_use(c)
        || tables::non_character_code_point(c)
        || tables::inappropriate_for_plain_text(c)
        || tables::inappropriate_for_canonical_representation(c)
        || tables::change_display_properties_or_deprecated(c)
        || tables::tagging_character(c)
        || tables::unassigned_code_point(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords() {
        for (password, expected) in [
            ("secret", "secret"),
            // ASCII is not looked at, control characters included.
            ("a\u{7}b", "a\u{7}b"),
            // RFC 4013, section 3.
            ("I\u{AD}X", "IX"),
            ("\u{AA}", "a"),
            ("\u{2168}", "IX"),
            ("\u{A0}x", " x"),
            ("\u{627}1", "\u{627}1"),
            ("\u{627}1\u{628}", "\u{627}1\u{628}"),
            ("\u{627}x\u{AA}", "\u{627}x\u{AA}"),
            // Prohibited or empty: as it is.
            ("\u{AA}\u{7}", "\u{AA}\u{7}"),
            ("\u{AD}", "\u{AD}"),
            ("\u{AA}\u{E000}", "\u{AA}\u{E000}"),
            ("\u{AA}\u{221}", "\u{AA}\u{221}"),
            // Prohibited before normalization alone.
            ("\u{AA}\u{340}", "\u{AA}\u{340}"),
        ] {
            assert_eq!(prepare(password).as_slice(), expected.as_bytes(), "{password:?}");
        }
    }
}
