//! `cargo xtask mutants`: small changes to the code with decisions, each of which a test of its own crate has to notice.

use crate::workspace::{Error, Workspace};
use std::{fs, path::PathBuf, process::Command};

/// A crate, its files with decisions, and the tests that judge a change to them.
struct Judged {
    name: &'static str,
    files: &'static [&'static str],
    /// A package of the suite's tests for this crate, and its one test.
    tests: (&'static str, &'static str),
}

const JUDGED: &[Judged] = &[
    Judged {
        name: "pgtls-core",
        files: &[
            "accept.rs",
            "files.rs",
            "files/**",
            "name.rs",
            "name/**",
            "negotiation.rs",
            "negotiation/**",
            "param/**",
            "policy/**",
            "startup/**",
        ],
        tests: ("pgtls-core-tests", "core"),
    },
    Judged {
        name: "pgtls-x509",
        files: &["crl.rs", "path.rs", "path/**"],
        tests: ("pgtls-x509-tests", "x509"),
    },
];

/// Random chains for each mutant; the suite tries more.
const DIFFERENTIAL_CASES: &str = "400";
/// Seconds for the tests of one mutant, which may have no end; a busy machine must not reach it.
const TIMEOUT: &str = "600";

/// Which mutants: those whose number is the shard's, counted from the seed and modulo the number of shards.
#[derive(clap::Args)]
pub(crate) struct Selection {
    /// The crates whose code is changed; by default all that are judged.
    #[arg(value_parser = JUDGED.iter().map(|judged| judged.name).collect::<Vec<_>>())]
    crates: Vec<String>,
    /// One part of so many, counted from 0: `0/3`.
    #[arg(long, default_value = "0/1", value_parser = shard)]
    shard: (u32, u32),
    /// Another seed, other mutants in a shard.
    #[arg(long, default_value_t = 0)]
    seed: u32,
}

fn shard(text: &str) -> Result<(u32, u32), String> {
    let numbers = text.split_once('/').and_then(|(k, n)| Some((k.parse().ok()?, n.parse().ok()?)));
    numbers.filter(|(k, n)| k < n).ok_or_else(|| "a shard is k/n with k below n".to_owned())
}

impl Selection {
    fn shard(&self) -> String {
        let (k, n) = self.shard;
        format!("{}/{n}", (u64::from(k) + u64::from(self.seed)) % u64::from(n))
    }
}

pub(crate) fn run(workspace: &Workspace, selection: &Selection) -> Result<(), Error> {
    let chosen = |judged: &&Judged| {
        selection.crates.is_empty() || selection.crates.iter().any(|name| name == judged.name)
    };
    let mut failed = Vec::new();
    for judged in JUDGED.iter().filter(chosen) {
        let results = judged.results(workspace);
        // cargo-mutants makes the last directory alone.
        fs::create_dir_all(&results).map_err(|error| Error(format!("{}: {error}", results.display())))?;
        // cargo-mutants would try the unchanged code with the crate's package alone.
        if !succeeds(cargo(workspace, "test").args(judged.packages()).args(judged.targets()))? {
            return Err(Error(format!("{}: tests fail without any change", judged.name)));
        }
        if !succeeds(&mut mutants(workspace, judged, &selection.shard()))? {
            failed.push(format!("{}: see {}/mutants.out/missed.txt", judged.name, results.display()));
        }
    }
    if failed.is_empty() { Ok(()) } else { Err(Error(failed.join("; "))) }
}

impl Judged {
    fn results(&self, workspace: &Workspace) -> PathBuf {
        workspace.root.join("target/mutants").join(self.name)
    }

    fn packages(&self) -> [&'static str; 4] {
        ["--package", self.name, "--package", self.tests.0]
    }

    fn targets(&self) -> [&'static str; 3] {
        ["--lib", "--test", self.tests.1]
    }
}

fn mutants(workspace: &Workspace, judged: &Judged, shard: &str) -> Command {
    let Judged { name, files, tests: (tests, _) } = judged;
    let mut command = cargo(workspace, "mutants");
    command.args(["--package", name, "--test-package", name, "--test-package", tests]);
    for file in *files {
        command.args(["--file", &format!("crates/{name}/src/{file}")]);
    }
    command.args(["--baseline", "skip", "--sharding", "round-robin", "--shard", shard, "--timeout", TIMEOUT]);
    command.arg("--output").arg(judged.results(workspace));
    command.arg("--").args(judged.targets());
    command
}

fn cargo(workspace: &Workspace, task: &str) -> Command {
    let mut command = Command::new("cargo");
    command.current_dir(&workspace.root).env("PGTLS_DIFFERENTIAL_CASES", DIFFERENTIAL_CASES);
    // All mutants are tried in one copy of the tree: what one is caught by must not become a test for the next.
    command.env("PGTLS_DIFFERENTIAL_KEEP", "no").arg(task);
    command
}

fn succeeds(command: &mut Command) -> Result<bool, Error> {
    let status = command.status().map_err(|error| Error(format!("cargo cannot be run: {error}")))?;
    Ok(status.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_move_the_shards_round() {
        let selection = |shard, seed| Selection { crates: Vec::new(), shard, seed }.shard();
        assert_eq!(selection((0, 3), 0), "0/3");
        assert_eq!(selection((2, 3), 2), "1/3");
        assert_eq!(selection((1, 3), u32::MAX), "1/3");
        assert_eq!(shard("2/3"), Ok((2, 3)));
        for wrong in ["3/3", "0/0", "1", "a/2", "1/2/3", ""] {
            assert!(shard(wrong).is_err(), "{wrong}");
        }
    }
}
