//! Walking the matrix: every server, with and without a root file, with every sslmode.

use super::{cell::Cell, server::DemoServer};
use pgtls_conformance::{
    pki::Pki,
    server::{Channel, ConnectionRecord, Server},
};
use pgtls_core::param::SslMode;
use serde::Serialize;
use std::{error::Error, path::Path, sync::Arc, time::Duration};

/// The host that the certificates are for. It is never looked up: `hostaddr` says where it is.
pub(super) const HOST: &str = "db.test";
/// The password that the servers ask for, where they do.
const PASSWORD: &str = "secret";
/// How long the servers wait for the client's last bytes.
const PATIENCE: Duration = Duration::from_secs(10);

/// Whether there is a file of trusted roots.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum RootFile {
    /// None: as psql is right after its installation.
    Missing,
    /// The certificate of the CA that signed the honest server's certificate.
    Present,
}

/// What a client says about its attempt.
#[derive(Clone, Debug, Default)]
pub(super) struct Told {
    /// `plain` or `ssl`, when connected.
    pub(super) channel: Option<Channel>,
    /// `none`, `ca` or `full`.
    pub(super) verified: String,
    /// Class of the error, when not.
    pub(super) error_class: String,
    /// Text of the error.
    pub(super) error: Option<String>,
}

/// One attempt: what should have come of it, and what did.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Attempt {
    /// Name of the server.
    pub(super) server: String,
    /// The root file.
    pub(super) root_file: RootFile,
    /// The mode.
    pub(super) sslmode: &'static str,
    /// What came of it.
    pub(super) outcome: Cell,
    /// What libpq does.
    pub(super) expected: Cell,
    /// What the server saw, in order.
    pub(super) events: Vec<String>,
    /// Why the client gave up, in its own words.
    pub(super) error: Option<String>,
    /// What client and server say about the session contradicts each other.
    pub(super) contradiction: bool,
}

impl Attempt {
    /// Whether it went as with libpq.
    pub(super) fn agrees(&self) -> bool {
        self.outcome == self.expected && !self.contradiction
    }
}

/// Attempts everything with `client`, which is handed a connection string, and reports each attempt as it is made.
pub(super) fn walk(
    servers: &[DemoServer],
    pki: &Arc<Pki>,
    files: &Path,
    client: impl Fn(&str) -> Told,
) -> Result<Vec<Attempt>, Box<dyn Error>> {
    let mut attempts = Vec::new();
    for root_file in [RootFile::Missing, RootFile::Present] {
        for server in servers {
            let expected = match root_file {
                RootFile::Missing => &server.without,
                RootFile::Present => &server.with,
            };
            for (&sslmode, expected) in SslMode::ALL.iter().zip(expected) {
                let running =
                    Server::builder(server.script.clone(), Arc::clone(pki)).patience(PATIENCE).start()?;
                let told = client(&conninfo(&running, server, files, root_file, sslmode));
                running.log().settle(PATIENCE);
                let seen = running.log().connections();
                attempts.push(Attempt {
                    server: server.name.clone(),
                    root_file,
                    sslmode: sslmode.as_str(),
                    outcome: outcome(&told, &seen),
                    expected: expected.clone(),
                    events: running.log().words(),
                    contradiction: seen.iter().find_map(|seen| seen.session) != told.channel,
                    error: told.error,
                });
            }
        }
    }
    Ok(attempts)
}

fn conninfo(
    running: &Server,
    server: &DemoServer,
    files: &Path,
    root_file: RootFile,
    sslmode: SslMode,
) -> String {
    let trust = match root_file {
        RootFile::Missing => String::new(),
        RootFile::Present => format!("sslrootcert={{pki}}/ca/root.crt {}", server.settings),
    };
    let trust = trust.replace("{pki}", &quoted_part(&files.to_string_lossy()));
    let here = running.listen().conninfo();
    format!("host={HOST} {here} user=dba dbname=shop password={PASSWORD} sslmode={sslmode} {trust}")
}

/// Text as part of an unquoted value.
fn quoted_part(text: &str) -> String {
    text.chars()
        .flat_map(|c| ["\\".chars().next().filter(|_| " '\\".contains(c)), Some(c)])
        .flatten()
        .collect()
}

/// The client's word for verification, the server's for everything else.
fn outcome(told: &Told, seen: &[ConnectionRecord]) -> Cell {
    match (told.channel, told.verified.as_str()) {
        (None, _) => Cell::Refused(told.error_class.clone()),
        (Some(Channel::Plain), _) => Cell::Plain { password: seen.iter().any(|seen| seen.password_in_clear) },
        (Some(Channel::Ssl), "full") => Cell::Full,
        (Some(Channel::Ssl), "ca") => Cell::Ca,
        (Some(Channel::Ssl), _) => Cell::Encrypted,
    }
}
