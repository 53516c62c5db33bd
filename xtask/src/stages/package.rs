//! Whether what would be published builds without the tree that it comes from.
//!
//! Each crate is packed, and all of them are unpacked side by side and checked as another workspace, with the dependencies
//! that this one has compiled already.

use super::{Outcome, Run};
use crate::workspace::{Error, Member};
use std::{
    fs, io,
    path::{Path, PathBuf},
    process::Command,
};

/// Where the packages are checked, from the root.
const FOLDER: &str = "target/package/unpacked";

pub(super) fn package(run: &mut Run<'_>) -> Result<Outcome, Error> {
    let published: Vec<&Member> = run.workspace.members.iter().filter(|member| member.published).collect();
    let mut pack = Command::new("cargo");
    // The tree may have changes that are not committed yet.
    pack.args(["package", "--quiet", "--no-verify", "--allow-dirty"]);
    for member in &published {
        pack.args(["--package", &member.name]);
    }
    run.execute(&mut pack)?;
    let folder = run.workspace.root.join(FOLDER);
    unpack(run, &published, &folder)?;
    let mut check = Command::new("cargo");
    check
        .args(["check", "--workspace", "--all-features", "--target-dir"])
        .arg(run.workspace.root.join("target"));
    run.execute_in(&folder, &mut check)
}

fn unpack(run: &Run<'_>, published: &[&Member], folder: &Path) -> Result<(), Error> {
    let cannot = |error: io::Error| Error(format!("{FOLDER}: {error}"));
    if folder.exists() {
        fs::remove_dir_all(folder).map_err(cannot)?;
    }
    fs::create_dir_all(folder).map_err(cannot)?;
    for member in published {
        let package = format!("{}-{}", member.name, member.version);
        let packed: PathBuf = run.workspace.root.join("target/package").join(format!("{package}.crate"));
        run.execute(Command::new("tar").arg("-xzf").arg(packed).arg("-C").arg(folder))?;
    }
    let root = run.workspace.file("Cargo.toml").map_or("", |file| file.text.as_str());
    fs::write(folder.join("Cargo.toml"), manifest(published, root)).map_err(cannot)?;
    fs::copy(run.workspace.root.join("Cargo.lock"), folder.join("Cargo.lock")).map_err(cannot)?;
    Ok(())
}

/// The workspace of the unpacked packages: each depends on the folders beside it instead of a registry. The profiles are ours,
/// so that foreign crates are not compiled twice.
fn manifest(published: &[&Member], root: &str) -> String {
    let row = |row: fn(&str, &str) -> String| -> String {
        published.iter().map(|member| row(&member.name, &member.version)).collect()
    };
    let members = row(|name, version| format!("    \"{name}-{version}\",\n"));
    let patches = row(|name, version| format!("{name} = {{ path = \"{name}-{version}\" }}\n"));
    let profiles = root.find("\n[profile.").and_then(|at| root.get(at..)).unwrap_or_default();
    format!(
        "[workspace]\nresolver = \"3\"\nmembers = [\n{members}]\n\n[patch.crates-io]\n{patches}{profiles}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_unpacked_stand_side_by_side() {
        let member = Member { name: "a".to_owned(), version: "1.2.3".to_owned(), ..Member::default() };
        let expected = "[workspace]\nresolver = \"3\"\nmembers = [\n    \"a-1.2.3\",\n]\n\n[patch.crates-io]\n\
                        a = { path = \"a-1.2.3\" }\n\n[profile.dev]\ndebug = 0\n";
        let root = "[workspace.dependencies]\nb = \"1\"\n\n[profile.dev]\ndebug = 0\n";
        assert_eq!(manifest(&[&member], root), expected);
    }
}
