//! The allowed dependencies between crates. The table is the architecture; a new row, or a new name in one, is a decision of its own.

use super::Finding;
use crate::workspace::{Dependency, Member, Workspace};
use cargo_metadata::DependencyKind;

/// A crate and those of ours that it may be built on.
struct Layer {
    name: &'static str,
    may_use: &'static [&'static str],
}

const LAYERS: &[Layer] = &[
    Layer { name: "pgtls-core", may_use: &[] },
    Layer { name: "pgtls-x509", may_use: &["pgtls-core"] },
    Layer { name: "pgtls-startup", may_use: &["pgtls-core"] },
    Layer { name: "pgtls-os", may_use: &["pgtls-core", "pgtls-x509"] },
    Layer { name: "pgtls-rustls", may_use: &["pgtls-core", "pgtls-x509"] },
    Layer {
        name: "pgtls-adapter",
        may_use: &["pgtls-core", "pgtls-startup", "pgtls-x509", "pgtls-rustls", "pgtls-os"],
    },
    Layer { name: "pgtls-std", may_use: &["pgtls-core", "pgtls-startup", "pgtls-rustls", "pgtls-adapter"] },
    Layer {
        name: "pgtls-async-std",
        may_use: &["pgtls-core", "pgtls-startup", "pgtls-rustls", "pgtls-adapter"],
    },
    Layer { name: "pgtls-tokio", may_use: &["pgtls-core", "pgtls-startup", "pgtls-rustls", "pgtls-adapter"] },
    Layer {
        name: "pgtls-tokio-postgres",
        may_use: &["pgtls-core", "pgtls-rustls", "pgtls-os", "pgtls-tokio"],
    },
    // The facade: it joins and re-exports, and decides nothing.
    Layer {
        name: "pgtls",
        may_use: &[
            "pgtls-core",
            "pgtls-startup",
            "pgtls-rustls",
            "pgtls-os",
            "pgtls-adapter",
            "pgtls-std",
            "pgtls-tokio",
            "pgtls-async-std",
            "pgtls-tokio-postgres",
        ],
    },
    Layer {
        name: "pgtls-ffi",
        may_use: &["pgtls-core", "pgtls-startup", "pgtls-x509", "pgtls-os", "pgtls-rustls"],
    },
    // Its property tests compare with pgtls itself, and its tests of runtimes drive adapters.
    Layer {
        name: "pgtls-conformance",
        may_use: &[
            "pgtls-core",
            "pgtls-startup",
            "pgtls-x509",
            "pgtls-rustls",
            "pgtls-os",
            "pgtls-adapter",
            "pgtls-std",
        ],
    },
    Layer {
        name: "pgtls-cli",
        may_use: &[
            "pgtls-core",
            "pgtls-startup",
            "pgtls-x509",
            "pgtls-rustls",
            "pgtls-os",
            "pgtls-adapter",
            "pgtls-std",
            "pgtls-tokio",
            "pgtls-async-std",
            "pgtls-conformance",
        ],
    },
];

/// A package of others that only some of ours may name.
struct Reserved {
    foreign: &'static str,
    for_crates: &'static [&'static str],
    because: &'static str,
}

const CERTIFICATES: &str = "pgtls-x509 is where bytes of certificates become facts; ask it";
const RUSTLS: &str = "pgtls-rustls is where TLS is decided, the adapters only run its connection";

/// `pgtls-conformance` is the other end of the line: its server and its PKI read and write certificates by themselves, so
/// that they cannot share a mistake with the crates that are judged with them.
const RESERVED: &[Reserved] = &[
    // pgtls-rustls checks the handshake's signature with webpki's entity for raw keys. It reads no certificate with it.
    Reserved {
        foreign: "rustls-webpki",
        for_crates: &["pgtls-x509", "pgtls-rustls", "pgtls-conformance"],
        because: CERTIFICATES,
    },
    Reserved { foreign: "x509-cert", for_crates: &["pgtls-conformance"], because: CERTIFICATES },
    Reserved { foreign: "der", for_crates: &["pgtls-x509", "pgtls-conformance"], because: CERTIFICATES },
    Reserved {
        foreign: "pem-rfc7468",
        for_crates: &["pgtls-x509", "pgtls-conformance"],
        because: CERTIFICATES,
    },
    Reserved {
        foreign: "rustls",
        for_crates: &[
            "pgtls-rustls",
            "pgtls-adapter",
            "pgtls-std",
            "pgtls-tokio",
            "pgtls-async-std",
            "pgtls-conformance",
        ],
        because: RUSTLS,
    },
    Reserved {
        foreign: "rsa",
        for_crates: &["pgtls-conformance"],
        because: "the timing of its private-key operations leaks (RUSTSEC-2023-0071); pgtls-rustls verifies by itself",
    },
    Reserved {
        foreign: "async-std",
        for_crates: &[],
        because: "it is discontinued (RUSTSEC-2025-0052); its programs use futures-io",
    },
    Reserved {
        foreign: "rustls-native-certs",
        for_crates: &["pgtls-os"],
        because: "pgtls-os is the only crate that reads the system's trust store",
    },
];

/// Optional dependencies of the core; they are off by default, and then the core stands alone.
const OPTIONAL_IN_CORE: &[&str] = &["serde"];

/// Unpublished crates may use everything.
const UNRESTRICTED: &[&str] = &[
    "pgtls-bench",
    "pgtls-core-tests",
    "pgtls-embedder",
    "pgtls-examples",
    "pgtls-tests",
    "pgtls-x509-tests",
    "xtask",
];

pub(super) fn check(workspace: &Workspace) -> Vec<Finding> {
    let restricted = workspace.members.iter().filter(|member| !UNRESTRICTED.contains(&member.name.as_str()));
    restricted.flat_map(check_member).collect()
}

fn check_member(member: &Member) -> Vec<Finding> {
    let path = format!("{}/Cargo.toml", member.folder);
    let Some(layer) = LAYERS.iter().find(|layer| layer.name == member.name) else {
        let advice =
            "this crate has no place in the architecture yet: add its row to xtask/src/tidy/layers.rs";
        return vec![Finding::error(path, 0, advice)];
    };
    let shipped =
        member.dependencies.iter().filter(|dependency| dependency.kind != DependencyKind::Development);
    shipped
        .filter_map(|dependency| objection(layer, dependency))
        .map(|advice| Finding::error(path.clone(), 0, advice))
        .collect()
}

fn objection(layer: &Layer, dependency: &Dependency) -> Option<String> {
    let Layer { name, may_use } = layer;
    let on = dependency.name.as_str();
    if *name == "pgtls-core" {
        if dependency.optional && OPTIONAL_IN_CORE.contains(&on) {
            return None;
        }
        return Some(format!("{name} has no dependencies, not even {on}"));
    }
    let ours = LAYERS.iter().any(|layer| layer.name == on) || UNRESTRICTED.contains(&on);
    if ours && !may_use.contains(&on) {
        return Some(format!("{name} must not depend on {on}: data flows one way (docs/architecture.md)"));
    }
    let reserved = RESERVED.iter().find(|reserved| reserved.foreign == on)?;
    let allowed = reserved.for_crates.contains(name);
    (!allowed).then(|| format!("{name} must not name {on}: {}", reserved.because))
}

#[cfg(test)]
mod tests {
    use super::super::example::{depends, member, tree};
    use super::*;

    #[track_caller]
    fn check_dependency(from: &str, on: &str, kind: DependencyKind, word: Option<&str>) {
        let mut workspace = tree(&[]);
        workspace.members.push(depends(member(from), on, kind));
        let findings = check(&workspace);
        match word {
            None => assert_eq!(findings, [], "{from} -> {on}"),
            Some(word) => assert!(
                findings.len() == 1 && findings[0].advice.contains(word),
                "{from} -> {on}: {findings:?}"
            ),
        }
    }

    #[test]
    fn data_flows_one_way() {
        use DependencyKind::{Build, Development, Normal};
        check_dependency("pgtls-x509", "pgtls-core", Normal, None);
        check_dependency("pgtls-core", "pgtls-x509", Development, None);
        check_dependency("pgtls-core", "libm", Normal, Some("no dependencies"));
        check_dependency("pgtls-core", "autocfg", Build, Some("no dependencies"));
        check_dependency("pgtls-core", "serde", Normal, Some("no dependencies"));
        check_dependency("pgtls-x509", "pgtls-os", Normal, Some("one way"));
        check_dependency("pgtls-x509", "pgtls-os", Build, Some("one way"));
        check_dependency("pgtls-x509", "rustls", Normal, Some("pgtls-rustls"));
        check_dependency("pgtls-rustls", "rustls", Normal, None);
        check_dependency("pgtls-rustls", "pgtls-os", Normal, Some("one way"));
        check_dependency("pgtls-std", "rustls-webpki", Normal, Some("pgtls-x509"));
        check_dependency("pgtls-std", "xtask", Normal, Some("one way"));
        check_dependency("pgtls-std", "rustls-webpki", Development, None);
        check_dependency("pgtls-rustls", "rsa", Normal, Some("RUSTSEC-2023-0071"));
        check_dependency("pgtls-rustls", "rsa", Development, None);
        check_dependency("pgtls-conformance", "rsa", Normal, None);
        check_dependency("pgtls-async-std", "async-std", Normal, Some("discontinued"));
        check_dependency("pgtls-async-std", "async-std", Development, None);
        check_dependency("pgtls-new", "serde", Normal, Some("no place"));
        check_dependency("xtask", "rustls", Normal, None);
    }

    #[test]
    fn a_feature_of_the_core_may_add_little() {
        let core = |on, optional| {
            let mut member = depends(member("pgtls-core"), on, DependencyKind::Normal);
            member.dependencies.iter_mut().for_each(|dependency| dependency.optional = optional);
            let mut workspace = tree(&[]);
            workspace.members.push(member);
            check(&workspace).len()
        };
        assert_eq!(core("serde", true), 0);
        assert_eq!(core("serde", false), 1);
        assert_eq!(core("libm", true), 1);
    }

    #[test]
    fn the_table_has_no_cycle() {
        for (position, layer) in LAYERS.iter().enumerate() {
            let below = LAYERS.get(..position).unwrap_or_default();
            for used in layer.may_use {
                assert!(below.iter().any(|layer| layer.name == *used), "{} uses {used}", layer.name);
            }
        }
    }
}
