//! A session, and the place of its startup exchange.

use crate::watch::Watch;
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

/// The host and address of a startup exchange, and the role that its server must have.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Startup<'a> {
    /// Index of the host in the list as written ([`Params::hosts`](pgtls_core::param::Params::hosts)), for its password.
    pub host_index: usize,
    /// The host that the certificate was verified against, if one is known.
    pub host: Option<&'a str>,
    /// The address; `None` on a connection that the program has opened itself.
    pub address: Option<&'a Address>,
    /// The role that the server must have; see [`role_query`](Self::role_query).
    pub target_session_attrs: TargetSessionAttrs,
    pub(crate) watch: Option<&'a Watch>,
}

impl Startup<'_> {
    /// The query that establishes the server's role, after ReadyForQuery has been read. Servers report their role since
    /// release 14; for older ones a driver sends this query, gives its one value to [`role_answer`](Self::role_answer), and
    /// reads up to the next ReadyForQuery. `None` if the role is established or none is demanded.
    ///
    /// ```
    /// # use pgtls_adapter::{Startup, StartupError};
    /// /// The end of a startup exchange. `query` runs a simple query and returns the value in its first row.
    /// fn after_ready_for_query(
    ///     at: Startup<'_>,
    ///     query: impl FnOnce(&str) -> Result<Option<Vec<u8>>, StartupError>,
    /// ) -> Result<(), StartupError> {
    ///     if let Some(sql) = at.role_query() {
    ///         at.role_answer(query(sql)?.as_deref());
    ///     }
    ///     Ok(())
    /// }
    /// ```
    pub fn role_query(self) -> Option<&'static str> {
        self.watch?.role_query()
    }

    /// The answer to [`role_query`](Self::role_query); `None` if the query failed or returned no row. A server of the wrong
    /// role fails the attempt, whatever the startup exchange returns.
    pub fn role_answer(self, value: Option<&[u8]>) {
        if let Some(watch) = self.watch {
            watch.role_answer(value);
        }
    }
}
