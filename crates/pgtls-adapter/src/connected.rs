//! A session, and what a startup exchange is told.

use pgtls_core::{
    attempt::{MethodError, Report},
    candidates::{Address, AttemptError, Candidate},
    param::TargetSessionAttrs,
};
use pgtls_rustls::Cause;

/// A session with a server.
#[derive(Debug)]
#[non_exhaustive]
pub struct Connected<S, T> {
    /// Its bytes.
    pub stream: S,
    /// What the startup exchange returned.
    pub value: T,
    /// What was seen on the way.
    pub report: Report,
    /// What failed before, in order: why the session is not encrypted, or not with the first host.
    pub failed: Vec<AttemptError<MethodError<Cause>>>,
}

impl<S, T> Connected<S, T> {
    /// The address of the session, for [`Walk::cancel`](crate::Walk::cancel) and its like; `None` on a connection that the
    /// program has opened itself.
    pub fn candidate(&self) -> Option<&Candidate> {
        self.report.tried.last()?.candidate.as_ref()
    }

    pub(crate) fn new(
        session: (S, T),
        report: Report,
        failed: Vec<AttemptError<MethodError<Cause>>>,
    ) -> Self {
        Self { stream: session.0, value: session.1, report, failed }
    }
}

/// What a startup exchange may want to know about where it is.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Startup<'a> {
    /// Index of the host in the list as written ([`Params::hosts`](pgtls_core::param::Params::hosts)), for its password.
    pub host_index: usize,
    /// The host that the certificate was verified against, if one is known.
    pub host: Option<&'a str>,
    /// The address; `None` on a connection that the program has opened itself.
    pub address: Option<&'a Address>,
    /// What the server has to be to count as reached; whoever runs the exchange finds it out.
    pub target_session_attrs: TargetSessionAttrs,
}
