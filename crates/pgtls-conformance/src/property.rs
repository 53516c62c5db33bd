//! Property tests: any situation, and the question whether a driver does there what libpq does.
//!
//! ```no_run
//! use pgtls_conformance::{client::Attempt, judge::ClientClaim, property::{conforms, strategy}};
//! use proptest::prelude::*;
//!
//! fn my_driver(attempt: &Attempt) -> ClientClaim {
//!     # mod my_driver { pub fn connect(_: &str) -> Result<(), std::io::Error> { Ok(()) } }
//!     match my_driver::connect(&attempt.conninfo) {
//!         Ok(_connection) => ClientClaim::Connected(None),
//!         Err(error) => ClientClaim::Failed(Some(error.to_string())),
//!     }
//! }
//!
//! proptest! {
//!     #[test]
//!     fn my_driver_behaves(situation in strategy::in_process()) {
//!         conforms(&my_driver, &situation)?;
//!     }
//! }
//! ```
//!
//! What fails is shrunk to the fewest settings that still differ, and shown as a scenario that can be kept in a file. The
//! example `driver` of this crate shows one.

pub mod strategy;

use crate::{
    client::ClientUnderTest,
    judge::{ClientClaim, Observed},
    pki::WriteError,
    reference::Reference,
    report::Detail,
    runner::{Runner, RunnerError, ScenarioResult},
    scenario::{Expected, Libpq, Scenario, Situation},
};
use core::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};
use std::sync::LazyLock;

/// Whether a client does in this situation what libpq does; what libpq does says the [`Reference`].
///
/// A situation that the client declines, or that this machine cannot make, says nothing against it.
pub fn conforms(client: &dyn ClientUnderTest, situation: &Situation) -> Result<(), Nonconformance> {
    let bench = BENCH.as_ref().map_err(|error| Nonconformance::Pki(error.to_string()))?;
    let uncut = Situation { cancel: None, ..situation.clone() };
    let Ok((reference, _)) = bench.observed(NAME, &uncut, &Reference)? else { return Ok(()) };
    let expected = expected(&reference);
    let verdict = bench.judged(NAME, situation, client, &expected)?;
    let ScenarioResult::Judged { observed, differences } = verdict else { return Ok(()) };
    let scenario = Scenario {
        id: NAME.to_owned(),
        situation: situation.clone(),
        libpq15: expected.clone(),
        libpq18: expected,
    };
    match Detail::of(&scenario, Libpq::V18, &observed, &differences) {
        None => Ok(()),
        Some(detail) => Err(Nonconformance::Differs(Box::new(Counterexample { scenario, detail }))),
    }
}

/// What the situation of a property test is called.
const NAME: &str = "property/found";

/// Certificates are made once for all tests of a process.
static BENCH: LazyLock<Result<Runner, WriteError>> = LazyLock::new(Runner::new);

/// What is seen of a client, as what is expected of others.
pub(crate) fn expected(observed: &Observed) -> Expected {
    let reason = match &observed.claim {
        ClientClaim::Failed(reason) => reason.clone(),
        ClientClaim::Lost(reason) | ClientClaim::Declined(reason) => Some(reason.clone()),
        ClientClaim::Connected(_) | ClientClaim::Cancelled => None,
    };
    let startup = observed.startup();
    Expected {
        outcome: observed.outcome(),
        reason,
        events: observed.events.clone(),
        startup_in_clear: observed.startup_in_clear(),
        sni: observed.hellos().map(|hello| hello.sni.clone()).collect(),
        alpn: observed
            .hellos()
            .map(|hello| hello.alpn.as_ref().and_then(|offer| offer.first().cloned()))
            .collect(),
        client_certificates: observed.client_certificates().cloned().collect(),
        startup: Some((!startup.is_empty()).then(|| startup.iter().cloned().collect())),
        own_name: false,
    }
}

/// Why a client does not conform, or why that cannot be said.
#[derive(Debug)]
#[non_exhaustive]
pub enum Nonconformance {
    /// It does something else.
    Differs(Box<Counterexample>),
    /// The situation could not be made.
    Runner(RunnerError),
    /// The certificates could not be written.
    Pki(String),
}

/// A situation in which a client does something else than libpq.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Counterexample {
    /// The situation, and what libpq does in it.
    pub scenario: Scenario,
    /// What the client does.
    pub detail: Detail,
}

impl From<RunnerError> for Nonconformance {
    fn from(error: RunnerError) -> Self {
        Self::Runner(error)
    }
}

impl fmt::Display for Nonconformance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Differs(found) => found.fmt(f),
            Self::Runner(error) => error.fmt(f),
            Self::Pki(error) => f.write_str(error),
        }
    }
}

impl core::error::Error for Nonconformance {}

impl fmt::Display for Counterexample {
    /// What differs, then the scenario as a file has it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { scenario, detail } = self;
        writeln!(f, "the client {}", detail.sentences.join("; "))?;
        writeln!(f, "  client {}", detail.observed)?;
        write!(f, "\n{}\n{}", scenario.id, scenario.situation)?;
        writeln!(f, "  libpq {}", detail.expected.without_startup())?;
        let startup = serde_json::json!(detail.expected.startup);
        write!(
            f,
            "  startup {}",
            if detail.expected.startup.is_empty() { "none".to_owned() } else { startup.to_string() }
        )
    }
}

/// A future that is given up after so many polls: it is dropped then, as by a caller's timeout.
///
/// `None` as its output says that it was given up, which is what [`ClientClaim::Cancelled`] is for.
#[derive(Debug)]
pub struct GivenUp<F> {
    future: Option<Pin<Box<F>>>,
    polls: u32,
}

/// Gives `future` up after `polls` polls, if it is not ready then.
pub fn given_up_after<F: Future>(polls: u32, future: F) -> GivenUp<F> {
    GivenUp { future: Some(Box::pin(future)), polls }
}

impl<F: Future> Future for GivenUp<F> {
    type Output = Option<F::Output>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let left = self.polls.checked_sub(1);
        let (Some(future), Some(left)) = (self.future.as_mut(), left) else {
            self.future = None;
            return Poll::Ready(None);
        };
        if let Poll::Ready(output) = future.as_mut().poll(context) {
            self.future = None;
            return Poll::Ready(Some(output));
        }
        self.polls = left;
        if left == 0 {
            self.future = None;
            return Poll::Ready(None);
        }
        Poll::Pending
    }
}

#[cfg(test)]
mod tests;
