//! Features only add API: they do not change which server is accepted, which fallback is taken or which file is read.
//!
//! Cargo unites the features of all crates in a program, so that a feature which replaced something would let one dependency
//! change the connections of another. The table is the list of features that may exist, each with the reason why it changes
//! no outcome.

use super::Finding;
use crate::workspace::{Member, Workspace};

/// A feature, and why it changes no outcome.
struct Feature {
    krate: &'static str,
    name: &'static str,
    because: &'static str,
}

const PROVIDER: &str = "forwards to pgtls-rustls, where it adds the constructor of a provider";
const AWS_LC_RS: &str = "adds aws_lc_rs(); a provider is a value that the program hands in";
const RING: &str =
    "adds ring(); a provider is a value that the program hands in, and it is completed to the same outcomes";
const TRACING: &str = "adds an observer, which returns nothing to the connection";
const FROM_STRING: &str = "adds constructors from a string, which use this provider whatever else is linked";

const FEATURES: &[Feature] = &[
    Feature { krate: "pgtls-core", name: "serde", because: "adds implementations of serde's traits" },
    Feature { krate: "pgtls-rustls", name: "aws-lc-rs", because: AWS_LC_RS },
    Feature { krate: "pgtls-rustls", name: "ring", because: RING },
    Feature { krate: "pgtls-adapter", name: "aws-lc-rs", because: PROVIDER },
    Feature { krate: "pgtls-adapter", name: "ring", because: PROVIDER },
    Feature { krate: "pgtls-adapter", name: "tracing", because: TRACING },
    Feature { krate: "pgtls-std", name: "aws-lc-rs", because: PROVIDER },
    Feature { krate: "pgtls-std", name: "ring", because: PROVIDER },
    Feature { krate: "pgtls-std", name: "tracing", because: TRACING },
    Feature { krate: "pgtls-tokio", name: "aws-lc-rs", because: PROVIDER },
    Feature { krate: "pgtls-tokio", name: "ring", because: PROVIDER },
    Feature { krate: "pgtls-tokio", name: "tracing", because: TRACING },
    Feature { krate: "pgtls-async-std", name: "aws-lc-rs", because: PROVIDER },
    Feature { krate: "pgtls-async-std", name: "ring", because: PROVIDER },
    Feature { krate: "pgtls-async-std", name: "tracing", because: TRACING },
    Feature { krate: "pgtls-tokio-postgres", name: "aws-lc-rs", because: FROM_STRING },
    Feature { krate: "pgtls-tokio-postgres", name: "ring", because: PROVIDER },
    Feature { krate: "pgtls-tokio-postgres", name: "tracing", because: TRACING },
    Feature { krate: "pgtls-tokio-postgres", name: "deadpool", because: "adds a module" },
    Feature { krate: "pgtls-tokio-postgres", name: "bb8", because: "adds a module" },
    Feature { krate: "pgtls-tokio-postgres", name: "deadpool-postgres", because: "adds a module" },
    Feature { krate: "pgtls-tokio-postgres", name: "postgres", because: "adds constructors" },
    Feature { krate: "pgtls", name: "aws-lc-rs", because: FROM_STRING },
    Feature { krate: "pgtls", name: "ring", because: RING },
    Feature { krate: "pgtls", name: "blocking", because: "adds a module" },
    Feature { krate: "pgtls", name: "tokio", because: "adds a module" },
    Feature { krate: "pgtls", name: "async-std", because: "adds a module" },
    Feature { krate: "pgtls", name: "tokio-postgres", because: "adds a module" },
    Feature { krate: "pgtls", name: "deadpool", because: "adds a module to that of tokio-postgres" },
    Feature { krate: "pgtls", name: "bb8", because: "adds a module to that of tokio-postgres" },
    Feature { krate: "pgtls", name: "deadpool-postgres", because: "adds a module to that of tokio-postgres" },
    Feature {
        krate: "pgtls",
        name: "postgres",
        because: "adds constructors to the module of tokio-postgres",
    },
    Feature { krate: "pgtls", name: "tracing", because: TRACING },
    Feature { krate: "pgtls", name: "serde", because: "adds implementations of serde's traits" },
    Feature {
        krate: "pgtls-conformance",
        name: "proptest",
        because: "adds strategies and a reference; the kit is no driver",
    },
    Feature { krate: "pgtls-conformance", name: "runtime", because: "adds a module with tests of adapters" },
    Feature { krate: "pgtls-bench", name: "others", because: "adds contenders to measurements" },
];

/// Cargo's name for the features that are on by default.
const DEFAULT: &str = "default";

const TABLE: &str = "xtask/src/tidy/features.rs";

pub(super) fn check(workspace: &Workspace) -> Vec<Finding> {
    check_against(FEATURES, workspace)
}

fn check_against(features: &[Feature], workspace: &Workspace) -> Vec<Finding> {
    let members = &workspace.members;
    let unlisted = members.iter().flat_map(|member| unlisted(features, member));
    let stale = features.iter().filter(|row| {
        !members
            .iter()
            .any(|member| member.name == row.krate && member.features.iter().any(|f| f == row.name))
    });
    let stale = stale.map(|row| {
        Finding::error(
            TABLE,
            0,
            format!("{} has no feature {} any more: remove its row", row.krate, row.name),
        )
    });
    let unexplained = features.iter().filter(|row| row.because.trim().is_empty());
    let unexplained = unexplained.map(|row| {
        Finding::error(
            TABLE,
            0,
            format!("give the reason why {} of {} changes no outcome", row.name, row.krate),
        )
    });
    let replacing =
        members.iter().filter(|member| member.published).flat_map(|member| replacing(workspace, member));
    unlisted.chain(stale).chain(unexplained).chain(replacing).collect()
}

fn unlisted(features: &[Feature], member: &Member) -> Vec<Finding> {
    let is_listed = |name: &str| features.iter().any(|row| row.krate == member.name && row.name == name);
    let unlisted = member.features.iter().filter(|name| *name != DEFAULT && !is_listed(name));
    unlisted
        .map(|name| {
            let advice = format!(
                "the feature {name} is not in {TABLE}: add a row with the reason why it changes no outcome, or do \
                 without it"
            );
            Finding::error(format!("{}/Cargo.toml", member.folder), 0, advice)
        })
        .collect()
}

/// Code that is compiled without a feature, or that tests for a feature at run time: such code replaces other code.
fn replacing(workspace: &Workspace, member: &Member) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in workspace.sources(member) {
        for (index, line) in file.text.lines().enumerate() {
            let line: String = line.chars().filter(|character| !character.is_whitespace()).collect();
            let is_negative = line.contains("not(feature=") || line.contains("not(any(feature=");
            if is_negative || line.contains("not(all(feature=") || line.contains("cfg!(feature=") {
                let advice =
                    "a feature adds API and replaces nothing: write this without the absence of a feature";
                findings.push(Finding::error(&file.path, index.saturating_add(1), advice));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::example::{member, places, tree};
    use super::*;

    const ROWS: &[Feature] = &[Feature { krate: "pgtls-a", name: "extra", because: "adds a module" }];

    fn workspace(features: &[&str], code: &str) -> Workspace {
        let mut workspace = tree(&[("crates/pgtls-a/src/lib.rs", code)]);
        let features = features.iter().map(|&name| name.to_owned()).collect();
        workspace.members.push(Member { features, ..member("pgtls-a") });
        workspace
    }

    #[track_caller]
    fn finds(features: &[&str], code: &str, expected: &[&str]) {
        assert_eq!(places(&check_against(ROWS, &workspace(features, code))), expected);
    }

    #[test]
    fn features_are_listed_and_exist() {
        let code = "#[cfg(feature = \"extra\")]\nmod extra;\n";
        finds(&["default", "extra"], code, &[]);
        finds(&["default", "extra", "other"], code, &["crates/pgtls-a/Cargo.toml:0"]);
        finds(&["default"], "", &["xtask/src/tidy/features.rs:0"]);
        // The feature of another crate is another feature.
        let mut other = workspace(&["extra"], "");
        other.members.push(Member { features: vec!["extra".to_owned()], ..member("pgtls-b") });
        assert_eq!(places(&check_against(ROWS, &other)), ["crates/pgtls-b/Cargo.toml:0"]);
    }

    #[test]
    fn a_row_has_a_reason() {
        let rows = [Feature { because: " ", ..Feature { krate: "pgtls-a", name: "extra", because: "" } }];
        assert_eq!(
            places(&check_against(&rows, &workspace(&["extra"], ""))),
            ["xtask/src/tidy/features.rs:0"]
        );
    }

    #[test]
    fn no_code_depends_on_the_absence_of_a_feature() {
        let place = &["crates/pgtls-a/src/lib.rs:2"];
        for line in [
            "#[cfg(not(feature = \"extra\"))]",
            "#[cfg(all(unix, not( feature = \"extra\")))]",
            "#[cfg(not(any(feature = \"extra\", unix)))]",
            "if cfg!(feature = \"extra\") {",
        ] {
            finds(&["extra"], &format!("// A comment.\n{line}\n"), place);
        }
        finds(&["extra"], "#[cfg(not(unix))]\n#[cfg(any(feature = \"extra\", test))]\n", &[]);
        // Programs that are not published may choose.
        let mut unpublished = workspace(&["extra"], "#[cfg(not(feature = \"extra\"))]");
        unpublished.members[0].published = false;
        assert_eq!(check_against(ROWS, &unpublished), []);
    }
}
