//! Quotes, escapes and variables in a value (OpenSSL: `str_copy` in `conf_def.c`).

use super::error::ConfErrorKind;
use alloc::{borrow::ToOwned, format, string::String};

/// The longest value after expansion, OpenSSL's own bound.
pub const MAX_VALUE_BYTES: usize = 65_536;

/// Looks a variable up: in a named section, or in the section of the line.
pub(super) type Lookup<'a> = dyn Fn(Option<&str>, &str) -> Option<String> + 'a;

/// Copies a value, taking off quotes and escapes and putting in variables.
pub(super) fn expand(
    text: &str,
    dollar_in_names: bool,
    lookup: &Lookup<'_>,
) -> Result<String, ConfErrorKind> {
    let mut out = String::new();
    let mut rest = text;
    while let Some(character) = rest.chars().next() {
        let after = rest.get(character.len_utf8()..).unwrap_or_default();
        rest = match character {
            '"' | '\'' | '`' => quoted(after, character, &mut out),
            '\\' => escaped(after, &mut out),
            '$' if !dollar_in_names || after.starts_with(['{', '(']) => variable(after, &mut out, lookup)?,
            _ => {
                out.push(character);
                after
            }
        };
        if out.len() > MAX_VALUE_BYTES {
            return Err(ConfErrorKind::VariableExpansionTooLong);
        }
    }
    Ok(out)
}

/// Copies up to the closing quote, or to the end where there is none. Inside, a backslash only protects what follows.
fn quoted<'a>(text: &'a str, quote: char, out: &mut String) -> &'a str {
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        if character == quote {
            break;
        }
        match character {
            '\\' => out.extend(characters.next()),
            other => out.push(other),
        }
    }
    characters.as_str()
}

fn escaped<'a>(text: &'a str, out: &mut String) -> &'a str {
    let mut characters = text.chars();
    out.extend(characters.next().map(|character| match character {
        'r' => '\r',
        'n' => '\n',
        'b' => '\u{8}',
        't' => '\t',
        other => other,
    }));
    characters.as_str()
}

/// `$name`, `${name}` or `$(name)`, each also as `section::name`.
fn variable<'a>(text: &'a str, out: &mut String, lookup: &Lookup<'_>) -> Result<&'a str, ConfErrorKind> {
    let (text, close) = match text.chars().next() {
        Some('{') => (text.get(1..).unwrap_or_default(), Some('}')),
        Some('(') => (text.get(1..).unwrap_or_default(), Some(')')),
        _ => (text, None),
    };
    let (first, rest) = word(text);
    let (section, name, rest) = match rest.strip_prefix("::") {
        Some(rest) => {
            let (name, rest) = word(rest);
            (Some(first), name, rest)
        }
        None => (None, first, rest),
    };
    let rest = match close {
        Some(close) => rest.strip_prefix(close).ok_or(ConfErrorKind::NoCloseBrace)?,
        None => rest,
    };
    let value = lookup(section, name).ok_or_else(|| {
        let name = section.map_or_else(|| name.to_owned(), |section| format!("{section}::{name}"));
        ConfErrorKind::VariableHasNoValue(name)
    })?;
    out.push_str(&value);
    Ok(rest)
}

fn word(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(text.len());
    text.split_at_checked(end).unwrap_or((text, ""))
}
