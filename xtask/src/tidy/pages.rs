//! Every page is part of the book, and the examples on each are compiled.

use super::Finding;
use crate::workspace::Workspace;

const FOLDER: &str = "docs/";
const SUMMARY: &str = "docs/SUMMARY.md";
const README: &str = "README.md";
/// Where the examples of pages are compiled.
const COMPILED: &str = "tests/src/documents.rs";

pub(super) fn check(workspace: &Workspace) -> Vec<Finding> {
    let text = |path| workspace.file(path).map_or("", |file| file.text.as_str());
    let (summary, compiled) = (text(SUMMARY), text(COMPILED));
    let is_page = |path: &str| path == README || (path.starts_with(FOLDER) && path != SUMMARY);
    let mut findings = Vec::new();
    for page in workspace.files.iter().filter(|file| file.has_extension("md") && is_page(&file.path)) {
        let listed =
            page.path.strip_prefix(FOLDER).is_none_or(|name| summary.contains(&format!("]({name})")));
        if !listed {
            findings.push(Finding::error(&page.path, 0, format!("list this page in {SUMMARY}")));
        }
        let is_example = |line: &str| line.starts_with("```rust") && !line.contains("ignore");
        if page.text.lines().any(is_example) && !compiled.contains(&format!("/{}\"", page.path)) {
            findings.push(Finding::error(&page.path, 0, format!("have the examples compiled in {COMPILED}")));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::example::{places, tree};
    use super::*;

    #[test]
    fn finds_pages_that_are_not_listed_or_not_compiled() {
        let example = "# Page\n\n```rust,no_run\nfn main() {}\n```\n";
        let workspace = tree(&[
            ("docs/SUMMARY.md", "- [A](a.md)\n- [B](folder/b.md)\n- [D](d.md)\n"),
            ("docs/a.md", example),
            ("docs/folder/b.md", example),
            ("docs/c.md", "# Page\n"),
            ("docs/d.md", "# Page\n\n```rust,ignore\nlet a;\n```\n"),
            ("README.md", example),
            ("crates/a/README.md", "# Page\n"),
            ("tests/src/documents.rs", "a = \"../../docs/a.md\";"),
        ]);
        assert_eq!(places(&check(&workspace)), ["docs/folder/b.md:0", "docs/c.md:0", "README.md:0"]);
    }
}
