//! Why a connection failed, with every attempt, the same type from every adapter.

use crate::cause::Cause;
use pgtls_core::{
    attempt::{MethodError, Report},
    candidates::{AttemptError, CandidateError},
    negotiation::Then,
};
use std::{error::Error, fmt};

/// No session with the server. `Display` is what libpq prints: one line for each attempt, after the address it was for.
#[derive(Debug)]
#[non_exhaustive]
pub struct ConnectError {
    /// The attempts that failed, in order.
    pub attempts: Vec<AttemptError<MethodError<Cause>>>,
    /// What the last address left to be tried: for programs that open connections themselves.
    pub then: Then,
    /// What was seen on the way.
    pub report: Report,
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, attempt) in self.attempts.iter().enumerate() {
            let line = if index == 0 { "" } else { "\n" };
            write!(f, "{line}{attempt}")?;
        }
        Ok(())
    }
}

impl Error for ConnectError {
    /// What led to the last failure, whose text is in this one's. The failures themselves are in
    /// [`attempts`](Self::attempts).
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.attempts.last()?.error {
            CandidateError::Attempt(error) => error.source(),
            CandidateError::Lookup { error, .. } => error.as_ref()?.source(),
            CandidateError::Param(error) => error.source(),
            _ => None,
        }
    }
}

impl ConnectError {
    /// For adapters: puts the three together.
    pub const fn new(attempts: Vec<AttemptError<MethodError<Cause>>>, then: Then, report: Report) -> Self {
        Self { attempts, then, report }
    }

    /// The failure of the last attempt, which libpq's caller would look at.
    pub fn last(&self) -> Option<&MethodError<Cause>> {
        match &self.attempts.last()?.error {
            CandidateError::Attempt(error) => Some(error),
            _ => None,
        }
    }
}
