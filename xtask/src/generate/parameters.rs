//! `docs/parameters.md`: the parameters that libpq knows, from the table in the core.

use super::template::{fill, table};
use pgtls_core::param::{KEYWORDS, Keyword};

pub(super) fn content() -> String {
    fill(include_str!("parameters.md"), &[("parameters", parameters())])
}

fn parameters() -> String {
    let rows = KEYWORDS.iter().map(|keyword| {
        [
            format!("`{}`", keyword.name),
            keyword.variable.map_or("none".to_owned(), |variable| format!("`{variable}`")),
            default(keyword),
            values(keyword),
        ]
    });
    table(["Parameter", "Variable", "Default", "Values"], rows)
}

fn default(keyword: &Keyword) -> String {
    match keyword.default {
        Some(default) if !default.is_empty() => format!("`{default}`"),
        _ => "none".to_owned(),
    }
}

fn values(keyword: &Keyword) -> String {
    if keyword.secret {
        return "a secret".to_owned();
    }
    if keyword.words.is_empty() {
        return "any text".to_owned();
    }
    keyword.words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}
