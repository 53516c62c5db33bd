//! `docs/testing.md` names each table of tests and the test that reads it.

use super::Finding;
use crate::workspace::Workspace;

const FOLDER: &str = "tests/data/";
const GUIDE: &str = "docs/testing.md";

pub(super) fn check(workspace: &Workspace) -> Vec<Finding> {
    let guide = workspace.file(GUIDE).map_or("", |file| file.text.as_str());
    let names = workspace.files.iter().filter_map(|file| Some((file, file.path.strip_prefix(FOLDER)?)));
    // A folder of tables needs one entry.
    let heads = names.map(|(file, name)| (file, name.split('/').next().unwrap_or(name)));
    let untold = heads.filter(|(_, head)| !guide.contains(&format!("`{head}`")));
    untold
        .map(|(file, head)| {
            Finding::error(
                &file.path,
                0,
                format!("describe `{head}` in {GUIDE}, with the test that reads it"),
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::example::{places, tree};
    use super::*;

    #[test]
    fn finds_tables_that_the_guide_does_not_name() {
        let workspace = tree(&[
            ("docs/testing.md", "| [`a.tsv`](../tests/data/a.tsv) | `folder` | ab.tsv |"),
            ("tests/data/a.tsv", ""),
            ("tests/data/ab.tsv", ""),
            ("tests/data/folder/b.tsv", ""),
            ("tests/suite/c.tsv", ""),
        ]);
        assert_eq!(places(&check(&workspace)), ["tests/data/ab.tsv:0"]);
    }
}
