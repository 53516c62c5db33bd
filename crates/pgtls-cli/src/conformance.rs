//! `pgtls conformance`: does a client do what libpq does?

mod progress;
mod shard;

use crate::exit::Exit;
use clap::Args;
use pgtls_conformance::{
    Run,
    client::CommandClient,
    report::{Report, page},
    runner::Runner,
    scenario::{Libpq, Scenario, Scenarios},
    scenarios,
};
use progress::Progress;
use regex::Regex;
use shard::Shard;
use std::{
    error::Error,
    fs,
    io::{self, Write},
    num::{NonZeroU64, NonZeroUsize},
    path::{Path, PathBuf},
    time::Duration,
};

/// Arguments of `pgtls conformance`.
#[derive(Args, Debug)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Arguments {
    /// Command that connects and disconnects; {conninfo} stands for the connection string
    #[arg(long, value_name = "COMMAND", required_unless_present_any = ["merge", "list"])]
    client: Option<CommandClient>,
    /// What the client is called in reports [default: its program]
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Compare with this libpq: 15 or 18
    #[arg(long, value_name = "VERSION", default_value = "18")]
    libpq: Libpq,
    /// Only the scenarios whose id fits this regular expression
    #[arg(long = "match", value_name = "REGEX")]
    matching: Option<Regex>,
    /// Not the scenarios whose id fits this one
    #[arg(long, value_name = "REGEX")]
    exclude: Option<Regex>,
    /// Scenarios of a file, instead of those that come with the kit
    #[arg(long, value_name = "FILE")]
    scenarios: Option<PathBuf>,
    /// One part of the scenarios, for several machines: 2/4 is the second of four
    #[arg(long, value_name = "I/N", default_value = "1/1")]
    shard: Shard,
    /// How many run at a time [default: as many as there are processors]
    #[arg(long, value_name = "COUNT")]
    jobs: Option<NonZeroUsize>,
    /// Seconds after which a client is ended
    #[arg(long, value_name = "SECONDS", default_value = "20")]
    limit: NonZeroU64,
    /// The client can do GSSAPI: ask it the scenarios about that too
    #[arg(long)]
    gss: bool,
    /// Explain this many differences
    #[arg(long, value_name = "COUNT", default_value_t = 10)]
    show: usize,
    /// Write the report as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Write the report as JUnit's XML
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Write the report as a page for browsers
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Run nothing: put the JSON reports of several shards together, and those of several clients on one page
    #[arg(long, value_name = "FILE", num_args = 1.., conflicts_with = "client")]
    merge: Vec<PathBuf>,
    /// Run nothing: print the ids
    #[arg(long)]
    list: bool,
}

/// Runs the sub-command.
pub(crate) fn run(arguments: &Arguments, out: &mut dyn Write) -> Exit {
    match conformance(arguments, out) {
        Ok(exit) => exit,
        Err(error) => {
            // Not that the client differs: nothing was judged.
            let _ = writeln!(io::stderr(), "pgtls conformance: {error}");
            Exit::Usage
        }
    }
}

fn conformance(arguments: &Arguments, out: &mut dyn Write) -> Result<Exit, Box<dyn Error>> {
    if !arguments.merge.is_empty() {
        return merge(arguments, out);
    }
    let all = match &arguments.scenarios {
        None => scenarios(),
        Some(file) => read(file)?,
    };
    let chosen = choose(arguments, &all);
    if chosen.is_empty() {
        return Err("no scenario is chosen: pgtls conformance --list prints all ids".into());
    }
    let Some(client) = arguments.client.clone().filter(|_| !arguments.list) else {
        for scenario in chosen {
            writeln!(out, "{}", scenario.id)?;
        }
        return Ok(Exit::Success);
    };
    if !client.exists() {
        return Err(format!("there is no program {}", client.program().display()).into());
    }
    let name = arguments.name.clone().unwrap_or_else(|| program_name(client.program()));
    let client = client.limit(Duration::from_secs(arguments.limit.get())).gss(arguments.gss);
    let run = Run::new().name(&name).libpq(arguments.libpq);
    let run = arguments.jobs.map_or(run.clone(), |jobs| run.jobs(jobs.get()));
    let bench = Runner::new()?;
    let progress = Progress::new(chosen.len());
    let report = run.on(&bench, &client, &chosen, &|_, verdict| progress.told(verdict))?;
    progress.finish();
    write_reports(arguments, std::slice::from_ref(&report))?;
    out.write_all(report.text(arguments.show).as_bytes())?;
    Ok(exit(&report))
}

fn exit(report: &Report) -> Exit {
    if report.total().differ == 0 { Exit::Success } else { Exit::Failure }
}

fn choose<'a>(arguments: &Arguments, all: &'a [Scenario]) -> Vec<&'a Scenario> {
    let fits = |scenario: &&Scenario| {
        arguments.matching.as_ref().is_none_or(|regex| regex.is_match(&scenario.id))
            && arguments.exclude.as_ref().is_none_or(|regex| !regex.is_match(&scenario.id))
    };
    let fitting = all.iter().filter(fits).enumerate();
    fitting.filter(|(index, _)| arguments.shard.has(*index)).map(|(_, scenario)| scenario).collect()
}

fn program_name(program: &std::ffi::OsStr) -> String {
    Path::new(program).file_name().unwrap_or(program).to_string_lossy().into_owned()
}

fn read(file: &Path) -> Result<Vec<Scenario>, Box<dyn Error>> {
    let name = file.display();
    let text = fs::read_to_string(file).map_err(|error| format!("could not read \"{name}\": {error}"))?;
    let Scenarios(scenarios) = text.parse().map_err(|error| format!("\"{name}\": {error}"))?;
    Ok(scenarios)
}

/// Reports of the same client become one.
fn merge(arguments: &Arguments, out: &mut dyn Write) -> Result<Exit, Box<dyn Error>> {
    let mut clients: Vec<Vec<Report>> = Vec::new();
    for file in &arguments.merge {
        let name = file.display();
        let text = fs::read_to_string(file).map_err(|error| format!("could not read \"{name}\": {error}"))?;
        let report: Report =
            serde_json::from_str(&text).map_err(|error| format!("\"{name}\" is no report: {error}"))?;
        let same = |other: &&mut Vec<Report>| {
            other.first().is_some_and(|other| other.client == report.client && other.libpq == report.libpq)
        };
        match clients.iter_mut().find(same) {
            Some(shards) => shards.push(report),
            None => clients.push(vec![report]),
        }
    }
    let reports = clients.into_iter().map(Report::merge).collect::<Result<Vec<_>, _>>()?;
    write_reports(arguments, &reports)?;
    for report in &reports {
        out.write_all(report.text(arguments.show).as_bytes())?;
    }
    let differs = reports.iter().any(|report| exit(report) != Exit::Success);
    Ok(if differs { Exit::Failure } else { Exit::Success })
}

fn write_reports(arguments: &Arguments, reports: &[Report]) -> Result<(), Box<dyn Error>> {
    let write = |file: &Path, content: String| {
        fs::write(file, content).map_err(|error| format!("could not write \"{}\": {error}", file.display()))
    };
    let one = || match reports {
        [report] => Ok(report),
        _ => {
            Err("JSON and JUnit hold the report of one client only: name the files of one, or ask for --html")
        }
    };
    if let Some(file) = &arguments.json {
        write(file, serde_json::to_string(one()?)? + "\n")?;
    }
    if let Some(file) = &arguments.junit {
        write(file, one()?.junit())?;
    }
    if let Some(file) = &arguments.html {
        write(file, page(reports))?;
    }
    Ok(())
}

const AFTER_HELP: &str = r#"For example:
  pgtls conformance --client "psql -X -w -c '' {conninfo}" --libpq 15
  pgtls conformance --client 'node connect.js {conninfo}' --match '^(negotiation|name)/' --html report.html

The command is cut into arguments as a shell does it, but no shell runs it. It is successful when its exit code is 0; with 77 it declines the scenario, for a reason that it writes to standard error. If the last line that it prints is a JSON object, "outcome" in it (ssl, plain, fail) is held to be what the client claims, and "error" is its reason. Each run has a home directory of its own.

Exit codes: 0 the client does what libpq does, 2 it does not, 64 nothing was judged: wrong usage, or a file that cannot be read or written."#;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arguments::{Arguments as All, Command};
    use clap::Parser as _;

    fn arguments(words: &[&str]) -> Arguments {
        let words = ["pgtls", "conformance"].iter().chain(words);
        match All::try_parse_from(words).unwrap().command {
            Command::Conformance(arguments) => *arguments,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn scenarios_are_chosen() {
        let all = scenarios();
        let ids = |words: &[&str]| -> Vec<String> {
            choose(&arguments(words), &all).iter().map(|scenario| scenario.id.clone()).collect()
        };
        let whole = ids(&["--list", "--match", "^sni/"]);
        assert!(!whole.is_empty() && whole.iter().all(|id| id.starts_with("sni/")));
        let mut parts: Vec<String> = ["1/3", "2/3", "3/3"]
            .iter()
            .flat_map(|shard| ids(&["--list", "--match", "^sni/", "--shard", shard]))
            .collect();
        parts.sort();
        let mut sorted = whole.clone();
        sorted.sort();
        assert_eq!(parts, sorted);
        assert_eq!(ids(&["--list", "--match", "^sni/", "--exclude", "sni"]), [""; 0]);
    }

    #[test]
    fn wrong_usage_is_told() {
        for words in [
            &["--client", "psql"][..],
            &["--client", "psql {conninfo}", "--shard", "4/3"],
            &["--client", "psql {conninfo}", "--libpq", "9"],
            &["--client", "psql {conninfo}", "--match", "("],
            &["--client", "psql {conninfo}", "--jobs", "0"],
            &["--client", "psql {conninfo}", "--limit", "0"],
            &[],
        ] {
            let words = ["pgtls", "conformance"].iter().chain(words);
            assert!(All::try_parse_from(words.clone()).is_err(), "{words:?}");
        }
    }
}
