//! `cargo xtask verdicts`: the kit's verdicts beside those of the rig in which libpq was recorded.
//!
//! The two have servers, certificates and judges of their own, so that neither can hide the other's mistake.

use crate::{
    scenarios::{LEFT_OUT, ours},
    workspace::Error,
};
use clap::Args;
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

#[derive(Args)]
pub(crate) struct Arguments {
    /// The kit's report on a client: `pgtls conformance --json`.
    #[arg(long, value_name = "FILE")]
    kit: PathBuf,
    /// The rig's reports on the same client: `drive.py --report`.
    #[arg(required = true, value_name = "FILE")]
    rig: Vec<PathBuf>,
}

/// The rig's names of a difference, and the kit's for the same.
const SAME: &[(&str, &[&str])] = &[
    ("accepts-what-libpq-refuses", &["accepts-what-libpq-refuses"]),
    ("plaintext-where-libpq-has-none", &["startup-in-clear"]),
    ("outcome-weaker", &["weaker-session"]),
    ("claims-wrong-channel", &["false-claim"]),
    ("refuses-what-libpq-accepts", &["refuses-what-libpq-accepts"]),
    ("outcome-other", &["other-session", "weaker-session"]),
    ("client-cert", &["more-certificates", "fewer-certificates"]),
    ("connections", &["connections"]),
    ("events", &["events"]),
    ("sni", &["sni"]),
    ("alpn", &["alpn"]),
    ("startup", &["startup"]),
    ("pipelined", &["pipelined"]),
];

/// Compares, prints, and fails when a verdict is another.
pub(crate) fn run(arguments: &Arguments) -> Result<(), Error> {
    let kit = kit(&read(&arguments.kit)?);
    let mut rig = Rig::default();
    for file in &arguments.rig {
        rig.add(&read(file)?);
    }
    let compared = compare(&kit, &rig);
    print!("{}", compared.text);
    if compared.other == 0 { Ok(()) } else { Err(Error(format!("{} verdicts differ", compared.other))) }
}

fn read(file: &Path) -> Result<Value, Error> {
    let failed = |error: &dyn std::fmt::Display| Error(format!("{}: {error}", file.display()));
    let text = fs::read_to_string(file).map_err(|error| failed(&error))?;
    serde_json::from_str(&text).map_err(|error| failed(&error))
}

fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn words(value: Option<&Value>) -> BTreeSet<String> {
    let words = value.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    words.map(str::to_owned).collect()
}

/// The differences of every scenario that was judged; empty where the client agrees.
type Verdicts = BTreeMap<String, BTreeSet<String>>;

fn kit(report: &Value) -> Verdicts {
    let judged = report.get("scenarios").and_then(Value::as_array).into_iter().flatten();
    let judged = judged.filter(|entry| text(entry, "verdict") != "skipped");
    judged.map(|entry| (text(entry, "id").to_owned(), words(entry.pointer("/detail/differences")))).collect()
}

#[derive(Default)]
struct Rig {
    /// Scenarios that differ.
    differing: Verdicts,
    /// Of each group, how many were judged.
    groups: BTreeMap<String, u64>,
}

impl Rig {
    fn add(&mut self, report: &Value) {
        for (group, counts) in report.get("groups").and_then(Value::as_object).into_iter().flatten() {
            let count = |key: &str| counts.get(key).and_then(Value::as_u64).unwrap_or_default();
            *self.groups.entry(group.clone()).or_default() += count("agree") + count("differ");
        }
        for entry in report.get("differences").and_then(Value::as_array).into_iter().flatten() {
            self.differing.insert(ours(text(entry, "id")), words(entry.get("differences")));
        }
    }
}

struct Compared {
    text: String,
    /// How many verdicts are not the same.
    other: usize,
}

fn compare(kit: &Verdicts, rig: &Rig) -> Compared {
    let mut out = format!("{:<13}{:>7}{:>7}{:>7}{:>9}\n", "group", "rig", "kit", "differ", "another");
    let (mut other, mut notes) = (0, String::new());
    for (group, judged) in &rig.groups {
        let of_group = |id: &String| id.split('/').next() == Some(group);
        let both: Vec<_> = kit.iter().filter(|(id, _)| of_group(id)).collect();
        let (mut differ, mut another) = (0, 0);
        for (id, found) in &both {
            let recorded = rig.differing.get(*id);
            differ += usize::from(recorded.is_some());
            if let Some(why) = disagreement(recorded, found) {
                another += 1;
                // Writing to a string does not fail.
                let _ = writeln!(notes, "  {id}: {why}");
            }
        }
        other += another;
        let _ = writeln!(out, "{group:<13}{judged:>7}{:>7}{differ:>7}{another:>9}", both.len());
        let missing = (*judged).saturating_sub(both.len() as u64);
        let reasons: Vec<_> =
            LEFT_OUT.iter().filter(|(beginning, _)| of_group(&(*beginning).to_owned())).collect();
        if missing > 0 {
            let reasons: Vec<_> = reasons.iter().map(|(id, reason)| format!("{id}: {reason}")).collect();
            let _ =
                writeln!(notes, "  {group}: {missing} were not asked by the kit ({})", reasons.join("; "));
        }
        for (id, found) in rig.differing.iter().filter(|(id, _)| of_group(id) && !kit.contains_key(*id)) {
            let _ = writeln!(notes, "  {id}: the rig alone finds {}", joined(found));
        }
    }
    let _ = write!(out, "\n{notes}");
    Compared { text: out, other }
}

/// Why two verdicts on a scenario are not the same, if so.
fn disagreement(rig: Option<&BTreeSet<String>>, kit: &BTreeSet<String>) -> Option<String> {
    let nothing = BTreeSet::new();
    let rig = rig.unwrap_or(&nothing);
    if rig.is_empty() != kit.is_empty() {
        return Some(format!("the rig finds {}, the kit {}", joined(rig), joined(kit)));
    }
    let told = |word: &String| SAME.iter().find(|(theirs, _)| theirs == word).map(|(_, ours)| *ours);
    let unheard =
        rig.iter().find(|word| told(word).is_some_and(|ours| !ours.iter().any(|ours| kit.contains(*ours))));
    let invented = kit.iter().find(|word| !rig.iter().filter_map(told).flatten().any(|ours| ours == word));
    (unheard.or(invented)).map(|word| {
        format!("both find a difference, but only one of them {word}: {} and {}", joined(rig), joined(kit))
    })
}

fn joined(words: &BTreeSet<String>) -> String {
    if words.is_empty() { "nothing".to_owned() } else { words.iter().cloned().collect::<Vec<_>>().join("+") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn compared(rig_differs: &Value, kit_verdict: &str, kit_differs: &Value) -> Compared {
        let mut rig = Rig::default();
        rig.add(&json!({
            "groups": {"sni": {"agree": 1, "differ": 1}}, "differences": [{"id": "sni/rig", "differences": rig_differs}],
        }));
        let report = json!({"scenarios": [
            {"id": "sni/zoo", "verdict": kit_verdict, "detail": {"differences": kit_differs}},
            {"id": "sni/other", "verdict": "agree"},
        ]});
        compare(&kit(&report), &rig)
    }

    #[test]
    fn verdicts_are_compared_by_what_they_find() {
        assert_eq!(compared(&json!(["sni", "events"]), "differ", &json!(["events", "sni"])).other, 0);
        assert_eq!(compared(&json!(["client-cert"]), "differ", &json!(["more-certificates"])).other, 0);
        // The rig's exit code is part of the kit's outcome.
        assert_eq!(compared(&json!(["events", "exit-code"]), "differ", &json!(["events"])).other, 0);

        let other = compared(&json!(["sni"]), "agree", &json!([]));
        assert!(
            other.other == 1 && other.text.contains("sni/zoo: the rig finds sni, the kit nothing"),
            "{}",
            other.text
        );
        assert_eq!(compared(&json!(["sni"]), "differ", &json!(["alpn"])).other, 1);
        assert_eq!(compared(&json!(["sni"]), "differ", &json!(["sni", "alpn"])).other, 1);
        let skipped = compared(&json!(["sni"]), "skipped", &json!([]));
        assert!(skipped.other == 0 && skipped.text.contains("the rig alone finds sni"), "{}", skipped.text);
    }
}
