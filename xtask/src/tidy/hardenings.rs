//! Each hardening is in `docs/security.md`, with the attack that it prevents, and in the output of `pgtls explain`, with its
//! state.

use super::Finding;
use crate::workspace::{File, Workspace};
use syn::Item;

const TYPE: &str = "Hardening";
const DEFINED: &str = "crates/pgtls-core/src/hardening.rs";
const GUIDE: &str = "docs/security.md";
const EXPLAINED: &str = "crates/pgtls-cli/src/explain/hardenings.rs";

pub(super) fn check(workspace: &Workspace) -> Vec<Finding> {
    let names = workspace.file(DEFINED).map_or_else(Vec::new, |file| fields(&file.text));
    if names.is_empty() {
        return vec![Finding::error(
            DEFINED,
            0,
            format!("the fields of {TYPE} are looked for here: none is found"),
        )];
    }
    let text = |path| workspace.file(path).map_or("", |file: &File| file.text.as_str());
    let mut findings = Vec::new();
    for name in names {
        if !text(GUIDE).contains(&format!("`{name}`")) {
            findings.push(Finding::error(GUIDE, 0, format!("add a row for the hardening `{name}`")));
        }
        if !text(EXPLAINED).contains(&format!("\"{name}\"")) {
            findings.push(Finding::error(EXPLAINED, 0, format!("show the hardening `{name}` too")));
        }
    }
    findings
}

fn fields(text: &str) -> Vec<String> {
    let Ok(file) = syn::parse_file(text) else { return Vec::new() };
    let structs = file.items.iter().filter_map(|item| match item {
        Item::Struct(item) if item.ident == TYPE => Some(item),
        _ => None,
    });
    structs
        .flat_map(|item| &item.fields)
        .filter_map(|field| Some(field.ident.as_ref()?.to_string()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::example::{places, tree};
    use super::*;

    #[test]
    fn finds_hardenings_that_are_not_told() {
        let code = "struct Other { c: bool }\npub struct Hardening { pub a: bool, pub b: bool }";
        let explained = (EXPLAINED, "line(\"a\"), line(\"b\")");
        let told = tree(&[(DEFINED, code), (GUIDE, "`a` and `b`"), explained]);
        assert_eq!(check(&told), []);
        let untold = tree(&[(DEFINED, code), (GUIDE, "`a` and b"), explained]);
        assert_eq!(places(&check(&untold)), ["docs/security.md:0"]);
        let hidden = tree(&[(DEFINED, code), (GUIDE, "`a` and `b`"), (EXPLAINED, "line(\"b\")")]);
        assert_eq!(places(&check(&hidden)), ["crates/pgtls-cli/src/explain/hardenings.rs:0"]);
        let moved = tree(&[(GUIDE, "`a` and `b`")]);
        assert_eq!(places(&check(&moved)), ["crates/pgtls-core/src/hardening.rs:0"]);
    }
}
