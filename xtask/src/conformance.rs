//! `docs/conformance/results.md`: the verdicts of the conformance kit on clients in wide use.

mod clients;
mod install;
mod page;
mod warm;

use crate::workspace::{Error, Workspace};
use clap::Args;
use clients::{Client, Found, KINDS, Kind, Places};
use serde_json::Value;
use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

/// The page that is written.
const PAGE: &str = "docs/conformance/results.md";
/// Where the reports are kept.
const REPORTS: &str = "target/conformance";

#[derive(Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Arguments {
    /// First fetch the newest releases of the drivers.
    #[arg(long)]
    install: bool,
    /// Run only these clients.
    #[arg(long, value_name = "CLIENT", num_args = 1.., value_parser = KINDS.iter().map(|kind| kind.name).collect::<Vec<_>>())]
    only: Vec<String>,
    /// Run only clients that have no report yet.
    #[arg(long)]
    keep: bool,
    /// How many scenarios run at a time [default: as many as there are processors].
    #[arg(long, value_name = "COUNT")]
    jobs: Option<usize>,
    /// Write the page from these reports without running a client (`pgtls conformance --json`), in this order.
    #[arg(long, value_name = "FILE", num_args = 1.., conflicts_with_all = ["install", "only", "keep", "jobs"])]
    from: Vec<PathBuf>,
}

const AFTER_HELP: &str = "\
A client that is not there is skipped, and it is said what it lacks. psql is the system's. --install makes an environment of \
Python with psycopg (whose libpq is a client of its own), asyncpg and pg8000, and a folder of node with pg, both in \
target/drivers, and lets cargo take the newest tokio-postgres-rustls and sqlx. Reports stay in target/conformance, and \
the page is made of all that are there.";

/// Runs every client that is there, and writes the page.
pub(crate) fn run(workspace: &Workspace, arguments: &Arguments) -> Result<(), Error> {
    let files =
        if arguments.from.is_empty() { run_all(workspace, arguments)? } else { arguments.from.clone() };
    let reports = files.iter().map(|file| Ok((read(file)?, day(file)))).collect::<Result<Vec<_>, _>>()?;
    fs::write(workspace.root.join(PAGE), page::page(&reports))
        .map_err(|error| Error(format!("{PAGE} cannot be written: {error}")))?;
    println!("{PAGE} is written");
    Ok(())
}

fn read(file: &Path) -> Result<Value, Error> {
    let text = fs::read_to_string(file)
        .map_err(|error| Error(format!("{} cannot be read: {error}", file.display())))?;
    serde_json::from_str(&text).map_err(|error| Error(format!("{}: {error}", file.display())))
}

/// The day when a report was made.
fn day(file: &Path) -> String {
    printed(Command::new("date").args(["-u", "+%Y-%m-%d", "-r"]).arg(file)).unwrap_or_default()
}

/// The reports of all clients that have one, new ones of those that are to run.
fn run_all(workspace: &Workspace, arguments: &Arguments) -> Result<Vec<PathBuf>, Error> {
    let folder = workspace.root.join(REPORTS);
    fs::create_dir_all(&folder)
        .map_err(|error| Error(format!("{} cannot be made: {error}", folder.display())))?;
    let file = |kind: &Kind| folder.join(format!("{}.json", kind.name));
    let due = |kind: &&Kind| {
        let chosen = arguments.only.is_empty() || arguments.only.iter().any(|name| name == kind.name);
        chosen && !(arguments.keep && file(kind).is_file())
    };
    let due: Vec<_> = KINDS.iter().filter(due).collect();
    if !due.is_empty() {
        let places = Places::new(&workspace.root, build(workspace)?);
        if arguments.install {
            install::all(&places);
        }
        for kind in due {
            match (kind.find)(&places) {
                Found::There(client) => judge(&client, &places, arguments.jobs, &file(kind))?,
                Found::Missing(reason) => println!("skipped {}: {reason}", kind.name),
            }
        }
    }
    Ok(KINDS.iter().map(file).filter(|file| file.is_file()).collect())
}

fn judge(client: &Client, places: &Places, jobs: Option<usize>, file: &Path) -> Result<(), Error> {
    println!("{}: {}", client.name, client.command);
    let status = Command::new(&places.pgtls)
        .args(["conformance", "--client", &client.command, "--name", &client.name, "--libpq", client.libpq])
        .args(client.gss.then_some("--gss"))
        .args(jobs.map(|jobs| format!("--jobs={jobs}")))
        .args(["--show", "0", "--json"])
        .arg(file)
        .status()
        .map_err(|error| Error(format!("pgtls cannot be run: {error}")))?;
    // 0 and 2 are verdicts.
    match status.code() {
        Some(0 | 2) => Ok(()),
        _ => Err(Error(format!("pgtls conformance ended with {status}"))),
    }
}

fn build(workspace: &Workspace) -> Result<PathBuf, Error> {
    let status = cargo().args(["build", "--quiet", "--release", "--package", "pgtls-cli"]).status();
    if !status.is_ok_and(|status| status.success()) {
        return Err(Error("pgtls-cli does not build".to_owned()));
    }
    Ok(workspace.root.join("target/release").join(format!("pgtls{}", env::consts::EXE_SUFFIX)))
}

fn cargo() -> Command {
    Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

fn printed(command: &mut Command) -> Option<String> {
    let output = command.output().ok().filter(|output| output.status.success())?;
    Some(String::from_utf8(output.stdout).ok()?.trim().to_owned())
}
