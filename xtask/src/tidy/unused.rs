//! Every declared dependency is named in the code of its crate.

use super::Finding;
use crate::workspace::{File, Member, Workspace};

pub(super) fn check(workspace: &Workspace) -> Vec<Finding> {
    workspace.members.iter().flat_map(|member| check_member(workspace, member)).collect()
}

fn check_member(workspace: &Workspace, member: &Member) -> Vec<Finding> {
    let code: Vec<&File> = workspace
        .files
        .iter()
        .filter(|file| file.has_extension("rs"))
        .filter(|file| member.code_folders.iter().any(|folder| is_within(&file.path, folder)))
        .collect();
    let unused = member
        .dependencies
        .iter()
        .filter(|dependency| !code.iter().any(|file| names(&file.text, &dependency.library)));
    let path = format!("{}/Cargo.toml", member.folder);
    unused
        .map(|dependency| {
            let advice = format!(
                "no code of this crate names {}: remove the dependency {}",
                dependency.library, dependency.name
            );
            Finding::error(path.clone(), 0, advice)
        })
        .collect()
}

fn is_within(path: &str, folder: &str) -> bool {
    path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
}

/// Whether the identifier of a library occurs in code. Comments do not count.
fn names(code: &str, library: &str) -> bool {
    let is_part = |character: char| character.is_alphanumeric() || character == '_';
    code.lines()
        .map(str::trim_start)
        .filter(|line| !line.starts_with("//") || is_example(line))
        .any(|line| line.split(|character| !is_part(character)).any(|word| word == library))
}

/// Examples in the documentation are compiled with the crate's dependencies.
fn is_example(line: &str) -> bool {
    (line.starts_with("//!") || line.starts_with("///")) && line.contains("::")
}

#[cfg(test)]
mod tests {
    use super::super::example::{depends, member, tree};
    use super::*;
    use cargo_metadata::DependencyKind;

    fn advice(code: &str, on: &str, library: &str) -> Vec<String> {
        let mut workspace =
            tree(&[("crates/a/src/lib.rs", code), ("crates/ab/src/lib.rs", "use bytes::Buf;")]);
        let mut member = depends(member("a"), on, DependencyKind::Normal);
        member.dependencies[0].library = library.to_owned();
        workspace.members.push(member);
        check(&workspace).into_iter().map(|finding| finding.advice).collect()
    }

    #[test]
    fn finds_a_dependency_that_no_code_names() {
        assert_eq!(
            advice("// bytes would do.\nuse bytes_utils::X;", "bytes", "bytes"),
            ["no code of this crate names bytes: remove the dependency bytes"]
        );
        for code in ["use bytes::Buf;", "fn f(_: &bytes::Bytes) {}", "//! ```\n//! use bytes::Buf;"] {
            assert_eq!(advice(code, "bytes", "bytes"), [""; 0], "{code}");
        }
    }

    #[test]
    fn a_library_may_have_another_name_than_its_package() {
        assert_eq!(advice("use webpki::Error;", "rustls-webpki", "webpki"), [""; 0]);
        assert_eq!(advice("use rustls_webpki::Error;", "rustls-webpki", "webpki").len(), 1);
    }
}
