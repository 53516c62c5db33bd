//! Hosts and addresses in the order libpq tries them (libpq: `PQconnectPoll`).
//!
//! All addresses of a host in the order in which the resolver gave them, then the next host. A port, address or socket
//! path that cannot be used fails its host as a refused connection would; a port that is no number ends the walk.
//! Whether a failed attempt moves on is the negotiation's to say ([`Then`]).
//!
//! With `target_session_attrs=prefer-standby` all hosts are tried for a standby first, and then all of them again for
//! any server.
//!
//! ```
//! use pgtls_core::{
//!     candidates::{Address, CandidateAction, Candidates},
//!     environment::{Environment, Platform},
//!     negotiation::Then,
//!     param::{Ability, Params, Settings},
//! };
//! use std::io;
//!
//! let environment = Environment::empty(Platform::Unix).with_variable("PGUSER", "u");
//! let settings = Settings::parse("host=db.example.com,replica hostaddr=,192.0.2.2 port=5433")?;
//! let params = Params::resolve(&settings, None, &environment, Ability::default())?;
//!
//! // A resolver and a network, played by hand; an adapter drives an `Attempt` where an address is tried, and is done when
//! // that has a session.
//! let mut candidates = Candidates::new(&params, &environment, 0);
//! let mut tried = Vec::new();
//! loop {
//!     match candidates.poll_action() {
//!         CandidateAction::Resolve { .. } => candidates.resolved(["192.0.2.1:0".parse()?]),
//!         CandidateAction::Try(candidate) => {
//!             tried.push(candidate.address);
//!             candidates.failed(io::Error::from(io::ErrorKind::ConnectionRefused), Then::NextAddress);
//!         }
//!         _ => break,
//!     }
//! }
//! assert_eq!(tried, ["192.0.2.1:5433", "192.0.2.2:5433"].map(|address| Address::Tcp(address.parse().unwrap())));
//! let error = candidates.errors()[0].to_string();
//! assert!(error.starts_with(r#"connection to server at "db.example.com" (192.0.2.1), port 5433 failed: "#), "{error}");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod host;
mod numeric;
mod random;

use crate::{
    environment::Environment,
    negotiation::Then,
    param::{LoadBalanceHosts, ParamError, Params, TargetSessionAttrs},
    policy::Transport,
};
use alloc::{collections::VecDeque, string::String, vec::Vec};
use core::{fmt, net::SocketAddr};
use host::{Entrance, Host};
use random::Random;

/// Where to connect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// TCP.
    Tcp(SocketAddr),
    /// A unix socket by path (`/dir/.s.PGSQL.5432`) or, with a leading `@`, an abstract name.
    Unix(String),
}

impl Address {
    /// How packets get there.
    pub fn transport(&self) -> Transport {
        match self {
            Self::Tcp(_) => Transport::Tcp,
            Self::Unix(_) => Transport::Unix,
        }
    }
}

/// One address of one host.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Candidate {
    /// Index in the host list as written ([`Params::hosts`]).
    pub host_index: usize,
    /// The host text for verification and SNI; `None` when only hostaddr was given.
    pub host: Option<String>,
    /// Where to connect.
    pub address: Address,
}

impl Candidate {
    /// An address that a program has chosen itself.
    pub const fn new(host_index: usize, host: Option<String>, address: Address) -> Self {
        Self { host_index, host, address }
    }
}

/// What to do now.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CandidateAction {
    /// Look this name up; answer with `resolved` or `resolve_failed`. It may be the numeric form of an address with a
    /// zone, which only the operating system can read.
    Resolve {
        /// The name.
        name: String,
        /// The port, for resolvers that want it.
        port: u16,
    },
    /// Negotiate with this address; answer with `failed`, or be done.
    Try(Candidate),
    /// Nothing is left; see `errors`.
    Exhausted,
}

/// Walks hosts and addresses and collects errors of type `E`.
#[derive(Debug)]
pub struct Candidates<E> {
    hosts: Vec<Host>,
    /// Where we are in `hosts`.
    position: usize,
    stage: Stage,
    target: TargetSessionAttrs,
    /// The hosts are tried again, for any server, when all have failed.
    another_round: bool,
    /// An option of TCP sockets that cannot be set.
    socket_error: Option<ParamError>,
    random: Option<Random>,
    errors: Vec<AttemptError<E>>,
}

/// What is done with the current host.
#[derive(Debug)]
enum Stage {
    Resolving { name: String, port: u16 },
    Trying { now: Address, later: VecDeque<Address> },
    Exhausted,
}

impl<E> Candidates<E> {
    /// Starts with the first host. `seed` is a random number for `load_balance_hosts=random`, and unused without.
    pub fn new(params: &Params, environment: &Environment, seed: u64) -> Self {
        let mut random = match params.load_balance_hosts() {
            LoadBalanceHosts::Random => Some(Random::new(seed)),
            LoadBalanceHosts::Disable => None,
        };
        let mut hosts = host::list(params, environment);
        if let Some(random) = &mut random {
            random.shuffle(&mut hosts);
        }
        let another_round = params.target_session_attrs() == TargetSessionAttrs::PreferStandby;
        let mut candidates = Self {
            hosts,
            position: 0,
            stage: Stage::Exhausted,
            target: if another_round { TargetSessionAttrs::Standby } else { params.target_session_attrs() },
            another_round,
            socket_error: params.keepalives().err(),
            random,
            errors: Vec::new(),
        };
        candidates.enter_host();
        candidates
    }

    /// Nothing but this address, which was reached before: nothing is looked up, shuffled or asked about its role
    /// (libpq: `PQcancelCreate`).
    pub fn only(params: &Params, environment: &Environment, candidate: &Candidate) -> Self {
        let hosts =
            host::list(params, environment).into_iter().filter(|host| host.index == candidate.host_index);
        let mut candidates = Self {
            hosts: hosts.collect(),
            position: 0,
            stage: Stage::Exhausted,
            target: TargetSessionAttrs::Any,
            another_round: false,
            socket_error: params.keepalives().err(),
            random: None,
            errors: Vec::new(),
        };
        candidates.try_addresses(VecDeque::from([candidate.address.clone()]));
        candidates
    }

    /// What to do now; the same answer until something is handed in.
    pub fn poll_action(&self) -> CandidateAction {
        match (&self.stage, self.hosts.get(self.position)) {
            (Stage::Resolving { name, port }, _) => {
                CandidateAction::Resolve { name: name.clone(), port: *port }
            }
            (Stage::Trying { now, .. }, Some(host)) => CandidateAction::Try(Candidate {
                host_index: host.index,
                host: host.item.host.clone(),
                address: now.clone(),
            }),
            (Stage::Trying { .. }, None) | (Stage::Exhausted, _) => CandidateAction::Exhausted,
        }
    }

    /// What a server has to be to count as reached: `target_session_attrs`, with `standby` and later `any` in the
    /// place of `prefer-standby`.
    pub fn target_session_attrs(&self) -> TargetSessionAttrs {
        self.target
    }

    /// The name has these addresses, in resolver order; their ports do not matter.
    pub fn resolved(&mut self, addresses: impl IntoIterator<Item = SocketAddr>) {
        let Stage::Resolving { name, port } = &self.stage else {
            return;
        };
        let with_port = |mut address: SocketAddr| {
            address.set_port(*port);
            Address::Tcp(address)
        };
        let mut addresses: Vec<_> = addresses.into_iter().map(with_port).collect();
        if let Some(random) = &mut self.random {
            random.shuffle(&mut addresses);
        }
        if addresses.is_empty() {
            let error = CandidateError::Lookup { name: name.clone(), error: None };
            self.errors.push(AttemptError { prefix: String::new(), error });
        }
        if !self.try_addresses(addresses.into()) {
            self.leave_host();
        }
    }

    /// The name could not be looked up: the next host follows.
    pub fn resolve_failed(&mut self, error: E) {
        let Stage::Resolving { name, .. } = &self.stage else {
            return;
        };
        let error = CandidateError::Lookup { name: name.clone(), error: Some(error) };
        self.errors.push(AttemptError { prefix: String::new(), error });
        self.leave_host();
    }

    /// A method on the current address failed and another follows on a new connection: its error is kept.
    pub fn note(&mut self, error: E) {
        self.record(CandidateError::Attempt(error));
    }

    /// The current address failed for good.
    pub fn failed(&mut self, error: E, then: Then) {
        self.note(error);
        match (then, &mut self.stage) {
            (Then::NextAddress, Stage::Trying { later, .. }) => {
                let later = core::mem::take(later);
                if !self.try_addresses(later) {
                    self.leave_host();
                }
            }
            (Then::NextAddress | Then::NextHost, _) => self.leave_host(),
            (Then::Stop, _) => self.stage = Stage::Exhausted,
        }
    }

    /// All errors so far, in order.
    pub fn errors(&self) -> &[AttemptError<E>] {
        &self.errors
    }

    /// All errors so far, in order, given away.
    pub fn into_errors(self) -> Vec<AttemptError<E>> {
        self.errors
    }

    fn leave_host(&mut self) {
        self.position = self.position.saturating_add(1);
        self.enter_host();
    }

    /// Goes to the first host from here on that can be looked up or tried.
    fn enter_host(&mut self) {
        loop {
            let Some(host) = self.hosts.get(self.position) else {
                if !core::mem::take(&mut self.another_round) {
                    self.stage = Stage::Exhausted;
                    return;
                }
                self.target = TargetSessionAttrs::Any;
                self.position = 0;
                continue;
            };
            match host.entrance() {
                Entrance::Resolve { name, port } => {
                    self.stage = Stage::Resolving { name, port };
                    return;
                }
                Entrance::Try(address) => {
                    if self.try_addresses(VecDeque::from([address])) {
                        return;
                    }
                }
                Entrance::NextHost(error) => self.record_without_address(error),
                Entrance::Stop(error) => {
                    self.record_without_address(error);
                    self.stage = Stage::Exhausted;
                    return;
                }
            }
            self.position = self.position.saturating_add(1);
        }
    }

    /// Goes to the first of the addresses for which a socket can be made; `false` when there is none.
    fn try_addresses(&mut self, mut addresses: VecDeque<Address>) -> bool {
        while let Some(now) = addresses.pop_front() {
            let socket_error = self.socket_error.clone().filter(|_| matches!(now, Address::Tcp(_)));
            let later = core::mem::take(&mut addresses);
            self.stage = Stage::Trying { now, later };
            let Some(error) = socket_error else {
                return true;
            };
            self.record(CandidateError::Param(error));
            if let Stage::Trying { later, .. } = &mut self.stage {
                addresses = core::mem::take(later);
            }
        }
        false
    }

    /// Keeps an error about the current address.
    fn record(&mut self, error: CandidateError<E>) {
        let prefix = match (&self.stage, self.hosts.get(self.position)) {
            (Stage::Trying { now, .. }, Some(host)) => host.prefix(now),
            _ => String::new(),
        };
        self.errors.push(AttemptError { prefix, error });
    }

    fn record_without_address(&mut self, error: ParamError) {
        self.errors.push(AttemptError { prefix: String::new(), error: CandidateError::Param(error) });
    }
}

/// One error with the address it belongs to; `Display` prints both.
#[derive(Debug)]
#[non_exhaustive]
pub struct AttemptError<E> {
    /// Text before the error, as libpq prints it: `connection to server at "h" (1.2.3.4), port 5432 failed: `; empty
    /// when there was no address yet.
    pub prefix: String,
    /// The error.
    pub error: CandidateError<E>,
}

impl<E> AttemptError<E> {
    /// An error on a connection that the program has opened itself, and whose address is not known.
    pub const fn without_address(error: CandidateError<E>) -> Self {
        Self { prefix: String::new(), error }
    }
}

/// The adapter's error, or one that the walk itself found.
#[derive(Debug)]
#[non_exhaustive]
pub enum CandidateError<E> {
    /// From the adapter, about an attempt.
    Attempt(E),
    /// From the adapter, about looking up a name.
    Lookup {
        /// The name.
        name: String,
        /// Why; `None` when the resolver knew the name but no address of it.
        error: Option<E>,
    },
    /// Host, hostaddr, port or socket option that cannot be used.
    Param(ParamError),
}

impl<E: fmt::Display> fmt::Display for AttemptError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.prefix, self.error)
    }
}

impl<E: fmt::Display> fmt::Display for CandidateError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Attempt(error) => error.fmt(f),
            Self::Param(error) => error.fmt(f),
            Self::Lookup { name, error } => {
                lookup_failed(name, f)?;
                match error {
                    Some(error) => write!(f, ": {error}"),
                    None => f.write_str(": it has none"),
                }
            }
        }
    }
}

/// What stands before an `@` in a host is the end of a password that was not encoded: not shown.
fn lookup_failed(name: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match name.rsplit_once('@') {
        None => write!(f, "could not translate host name {name:?} to address"),
        Some((_, end)) => write!(
            f,
            "could not translate host name ending in {:?} to address; in a URI write %40 for an \"@\" in a password",
            alloc::format!("@{end}")
        ),
    }
}

impl<E: core::error::Error> core::error::Error for AttemptError<E> {}
impl<E: core::error::Error> core::error::Error for CandidateError<E> {}
