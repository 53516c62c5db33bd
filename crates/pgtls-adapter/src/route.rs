//! Where the addresses come from: the parameters, or a program that has opened the connection itself.

use pgtls_core::{
    attempt::MethodError,
    candidates::{Address, AttemptError, Candidate, CandidateAction, CandidateError, Candidates},
    negotiation::Then,
    param::{Params, TargetSessionAttrs},
    policy::Transport,
};
use pgtls_rustls::Cause;
use std::mem;

/// What is known about the other end of a connection that the program has opened itself.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Endpoint {
    /// What the certificate is verified against and what the server is told (SNI).
    pub host: Option<String>,
    /// Index of the host in [`Params::hosts`], for its password.
    pub host_index: usize,
    /// How the bytes get there: on a unix socket `sslmode` has no meaning.
    pub transport: Transport,
    /// The operating-system user that the peer runs as, for `requirepeer`; `None` if it is not known.
    pub peer_user: Option<String>,
}

impl Endpoint {
    /// TCP, or a tunnel that stands for it, to this host.
    pub fn tcp(host: Option<&str>) -> Self {
        let host = host.map(str::to_owned);
        Self { host, host_index: 0, transport: Transport::Tcp, peer_user: None }
    }

    /// A unix socket.
    pub fn unix(peer_user: Option<String>) -> Self {
        Self { host: None, host_index: 0, transport: Transport::Unix, peer_user }
    }

    /// The first host of the parameters, if there is one: what a driver with one connection means.
    pub fn first_host(params: &Params) -> Self {
        Self::tcp(params.hosts().first().and_then(|host| host.host.as_deref()))
    }
}

impl From<&str> for Endpoint {
    fn from(host: &str) -> Self {
        Self::tcp(Some(host))
    }
}

impl From<Option<&str>> for Endpoint {
    fn from(host: Option<&str>) -> Self {
        Self::tcp(host)
    }
}

/// Where the addresses come from.
pub(crate) enum Route {
    Hosts(Box<Candidates<MethodError<Cause>>>),
    Opened { endpoint: Endpoint, errors: Vec<AttemptError<MethodError<Cause>>>, over: Option<Then> },
}

/// Where to go now.
pub(crate) enum Direction {
    Resolve { name: String, port: u16 },
    Try(Target),
    Nowhere,
}

/// One address, as far as it is known.
#[derive(Clone)]
pub(crate) struct Target {
    pub(crate) candidate: Option<Candidate>,
    pub(crate) host: Option<String>,
    pub(crate) host_index: usize,
    pub(crate) transport: Transport,
    /// The user that the peer runs as, where the program knows it.
    pub(crate) peer_user: Option<String>,
    /// What the server has to be.
    pub(crate) role: TargetSessionAttrs,
}

impl Target {
    pub(crate) fn address(&self) -> Option<&Address> {
        self.candidate.as_ref().map(|candidate| &candidate.address)
    }
}

impl Route {
    pub(crate) fn direction(&self, params: &Params) -> Direction {
        match self {
            Self::Hosts(candidates) => match candidates.poll_action() {
                CandidateAction::Resolve { name, port } => Direction::Resolve { name, port },
                CandidateAction::Try(candidate) => Direction::Try(Target {
                    host: candidate.host.clone(),
                    host_index: candidate.host_index,
                    transport: candidate.address.transport(),
                    candidate: Some(candidate),
                    peer_user: None,
                    role: candidates.target_session_attrs(),
                }),
                _ => Direction::Nowhere,
            },
            Self::Opened { endpoint, over: None, .. } => Direction::Try(Target {
                candidate: None,
                host: endpoint.host.clone(),
                host_index: endpoint.host_index,
                transport: endpoint.transport,
                peer_user: endpoint.peer_user.clone(),
                role: alone(params.target_session_attrs()),
            }),
            Self::Opened { .. } => Direction::Nowhere,
        }
    }

    pub(crate) fn note(&mut self, error: MethodError<Cause>) {
        match self {
            Self::Hosts(candidates) => candidates.note(error),
            Self::Opened { errors, .. } => errors.push(without_address(error)),
        }
    }

    pub(crate) fn failed(&mut self, error: MethodError<Cause>, then: Then) {
        match self {
            Self::Hosts(candidates) => candidates.failed(error, then),
            Self::Opened { errors, over, .. } => {
                errors.push(without_address(error));
                *over = Some(then);
            }
        }
    }

    /// The errors, and what is left to be tried. The walk is over.
    pub(crate) fn end(&mut self) -> (Vec<AttemptError<MethodError<Cause>>>, Then) {
        let over = Self::Opened { endpoint: Endpoint::tcp(None), errors: Vec::new(), over: Some(Then::Stop) };
        match mem::replace(self, over) {
            Self::Hosts(candidates) => (candidates.into_errors(), Then::Stop),
            Self::Opened { errors, over, .. } => (errors, over.unwrap_or(Then::Stop)),
        }
    }
}

/// A server that is the only one there is cannot be passed over for a better one.
fn alone(target: TargetSessionAttrs) -> TargetSessionAttrs {
    match target {
        TargetSessionAttrs::PreferStandby => TargetSessionAttrs::Any,
        other => other,
    }
}

fn without_address(error: MethodError<Cause>) -> AttemptError<MethodError<Cause>> {
    AttemptError::without_address(CandidateError::Attempt(error))
}
