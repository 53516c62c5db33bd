//! No package that our users compile needs a newer Rust than we promise. (In code, clippy's `incompatible_msrv` checks that.)

use super::Finding;
use crate::workspace::Workspace;

pub(super) fn check(workspace: &Workspace) -> Vec<Finding> {
    let published = workspace.members.iter().filter(|member| member.published);
    let Some(ours) = published.filter_map(|member| member.rust_version.as_ref()).min() else {
        return vec![Finding::error("Cargo.toml", 0, "no published crate states its rust-version")];
    };
    let newer = workspace.foreign.iter().filter(|package| package.rust_version.as_ref() > Some(ours));
    newer
        .map(|package| {
            let theirs = package.rust_version.as_ref().map(ToString::to_string).unwrap_or_default();
            let advice = format!(
                "{} {} needs Rust {theirs}, we promise {ours}: choose an older version of it, or raise ours",
                package.name, package.version
            );
            Finding::error("Cargo.lock", 0, advice)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::example::{member, tree};
    use super::*;
    use crate::workspace::{Foreign, Member};
    use cargo_metadata::semver::Version;

    #[test]
    fn finds_packages_that_need_a_newer_rust() {
        let mut workspace = tree(&[]);
        assert_eq!(check(&workspace).len(), 1);
        workspace.members.push(Member { rust_version: Some(Version::new(1, 80, 0)), ..member("a") });
        for (name, minor) in [("older", Some(79)), ("same", Some(80)), ("silent", None)] {
            let rust_version = minor.map(|minor| Version::new(1, minor, 0));
            workspace.foreign.push(Foreign {
                name: name.to_owned(),
                version: Version::new(1, 0, 0),
                rust_version,
            });
        }
        assert_eq!(check(&workspace), []);
        workspace.foreign.push(Foreign {
            name: "newer".to_owned(),
            version: Version::new(1, 0, 0),
            rust_version: Some(Version::new(1, 80, 1)),
        });
        let findings = check(&workspace);
        assert!(
            findings.len() == 1 && findings[0].advice.contains("newer 1.0.0 needs Rust 1.80.1"),
            "{findings:?}"
        );
    }
}
