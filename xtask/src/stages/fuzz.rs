//! Every fuzz target for some seconds, where a nightly compiler and cargo-fuzz are installed.

use super::{Outcome, Run};
use crate::workspace::Error;
use std::{
    env, fs,
    process::{Command, Stdio},
};

const FOLDER: &str = "tests/fuzz";
/// Seconds for each target, by default; `.ci/fuzz` sets a minute.
const SECONDS: u32 = 5;
const VARIABLE: &str = "PGTLS_FUZZ_SECONDS";

pub(super) fn fuzz(run: &mut Run<'_>) -> Result<Outcome, Error> {
    let installed = cargo_fuzz(&["--version"]).output();
    if !installed.is_ok_and(|output| output.status.success()) {
        let reason =
            "nightly Rust and cargo-fuzz are not both installed; the tests try each target on its seeds";
        return Ok(Outcome::Skipped(reason.to_owned()));
    }
    let seconds = match env::var(VARIABLE) {
        Err(_) => SECONDS,
        Ok(text) => {
            text.parse().map_err(|_| Error(format!("{VARIABLE} is no number of seconds: \"{text}\"")))?
        }
    };
    // cargo-fuzz would silently rewrite a lock file that is behind the manifests.
    let mut metadata = Command::new("cargo");
    metadata.args(["metadata", "--locked", "--format-version", "1"]);
    metadata.arg("--manifest-path").arg(format!("{FOLDER}/Cargo.toml")).stdout(Stdio::null());
    run.execute(&mut metadata)?;
    run.execute(&mut cargo_fuzz(&["build", "--fuzz-dir", FOLDER]))?;
    let mut failed = Vec::new();
    for target in targets(run) {
        let [found, seeds] = ["corpus", "seeds"].map(|folder| format!("{FOLDER}/{folder}/{target}"));
        // Found inputs are kept from run to run, beside the seeds and out of version control.
        fs::create_dir_all(run.workspace.root.join(&found))
            .map_err(|error| Error(format!("{found} cannot be made: {error}")))?;
        let mut command = cargo_fuzz(&["run", "--fuzz-dir", FOLDER, target, &found, &seeds]);
        let limits = [
            "--",
            "-timeout=10",
            "-rss_limit_mb=1024",
            "-verbosity=0",
            "-print_funcs=0",
            "-print_final_stats=1",
        ];
        command.args(limits).arg(format!("-max_total_time={seconds}"));
        if run.execute(&mut command).is_err() {
            failed.push(target);
        }
    }
    if failed.is_empty() { Ok(Outcome::Passed) } else { Err(Error(failed.join(", "))) }
}

fn cargo_fuzz(arguments: &[&str]) -> Command {
    let mut command = Command::new("rustup");
    command.args(["run", "nightly", "cargo", "fuzz"]).args(arguments);
    command
}

/// The names of the targets are those of their files.
fn targets<'r>(run: &Run<'r>) -> Vec<&'r str> {
    let files = run.workspace.files.iter().filter_map(|file| file.path.strip_prefix(FOLDER));
    files.filter_map(|path| path.strip_prefix("/fuzz_targets/")?.strip_suffix(".rs")).collect()
}
