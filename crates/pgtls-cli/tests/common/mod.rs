//! What the tests of the binary share: running it, servers to run it against, certificates on disk.

use pgtls_conformance::{
    pki::Pki,
    server::{Behaviour, Script, Server},
};
use std::{
    path::PathBuf,
    process::{Command, Output, Stdio},
    sync::Arc,
};
use tempfile::TempDir;

/// The binary in an environment of its own: no PG* variable, no files in the home directory, no
/// settings of the machine's OpenSSL.
pub(crate) fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pgtls"));
    command
        .args(arguments)
        .env_clear()
        .env("HOME", "/nonexistent")
        .env("PGSYSCONFDIR", "/nonexistent")
        .env("OPENSSL_CONF", "")
        .stdin(Stdio::null());
    command
}

/// Runs it to its end.
pub(crate) fn pgtls(arguments: &[&str]) -> Output {
    command(arguments).output().expect("the binary was built with this test")
}

/// What it wrote.
pub(crate) fn stdout(output: &Output) -> &str {
    std::str::from_utf8(&output.stdout).expect("the output is UTF-8")
}

/// The JSON object in its last line.
#[track_caller]
pub(crate) fn json(output: &Output) -> serde_json::Value {
    let last = stdout(output).lines().last().expect("there is a last line");
    serde_json::from_str(last).expect("the last line is JSON")
}

/// Certificates and a folder to put them in.
pub(crate) struct Files {
    pub(crate) pki: Arc<Pki>,
    folder: TempDir,
}

impl Files {
    pub(crate) fn new() -> Self {
        Self {
            pki: Arc::new(Pki::open()),
            folder: tempfile::tempdir().expect("there is a folder for temporary files"),
        }
    }

    /// Writes a file and gives its path.
    pub(crate) fn write(&self, name: &str, content: &str) -> String {
        let path: PathBuf = self.folder.path().join(name);
        std::fs::write(&path, content).expect("the temporary folder can be written to");
        path.to_str().expect("its path is UTF-8").to_owned()
    }

    /// The path of a root file of the PKI.
    pub(crate) fn root(&self, name: &str) -> String {
        self.write(&format!("{name}.crt"), &self.pki.root_file(name).expect("the pki has it"))
    }

    /// A scripted server.
    pub(crate) fn server(&self, behaviour: &str) -> Server {
        let behaviour = Behaviour::named(behaviour).expect("there is such a behaviour");
        Server::builder(Script::always(behaviour), Arc::clone(&self.pki))
            .start()
            .expect("the loopback interface is there")
    }
}
