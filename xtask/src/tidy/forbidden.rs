//! Words that have no place in what we ship: unfinished work, and places that exist on one machine only.

use super::Finding;
use crate::workspace::Workspace;

const UNFINISHED: &str = "finish the work before it is committed";
const REGISTRY: &str = "registry hosts do not belong in the project: name the package instead";
const MACHINE: &str =
    "this path exists on one machine only: make it relative, or take it from the environment";

/// Each word is written in two parts, so that this file is not one of its own findings.
const WORDS: &[(&str, &str)] = &[
    (concat!("to", "do!("), UNFINISHED),
    (concat!("unimpl", "emented!("), UNFINISHED),
    (concat!("FIX", "ME"), UNFINISHED),
    (concat!("XX", "X"), UNFINISHED),
    (concat!("crates", ".io"), REGISTRY),
    (concat!("pypi", ".org"), REGISTRY),
    (concat!("npm", "js"), REGISTRY),
    (concat!("deb", ".debian"), REGISTRY),
    (concat!("/ro", "ot/"), MACHINE),
    (concat!("/wo", "rk/"), MACHINE),
    (concat!("/fa", "rm/"), MACHINE),
];

/// Written by a tool that we do not command, wherever it lies.
const EXEMPT: &str = "Cargo.lock";
/// The ids of scenarios look like paths.
const IDS: &str = "crates/pgtls-conformance/scenarios/";

pub(super) fn check(workspace: &Workspace) -> Vec<Finding> {
    let root = workspace.root.to_string_lossy();
    let here = [(root.as_ref(), MACHINE)];
    let words = || WORDS.iter().chain(&here);
    let mut findings = Vec::new();
    let exempt = |path: &str| path.rsplit('/').next() == Some(EXEMPT) || path.starts_with(IDS);
    for file in workspace.files.iter().filter(|file| !exempt(&file.path)) {
        for (number, line) in (1..).zip(file.text.lines()) {
            let found = words().find(|(word, _)| line.contains(word));
            findings.extend(found.map(|(word, advice)| {
                Finding::error(&file.path, number, format!("`{word}` stands here: {advice}"))
            }));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::example::{places, tree};
    use super::*;

    #[test]
    fn finds_every_word_and_the_place_of_the_tree_itself() {
        for (word, _) in WORDS {
            let text = format!("fine\nlet a = 1; // {word}\n");
            assert_eq!(places(&check(&tree(&[("a.rs", &text)]))), ["a.rs:2"], "{word}");
            assert_eq!(check(&tree(&[("Cargo.lock", &text), ("a/Cargo.lock", &text)])), [], "{word}");
            assert_eq!(places(&check(&tree(&[("aCargo.lock", &text)]))), ["aCargo.lock:2"], "{word}");
        }
        assert_eq!(places(&check(&tree(&[("a.md", "see /elsewhere")]))), ["a.md:1"]);
        assert_eq!(check(&tree(&[("a.rs", "a network of roots, xx")])), []);
    }
}
