//! The table of the clients' differences and their known reasons.

use serde_json::Value;
use std::{collections::BTreeMap, fmt::Write as _};

const HEAD: &str = "# Results

Written by `cargo xtask conformance`; [what is compared](../conformance.md) is told elsewhere. Each cell has the scenarios in
which the client does what libpq does, of those that it was asked, and in brackets those in which it trusts or discloses too
much.

";

/// Numbers of one group: those that agree, those that were judged, those that are too lax.
type Numbers = (usize, usize, usize);

/// The page: a column for each report, which is given with the day when it was made.
pub(super) fn page(reports: &[(Value, String)]) -> String {
    let mut out = HEAD.to_owned();
    let text =
        |value: &Value, key: &str| value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let mut order: Vec<String> = Vec::new();
    let mut columns: Vec<BTreeMap<String, Numbers>> = Vec::new();
    for (report, _) in reports {
        let mut column: BTreeMap<String, Numbers> = BTreeMap::new();
        for entry in report.get("scenarios").and_then(Value::as_array).into_iter().flatten() {
            let (id, verdict) = (text(entry, "id"), text(entry, "verdict"));
            let group = id.split('/').next().unwrap_or_default().to_owned();
            if !order.contains(&group) {
                order.push(group.clone());
            }
            let lax = entry.pointer("/detail/lax").is_some_and(|lax| lax == true);
            for name in [group.as_str(), "all"] {
                let numbers = column.entry(name.to_owned()).or_default();
                numbers.0 += usize::from(verdict == "agree");
                numbers.1 += usize::from(verdict != "skipped");
                numbers.2 += usize::from(lax);
            }
        }
        columns.push(column);
    }
    // Writing to a string does not fail.
    out.push_str("| group |");
    for (report, _) in reports {
        let libpq = report.get("libpq").and_then(Value::as_u64).unwrap_or_default();
        let _ = write!(out, " {} (libpq {libpq}) |", text(report, "client"));
    }
    let _ = writeln!(out, "\n|---|{}", "---|".repeat(reports.len()));
    for group in order.iter().map(String::as_str).chain(["all"]) {
        let _ = write!(out, "| {group} |");
        for column in &columns {
            let _ = match column.get(group) {
                None | Some((_, 0, _)) => write!(out, " – |"),
                Some((agree, judged, 0)) => write!(out, " {agree}/{judged} |"),
                Some((agree, judged, lax)) => write!(out, " {agree}/{judged} ({lax}) |"),
            };
        }
        out.push('\n');
    }
    let days: Vec<_> = reports.iter().map(|(_, day)| day.as_str()).collect();
    let _ = writeln!(out, "| run on | {} |", days.join(" | "));
    out.push_str(include_str!("notes.txt"));
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_page_counts() {
        let entry = |id: &str, verdict: &str, lax: bool| json!({"id": id, "verdict": verdict, "detail": {"lax": lax}});
        let report = json!({"client": "x 1", "libpq": 18, "scenarios": [
            entry("a/1", "agree", false), entry("a/2", "differ", true), entry("b/1", "skipped", false),
        ]});
        let page = page(&[(report, "2026-01-01".to_owned())]);
        assert!(page.contains("\n\n| group | x 1 (libpq 18) |\n|---|---|\n"), "{page}");
        assert!(
            page.contains("| a | 1/2 (1) |\n| b | – |\n| all | 1/2 (1) |\n| run on | 2026-01-01 |\n"),
            "{page}"
        );
    }
}
