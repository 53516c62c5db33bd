//! The programs that are measured, and the server that they connect to.

use super::{
    contenders::{Contender, LIBPQ},
    machine::{cannot, printed},
    process::{Place, Process},
    scenarios::{Effort, Scenario},
};
use crate::workspace::{Error, Workspace};
use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};
use tempfile::TempDir;

/// The program of all but libpq, after it was built for release.
const CONTENDER: &str = "target/release/contender";

/// The program of libpq.
const LIBPQ_SOURCE: &str = "tests/bench/libpq/client.c";

/// A folder with a libpq to compare with, in place of the system's.
const LIBPQ_FOLDER: &str = "PGTLS_BENCH_LIBPQ";

/// libpq's first version with `sslnegotiation`.
const DIRECT_SINCE: u32 = 17;

/// The processors of a client and of the server, where each stays on its own.
const PROCESSORS: [usize; 2] = [0, 1];

pub(super) struct Programs {
    contender: PathBuf,
    libpq: Option<Libpq>,
    folder: TempDir,
    can_be_pinned: bool,
}

struct Libpq {
    program: PathBuf,
    version: String,
}

impl Programs {
    /// Builds them.
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
        let can_be_pinned = Place::can_be(PROCESSORS);
        if !can_be_pinned {
            println!("processes move between processors: it takes two of these, and taskset");
        }
        Ok(Self { contender, libpq, folder, can_be_pinned })
    }

    /// Whether clients and servers can be kept on a processor of their own.
    pub(super) fn can_be_pinned(&self) -> bool {
        self.can_be_pinned
    }

    /// The version that libpq reports.
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

    /// Starts a server for this, which fills the folder.
    pub(super) fn serve(&self, scenario: &Scenario) -> Result<Server, Error> {
        let [_, place] = self.places(scenario);
        let mut command = place.command(&self.contender);
        command.arg("serve").arg(self.folder.path());
        let mut process = Process::start("the server", command)?;
        Ok(Server { address: process.line()?, _process: process })
    }

    /// Has it begin, in a process of its own.
    pub(super) fn start(
        &self,
        contender: &Contender,
        scenario: &Scenario,
        effort: &Effort,
        server: &Server,
    ) -> Result<Process, Error> {
        let [place, _] = self.places(scenario);
        let libpq = self.libpq.as_ref().filter(|_| contender.name == LIBPQ);
        let mut command = place.command(libpq.map_or(&self.contender, |libpq| &libpq.program));
        prepare(&mut command, self.folder.path());
        if contender.name != LIBPQ {
            command.arg(contender.name);
        }
        let (roots, crl) = scenario.files;
        let file = |name: &str| self.folder.path().join(name);
        command
            .arg(&server.address)
            .arg(file(roots))
            .arg(crl.map_or_else(|| "-".into(), file))
            .arg(if scenario.direct { "direct" } else { "asked" })
            .arg(scenario.provider.unwrap_or("aws-lc-rs"))
            .args(scenario.task(effort));
        Process::start(contender.name, command)
    }

    /// Of a client and of the server.
    fn places(&self, scenario: &Scenario) -> [Place; 2] {
        if self.can_be_pinned && scenario.is_pinned() {
            PROCESSORS.map(Place::On)
        } else {
            [Place::Anywhere; 2]
        }
    }
}

/// A server at work. It ends with this value.
pub(super) struct Server {
    address: String,
    _process: Process,
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

/// Without influence of the environment or of a home directory.
fn prepare(command: &mut Command, home: &Path) {
    command.env_clear().env("HOME", home);
    if let Some(folder) = env::var_os(LIBPQ_FOLDER) {
        command.env("LD_LIBRARY_PATH", folder);
    }
}
