//! Rules about the tree. Each is a function from the tree to its findings, which are sentences with the remedy.

mod ambient;
mod features;
mod forbidden;
mod fuzz_lock;
mod generated;
mod glossary;
mod hardenings;
mod layers;
mod length;
mod links;
mod lints;
mod manifests;
mod msrv;
mod pages;
mod proofs;
mod prose;
mod published;
mod tables;
mod top_level;
mod unused;

use crate::workspace::{Error, Workspace};
use std::fmt;

/// A name to find it by, and the check.
struct Rule {
    name: &'static str,
    check: fn(&Workspace) -> Vec<Finding>,
}

const RULES: &[Rule] = &[
    Rule { name: "top-level", check: top_level::check },
    Rule { name: "manifests", check: manifests::check },
    Rule { name: "published", check: published::check },
    Rule { name: "layers", check: layers::check },
    Rule { name: "unused", check: unused::check },
    Rule { name: "features", check: features::check },
    Rule { name: "ambient", check: ambient::check },
    Rule { name: "proofs", check: proofs::check },
    Rule { name: "lints", check: lints::check },
    Rule { name: "words", check: forbidden::check },
    Rule { name: "glossary", check: glossary::check },
    Rule { name: "prose", check: prose::check },
    Rule { name: "links", check: links::check },
    Rule { name: "pages", check: pages::check },
    Rule { name: "tables", check: tables::check },
    Rule { name: "hardenings", check: hardenings::check },
    Rule { name: "length", check: length::check },
    Rule { name: "generated", check: generated::check },
    Rule { name: "msrv", check: msrv::check },
    Rule { name: "fuzz-lock", check: fuzz_lock::check },
];

/// Something to put right, and where.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    path: String,
    /// Counted from 1; 0 when it is about the whole file.
    line: usize,
    advice: String,
    weight: Weight,
}

/// Whether a finding fails the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Weight {
    Error,
    Warning,
}

impl Finding {
    fn error(path: impl Into<String>, line: usize, advice: impl Into<String>) -> Self {
        Self { path: path.into(), line, advice: advice.into(), weight: Weight::Error }
    }

    fn warning(path: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { path: path.into(), line: 0, advice: advice.into(), weight: Weight::Warning }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.weight {
            Weight::Error => f.write_str("error: ")?,
            Weight::Warning => f.write_str("warning: ")?,
        }
        f.write_str(&self.path)?;
        if self.line > 0 {
            write!(f, ":{}", self.line)?;
        }
        write!(f, ": {}", self.advice)
    }
}

/// Applies every rule and prints the findings.
pub(crate) fn run(workspace: &Workspace) -> Result<(), Error> {
    let mut errors = 0;
    for rule in RULES {
        for finding in (rule.check)(workspace) {
            println!("tidy/{}: {finding}", rule.name);
            errors += usize::from(finding.weight == Weight::Error);
        }
    }
    if errors > 0 {
        return Err(Error(format!("{errors} findings of tidy are to be put right")));
    }
    println!("tidy: {} rules hold over {} files", RULES.len(), workspace.files.len());
    Ok(())
}

/// Small trees for the tests of the rules.
#[cfg(test)]
mod example {
    use crate::workspace::{Dependency, File, Member, Workspace};
    use cargo_metadata::DependencyKind;

    pub(super) fn tree(files: &[(&str, &str)]) -> Workspace {
        let files =
            files.iter().map(|&(path, text)| File { path: path.to_owned(), text: text.to_owned() }).collect();
        Workspace { root: "/elsewhere".into(), files, members: Vec::new(), foreign: Vec::new() }
    }

    pub(super) fn member(name: &str) -> Member {
        Member {
            name: name.to_owned(),
            folder: format!("crates/{name}"),
            code_folders: vec![format!("crates/{name}")],
            description: Some("A crate.".to_owned()),
            license: Some("MIT".to_owned()),
            published: true,
            ..Member::default()
        }
    }

    pub(super) fn depends(mut member: Member, on: &str, kind: DependencyKind) -> Member {
        let library = on.replace('-', "_");
        member.dependencies.push(Dependency { name: on.to_owned(), library, kind, optional: false });
        member
    }

    /// The findings of a rule, as `path:line`.
    pub(super) fn places(findings: &[super::Finding]) -> Vec<String> {
        findings.iter().map(|finding| format!("{}:{}", finding.path, finding.line)).collect()
    }
}
