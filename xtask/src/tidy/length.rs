//! A file that grows long usually holds two ideas.

use super::Finding;
use crate::workspace::Workspace;

const LONG: usize = 900;

pub(super) fn check(workspace: &Workspace) -> Vec<Finding> {
    let long =
        workspace.files.iter().filter(|file| file.has_extension("rs") && file.text.lines().count() > LONG);
    long.map(|file| {
        let count = file.text.lines().count();
        Finding::warning(&file.path, format!("{count} lines: does this file hold one idea?"))
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::super::example::{places, tree};
    use super::*;

    #[test]
    fn finds_long_files_of_code() {
        let long = "\n".repeat(LONG + 1);
        let fits = "\n".repeat(LONG);
        let workspace = tree(&[("a.rs", &long), ("b.rs", &fits), ("c.tsv", &long)]);
        assert_eq!(places(&check(&workspace)), ["a.rs:0"]);
    }
}
