//! The runner: runs clients through scenarios, several at once, and notes what happens.

mod fixture;

pub use fixture::Fixture;
#[cfg(feature = "proptest")]
pub(crate) use fixture::own_user;

use crate::{
    client::ClientUnderTest,
    judge::{ClientClaim, Difference, Observed, judge},
    pki::{Pki, WriteError},
    scenario::{Expected, Libpq, Scenario, Situation},
    server::ServerError,
};
use core::fmt;
use fixture::FixtureError;
use std::{
    io,
    path::Path,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};
use tempfile::TempDir;

/// How long the servers wait for a client, and the bench for its servers.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often a scenario is staged when the system is out of ports or the like.
const TRIES: u32 = 3;
/// How long is waited before it is tried again.
const PAUSE: Duration = Duration::from_millis(200);

/// A PKI and its files; scenarios can run on it one after the other, or in several threads.
#[derive(Debug)]
pub struct Runner {
    pki: Arc<Pki>,
    files: TempDir,
}

/// What came of a scenario.
#[derive(Clone, Debug)]
pub enum ScenarioResult {
    /// The client was judged.
    #[non_exhaustive]
    Judged {
        /// What happened.
        observed: Box<Observed>,
        /// What of it libpq does not do, the gravest first.
        differences: Vec<Difference>,
    },
    /// It was not, for this reason.
    Skipped(String),
}

impl ScenarioResult {
    /// What libpq does not do; nothing for a scenario that was skipped.
    pub fn differences(&self) -> &[Difference] {
        match self {
            Self::Judged { differences, .. } => differences,
            Self::Skipped(_) => &[],
        }
    }
}

impl Runner {
    /// A fresh PKI, written to a folder that goes when the bench goes.
    pub fn new() -> Result<Self, WriteError> {
        Self::with_pki(Arc::new(Pki::open()))
    }

    /// The same with a PKI that is used elsewhere too.
    pub fn with_pki(pki: Arc<Pki>) -> Result<Self, WriteError> {
        let failed = |error| WriteError::Io { path: std::env::temp_dir(), error };
        let files = tempfile::tempdir().map_err(failed)?;
        fixture::open_to_all(files.path()).map_err(failed)?;
        pki.write_to(files.path())?;
        Ok(Self { pki, files })
    }

    /// Where the PKI's files are.
    pub fn files(&self) -> &Path {
        self.files.path()
    }

    /// Runs a client through one scenario and judges it by this libpq.
    pub fn run(
        &self,
        scenario: &Scenario,
        client: &dyn ClientUnderTest,
        libpq: Libpq,
    ) -> Result<ScenarioResult, RunnerError> {
        self.judged(&scenario.id, &scenario.situation, client, scenario.expected(libpq))
    }

    /// Puts a client into a situation, and compares what it does with what is expected. Errors call the situation `name`.
    pub fn judged(
        &self,
        name: &str,
        situation: &Situation,
        client: &dyn ClientUnderTest,
        expected: &Expected,
    ) -> Result<ScenarioResult, RunnerError> {
        Ok(match self.observed(name, situation, client)? {
            Ok((observed, stage)) => {
                let differences = judge(&stage.expected(expected), &observed);
                ScenarioResult::Judged { observed: Box::new(observed), differences }
            }
            Err(reason) => ScenarioResult::Skipped(reason),
        })
    }

    /// Puts a client into a situation, and sees what it does there; or why it cannot be put there.
    pub(crate) fn observed(
        &self,
        name: &str,
        situation: &Situation,
        client: &dyn ClientUnderTest,
    ) -> Result<Result<(Observed, Fixture), String>, RunnerError> {
        if situation.needs_gss() && !client.has_gss() {
            return Ok(Err("only clients with GSSAPI have tickets".to_owned()));
        }
        let stage = match self.fixture(name, situation)? {
            Ok(stage) => stage,
            Err(reason) => return Ok(Err(reason)),
        };
        if let Some(reason) = client.declines(stage.attempt()) {
            return Ok(Err(reason));
        }
        let observed = stage.observed(client.connect(stage.attempt()));
        Ok(match &observed.claim {
            ClientClaim::Declined(reason) if observed.connections.is_empty() => Err(reason.clone()),
            _ => Ok((observed, stage)),
        })
    }

    /// Sets a stage for a client that the caller runs: servers, files, and a connection string. The inner error says why this
    /// machine cannot. Errors call the situation `name`.
    pub fn fixture(&self, name: &str, situation: &Situation) -> Result<Result<Fixture, String>, RunnerError> {
        let mut tries = 0;
        loop {
            tries += 1;
            return match Fixture::set(situation, &self.pki, self.files.path(), PATIENCE) {
                Err(FixtureError::Server(ServerError::Listen { .. }) | FixtureError::Io(_))
                    if tries < TRIES =>
                {
                    thread::sleep(PAUSE);
                    continue;
                }
                Ok(stage) => Ok(Ok(stage)),
                Err(FixtureError::Skip(reason)) => Ok(Err(reason)),
                Err(FixtureError::Server(error)) => Err(RunnerError::Server(name.to_owned(), error)),
                Err(FixtureError::Io(error)) => Err(RunnerError::Io(name.to_owned(), error)),
            };
        }
    }

    /// Runs a client through many scenarios, `jobs` at a time. The verdicts are in the order of the scenarios; `told` is
    /// called with each as soon as it is known, in any order.
    pub fn run_all(
        &self,
        scenarios: &[&Scenario],
        client: &dyn ClientUnderTest,
        libpq: Libpq,
        jobs: usize,
        told: &(dyn Fn(&Scenario, &ScenarioResult) + Sync),
    ) -> Result<Vec<ScenarioResult>, RunnerError> {
        let next = AtomicUsize::new(0);
        let verdicts: Mutex<Vec<Option<ScenarioResult>>> = Mutex::new(vec![None; scenarios.len()]);
        let work = || {
            while let Some((index, scenario)) = {
                let index = next.fetch_add(1, Ordering::SeqCst);
                scenarios.get(index).map(|scenario| (index, scenario))
            } {
                let verdict = self.run(scenario, client, libpq).inspect_err(|_| {
                    // The others stop too: what they find is not asked for any more.
                    next.store(scenarios.len(), Ordering::SeqCst);
                })?;
                told(scenario, &verdict);
                if let Some(place) = verdicts.lock().unwrap_or_else(PoisonError::into_inner).get_mut(index) {
                    *place = Some(verdict);
                }
            }
            Ok(())
        };
        thread::scope(|scope| {
            let workers: Vec<_> = (0..jobs.max(1)).map(|_| scope.spawn(work)).collect();
            workers.into_iter().try_for_each(|worker| match worker.join() {
                Ok(result) => result,
                Err(panic) => std::panic::resume_unwind(panic),
            })
        })?;
        Ok(verdicts.into_inner().unwrap_or_else(PoisonError::into_inner).into_iter().flatten().collect())
    }
}

/// Why a scenario could not be run; never the client's fault.
#[derive(Debug)]
#[non_exhaustive]
pub enum RunnerError {
    /// The scenario with this id has a server that does not start.
    Server(String, ServerError),
    /// A file of the scenario with this id could not be made.
    Io(String, io::Error),
}

impl fmt::Display for RunnerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Server(id, error) => write!(f, "scenario {id}: {error}"),
            Self::Io(id, error) => write!(f, "scenario {id}: {error}"),
        }
    }
}

impl core::error::Error for RunnerError {}

/// A client that could not be judged at all.
impl Observed {
    /// Whether the client was lost.
    pub fn lost(&self) -> bool {
        matches!(self.claim, ClientClaim::Lost(_))
    }
}
