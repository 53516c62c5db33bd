//! Every crate has a description, obeys the workspace's lints, and lies in the folder of its name.

use super::Finding;
use crate::workspace::{Member, Workspace};

/// The one crate that may hold unsafe code. The lint is lifted in its code, not here.
const UNSAFE: &str = "pgtls-ffi";
const LIFTED: &str = "deny";

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
    let lints = manifest(workspace, &path).and_then(|mut table| table.remove("lints"));
    if member.name == UNSAFE {
        if lints.is_none() || lints != lints_but_one(workspace) {
            report(format!(
                "repeat the workspace's lints, with unsafe_code = \"{LIFTED}\" and nothing else changed"
            ));
        }
    } else if lints.and_then(|lints| lints.get("workspace")?.as_bool()) != Some(true) {
        report("add [lints] workspace = true".to_owned());
    }
    findings
}

fn manifest(workspace: &Workspace, path: &str) -> Option<toml::Table> {
    workspace.file(path)?.text.parse().ok()
}

/// The workspace's lints, with the one that the crate of unsafe code lifts.
fn lints_but_one(workspace: &Workspace) -> Option<toml::Value> {
    let mut lints = manifest(workspace, "Cargo.toml")?.get("workspace")?.get("lints")?.clone();
    let unsafe_code = lints.get_mut("rust")?.get_mut("unsafe_code")?;
    *unsafe_code = LIFTED.into();
    Some(lints)
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
    fn one_crate_lifts_one_lint() {
        let root = "[workspace.lints.rust]\nunsafe_code = \"forbid\"\nmissing_docs = \"warn\"\n";
        let check_lints = |own: &str| {
            let path = format!("crates/{UNSAFE}/Cargo.toml");
            let readme = format!("`{UNSAFE}`");
            let mut workspace = tree(&[("Cargo.toml", root), ("README.md", &readme), (&path, own)]);
            workspace.members.push(Member { rust_version: Some(Version::new(1, 0, 0)), ..member(UNSAFE) });
            check(&workspace).len()
        };
        assert_eq!(check_lints("[lints.rust]\nunsafe_code = \"deny\"\nmissing_docs = \"warn\"\n"), 0);
        assert_eq!(check_lints("[lints.rust]\nunsafe_code = \"allow\"\nmissing_docs = \"warn\"\n"), 1);
        assert_eq!(check_lints("[lints.rust]\nunsafe_code = \"deny\"\n"), 1);
        assert_eq!(check_lints(LINTS), 1);
        assert_eq!(check_lints(""), 1);
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
