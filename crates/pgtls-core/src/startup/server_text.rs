//! Text of an ErrorResponse.

use alloc::string::String;

/// Longest [`server_text`] in bytes (libpq: `MAX_ERRLEN`).
pub const MAX_SERVER_TEXT: usize = 30_000;

/// Fields that are printed, in this order, with the text before each of them (libpq: `pqBuildErrorMessage3` with
/// `PQERRORS_DEFAULT` and `PQSHOW_CONTEXT_ERRORS`).
const PRINTED: [(u8, &str); 6] = [
    (b'S', ""),
    (b'M', ":  "),
    (b'D', "\nDETAIL:  "),
    (b'H', "\nHINT:  "),
    (b'q', "\nQUERY:  "),
    (b'W', "\nCONTEXT:  "),
];

/// Returns the text of an ErrorResponse as psql prints it: severity, message, and a line each for DETAIL, HINT, QUERY and
/// CONTEXT. The SQLSTATE is not part of it.
///
/// `fields` are the fields of the message in any order, each with its type byte (PostgreSQL documentation, "Error and Notice
/// Message Fields"). The last of several fields of one type counts, as in libpq; other types are ignored.
///
/// The text is chosen by the server. Control characters in a field become spaces, and so do line breaks, separators and the
/// marks that reorder text: a field cannot add a line or steer a terminal. Text beyond [`MAX_SERVER_TEXT`] is left out.
///
/// Pass it only messages that arrived after startup began: text that a server sends before TLS is agreed is never shown
/// (CVE-2024-10977).
pub fn server_text(fields: &[(u8, &str)]) -> String {
    let mut values = PRINTED.map(|_| None);
    for (kind, value) in fields {
        if let Some((slot, _)) = values.iter_mut().zip(PRINTED).find(|(_, (printed, _))| printed == kind) {
            *slot = Some(*value);
        }
    }
    let has_severity = values.first().is_some_and(Option::is_some);
    let mut text = String::new();
    for (value, (kind, before)) in values.into_iter().zip(PRINTED) {
        let Some(value) = value else { continue };
        let before = if kind == b'M' && !has_severity { "" } else { before };
        let characters = before.chars().chain(value.chars().map(printable_character));
        for character in characters {
            if text.len().saturating_add(character.len_utf8()) > MAX_SERVER_TEXT {
                return text;
            }
            text.push(character);
        }
    }
    text
}

/// Returns the character, or a space for one that moves the cursor, ends the line, or reorders or hides the text around it.
pub fn printable_character(character: char) -> char {
    let is_plain = !character.is_control()
        && !matches!(character,
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    if is_plain { character } else { ' ' }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::{string::ToString, vec};

    #[test]
    fn fields_are_printed_as_psql_prints_them() {
        let fatal = [(b'S', "FATAL"), (b'V', "FATAL"), (b'C', "28000"), (b'M', "no entry")];
        for (more, expected) in [
            (vec![], "FATAL:  no entry"),
            (vec![(b'H', "h"), (b'D', "d")], "FATAL:  no entry\nDETAIL:  d\nHINT:  h"),
            (vec![(b'W', "w"), (b'q', "q"), (b'F', "auth.c")], "FATAL:  no entry\nQUERY:  q\nCONTEXT:  w"),
            (vec![(b'M', "another")], "FATAL:  another"),
            (vec![(b'D', "")], "FATAL:  no entry\nDETAIL:  "),
        ] {
            assert_eq!(server_text(&[fatal.as_slice(), &more].concat()), expected);
        }
        assert_eq!(server_text(&[(b'M', "no severity")]), "no severity");
        assert_eq!(server_text(&[(b'S', "ERROR")]), "ERROR");
        assert_eq!(server_text(&[]), "");
    }

    #[test]
    fn a_field_cannot_steer_a_terminal() {
        for character in [
            '\0', '\n', '\r', '\t', '\u{1b}', '\u{7f}', '\u{9b}', '\u{2028}', '\u{202e}', '\u{2066}',
            '\u{200f}',
        ] {
            for kind in [b'S', b'M', b'D', b'H', b'q', b'W'] {
                let value = ["a", &character.to_string(), "b"].concat();
                let text = server_text(&[(kind, value.as_str())]);
                assert!(text.ends_with("a b"), "{kind} {character:?}: {text:?}");
            }
        }
        // Text of any language, joiners and soft hyphens included, stays.
        let persian = "نمی\u{200c}شود – пароль 密码 pass\u{ad}word";
        assert_eq!(server_text(&[(b'M', persian)]), persian);
    }

    #[test]
    fn the_length_is_bounded() {
        let long = "é".repeat(MAX_SERVER_TEXT);
        let text = server_text(&[(b'S', "X"), (b'M', &long), (b'D', &long)]);
        assert_eq!(text.len(), MAX_SERVER_TEXT);
        let text = server_text(&[(b'S', "XY"), (b'M', &long)]);
        assert_eq!(text.len(), MAX_SERVER_TEXT - 1, "no half character");
    }
}
