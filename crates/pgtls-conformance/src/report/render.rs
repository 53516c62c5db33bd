//! The report for a terminal.

use super::{Count, Detail, Report, Trace};
use crate::scenario::quoted;
use core::fmt::{self, Write as _};

/// Widest name of a group that is aligned.
const NAME: usize = 12;

pub(super) fn text(report: &Report, differences: usize) -> String {
    let mut out = String::new();
    // Writing to a string does not fail.
    let _ = writeln!(out, "{} compared with libpq {}\n", report.client, report.libpq);
    let _ = writeln!(out, "{:NAME$} {:>7} {:>7} {:>7} {:>8}", "group", "agree", "differ", "lax", "skipped");
    for (group, count) in report.groups() {
        row(&mut out, group, count);
    }
    row(&mut out, "all", report.total());
    let found = report.differing();
    for (entry, detail) in found.iter().take(differences) {
        let _ = writeln!(out, "\n{}", entry.id);
        explain(&mut out, detail);
    }
    if found.len() > differences && differences > 0 {
        let _ = writeln!(out, "\n… and {} more", found.len().saturating_sub(differences));
    }
    let reasons = skipped(report);
    if !reasons.is_empty() {
        out.push('\n');
    }
    for (reason, count) in reasons {
        let _ = writeln!(out, "skipped {count}: {reason}");
    }
    out
}

fn row(out: &mut String, name: &str, count: Count) {
    let Count { agree, differ, lax, skipped } = count;
    let _ = writeln!(out, "{name:NAME$} {agree:>7} {differ:>7} {lax:>7} {skipped:>8}");
}

fn explain(out: &mut String, detail: &Detail) {
    for sentence in &detail.sentences {
        // A client's own words may have several lines.
        let _ = writeln!(out, "  {}", sentence.split_whitespace().collect::<Vec<_>>().join(" "));
    }
    let _ = writeln!(out, "  conninfo  {}", detail.conninfo.escape_debug());
    let _ = writeln!(out, "  libpq     {}", detail.expected);
    let _ = writeln!(out, "  client    {}", detail.observed);
    if let Some(section) = &detail.section {
        let _ = writeln!(out, "  see       {section}");
    }
}

impl fmt::Display for Trace {
    /// In the words of a scenario's line `libpq`, then what was in the StartupMessage.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.outcome)?;
        self.events.iter().try_for_each(|event| write!(f, " {event}"))?;
        let list = |f: &mut fmt::Formatter<'_>, key: &str, words: Vec<String>| {
            if words.is_empty() { Ok(()) } else { write!(f, "; {key} {}", words.join(" ")) }
        };
        let none = || "-".to_owned();
        list(f, "sni", self.sni.iter().map(|name| name.as_deref().map_or_else(none, quoted)).collect())?;
        let alpn = |offer: &Vec<String>| if offer.is_empty() { none() } else { offer.join(",") };
        list(f, "alpn", self.alpn.iter().map(alpn).collect())?;
        list(f, "cert", self.certificates.iter().map(|name| quoted(name)).collect())?;
        if self.startup_in_clear {
            f.write_str("; in clear")?;
        }
        self.startup.iter().try_for_each(|(name, value)| write!(f, "; {name}={value:?}"))
    }
}

fn skipped(report: &Report) -> Vec<(&str, usize)> {
    let mut found: Vec<(&str, usize)> = Vec::new();
    for reason in report.scenarios.iter().filter_map(|entry| entry.skipped.as_deref()) {
        match found.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, count)) => *count += 1,
            None => found.push((reason, 1)),
        }
    }
    found
}
