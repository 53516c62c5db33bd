//! Every crate says what it is, obeys the workspace's lints, and is found where its name says.

use super::Finding;
use crate::workspace::{Member, Workspace};

pub(super) fn check(workspace: &Workspace) -> Vec<Finding> {
    let readme = workspace.file("README.md").map_or("", |file| file.text.as_str());
    workspace.members.iter().flat_map(|member| check_member(workspace, member, readme)).collect()
}

fn check_member(workspace: &Workspace, member: &Member, readme: &str) -> Vec<Finding> {
    let path = format!("{}/Cargo.toml", member.folder);
    let mut findings = Vec::new();
    let mut report = |advice: String| findings.push(Finding::error(path.clone(), 0, advice));
    if let Some(folder) = member.folder.strip_prefix("crates/") {
        if folder != member.name {
            report(format!("folder and crate have one name: rename the folder to crates/{}", member.name));
        }
        if !readme.contains(&format!("`{}`", member.name)) {
            report(format!("README.md has a table of the crates: add a row for `{}`", member.name));
        }
    }
    if member.description.as_ref().is_none_or(|text| text.trim().is_empty()) {
        report("give the crate a description: one sentence".to_owned());
    }
    if member.license.is_none() {
        report("add license.workspace = true".to_owned());
    }
    if member.rust_version.is_none() {
        report("add rust-version.workspace = true".to_owned());
    }
    let manifest = workspace.file(&path).map(|file| file.text.parse::<toml::Table>());
    let obeys = |table: toml::Table| table.get("lints")?.get("workspace")?.as_bool();
    if !manifest.and_then(Result::ok).and_then(obeys).unwrap_or(false) {
        report("add [lints] workspace = true".to_owned());
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::example::{member, tree};
    use super::*;
    use cargo_metadata::semver::Version;

    const LINTS: &str = "[lints]\nworkspace = true\n";

    fn good() -> Workspace {
        let mut workspace = tree(&[("README.md", "| `pgtls-a` |"), ("crates/pgtls-a/Cargo.toml", LINTS)]);
        workspace.members.push(Member { rust_version: Some(Version::new(1, 0, 0)), ..member("pgtls-a") });
        workspace
    }

    #[track_caller]
    fn finds(spoil: impl Fn(&mut Workspace), word: &str) {
        let mut workspace = good();
        spoil(&mut workspace);
        let findings = check(&workspace);
        assert!(findings.len() == 1 && findings[0].advice.contains(word), "{findings:?}");
    }

    #[test]
    fn finds_each_omission() {
        assert_eq!(check(&good()), []);
        finds(|workspace| workspace.members[0].description = None, "description");
        finds(|workspace| workspace.members[0].description = Some(" ".to_owned()), "description");
        finds(|workspace| workspace.members[0].license = None, "license");
        finds(|workspace| workspace.members[0].rust_version = None, "rust-version");
        finds(|workspace| workspace.files[0].text.clear(), "README");
        finds(|workspace| workspace.files[1].text = LINTS.replace("true", "false"), "lints");
        finds(|workspace| workspace.files[1].text.clear(), "lints");
        finds(
            |workspace| {
                workspace.members[0].folder = "crates/a".to_owned();
                workspace.files[1].path = "crates/a/Cargo.toml".to_owned();
            },
            "one name",
        );
    }
}
