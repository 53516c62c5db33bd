//! `docs/conformance/results.md`: what the conformance kit says of clients that people use.

mod clients;
mod warm;

use crate::workspace::{Error, Workspace};
use clap::Args;
use serde_json::Value;
use std::{
    collections::BTreeMap,
    env,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

#[derive(Args)]
pub(crate) struct Arguments {
    /// Run only one part of the scenarios with clients that start slowly, such as 1/10.
    #[arg(long, value_name = "I/N", default_value = "1/1")]
    slow_shard: String,
    /// How many scenarios run at a time.
    #[arg(long, value_name = "COUNT", default_value_t = 2)]
    jobs: usize,
    /// Only clients whose name begins like this.
    #[arg(long, value_name = "NAME")]
    only: Vec<String>,
    /// Run nothing: write the page from these reports (`pgtls conformance --json`), in this order.
    #[arg(long, value_name = "FILE", num_args = 1..)]
    from: Vec<PathBuf>,
    /// Take the reports that are there, and run only clients that have none.
    #[arg(long)]
    keep: bool,
}

/// A client as it is installed here.
struct Client {
    /// As it is called in the table, with its version.
    name: String,
    command: String,
    libpq: &'static str,
    /// Whether an interpreter has to start for each connection.
    slow: bool,
    /// Whether it can do GSSAPI.
    gss: bool,
    /// What answers its command.
    _warm: Option<warm::Warm>,
}

/// Runs every client that is installed, and writes the page.
pub(crate) fn run(workspace: &Workspace, arguments: &Arguments) -> Result<(), Error> {
    let files =
        if arguments.from.is_empty() { run_all(workspace, arguments)? } else { arguments.from.clone() };
    let reports = files.iter().map(|file| read(file)).collect::<Result<Vec<_>, _>>()?;
    let page = workspace.root.join("docs/conformance/results.md");
    fs::write(&page, self::page(&reports, &today()))
        .map_err(|error| Error(format!("{} cannot be written: {error}", page.display())))?;
    println!("{} is written", page.display());
    Ok(())
}

fn read(file: &Path) -> Result<Value, Error> {
    let text = fs::read_to_string(file)
        .map_err(|error| Error(format!("{} cannot be read: {error}", file.display())))?;
    serde_json::from_str(&text).map_err(|error| Error(format!("{}: {error}", file.display())))
}

/// The reports of every client that is installed.
fn run_all(workspace: &Workspace, arguments: &Arguments) -> Result<Vec<PathBuf>, Error> {
    let pgtls = build(workspace)?;
    let folder = workspace.root.join("target/conformance");
    fs::create_dir_all(&folder)
        .map_err(|error| Error(format!("{} cannot be made: {error}", folder.display())))?;
    let mut reports = Vec::new();
    for client in clients::installed(workspace, &pgtls) {
        if !arguments.only.is_empty() && !arguments.only.iter().any(|name| client.name.starts_with(name)) {
            continue;
        }
        let file = folder.join(format!("{}.json", client.name.replace([' ', '.', '(', ')'], "-")));
        if !(arguments.keep && file.is_file()) {
            println!("{}: {}", client.name, client.command);
            let shard = if client.slow { arguments.slow_shard.as_str() } else { "1/1" };
            let status = Command::new(&pgtls)
                .args([
                    "conformance",
                    "--client",
                    &client.command,
                    "--name",
                    &client.name,
                    "--libpq",
                    client.libpq,
                ])
                .args(client.gss.then_some("--gss"))
                .args(["--shard", shard, "--show", "0", "--jobs", &arguments.jobs.to_string(), "--json"])
                .arg(&file)
                .status()
                .map_err(|error| Error(format!("pgtls cannot be run: {error}")))?;
            // 0 and 2 are verdicts.
            if !matches!(status.code(), Some(0 | 2)) {
                return Err(Error(format!("pgtls conformance ended with {status}")));
            }
        }
        reports.push(file);
    }
    Ok(reports)
}

fn build(workspace: &Workspace) -> Result<PathBuf, Error> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status =
        Command::new(cargo).args(["build", "--quiet", "--release", "--package", "pgtls-cli"]).status();
    if !status.is_ok_and(|status| status.success()) {
        return Err(Error("pgtls-cli does not build".to_owned()));
    }
    Ok(workspace.root.join("target/release").join(format!("pgtls{}", env::consts::EXE_SUFFIX)))
}

fn printed(command: &mut Command) -> Option<String> {
    let output = command.output().ok().filter(|output| output.status.success())?;
    Some(String::from_utf8(output.stdout).ok()?.trim().to_owned())
}

fn today() -> String {
    printed(Command::new("date").args(["-u", "+%Y-%m-%d"])).unwrap_or_default()
}

const HEAD: &str = "# Results

Written by `cargo xtask conformance`; [what is compared](../conformance.md) is told elsewhere. Each cell has the scenarios in
which the client does what libpq does, of those that it was asked, and in brackets those in which it trusts or discloses too
much. Clients whose interpreter has to start for each connection may be asked a part only.

";

/// Numbers of one group: those that agree, those that were judged, those that are too lax.
type Numbers = (usize, usize, usize);

fn page(reports: &[Value], date: &str) -> String {
    let mut out = HEAD.to_owned();
    let text =
        |value: &Value, key: &str| value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let mut order: Vec<String> = Vec::new();
    let mut columns: Vec<BTreeMap<String, Numbers>> = Vec::new();
    for report in reports {
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
    let _ = write!(out, "Run on {date}.\n\n| group |");
    for report in reports {
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
    out.push_str(include_str!("conformance/notes.txt"));
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
        let page = page(&[report], "2026-01-01");
        assert!(page.contains("Run on 2026-01-01.\n\n| group | x 1 (libpq 18) |\n|---|---|\n"), "{page}");
        assert!(page.contains("| a | 1/2 (1) |\n| b | – |\n| all | 1/2 (1) |\n"), "{page}");
    }
}
