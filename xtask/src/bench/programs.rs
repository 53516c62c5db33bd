//! The programs that are measured, and the server that they connect to.

use super::{
    contenders::{Contender, LIBPQ},
    machine::{cannot, printed},
    scenarios::{Effort, Scenario},
};
use crate::workspace::{Error, Workspace};
use std::{
    collections::BTreeMap,
    env,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};
use tempfile::TempDir;

/// What a program has said, by name.
pub(super) type Answers = BTreeMap<String, f64>;

/// The program of all but libpq, after it was built for release.
const CONTENDER: &str = "target/release/contender";

/// The program of libpq.
const LIBPQ_SOURCE: &str = "tests/bench/libpq/client.c";

/// A folder with another libpq than the system's, for those who want to compare with that.
const LIBPQ_FOLDER: &str = "PGTLS_BENCH_LIBPQ";

/// libpq's first version with `sslnegotiation`.
const DIRECT_SINCE: u32 = 17;

pub(super) struct Programs {
    contender: PathBuf,
    libpq: Option<Libpq>,
    folder: TempDir,
    server: Child,
    address: String,
}

struct Libpq {
    program: PathBuf,
    version: String,
}

impl Programs {
    /// Builds them, and starts the server.
    pub(super) fn build(workspace: &Workspace) -> Result<Self, Error> {
        let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let built = Command::new(cargo)
            .args([
                "build",
                "--release",
                "--package",
                "pgtls-bench",
                "--bin",
                "contender",
                "--features",
                "others",
            ])
            .current_dir(&workspace.root)
            .status();
        if !built.is_ok_and(|status| status.success()) {
            return Err(Error("pgtls-bench does not build".to_owned()));
        }
        let contender = workspace.root.join(CONTENDER);
        let folder = tempfile::tempdir().map_err(|error| cannot("no temporary folder can be made", error))?;
        let libpq = Libpq::build(workspace, folder.path());
        if libpq.is_none() {
            println!("skipped libpq: it takes a C compiler and the headers of libpq and OpenSSL");
        }
        let (server, address) = serve(&contender, folder.path())?;
        Ok(Self { contender, libpq, folder, server, address })
    }

    /// What libpq says of itself.
    pub(super) fn libpq_version(&self) -> Option<&str> {
        Some(self.libpq.as_ref()?.version.as_str())
    }

    /// Whether this contender is here and can do this.
    pub(super) fn can(&self, contender: &Contender, scenario: &Scenario) -> bool {
        if scenario.provider.is_some() && !contender.rustls {
            return false;
        }
        if contender.name != LIBPQ {
            return true;
        }
        self.libpq.as_ref().is_some_and(|libpq| !scenario.direct || libpq.major() >= DIRECT_SINCE)
    }

    /// Has it do it, in a process of its own.
    pub(super) fn run(
        &self,
        contender: &Contender,
        scenario: &Scenario,
        effort: &Effort,
    ) -> Result<Answers, Error> {
        let mut command = match &self.libpq {
            Some(libpq) if contender.name == LIBPQ => Command::new(&libpq.program),
            _ => Command::new(&self.contender),
        };
        prepare(&mut command, self.folder.path());
        if contender.name != LIBPQ {
            command.arg(contender.name);
        }
        let (roots, crl) = scenario.files;
        let file = |name: &str| self.folder.path().join(name);
        command
            .arg(&self.address)
            .arg(file(roots))
            .arg(crl.map_or_else(|| "-".into(), file))
            .arg(if scenario.direct { "direct" } else { "asked" })
            .arg(scenario.provider.unwrap_or("aws-lc-rs"))
            .args(scenario.task(effort));
        let output = command.output().map_err(|error| cannot(contender.name, error))?;
        if !output.status.success() {
            let why = String::from_utf8_lossy(&output.stderr);
            return Err(Error(format!("{} cannot do {}: {}", contender.name, scenario.name, why.trim())));
        }
        let said = String::from_utf8_lossy(&output.stdout);
        Ok(said.lines().filter_map(answer).collect())
    }
}

impl Drop for Programs {
    fn drop(&mut self) {
        // It ends when its input does.
        drop(self.server.stdin.take());
        self.server.wait().ok();
    }
}

impl Libpq {
    fn build(workspace: &Workspace, folder: &Path) -> Option<Self> {
        let program = folder.join("libpq-client");
        let mut command = Command::new("cc");
        command.args(["-O2", "-o"]).arg(&program).arg(workspace.root.join(LIBPQ_SOURCE));
        let flags = printed(Command::new("pkg-config").args(["--cflags", "--libs", "libpq", "openssl"]))?;
        command.args(flags.split_whitespace()).arg("-lpthread");
        if !command.output().ok()?.status.success() {
            return None;
        }
        let mut command = Command::new(&program);
        prepare(&mut command, folder);
        Some(Self { version: printed(command.arg("version"))?, program })
    }

    /// 18 of `libpq 18.0, OpenSSL 3.5.0`.
    fn major(&self) -> u32 {
        let number = self.version.trim_start_matches("libpq ").split('.').next();
        number.and_then(|number| number.parse().ok()).unwrap_or_default()
    }
}

/// Nothing of the environment or of a home directory takes part.
fn prepare(command: &mut Command, home: &Path) {
    command.env_clear().env("HOME", home);
    if let Some(folder) = env::var_os(LIBPQ_FOLDER) {
        command.env("LD_LIBRARY_PATH", folder);
    }
}

/// Starts the server, which fills the folder, and says where it listens.
fn serve(program: &Path, folder: &Path) -> Result<(Child, String), Error> {
    let wrong = |error| cannot("the server cannot be started", error);
    let mut server = Command::new(program)
        .arg("serve")
        .arg(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(wrong)?;
    let mut address = String::new();
    let output = server.stdout.take().expect("standard output is piped three lines above");
    BufReader::new(output).read_line(&mut address).map_err(wrong)?;
    if address.is_empty() {
        return Err(Error("the server has said nothing".to_owned()));
    }
    Ok((server, address.trim().to_owned()))
}

fn answer(line: &str) -> Option<(String, f64)> {
    let (what, value) = line.split_once(' ')?;
    Some((what.to_owned(), value.parse().ok()?))
}
