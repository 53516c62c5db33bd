//! One call from a driver's own tests: every scenario, and the report.

use crate::{
    client::ClientUnderTest,
    pki::WriteError,
    report::Report,
    runner::{Runner, RunnerError, ScenarioResult},
    scenario::{Libpq, Scenario},
    scenarios,
};
use core::fmt;
use std::thread;

/// Judges a client by every scenario that comes with the kit, as libpq 18 was recorded: [`Run`] with nothing said.
///
/// ```no_run
/// use pgtls_conformance::{client::Attempt, judge::ClientClaim};
///
/// fn connect(attempt: &Attempt) -> ClientClaim {
///     # mod my_driver { pub fn connect(_: &str) -> Result<(), std::io::Error> { Ok(()) } }
///     match my_driver::connect(&attempt.conninfo) {
///         Ok(_connection) => ClientClaim::Connected(None),
///         Err(error) => ClientClaim::Failed(Some(error.to_string())),
///     }
/// }
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let report = pgtls_conformance::run(&connect)?;
/// assert_eq!(report.total().differ, 0, "{}", report.text(10));
/// # Ok(())
/// # }
/// ```
pub fn run(client: &dyn ClientUnderTest) -> Result<Report, RunError> {
    Run::new().client(client)
}

/// Which scenarios a client is asked, and how.
#[derive(Clone, Debug)]
pub struct Run {
    name: String,
    libpq: Libpq,
    groups: Vec<String>,
    step: usize,
    jobs: usize,
}

impl Default for Run {
    fn default() -> Self {
        Self::new()
    }
}

impl Run {
    /// All of them, as many at a time as there are processors, compared with libpq 18.
    pub fn new() -> Self {
        let jobs = thread::available_parallelism().map_or(1, Into::into);
        Self { name: "client".to_owned(), libpq: Libpq::V18, groups: Vec::new(), step: 1, jobs }
    }

    /// What the client is called in the report.
    #[must_use]
    pub fn name(self, name: &str) -> Self {
        Self { name: name.to_owned(), ..self }
    }

    /// Compared with this libpq.
    #[must_use]
    pub fn libpq(self, libpq: Libpq) -> Self {
        Self { libpq, ..self }
    }

    /// Only scenarios of these [`GROUPS`](crate::GROUPS).
    #[must_use]
    pub fn groups(self, groups: &[&str]) -> Self {
        Self { groups: groups.iter().map(|group| (*group).to_owned()).collect(), ..self }
    }

    /// Only one scenario of so many: a sample, for tests that have to be quick.
    #[must_use]
    pub fn every(self, step: usize) -> Self {
        Self { step: step.max(1), ..self }
    }

    /// So many at a time.
    #[must_use]
    pub fn jobs(self, jobs: usize) -> Self {
        Self { jobs, ..self }
    }

    /// Runs the client.
    ///
    /// A client in this process has no environment of its own: what reads the process's environment should decline what it
    /// cannot be asked ([`ClientUnderTest::declines`]).
    pub fn client(&self, client: &dyn ClientUnderTest) -> Result<Report, RunError> {
        let all = scenarios();
        let of_group = |scenario: &&Scenario| {
            self.groups.is_empty() || self.groups.iter().any(|group| group == scenario.group())
        };
        let chosen: Vec<_> = all.iter().filter(of_group).step_by(self.step).collect();
        let bench = Runner::new().map_err(RunError::Pki)?;
        self.on(&bench, client, &chosen, &|_, _| {}).map_err(RunError::Runner)
    }

    /// Runs it through these scenarios, on this bench; `told` is called with each verdict as soon as it is known.
    pub fn on(
        &self,
        bench: &Runner,
        client: &dyn ClientUnderTest,
        scenarios: &[&Scenario],
        told: &(dyn Fn(&Scenario, &ScenarioResult) + Sync),
    ) -> Result<Report, RunnerError> {
        let verdicts = bench.run_all(scenarios, client, self.libpq, self.jobs, told)?;
        Ok(Report::new(&self.name, self.libpq, scenarios, &verdicts))
    }
}

/// Why there is no report; never the client's fault.
#[derive(Debug)]
#[non_exhaustive]
pub enum RunError {
    /// The certificates could not be written.
    Pki(WriteError),
    /// A scenario could not be staged.
    Runner(RunnerError),
}

impl fmt::Display for RunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pki(error) => error.fmt(f),
            Self::Runner(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for RunError {}
