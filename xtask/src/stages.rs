//! `cargo xtask test`: everything that must hold, stage by stage, with a summary.

pub(crate) mod budgets;
mod fuzz;
mod package;
mod tally;

use crate::{
    api::{self, Unlisted},
    no_std, tidy,
    workspace::{Error, Workspace},
};
use clap::builder::PossibleValuesParser;
use std::{
    fmt::Write as _,
    io::{BufRead, BufReader},
    path::Path,
    process::{Command, Stdio},
    time::Instant,
};
use tally::Tally;

/// The amount of work.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rigour {
    /// Stages whose tools are missing on this machine are skipped, visibly.
    Everyday,
    /// Live servers are required, and random tests try more.
    Ci,
}

/// Random cases per property of the host name matcher in CI.
const NAME_CASES: &str = "100000";

struct Stage {
    name: &'static str,
    about: &'static str,
    run: fn(&mut Run<'_>) -> Result<Outcome, Error>,
}

enum Outcome {
    Passed,
    Skipped(String),
}

const STAGES: &[Stage] = &[
    Stage { name: "fmt", about: "the code is formatted", run: fmt },
    Stage {
        name: "tidy",
        about: "the rules about the tree hold",
        run: |run| tidy::run(run.workspace).map(passed),
    },
    Stage { name: "clippy", about: "no lint objects, in any target", run: clippy },
    Stage { name: "doc", about: "the documentation builds and its links resolve", run: doc },
    Stage { name: "api", about: "what is public is what is written down", run: public },
    Stage { name: "test", about: "all tests pass, examples in the documentation included", run: test },
    Stage {
        name: "names",
        about: "the host name matcher agrees with its oracle on many more names",
        run: names,
    },
    Stage { name: "budgets", about: "nothing takes more instructions than it may", run: within_budgets },
    Stage {
        name: "features",
        about: "each crate builds with each feature alone and with none",
        run: features,
    },
    Stage { name: "no-std", about: "the no_std crates build where there is no std", run: without_std },
    Stage {
        name: "package",
        about: "what would be published builds without the tree",
        run: package::package,
    },
    Stage { name: "fuzz", about: "no fuzz target finds a fault within seconds", run: fuzz::fuzz },
    Stage { name: "msrv", about: "what we publish builds with the oldest Rust we promise", run: msrv },
    Stage {
        name: "deny",
        about: "licences, sources and advisories of dependencies are acceptable",
        run: deny,
    },
];

/// The names of all stages, for the command line.
pub(crate) fn stage_names() -> PossibleValuesParser {
    PossibleValuesParser::new(STAGES.iter().map(|stage| stage.name))
}

/// Runs the named stages, or all, to the end even when one fails.
pub(crate) fn run(workspace: &Workspace, only: &[String], rigour: Rigour) -> Result<(), Error> {
    let mut run = Run { workspace, rigour, tally: Tally::default() };
    let mut summary = String::new();
    let mut failed = Vec::new();
    for stage in STAGES.iter().filter(|stage| only.is_empty() || only.iter().any(|name| name == stage.name)) {
        println!("\n==> {}: {}", stage.name, stage.about);
        let start = Instant::now();
        let (verdict, detail) = match (stage.run)(&mut run) {
            Ok(Outcome::Passed) => ("passed", String::new()),
            Ok(Outcome::Skipped(reason)) => ("skipped", reason),
            Err(error) => {
                failed.push(stage.name);
                ("FAILED", error.to_string())
            }
        };
        let seconds = start.elapsed().as_secs();
        let line = format!("{verdict:8} {:9} {seconds:4} s  {detail}", stage.name);
        println!("{}", line.trim_end());
        writeln!(summary, "{}", line.trim_end()).expect("writing to a String cannot fail");
    }
    println!("\n==> summary\n{summary}{}", run.tally);
    if failed.is_empty() { Ok(()) } else { Err(Error(format!("failed: {}", failed.join(", ")))) }
}

/// State shared by the stages.
struct Run<'a> {
    workspace: &'a Workspace,
    rigour: Rigour,
    tally: Tally,
}

impl Run<'_> {
    /// Runs cargo; its output goes where ours goes.
    fn cargo(&self, arguments: &[&str]) -> Result<Outcome, Error> {
        self.execute(Command::new("cargo").args(arguments))
    }

    fn execute(&self, command: &mut Command) -> Result<Outcome, Error> {
        self.execute_in(&self.workspace.root, command)
    }

    fn execute_in(&self, folder: &Path, command: &mut Command) -> Result<Outcome, Error> {
        println!("$ {}", shown(command));
        let status =
            self.prepared(command).current_dir(folder).status().map_err(|error| {
                Error(format!("{} cannot be run: {error}", command.get_program().display()))
            })?;
        if status.success() { Ok(Outcome::Passed) } else { Err(Error(format!("{} failed", shown(command)))) }
    }

    /// Runs tests and counts them.
    fn count(&mut self, command: &mut Command) -> Result<Outcome, Error> {
        println!("$ {}", shown(command));
        let cannot = |error| Error(format!("tests cannot be run: {error}"));
        let mut child = self.prepared(command).stdout(Stdio::piped()).spawn().map_err(cannot)?;
        let output = child.stdout.take().expect("standard output is piped three lines above");
        for line in BufReader::new(output).lines() {
            let line = line.map_err(cannot)?;
            self.tally.add_line(&line);
            println!("{line}");
        }
        let status = child.wait().map_err(cannot)?;
        if status.success() { Ok(Outcome::Passed) } else { Err(Error(format!("{} failed", shown(command)))) }
    }

    fn prepared<'c>(&self, command: &'c mut Command) -> &'c mut Command {
        command.current_dir(&self.workspace.root);
        if self.rigour == Rigour::Ci {
            command.env("PGTLS_REQUIRE_LIVE", "1");
        }
        command
    }
}

fn passed((): ()) -> Outcome {
    Outcome::Passed
}

fn fmt(run: &mut Run<'_>) -> Result<Outcome, Error> {
    run.cargo(&["fmt", "--all", "--check"])
}

fn clippy(run: &mut Run<'_>) -> Result<Outcome, Error> {
    run.cargo(&["clippy", "--workspace", "--all-targets", "--all-features", "--", "-D", "warnings"])
}

fn doc(run: &mut Run<'_>) -> Result<Outcome, Error> {
    let arguments = ["doc", "--workspace", "--no-deps", "--all-features"];
    run.execute(Command::new("cargo").args(arguments).env("RUSTDOCFLAGS", "-D warnings"))
}

fn public(run: &mut Run<'_>) -> Result<Outcome, Error> {
    match api::check(run.workspace) {
        Ok(()) => Ok(Outcome::Passed),
        Err(Unlisted::Failed(error)) => Err(error),
        Err(Unlisted::Form(error)) => {
            Ok(Outcome::Skipped(format!("the JSON of this compiler's rustdoc cannot be read: {error}")))
        }
    }
}

fn test(run: &mut Run<'_>) -> Result<Outcome, Error> {
    run.count(Command::new("cargo").args(["test", "--workspace", "--all-features", "--no-fail-fast"]))
}

fn names(run: &mut Run<'_>) -> Result<Outcome, Error> {
    if run.rigour == Rigour::Everyday {
        return Ok(Outcome::Skipped("cargo xtask ci does it".to_owned()));
    }
    let arguments = ["test", "--package", "pgtls-core", "--lib", "name::"];
    run.count(Command::new("cargo").args(arguments).env("PROPTEST_CASES", NAME_CASES))
}

fn within_budgets(run: &mut Run<'_>) -> Result<Outcome, Error> {
    if !budgets::can_count() {
        return match run.rigour {
            Rigour::Everyday => Ok(Outcome::Skipped(budgets::NO_VALGRIND.to_owned())),
            Rigour::Ci => Err(Error(budgets::NO_VALGRIND.to_owned())),
        };
    }
    run.cargo(budgets::BUILD)?;
    budgets::check(&run.workspace.root).map(passed)
}

fn features(run: &mut Run<'_>) -> Result<Outcome, Error> {
    let mut failed = Vec::new();
    for member in run.workspace.members.iter().filter(|member| !member.features.is_empty()) {
        let alone = member.features.iter().filter(|feature| *feature != "default").map(String::as_str);
        for features in alone.chain([""]) {
            let base = ["clippy", "--package", &member.name, "--no-default-features", "--features", features];
            if run.cargo(&[&base[..], &["--", "-D", "warnings"]].concat()).is_err() {
                failed.push(format!("{} with [{features}]", member.name));
            }
        }
    }
    if failed.is_empty() { Ok(Outcome::Passed) } else { Err(Error(failed.join(", "))) }
}

fn without_std(run: &mut Run<'_>) -> Result<Outcome, Error> {
    let folder =
        tempfile::tempdir().map_err(|error| Error(format!("a temporary folder cannot be made: {error}")))?;
    run.execute(&mut no_std::command(folder.path(), &run.workspace.root.join("target"))?)
}

fn msrv(run: &mut Run<'_>) -> Result<Outcome, Error> {
    let promised = run.workspace.members.iter().find_map(|member| member.rust_version.as_ref());
    let promised = promised.ok_or_else(|| Error("no crate states its rust-version".to_owned()))?;
    let toolchain = format!("{}.{}", promised.major, promised.minor);
    let installed = Command::new("rustup").args(["run", &toolchain, "rustc", "--version"]).output();
    if !installed.is_ok_and(|output| output.status.success()) {
        let reason = format!("Rust {toolchain} is not installed; clippy and tidy check what they can of it");
        return Ok(Outcome::Skipped(reason));
    }
    let target = run.workspace.root.join("target/msrv");
    let mut command = Command::new("rustup");
    command.args(["run", &toolchain, "cargo", "check", "--all-features", "--target-dir"]).arg(target);
    for member in run.workspace.members.iter().filter(|member| member.published) {
        command.args(["--package", &member.name]);
    }
    run.execute(&mut command)
}

fn deny(run: &mut Run<'_>) -> Result<Outcome, Error> {
    let installed = Command::new("cargo").args(["deny", "--version"]).output();
    if !installed.is_ok_and(|output| output.status.success()) {
        return Ok(Outcome::Skipped("cargo-deny is not installed".to_owned()));
    }
    run.cargo(&["deny", "--all-features", "check", "bans", "licenses", "sources"])?;
    // Advisories come from a database on the network.
    if run.cargo(&["deny", "--all-features", "fetch", "db"]).is_err() {
        let reason = "advisories: the database cannot be fetched; bans, licences and sources are acceptable";
        return Ok(Outcome::Skipped(reason.to_owned()));
    }
    run.cargo(&["deny", "--all-features", "check", "advisories"])
}

fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}
