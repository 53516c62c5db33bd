//! A verified chain is a value that one greppable assertion makes. A review of the verification reads these places.

use super::Finding;
use crate::{code::Code, workspace::Workspace};

/// The assertion.
const ASSERTION: &str = "ChainVerified::assertion";

/// The only files of shipped code that make it.
const CALLERS: &[&str] = &[
    // In the line after the one that verifies the chain.
    "crates/pgtls-rustls/src/verifier.rs",
    // In the line after the refusal of the chain; C cannot make a proof by itself.
    "crates/pgtls-ffi/src/proof.rs",
    // Makes no connection: runs the machine as if everything were proved.
    "crates/pgtls-cli/src/explain/steps.rs",
    // Draws the machine for the documents.
    "xtask/src/generate/negotiation.rs",
];

pub(super) fn check(workspace: &Workspace) -> Vec<Finding> {
    compare(workspace, CALLERS)
}

fn compare(workspace: &Workspace, callers: &[&str]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut seen = Vec::new();
    for file in workspace.members.iter().flat_map(|member| workspace.sources(member)) {
        let Ok(code) = Code::parse(file) else { continue };
        let lines = code.lines_naming(ASSERTION);
        let Some(&line) = lines.first() else { continue };
        seen.push(file.path.as_str());
        if !callers.contains(&file.path.as_str()) {
            let advice = format!(
                "{ASSERTION} claims that a chain was verified: have it reviewed and list the file in \
                 xtask/src/tidy/proofs.rs, or take the proof as an argument"
            );
            findings.push(Finding::error(&file.path, line, advice));
        }
    }
    let gone = callers.iter().filter(|caller| !seen.contains(caller));
    findings.extend(gone.map(|caller| {
        Finding::error(*caller, 0, format!("{ASSERTION} is no longer here: take the file off the list"))
    }));
    findings
}

#[cfg(test)]
mod tests {
    use super::super::example::{member, places, tree};
    use super::*;

    #[test]
    fn callers_are_exactly_the_list() {
        let mut workspace = tree(&[
            ("crates/pgtls-rustls/src/verifier.rs", "fn f() { Some(ChainVerified::assertion()); }"),
            (
                "crates/pgtls-rustls/src/other.rs",
                "#[cfg(test)]\nmod tests { fn f() { ChainVerified::assertion() } }",
            ),
        ]);
        workspace.members.push(member("pgtls-rustls"));
        let listed = ["crates/pgtls-rustls/src/verifier.rs"];
        assert_eq!(compare(&workspace, &listed), []);
        assert_eq!(places(&compare(&workspace, &[])), ["crates/pgtls-rustls/src/verifier.rs:1"]);
        let stale = [listed[0], "crates/pgtls-rustls/src/other.rs"];
        assert_eq!(places(&compare(&workspace, &stale)), ["crates/pgtls-rustls/src/other.rs:0"]);
    }
}
