//! Names of public types use the terms of `docs/glossary.md`: no word of its column "instead of", and a last word that the
//! page defines or lists.

use super::Finding;
use crate::workspace::Workspace;
use std::collections::{BTreeMap, BTreeSet};

const PAGE: &str = "docs/glossary.md";
const LISTINGS: &str = "tests/data/api/";
/// Heading of the words that need no definition.
const OTHERS: &str = "## Other nouns";

/// The words of the page.
#[derive(Default)]
struct Glossary {
    /// Words of terms and other nouns, in lower case.
    nouns: BTreeSet<String>,
    /// Word to avoid, and the term in its place.
    avoided: BTreeMap<String, String>,
}

impl Glossary {
    fn parse(page: &str) -> Self {
        let mut glossary = Self::default();
        let (tables, others) = page.split_once(OTHERS).unwrap_or((page, ""));
        for row in tables.lines().filter_map(|line| line.strip_prefix("| ")) {
            let cells: Vec<&str> = row.split('|').map(str::trim).collect();
            if let [term, _, _, instead, ..] = cells.as_slice() {
                glossary.nouns.extend(term.split(' ').map(str::to_lowercase));
                let avoided = instead.split(", ").filter(|word| !word.is_empty() && *instead != "instead of");
                glossary.avoided.extend(avoided.map(|word| (word.to_owned(), (*term).to_owned())));
            }
        }
        let words = others.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
        glossary.nouns.extend(words.map(str::to_lowercase));
        glossary
    }

    fn objection(&self, name: &str) -> Option<String> {
        let words = words(name);
        if let Some((word, term)) = words.iter().find_map(|word| self.avoided.get_key_value(*word)) {
            return Some(format!("{name} has the word {word}: use the term \"{term}\" of {PAGE}"));
        }
        let last = words.last()?.to_lowercase();
        let singular = last.strip_suffix('s').unwrap_or(&last);
        let is_known = self.nouns.contains(&last) || self.nouns.contains(singular);
        (!is_known).then(|| {
            format!("{name} ends in a word that {PAGE} does not have: add it, or use a term of the page")
        })
    }
}

pub(super) fn check(workspace: &Workspace) -> Vec<Finding> {
    let Some(page) = workspace.file(PAGE) else {
        return vec![Finding::error(PAGE, 0, "the glossary is missing")];
    };
    let glossary = Glossary::parse(&page.text);
    let mut findings = Vec::new();
    for file in workspace.files.iter().filter(|file| file.path.starts_with(LISTINGS)) {
        for (number, line) in (1..).zip(file.text.lines()) {
            let objection = type_name(line).and_then(|name| glossary.objection(name));
            findings.extend(objection.map(|advice| Finding::error(&file.path, number, advice)));
        }
    }
    findings
}

/// The name of the type or trait that a line of a listing defines. The names of C are those of its own conventions.
fn type_name(line: &str) -> Option<&str> {
    const KINDS: &[&str] = &["pub struct ", "pub enum ", "pub trait ", "pub type ", "pub union "];
    let path = KINDS.iter().find_map(|kind| Some(line.split_once(kind)?.1))?;
    let path = path.get(..path.find(['<', '(', ' ']).unwrap_or(path.len()))?;
    let name = path.trim_end_matches(':').rsplit("::").next()?;
    name.starts_with(|c: char| c.is_ascii_uppercase()).then_some(name)
}

/// The words of a name in camel case.
fn words(name: &str) -> Vec<&str> {
    let starts: Vec<usize> = name.match_indices(|c: char| c.is_ascii_uppercase()).map(|(at, _)| at).collect();
    let ends = starts.iter().skip(1).copied().chain([name.len()]);
    starts.iter().zip(ends).filter_map(|(start, end)| name.get(*start..end)).collect()
}

#[cfg(test)]
mod tests {
    use super::super::example::{places, tree};
    use super::*;

    const TEXT: &str = "| term | meaning | source | instead of |\n|---|---|---|---|\n| trust store | Roots. | x | Zoo, Gate |\n\
                        \n## Other nouns\n\nWords: error, options.\n";

    #[test]
    fn takes_terms_and_listed_nouns_alone() {
        let listing = "pub struct a::TrustStore\npub enum a::b::StartupGate\npub type a::ZooError = x\n#[non_exhaustive] pub \
                       enum a::Options<'a>\npub trait a::Stores: b::Errors\npub fn a::Gate\npub struct a::Machine(_)\n";
        let workspace = tree(&[(PAGE, TEXT), ("tests/data/api/a.txt", listing)]);
        let expected = ["tests/data/api/a.txt:2", "tests/data/api/a.txt:3", "tests/data/api/a.txt:7"];
        assert_eq!(places(&check(&workspace)), expected);
        assert_eq!(places(&check(&tree(&[]))), ["docs/glossary.md:0"]);
    }

    #[test]
    fn reads_the_names_of_a_listing() {
        assert_eq!(type_name("pub struct a::b::Name<'a>(_)"), Some("Name"));
        assert_eq!(type_name("#[non_exhaustive] pub enum a::Kind"), Some("Kind"));
        assert_eq!(type_name("pub trait a::Dialer: core::fmt::Debug"), Some("Dialer"));
        assert_eq!(type_name("pub type a::Result<T> = core::Result<T, a::Error>"), Some("Result"));
        assert_eq!(type_name("pub struct a::pgtls_peer"), None);
        assert_eq!(type_name("pub fn a::b() -> c::Name"), None);
        assert_eq!(words("ByteConnection"), ["Byte", "Connection"]);
    }
}
