//! The verdict for people.

use super::verdict::Verdict;
use crate::{
    report::{self, heading},
    style::{BAD, CAUTION, FAINT, GOOD},
};
use std::io::{self, Write};

/// Writes the files, the path, the verdict, and what to change.
pub(super) fn write(out: &mut dyn Write, verdict: &Verdict) -> io::Result<()> {
    heading(out, "Files")?;
    for file in &verdict.files {
        report::file(out, file)?;
    }
    if !verdict.certificates.is_empty() {
        heading(
            out,
            if verdict.chain_trusted { "Path, from the peer to the root" } else { "Chain, as presented" },
        )?;
    }
    for (depth, certificate) in verdict.certificates.iter().enumerate() {
        for (number, line) in certificate.lines.lines().enumerate() {
            match number {
                0 => writeln!(out, "  {depth}  {line}")?,
                _ => writeln!(out, "     {FAINT}{line}{FAINT:#}")?,
            }
        }
    }
    for note in &verdict.notes {
        writeln!(out, "\n{CAUTION}note{CAUTION:#}: {note}")?;
    }
    writeln!(out)?;
    match (verdict.verified, &verdict.matched_name) {
        ("full", Some(name)) => {
            writeln!(out, "{GOOD}Verified:{GOOD:#} the chain is trusted, and it is for {name}.")?;
        }
        ("ca", _) => {
            writeln!(out, "{GOOD}Verified:{GOOD:#} the chain is trusted. No host name was compared.")?;
        }
        _ => {
            writeln!(out, "{BAD}Not verified.{BAD:#}")?;
            writeln!(out, "  {}", verdict.error.as_deref().unwrap_or_default())?;
        }
    }
    match verdict.advice {
        Some(advice) => {
            heading(out, "What to change")?;
            writeln!(out, "  {advice}")
        }
        None => Ok(()),
    }
}
