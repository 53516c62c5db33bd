//! A lint that is switched off for the whole workspace has its reason above it. (In code, clippy's `allow_attributes`
//! and `allow_attributes_without_reason` have the same effect.)

use super::Finding;
use crate::workspace::Workspace;

pub(super) fn check(workspace: &Workspace) -> Vec<Finding> {
    let Some(manifest) = workspace.file("Cargo.toml") else { return Vec::new() };
    let mut findings = Vec::new();
    let mut in_lints = false;
    let mut explained = false;
    for (number, line) in (1..).zip(manifest.text.lines()) {
        let line = line.trim();
        if line.starts_with('[') {
            in_lints = line.starts_with("[workspace.lints");
        }
        if in_lints && line.contains("\"allow\"") && !explained {
            let advice = "say in a comment above this line why the lint is switched off";
            findings.push(Finding::error("Cargo.toml", number, advice));
        }
        explained = line.starts_with('#');
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::example::{places, tree};
    use super::*;

    #[test]
    fn finds_a_lint_switched_off_without_a_reason() {
        let text = "[workspace.lints.clippy]\n# Because.\na = \"allow\"\nb = { level = \"allow\" }\nc = \"warn\"\n[profile]\nd = \"allow\"";
        assert_eq!(places(&check(&tree(&[("Cargo.toml", text)]))), ["Cargo.toml:4"]);
    }
}
