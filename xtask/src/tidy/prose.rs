//! Rates of sentence forms that plain technical English avoids, per crate and for the documents. `tests/data/prose.tsv` has
//! the ceilings. A ceiling falls with its rate: one that is two points too high is a finding as well.

use super::Finding;
use crate::workspace::{File, Workspace};
use std::{collections::BTreeMap, fmt};

const CEILINGS: &str = "tests/data/prose.tsv";
/// Distance between a ceiling and its rate at which the ceiling has to fall, in tenths of a percent.
const SLACK: usize = 20;
/// Lists of names and quotations, not prose.
const EXEMPT: &[&str] = &["CHANGELOG.md", "docs/divergences.md"];

/// Words that make a clause out of `what`: "what is there", "what libpq does".
const AFTER_WHAT: &[&str] = &[
    "is", "was", "are", "were", "came", "comes", "became", "goes", "it", "they", "a", "the", "has", "had",
    "libpq", "openssl", "rustls",
];
/// Persons in place of a party of the protocol.
const PERSONS: &[&str] = &["whoever", "whose", "nobody", "whom"];
/// Verbs of speech and will, which belong to people and not to code.
const SPEECH: &[&str] = &[
    "told", "tell", "tells", "say", "says", "said", "speak", "speaks", "vouch", "vouches", "vouched",
    "believe", "believes", "want", "wants", "ask", "asks", "asked",
];

/// Sentences of one kind of text, and those of each avoided form among them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Counts {
    sentences: usize,
    what: usize,
    persons: usize,
    speech: usize,
}

impl Counts {
    fn add(&mut self, sentence: &str) {
        let words: Vec<String> = sentence
            .split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
            .filter(|word| !word.is_empty())
            .map(str::to_ascii_lowercase)
            .collect();
        let follows = |first: &str, matches: &dyn Fn(&str) -> bool| {
            words.windows(2).any(|pair| matches!(pair, [a, b] if a == first && matches(b)))
        };
        let has = |list: &[&str]| words.iter().any(|word| list.contains(&word.as_str()));
        self.sentences += 1;
        self.what += usize::from(follows("what", &|next| AFTER_WHAT.contains(&next)));
        self.persons += usize::from(has(PERSONS) || follows("who", &|next| !matches!(next, "is" | "are")));
        self.speech += usize::from(has(SPEECH));
    }

    /// The rates in tenths of a percent, rounded up.
    fn rates(self) -> Rates {
        let rate = |count: usize| (count * 1000).div_ceil(self.sentences.max(1));
        Rates([rate(self.what), rate(self.persons), rate(self.speech)])
    }
}

/// Rates of the three forms, in tenths of a percent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Rates([usize; 3]);

impl Rates {
    fn parse(cells: [&str; 3]) -> Option<Self> {
        let mut rates = [0; 3];
        for (rate, cell) in rates.iter_mut().zip(cells) {
            let (whole, tenths) = cell.split_once('.')?;
            *rate = whole.parse::<usize>().ok()? * 10
                + tenths.parse::<usize>().ok().filter(|tenths| *tenths < 10)?;
        }
        Some(Self(rates))
    }

    fn pairs(self, other: Self) -> impl Iterator<Item = (usize, usize)> {
        self.0.into_iter().zip(other.0)
    }
}

impl fmt::Display for Rates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [what, persons, speech] = self.0.map(|rate| format!("{}.{}", rate / 10, rate % 10));
        write!(f, "{what}\t{persons}\t{speech}")
    }
}

pub(super) fn check(workspace: &Workspace) -> Vec<Finding> {
    let measured = measure(workspace);
    let Some(file) = workspace.file(CEILINGS) else {
        return vec![Finding::error(CEILINGS, 0, "the ceilings of the prose are missing")];
    };
    let mut findings = Vec::new();
    let mut listed = Vec::new();
    for (number, line) in (1..).zip(file.text.lines()) {
        if line.is_empty() || line.starts_with('#') || line.starts_with("place\t") {
            continue;
        }
        let cells: Vec<&str> = line.split('\t').collect();
        let (place, ceiling) = match cells.as_slice() {
            [place, what, persons, speech] => (*place, Rates::parse([what, persons, speech])),
            _ => (line, None),
        };
        let Some(ceiling) = ceiling else {
            let advice = "write the place and three rates such as `1.9`, separated by tabs";
            findings.push(Finding::error(CEILINGS, number, advice));
            continue;
        };
        listed.push(place);
        let Some(counts) = measured.get(place) else {
            findings.push(Finding::error(CEILINGS, number, format!("{place} has no prose: remove the row")));
            continue;
        };
        let rates = counts.rates();
        if rates.pairs(ceiling).any(|(rate, ceiling)| rate > ceiling) {
            let advice = format!(
                "the prose of {place} is above its ceiling: write plain sentences (clauses with `what`, persons with \
                 `who`, code that says or asks: {}, allowed {})",
                rates.to_string().replace('\t', ", "),
                ceiling.to_string().replace('\t', ", "),
            );
            findings.push(Finding::error(CEILINGS, number, advice));
        } else if rates.pairs(ceiling).any(|(rate, ceiling)| rate + SLACK < ceiling) {
            let advice =
                format!("the prose of {place} has become plainer: lower its row to `{place}\t{rates}`");
            findings.push(Finding::error(CEILINGS, number, advice));
        }
    }
    for (place, counts) in measured.iter().filter(|(place, _)| !listed.contains(&place.as_str())) {
        let advice = format!("{place} has no ceiling: add the row `{place}\t{}`", counts.rates());
        findings.push(Finding::error(CEILINGS, 0, advice));
    }
    findings
}

/// The counts per place: the comments of each crate, and all documents together.
fn measure(workspace: &Workspace) -> BTreeMap<String, Counts> {
    let mut measured = BTreeMap::<String, Counts>::new();
    for file in &workspace.files {
        let (place, paragraphs) = if file.has_extension("rs") {
            let Some(place) = place(&file.path) else { continue };
            (place, comments(file))
        } else if file.has_extension("md") && !EXEMPT.contains(&file.path.as_str()) {
            ("documents", documents(file))
        } else {
            continue;
        };
        let counts = measured.entry(place.to_owned()).or_default();
        for paragraph in &paragraphs {
            sentences(paragraph).for_each(|sentence| counts.add(sentence));
        }
    }
    measured.retain(|_, counts| counts.sentences > 0);
    measured
}

/// The crate of a file: `crates/NAME`, or the folder at the top.
fn place(path: &str) -> Option<&str> {
    let top = path.split_once('/')?.0;
    let end = if top == "crates" { path.match_indices('/').nth(1)?.0 } else { top.len() };
    path.get(..end)
}

/// The comments of a file as paragraphs. Code in fences, tables and headings are not prose.
fn comments(file: &File) -> Vec<String> {
    let lines = file.text.lines().map(|line| {
        let line = line.trim_start().strip_prefix("//")?;
        let line = line.strip_prefix(['/', '!']).unwrap_or(line);
        Some(line.strip_prefix(' ').unwrap_or(line).trim_end())
    });
    paragraphs(&lines.collect::<Vec<_>>())
}

fn documents(file: &File) -> Vec<String> {
    paragraphs(&file.text.lines().map(|line| Some(line.trim())).collect::<Vec<_>>())
}

/// Joins lines of prose; `None` is a line of something else.
fn paragraphs(lines: &[Option<&str>]) -> Vec<String> {
    let mut paragraphs = vec![String::new()];
    let mut fenced = false;
    for line in lines.iter().copied() {
        fenced &= line.is_some();
        let line = line.unwrap_or_default();
        let fence = line.starts_with("```");
        fenced ^= fence;
        let item = line.strip_prefix("- ");
        let prose = !(fenced || fence || line.is_empty() || line.starts_with(['|', '#']));
        if !prose || item.is_some() {
            paragraphs.push(String::new());
        }
        if prose && let Some(paragraph) = paragraphs.last_mut() {
            paragraph.push(' ');
            paragraph.push_str(item.unwrap_or(line));
        }
    }
    paragraphs
}

/// The sentences of three words or more. One ends at a mark and a blank before a capital, code or a quotation.
fn sentences(paragraph: &str) -> impl Iterator<Item = &str> {
    let mut rest = paragraph;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let end = rest.match_indices(['.', '?', '!']).map(|(at, mark)| at + mark.len()).find(|end| {
            let after = rest.get(*end..).unwrap_or_default();
            let next = after.trim_start();
            next.len() < after.len()
                && next.starts_with(|c: char| c.is_ascii_uppercase() || matches!(c, '`' | '"'))
        });
        let (sentence, after) = rest.split_at_checked(end.unwrap_or(rest.len()))?;
        rest = after;
        Some(sentence)
    })
    .filter(|sentence| sentence.split_whitespace().count() >= 3)
}

#[cfg(test)]
mod tests {
    use super::super::example::{places, tree};
    use super::*;

    const CODE: &str = "//! What is there counts. The host of the peer.\n\n/// Whoever reads this is told so, e.g. twice. \
                        `Code` has no will.\nfn a() {}\n// ```\n// What is this?\n// ```\n// | what is | this |\n";

    fn check_with(ceilings: &str, code: &str) -> Vec<Finding> {
        check(&tree(&[("crates/a/src/lib.rs", code), (CEILINGS, ceilings)]))
    }

    #[test]
    fn counts_each_form_once_per_sentence() {
        let workspace = tree(&[("crates/a/src/lib.rs", CODE)]);
        let counts = measure(&workspace).remove("crates/a");
        assert_eq!(counts, Some(Counts { sentences: 4, what: 1, persons: 1, speech: 1 }));
        let documents =
            "# What is it\n\nIt asks who wants it and\nsays so.\n\n- Two are fine.\n- Who is it?\n";
        let counts = measure(&tree(&[("docs/a.md", documents)])).remove("documents");
        assert_eq!(counts, Some(Counts { sentences: 3, what: 0, persons: 1, speech: 1 }));
    }

    #[test]
    fn holds_each_place_to_its_ceiling() {
        assert_eq!(check_with("# Rates.\nplace\twhat\twho\tspeech\ncrates/a\t25.0\t26.9\t27.0\n", CODE), []);
        assert_eq!(places(&check_with("crates/a\t24.9\t25.0\t25.0\n", CODE)), ["tests/data/prose.tsv:1"]);
        let lowered = check_with("crates/a\t25.0\t25.0\t27.1\n", CODE);
        assert!(lowered.iter().all(|finding| finding.advice.ends_with("`crates/a\t25.0\t25.0\t25.0`")));
        assert_eq!(lowered.len(), 1);
    }

    #[test]
    fn misses_no_place_and_no_row() {
        assert_eq!(places(&check(&tree(&[("crates/a/src/lib.rs", CODE)]))), ["tests/data/prose.tsv:0"]);
        assert_eq!(places(&check_with("", CODE)), ["tests/data/prose.tsv:0"]);
        let rows = "crates/a\t25.0\t25.0\t25.0\ncrates/b\t1.0\t1.0\t1.0\ncrates/a\t1\n";
        assert_eq!(places(&check_with(rows, CODE)), ["tests/data/prose.tsv:2", "tests/data/prose.tsv:3"]);
    }
}
