//! The report for a terminal.

use super::{Count, Detail, Report, Trace};
use core::fmt::Write as _;

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
    let _ = writeln!(out, "  libpq     {}", trace(&detail.expected));
    let _ = writeln!(out, "  client    {}", trace(&detail.observed));
    if let Some(section) = &detail.section {
        let _ = writeln!(out, "  see       {section}");
    }
}

/// In the words of a scenario's line `libpq`.
fn trace(trace: &Trace) -> String {
    let mut out = format!("{}: {}", trace.outcome, trace.events.join(" "));
    let names = |names: &mut dyn Iterator<Item = String>| names.collect::<Vec<_>>().join(" ");
    if !trace.sni.is_empty() {
        let sni = names(&mut trace.sni.iter().map(|name| name.clone().unwrap_or_else(|| "-".to_owned())));
        let _ = write!(out, "; sni {sni}");
        let alpn = names(
            &mut trace.alpn.iter().map(
                |offer| {
                    if offer.is_empty() { "-".to_owned() } else { offer.join(",") }
                },
            ),
        );
        let _ = write!(out, "; alpn {alpn}");
    }
    if !trace.certificates.is_empty() {
        let _ = write!(out, "; cert {}", trace.certificates.join(" "));
    }
    if trace.startup_in_clear {
        out.push_str("; in clear");
    }
    for (name, value) in &trace.startup {
        let _ = write!(out, "; {name}={value:?}");
    }
    out
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
