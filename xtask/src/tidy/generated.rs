//! Generated files match the code.

use super::Finding;
use crate::{
    generate::{Generated, generated},
    workspace::Workspace,
};

pub(super) fn check(workspace: &Workspace) -> Vec<Finding> {
    compare(workspace, &generated(workspace))
}

fn compare(workspace: &Workspace, generated: &[Generated]) -> Vec<Finding> {
    let stale = generated.iter().filter(|generated| {
        workspace.file(&generated.path).is_none_or(|file| file.text != generated.content)
    });
    stale
        .map(|generated| Finding::error(&generated.path, 0, "this file is stale: run `cargo xtask generate`"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::example::{places, tree};
    use super::*;

    #[test]
    fn finds_stale_and_missing_files() {
        let generated = ["docs/a.md", "docs/b.md", "docs/c.md"]
            .map(|path| Generated { path: path.to_owned(), content: "new".to_owned() });
        let workspace = tree(&[("docs/a.md", "new"), ("docs/b.md", "old")]);
        assert_eq!(places(&compare(&workspace, &generated)), ["docs/b.md:0", "docs/c.md:0"]);
    }
}
