//! Keyword/value strings (PostgreSQL documentation, "Connection Strings"; libpq: `conninfo_parse`).

use super::{Keyword, ParamError, ParamErrorKind, Settings, Source, settings::UnknownName};
use alloc::{borrow::ToOwned, string::String};

/// What C's `isspace` accepts.
pub(super) fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\x0b' | '\x0c' | '\r')
}

/// A sequence of `name = value`, separated by white space.
pub(super) fn parse(text: &str) -> Result<Settings, ParamError> {
    let mut settings = Settings::with_room();
    let mut after_secret = false;
    let mut rest = text.trim_start_matches(is_space);
    while !rest.is_empty() {
        let source = Source::Conninfo { at: text.len().saturating_sub(rest.len()) };
        let (name, after) = split_at(rest, rest.find(|c| c == '=' || is_space(c)));
        // A word that follows a password may be its second half, and a URI that is not taken for one may hold one: not
        // shown.
        let shown = (!after_secret && !is_like_uri(name)).then_some(name);
        let Some(after) = after.trim_start_matches(is_space).strip_prefix('=') else {
            return Err(ParamErrorKind::MissingEquals { name: shown.map(ToOwned::to_owned) }.from(source));
        };
        let after = after.trim_start_matches(is_space);
        let (value, after) = match after.strip_prefix('\'') {
            Some(inside) => match quoted(inside) {
                Some(value) => value,
                None => return Err(ParamErrorKind::UnterminatedQuote.from(source)),
            },
            None => split_at(after, find_unescaped(after, is_space)),
        };
        if let Err(UnknownName) = settings.put_written(name, unescape(value), source.clone()) {
            return Err(ParamErrorKind::unknown_option(shown).from(source));
        }
        after_secret = Keyword::is_secret(name);
        rest = after.trim_start_matches(is_space);
    }
    Ok(settings)
}

/// Whether a word stands where a URI was meant: another scheme than PostgreSQL's two, or none.
fn is_like_uri(word: &str) -> bool {
    word.contains("://") || word.contains('@')
}

/// What is before the closing quote and what is after it; `None` when there is none.
fn quoted(text: &str) -> Option<(&str, &str)> {
    let (inside, rest) = text.split_at_checked(find_unescaped(text, |c| c == '\'')?)?;
    Some((inside, rest.strip_prefix('\'')?))
}

/// Where the first such character is that no backslash makes literal.
fn find_unescaped(text: &str, stop: impl Fn(char) -> bool) -> Option<usize> {
    let mut escaped = false;
    text.find(|c| {
        let literal = core::mem::take(&mut escaped);
        escaped = c == '\\' && !literal;
        !literal && stop(c)
    })
}

/// A backslash makes the next character literal, and stands for nothing at the very end.
fn unescape(raw: &str) -> String {
    // Never longer than written, so that a secret is not moved while it grows.
    let mut value = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some((literal, escaped)) = rest.split_once('\\') {
        value.push_str(literal);
        let mut chars = escaped.chars();
        value.extend(chars.next());
        rest = chars.as_str();
    }
    value.push_str(rest);
    value
}

/// The text before and from a position; without one, all of it and nothing.
fn split_at(text: &str, at: Option<usize>) -> (&str, &str) {
    at.and_then(|at| text.split_at_checked(at)).unwrap_or((text, ""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    /// Too plain to be wrong: one character after the other; `None` where anything is wrong.
    fn naive(text: &str) -> Option<Vec<(String, String)>> {
        let space = |c: char| " \t\n\u{b}\u{c}\r".contains(c);
        let chars: Vec<char> = text.chars().collect();
        let mut settings: Vec<(String, String)> = Vec::new();
        let mut at = 0;
        loop {
            while at < chars.len() && space(chars[at]) {
                at += 1;
            }
            if at == chars.len() {
                return Some(settings);
            }
            let mut name = String::new();
            while at < chars.len() && chars[at] != '=' && !space(chars[at]) {
                name.push(chars[at]);
                at += 1;
            }
            while at < chars.len() && space(chars[at]) {
                at += 1;
            }
            if at == chars.len() || chars[at] != '=' {
                return None;
            }
            at += 1;
            while at < chars.len() && space(chars[at]) {
                at += 1;
            }
            let in_quotes = at < chars.len() && chars[at] == '\'';
            if in_quotes {
                at += 1;
            }
            let mut value = String::new();
            loop {
                if at == chars.len() {
                    if in_quotes {
                        return None;
                    }
                    break;
                }
                let c = chars[at];
                at += 1;
                if c == '\\' {
                    if at < chars.len() {
                        value.push(chars[at]);
                        at += 1;
                    }
                } else if in_quotes && c == '\'' || !in_quotes && space(c) {
                    break;
                } else {
                    value.push(c);
                }
            }
            Keyword::find(&name)?;
            settings.retain(|(other, _)| *other != name);
            settings.push((name, value));
        }
    }

    fn values(settings: &Settings) -> Vec<(String, String)> {
        let mut values: Vec<_> =
            settings.iter().map(|setting| (setting.keyword.to_owned(), setting.value.clone())).collect();
        values.sort();
        values
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn reading_agrees_with_the_naive_one(text in "((host|port|x)?[ \t]?=?[ ]?'?[ab ='\\\\\n\u{a0}]{0,6}'?[ ]?){0,3}") {
            let expected = naive(&text).map(|mut values| {
                values.sort();
                values
            });
            prop_assert_eq!(parse(&text).ok().map(|settings| values(&settings)), expected);
        }
    }
}
