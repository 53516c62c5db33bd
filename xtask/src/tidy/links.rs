//! Links in Markdown lead somewhere: to a file of the tree, to a heading in it, to the name in it that the link shows.

use super::Finding;
use crate::workspace::{File, Workspace};
use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};
use std::collections::BTreeMap;

/// Templates of generated pages. Their links are seen from where they are written to, and checked there.
const TEMPLATES: &str = "xtask/src/generate/";

pub(super) fn check(workspace: &Workspace) -> Vec<Finding> {
    let is_page = |file: &&File| file.has_extension("md") && !file.path.starts_with(TEMPLATES);
    let pages = workspace.files.iter().filter(is_page);
    pages.flat_map(|page| check_page(workspace, page)).collect()
}

fn check_page(workspace: &Workspace, page: &File) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (event, range) in parser(&page.text).into_offset_iter() {
        let Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) = event else {
            continue;
        };
        let shown = page.text.get(range.clone()).unwrap_or_default();
        let found =
            objection(workspace, page, &dest_url).or_else(|| misnomer(workspace, page, &dest_url, shown));
        if let Some(advice) = found {
            let before = page.text.get(..range.start).unwrap_or_default();
            findings.push(Finding::error(&page.path, before.matches('\n').count() + 1, advice));
        }
    }
    findings
}

fn objection(workspace: &Workspace, page: &File, target: &str) -> Option<String> {
    if target.contains("://") || target.starts_with("mailto:") {
        return None;
    }
    let (path, anchor) = target.split_once('#').map_or((target, None), |(path, anchor)| (path, Some(anchor)));
    let path = if path.is_empty() { page.path.clone() } else { resolve(&page.path, path) };
    let folder = format!("{}/", path.trim_end_matches('/'));
    let file = workspace.file(&path);
    if file.is_none() && !workspace.files.iter().any(|file| file.path.starts_with(&folder)) {
        return Some(format!("`{target}` leads to {path}, which does not exist"));
    }
    let anchor = anchor?;
    let known = file.is_some_and(|file| anchors(&file.text).iter().any(|known| known == anchor));
    (!known).then(|| format!("`{target}`: {path} has no heading that makes the anchor #{anchor}"))
}

/// A name that a link shows as code, and that is not in the file that it leads to.
fn misnomer(workspace: &Workspace, page: &File, target: &str, link: &str) -> Option<String> {
    let (name, _) = link.strip_prefix("[`")?.split_once("`](")?;
    let path = resolve(&page.path, target.split('#').next().unwrap_or_default());
    let file = workspace.file(&path)?;
    // In a table a bar is escaped.
    let name = name.replace("\\|", "|");
    let last = name.rsplit("::").next().unwrap_or_default().trim_end_matches("()");
    let is_there = path.contains(&name) || file.text.contains(last);
    (!is_there).then(|| format!("`{name}` is not in {path}"))
}

/// A relative target seen from the folder of the page.
fn resolve(page: &str, target: &str) -> String {
    let mut parts: Vec<&str> = page.split('/').collect();
    parts.pop();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// The anchors that a forge makes from headings: lower case, punctuation dropped, blanks to hyphens, repeats numbered.
fn anchors(text: &str) -> Vec<String> {
    let mut anchors = Vec::new();
    let mut repeats = BTreeMap::new();
    let mut heading: Option<String> = None;
    for event in parser(text) {
        match event {
            Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
            Event::Text(part) | Event::Code(part) => {
                if let Some(heading) = &mut heading {
                    heading.push_str(&part);
                }
            }
            Event::End(TagEnd::Heading(_)) => {
                let slug: String = heading
                    .take()
                    .unwrap_or_default()
                    .to_lowercase()
                    .chars()
                    .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'))
                    .map(|c| if c == ' ' { '-' } else { c })
                    .collect();
                let count = repeats.entry(slug.clone()).and_modify(|count| *count += 1).or_insert(0);
                anchors.push(if *count == 0 { slug } else { format!("{slug}-{count}") });
            }
            _ => {}
        }
    }
    anchors
}

fn parser(text: &str) -> Parser<'_> {
    Parser::new_ext(text, Options::ENABLE_TABLES)
}

#[cfg(test)]
mod tests {
    use super::super::example::{places, tree};
    use super::*;

    #[track_caller]
    fn check_link(target: &str, good: bool) {
        let page = format!("# Page\n\nText and\n[a link]({target}).\n");
        let workspace = tree(&[
            ("docs/page.md", &page),
            ("docs/other.md", "# One, `two`!\n## Same\n## Same\n"),
            ("README.md", ""),
            ("tests/data/a.tsv", ""),
            ("xtask/src/generate/page.md", "[seen from docs/](../README.md)\n"),
        ]);
        let expected: &[&str] = if good { &[] } else { &["docs/page.md:4"] };
        assert_eq!(places(&check(&workspace)), expected, "{target}");
    }

    #[test]
    fn names_are_where_the_link_leads() {
        let check_name = |link: &str| {
            let workspace = tree(&[
                ("docs/page.md", &format!("# Page\n\n{link}\n")),
                ("src/policy/table.rs", "pub const TABLE: Table = a|b;"),
            ]);
            check(&workspace).len()
        };
        for good in
            ["`TABLE`", "`a::Table`", "`table.rs`", "`policy/table.rs`", "any text", "`a\\|b`", "`const()`"]
        {
            assert_eq!(check_name(&format!("[{good}](../src/policy/table.rs)")), 0, "{good}");
        }
        for bad in ["`TABLES`", "`TABLE::zero`", "`a\\|c`", "`other.rs`"] {
            assert_eq!(check_name(&format!("[{bad}](../src/policy/table.rs)")), 1, "{bad}");
        }
    }

    #[test]
    fn links_lead_somewhere() {
        check_link("other.md", true);
        check_link("./other.md#one-two", true);
        check_link("other.md#same-1", true);
        check_link("#page", true);
        check_link("../README.md", true);
        check_link("../tests/data", true);
        check_link("../tests/data/", true);
        check_link("https://www.postgresql.org/docs/18/libpq-ssl.html", true);
        check_link("another.md", false);
        check_link("README.md", false);
        check_link("other.md#same-2", false);
        check_link("#other", false);
        check_link("../tests#anchor", false);
    }
}
