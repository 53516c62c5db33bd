//! A newcomer sees a handful of names and knows what each is.

use super::Finding;
use crate::workspace::Workspace;
use std::collections::BTreeSet;

/// What must be there.
const REQUIRED: &[&str] = &["Cargo.toml", "crates", "xtask", "tests", "docs", "README.md"];

/// Customary files in the root, and those of tools; names with a dot in front are allowed too.
const CUSTOMARY: &[&str] = &[
    "Cargo.lock",
    "CHANGELOG.md",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "clippy.toml",
    "deny.toml",
    "rustfmt.toml",
];

pub(super) fn check(workspace: &Workspace) -> Vec<Finding> {
    let present: BTreeSet<&str> =
        workspace.files.iter().filter_map(|file| file.path.split('/').next()).collect();
    let known = |name: &str| REQUIRED.contains(&name) || CUSTOMARY.contains(&name) || name.starts_with('.');
    let extra = present.iter().filter(|name| !known(name)).map(|name| {
        Finding::error(*name, 0, "the top level is fixed: move this under crates/, tests/, docs/ or xtask/")
    });
    let missing = REQUIRED
        .iter()
        .filter(|name| !present.contains(*name))
        .map(|name| Finding::error(*name, 0, "this part of the top level is missing"));
    extra.chain(missing).collect()
}

#[cfg(test)]
mod tests {
    use super::super::example::{places, tree};
    use super::*;

    const GOOD: &[(&str, &str)] = &[
        ("Cargo.toml", ""),
        ("README.md", ""),
        ("crates/a/Cargo.toml", ""),
        ("docs/a.md", ""),
        ("tests/Cargo.toml", ""),
        ("xtask/Cargo.toml", ""),
        (".gitignore", ""),
        ("Cargo.lock", ""),
    ];

    #[test]
    fn finds_what_is_extra_and_what_is_missing() {
        assert_eq!(places(&check(&tree(GOOD))), [""; 0]);
        let mut files = GOOD.to_vec();
        files.remove(3);
        files.push(("scripts/run.sh", ""));
        assert_eq!(places(&check(&tree(&files))), ["scripts:0", "docs:0"]);
    }
}
