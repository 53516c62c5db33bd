//! The bench: runs a client through a scenario and notes what happens.

use crate::{
    client::ClientUnderTest,
    judge::{Difference, Observed, judge},
    scenario::Scenario,
    server::{Listen, Log, Server, ServerError},
    zoo::{WriteError, Zoo},
};
use std::{path::Path, sync::Arc, time::Duration};
use tempfile::TempDir;

/// How long the servers wait for a client, and the bench for its servers.
const PATIENCE: Duration = Duration::from_secs(10);

/// A zoo and its files; scenarios can run on it one after the other, or in several threads.
#[derive(Debug)]
pub struct Bench {
    zoo: Arc<Zoo>,
    files: TempDir,
}

/// What came of a scenario.
#[derive(Debug)]
pub struct Verdict {
    /// What happened.
    pub observed: Observed,
    /// What of it libpq does not do, the gravest first.
    pub differences: Vec<Difference>,
}

impl Bench {
    /// A fresh zoo, written to a folder that goes when the bench goes.
    pub fn new() -> Result<Self, WriteError> {
        Self::with_zoo(Arc::new(Zoo::open()))
    }

    /// The same with a zoo that is used elsewhere too.
    pub fn with_zoo(zoo: Arc<Zoo>) -> Result<Self, WriteError> {
        let files =
            tempfile::tempdir().map_err(|error| WriteError::Io { path: std::env::temp_dir(), error })?;
        zoo.write_to(files.path())?;
        Ok(Self { zoo, files })
    }

    /// Where the zoo's files are.
    pub fn files(&self) -> &Path {
        self.files.path()
    }

    /// Starts the scenario's servers, has the client connect, and judges it.
    pub fn run(&self, scenario: &Scenario, client: &mut dyn ClientUnderTest) -> Result<Verdict, ServerError> {
        let log = Log::new();
        let start = |(index, script)| {
            let builder = Server::builder(Clone::clone(script), Arc::clone(&self.zoo));
            builder.patience(PATIENCE).log(log.clone(), index).start()
        };
        let servers = scenario.servers.iter().enumerate().map(start).collect::<Result<Vec<_>, _>>()?;
        let told = client.connect(&self.conninfo(scenario, &servers));
        log.settle(PATIENCE);
        drop(servers);
        let observed = Observed::new(told, &log, scenario.servers.len());
        let differences = judge(&scenario.expected, &observed);
        Ok(Verdict { observed, differences })
    }

    /// The last word on a setting counts, so that a scenario may overrule what is put before its own.
    fn conninfo(&self, scenario: &Scenario, servers: &[Server]) -> String {
        let list = |item: &dyn Fn(&Server) -> String| servers.iter().map(item).collect::<Vec<_>>().join(",");
        let hosts = list(&|_| "db.test".to_owned());
        let addresses = list(&|server| match server.listen() {
            Listen::Tcp(address) => address.ip().to_string(),
            Listen::Unix { .. } => String::new(),
        });
        let ports = list(&|server| server.port().to_string());
        let settings = scenario.settings.replace("{zoo}", &self.files.path().to_string_lossy());
        format!("host={hosts} hostaddr={addresses} port={ports} user=zoo dbname=zoo {settings}")
    }
}
