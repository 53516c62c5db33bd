//! Hosts and addresses in the order libpq tries them (spec 1.8, 3.8).

use crate::{negotiation::Then, param::Params};
use alloc::{string::String, vec::Vec};
use core::net::IpAddr;

/// Where to connect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// TCP.
    Tcp {
        /// Address.
        ip: IpAddr,
        /// Port.
        port: u16,
    },
    /// A unix socket by path (`/dir/.s.PGSQL.5432`) or, with a leading `@`, an abstract name.
    Unix(String),
}

/// One address of one host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Index in the host list.
    pub host_index: usize,
    /// The host text for verification and SNI; `None` when only hostaddr was given.
    pub host: Option<String>,
    /// Where to connect.
    pub address: Address,
}

/// What to do now.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CandidateAction {
    /// Look this name up; answer with `resolved` or `resolve_failed`.
    Resolve {
        /// The name.
        name: String,
        /// The port, for resolvers that want it.
        port: u16,
    },
    /// Negotiate with this address; answer with `ended`.
    Try(Candidate),
    /// Nothing is left; see `errors`.
    Exhausted,
}

/// Walks hosts and addresses and collects errors of type `E`.
#[derive(Debug)]
pub struct Candidates<E> {
    errors: Vec<AttemptError<E>>,
    // private
}

/// One error with the address it belongs to.
#[derive(Debug)]
pub struct AttemptError<E> {
    /// Text before the error, as libpq prints it: `connection to server at "h" (1.2.3.4), port 5432 failed: `.
    pub prefix: String,
    /// The error.
    pub error: CandidateError<E>,
}

/// The adapter's error, or one that the walk itself found.
#[derive(Debug)]
#[non_exhaustive]
pub enum CandidateError<E> {
    /// From the adapter.
    Attempt(E),
    /// Host, hostaddr or port that cannot be used.
    Param(crate::param::ParamError),
}

#[allow(clippy::unused_self)]
impl<E> Candidates<E> {
    /// Starts with the first host. `shuffle` is called with a length and yields an index below it when `load_balance_hosts=random`.
    pub fn new(_params: &Params, _environment: &crate::environment::Environment) -> Self {
        todo!()
    }
    /// What to do now; the same answer until something is handed in.
    pub fn poll_action(&self) -> CandidateAction {
        todo!()
    }
    /// The name has these addresses, in resolver order.
    pub fn resolved(&mut self, _addresses: Vec<IpAddr>) {
        todo!()
    }
    /// The name could not be looked up.
    pub fn resolve_failed(&mut self, _error: E) {
        todo!()
    }
    /// A method on the current address failed and another follows on a new connection: keep the error (libpq accumulates).
    pub fn note(&mut self, _error: E) {
        todo!()
    }
    /// The current address failed for good.
    pub fn failed(&mut self, _error: E, _then: Then) {
        todo!()
    }
    /// All errors so far, in order.
    pub fn errors(&self) -> &[AttemptError<E>] {
        &self.errors
    }
}
