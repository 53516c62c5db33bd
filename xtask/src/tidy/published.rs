//! Each published crate has the metadata and the files that a registry shows and a package needs.

use super::Finding;
use crate::workspace::{Member, Workspace};

/// The most keywords that the registry takes.
const MAX_KEYWORDS: usize = 5;

/// What stands in every package: its licences, by the names of the files in the root.
const LICENCES: [&str; 2] = ["LICENSE-APACHE", "LICENSE-MIT"];

/// The build of the documentation that docs.rs shows.
const DOCS_RS: &str =
    "\n[package.metadata.docs.rs]\nall-features = true\nrustdoc-args = [\"--cfg\", \"docsrs\"]\n";

/// The attribute of a library with which its documentation names the feature of each item.
const BADGES: &str = "\n#![cfg_attr(docsrs, feature(doc_cfg))]\n";

pub(super) fn check(workspace: &Workspace) -> Vec<Finding> {
    let published = workspace.members.iter().filter(|member| member.published);
    published.flat_map(|member| check_member(workspace, member)).collect()
}

fn check_member(workspace: &Workspace, member: &Member) -> Vec<Finding> {
    let path = format!("{}/Cargo.toml", member.folder);
    let text = workspace.file(&path).map_or("", |file| file.text.as_str());
    let library = workspace.file(&format!("{}/src/lib.rs", member.folder)).map(|file| file.text.as_str());
    let root = |name: &str| workspace.file(name).map(|file| &file.text);
    let licences = LICENCES.iter().filter_map(|name| {
        let own = workspace.file(&format!("{}/{name}", member.folder)).map(|file| &file.text);
        (own.is_none() || own != root(name)).then(|| format!("link {name} here, to the one in the root"))
    });
    let metadata = [
        (member.repository.is_some(), "add repository.workspace = true"),
        (member.documentation.is_some(), "add documentation: where it is read"),
        (
            member.readme.as_deref() == Some("README.md"),
            "add readme = \"README.md\"; `cargo xtask generate` writes it",
        ),
        ((1..=MAX_KEYWORDS).contains(&member.keywords.len()), "add keywords.workspace = true: one to five"),
        (!member.categories.is_empty(), "add categories.workspace = true"),
        (text.contains("\ninclude = ["), "add include: what the package has to hold, and no more"),
        (
            text.contains(DOCS_RS),
            "add [package.metadata.docs.rs] with all-features and --cfg docsrs: the items of all features are documented",
        ),
        (
            library.is_none_or(|text| text.contains(BADGES)),
            "add #![cfg_attr(docsrs, feature(doc_cfg))] to src/lib.rs: the documentation names the feature of each item",
        ),
    ];
    let missing = metadata.into_iter().filter(|(there, _)| !there).map(|(_, advice)| advice.to_owned());
    missing.chain(licences).map(|advice| Finding::error(&path, 0, advice)).collect()
}

#[cfg(test)]
mod tests {
    use super::super::example::{member, tree};
    use super::*;

    const MANIFEST: &str = "[package]\ninclude = [\"/src\"]\n\n[package.metadata.docs.rs]\nall-features = true\n\
                            rustdoc-args = [\"--cfg\", \"docsrs\"]\n";

    fn good() -> Workspace {
        let mut workspace = tree(&[
            ("crates/a/Cargo.toml", MANIFEST),
            ("crates/a/LICENSE-APACHE", "Apache"),
            ("crates/a/LICENSE-MIT", "MIT"),
            ("LICENSE-APACHE", "Apache"),
            ("LICENSE-MIT", "MIT"),
            ("crates/a/src/lib.rs", "//! A crate.\n#![cfg_attr(docsrs, feature(doc_cfg))]\n"),
        ]);
        workspace.members.push(Member {
            repository: Some("https://example.com".to_owned()),
            documentation: Some("https://example.com/a".to_owned()),
            readme: Some("README.md".to_owned()),
            keywords: vec!["tls".to_owned()],
            categories: vec!["cryptography".to_owned()],
            ..member("a")
        });
        workspace
    }

    #[track_caller]
    fn finds(spoil: impl Fn(&mut Workspace), word: &str) {
        let mut workspace = good();
        spoil(&mut workspace);
        let findings = check(&workspace);
        assert!(findings.len() == 1 && findings[0].advice.contains(word), "{findings:?}");
        workspace.members[0].published = false;
        assert_eq!(check(&workspace), []);
    }

    #[test]
    fn finds_each_omission() {
        assert_eq!(check(&good()), []);
        finds(|workspace| workspace.members[0].repository = None, "repository");
        finds(|workspace| workspace.members[0].documentation = None, "documentation");
        finds(|workspace| workspace.members[0].readme = None, "readme");
        finds(|workspace| workspace.members[0].keywords.clear(), "keywords");
        finds(|workspace| workspace.members[0].keywords = vec!["tls".to_owned(); 6], "keywords");
        finds(|workspace| workspace.members[0].categories.clear(), "categories");
        finds(|workspace| workspace.files[0].text = MANIFEST.replace("include", "exclude"), "include");
        finds(|workspace| workspace.files[0].text = MANIFEST.replace("all-features = true\n", ""), "docs.rs");
        finds(|workspace| workspace.files[5].text.clear(), "doc_cfg");
        finds(|workspace| drop(workspace.files.remove(1)), "LICENSE-APACHE");
        finds(|workspace| workspace.files[2].text.push('!'), "LICENSE-MIT");
    }
}
