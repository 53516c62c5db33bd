//! Whoever reviews the security of a connection finds every hardening in `docs/security.md`, and what it is against.

use super::Finding;
use crate::workspace::Workspace;
use syn::Item;

const TYPE: &str = "Hardening";
const DEFINED: &str = "crates/pgtls-core/src/hardening.rs";
const GUIDE: &str = "docs/security.md";

pub(super) fn check(workspace: &Workspace) -> Vec<Finding> {
    let names = workspace.file(DEFINED).map_or_else(Vec::new, |file| fields(&file.text));
    if names.is_empty() {
        return vec![Finding::error(
            DEFINED,
            0,
            format!("the fields of {TYPE} are looked for here: none is found"),
        )];
    }
    let guide = workspace.file(GUIDE).map_or("", |file| file.text.as_str());
    let untold = names.iter().filter(|name| !guide.contains(&format!("`{name}`")));
    untold.map(|name| Finding::error(GUIDE, 0, format!("add a row for the hardening `{name}`"))).collect()
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
    fn finds_hardenings_that_the_guide_does_not_name() {
        let code = "struct Other { c: bool }\npub struct Hardening { pub a: bool, pub b: bool }";
        let told = tree(&[(DEFINED, code), (GUIDE, "`a` and `b`")]);
        assert_eq!(check(&told), []);
        let untold = tree(&[(DEFINED, code), (GUIDE, "`a` and b")]);
        assert_eq!(places(&check(&untold)), ["docs/security.md:0"]);
        let moved = tree(&[(GUIDE, "`a` and `b`")]);
        assert_eq!(places(&check(&moved)), ["crates/pgtls-core/src/hardening.rs:0"]);
    }
}
