//! The fuzz targets have a lock of their own, and are to try the versions that everybody else gets.

use super::Finding;
use crate::workspace::Workspace;
use std::collections::{BTreeMap, BTreeSet};

const OURS: &str = "Cargo.lock";
const THEIRS: &str = "tests/fuzz/Cargo.lock";
/// Completes the lock file: cargo keeps its entries, and adds missing ones.
const ADVICE: &str = "cp Cargo.lock tests/fuzz/Cargo.lock && cargo metadata --manifest-path tests/fuzz/Cargo.toml --format-version 1 > /dev/null";

pub(super) fn check(workspace: &Workspace) -> Vec<Finding> {
    let text = |path: &str| {
        workspace
            .files
            .iter()
            .find(|file| file.path == path)
            .map(|file| file.text.as_str())
            .unwrap_or_default()
    };
    let ours = versions(text(OURS));
    let mut found = Vec::new();
    for (name, theirs) in versions(text(THEIRS)) {
        let Some(ours) = ours.get(name) else { continue };
        for version in theirs.difference(ours) {
            let known: Vec<_> = ours.iter().copied().collect();
            let advice = format!("{name} is {version} here and {} in {OURS}: {ADVICE}", known.join(", "));
            found.push(Finding::error(THEIRS, 0, advice));
        }
    }
    found
}

/// The versions of each package in a lock.
fn versions(lock: &str) -> BTreeMap<&str, BTreeSet<&str>> {
    let mut found: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let mut name = None;
    for line in lock.lines() {
        if let Some(named) = value(line, "name") {
            name = Some(named);
        } else if let (Some(name), Some(version)) = (name, value(line, "version")) {
            found.entry(name).or_default().insert(version);
        }
    }
    found
}

fn value<'l>(line: &'l str, key: &str) -> Option<&'l str> {
    line.strip_prefix(key)?.strip_prefix(" = \"")?.strip_suffix('"')
}

#[cfg(test)]
mod tests {
    use super::super::example::{places, tree};
    use super::*;

    #[test]
    fn finds_a_version_that_nobody_else_has() {
        let lock = |packages: &[(&str, &str)]| {
            let package = |(name, version): &(&str, &str)| {
                format!("[[package]]\nname = \"{name}\"\nversion = \"{version}\"\n\n")
            };
            format!("version = 4\n\n{}", packages.iter().map(package).collect::<String>())
        };
        let ours = lock(&[("a", "1.0.0"), ("b", "1.0.0"), ("b", "2.0.0")]);
        let same = lock(&[("a", "1.0.0"), ("b", "2.0.0"), ("libfuzzer-sys", "0.4.0")]);
        assert_eq!(places(&check(&tree(&[(OURS, &ours), (THEIRS, &same)]))), [""; 0]);
        let other = lock(&[("a", "1.0.1"), ("b", "2.0.0")]);
        let found = check(&tree(&[(OURS, &ours), (THEIRS, &other)]));
        assert_eq!(places(&found), [format!("{THEIRS}:0")]);
        assert!(found[0].to_string().contains("a is 1.0.1 here and 1.0.0 in Cargo.lock"), "{}", found[0]);
    }
}
