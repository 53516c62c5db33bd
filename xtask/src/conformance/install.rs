//! Drivers fetched from where their authors publish them.

use super::{
    cargo,
    clients::{Places, system_python},
};
use std::process::Command;

/// What of Python's is judged; psycopg's wheel brings a libpq of its own.
const PYTHON: &[&str] = &["psycopg[binary]", "asyncpg", "pg8000"];
const NODE: &str = "pg@latest";

/// Installs the newest release of each. A client that cannot be installed is reported, and skipped by the judge.
pub(super) fn all(places: &Places) {
    let mut environment = Command::new(system_python());
    environment.args(["-m", "venv"]).arg(&places.python);
    let mut pip = Command::new(places.python.join("bin/python"));
    pip.args(["-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--upgrade"]).args(PYTHON);
    let mut npm = Command::new("npm");
    npm.args(["install", "--silent", "--prefix"]).arg(&places.node).arg(NODE);
    let mut crates = cargo();
    crates.args(["update", "--quiet"]).current_dir(places.rust());
    for (what, commands) in [
        ("Python's drivers", vec![environment, pip]),
        ("node's driver", vec![npm]),
        ("the drivers in Rust", vec![crates]),
    ] {
        println!("fetching {what}");
        if let Err(reason) = commands.into_iter().try_for_each(run) {
            println!("{what} cannot be fetched: {reason}");
        }
    }
}

fn run(mut command: Command) -> Result<(), String> {
    let program = command.get_program().display().to_string();
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{program} ended with {status}")),
        Err(error) => Err(format!("{program} cannot be run: {error}")),
    }
}
