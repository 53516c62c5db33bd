//! All hosts and addresses of a target, one [`Dialled`] after the other.

use crate::{
    dialled::{Dialled, Progress},
    link::Link,
};
use mio::{Registry, Token};
use pgtls_core::{
    attempt::MethodError,
    candidates::{Address, Candidate, CandidateAction, Candidates},
    environment::Environment,
    negotiation::{Misuse, Then},
    param::{ParamError, Params, TargetSessionAttrs},
    policy::{GssCredentials, Payload, plan},
    startup::ClientCertificate,
};
use pgtls_rustls::{Cause, Connector};
use std::{
    collections::BTreeMap,
    io,
    net::{SocketAddr, ToSocketAddrs},
    time::{Duration, Instant},
};

/// How long an address may take when `connect_timeout` does not say.
const PATIENCE: Duration = Duration::from_secs(120);

/// Where to connect and how: what all sessions with it share.
pub struct Target {
    params: Params,
    environment: Environment,
    connector: Connector,
    /// Looked up before the loop begins, because the lookup waits. A program with a resolver of its own asks it instead.
    names: BTreeMap<String, Result<Vec<SocketAddr>, String>>,
    patience: Duration,
}

impl Target {
    /// Looks all names up.
    ///
    /// # Errors
    /// `connect_timeout` is no number.
    pub fn new(params: Params, environment: Environment, connector: Connector) -> Result<Self, ParamError> {
        let mut names = BTreeMap::new();
        let mut candidates = Candidates::<()>::new(&params, &environment, 0);
        loop {
            match candidates.poll_action() {
                CandidateAction::Resolve { name, port } => {
                    let found = (name.as_str(), port).to_socket_addrs().map(Iterator::collect);
                    names.insert(name, found.map_err(|error: io::Error| error.to_string()));
                    candidates.resolve_failed(());
                }
                CandidateAction::Try(_) => candidates.failed((), Then::NextHost),
                _ => break,
            }
        }
        let patience = params.connect_timeout()?.unwrap_or(PATIENCE);
        Ok(Self { params, environment, connector, names, patience })
    }

    /// The parameters.
    pub fn params(&self) -> &Params {
        &self.params
    }

    /// One address, without a walk.
    fn dial(
        &self,
        candidate: &Candidate,
        payload: Payload,
        earlier: ClientCertificate,
        role: TargetSessionAttrs,
        token: Token,
    ) -> Result<Dialled<'_>, Cause> {
        let Address::Tcp(address) = candidate.address else {
            return Err(Cause::Startup("this example knows no unix sockets".into()));
        };
        let plan = plan(&self.params, candidate.address.transport(), GssCredentials::Absent, payload)
            .map_err(Cause::Plan)?;
        let link = Link::new(&self.params, plan, &self.connector, candidate.host.clone(), earlier);
        Ok(Dialled::new(link.with_role(role), address, token))
    }
}

/// A walk over the addresses of a target until one has a session.
pub struct Walk<'t> {
    target: &'t Target,
    token: Token,
    candidates: Option<Candidates<MethodError<Cause>>>,
    current: Option<(Candidate, Dialled<'t>)>,
    certificate: ClientCertificate,
    deadline: Instant,
}

impl<'t> Walk<'t> {
    /// For a session. `seed` is a random number for `load_balance_hosts=random`.
    pub fn new(target: &'t Target, token: Token, seed: u64) -> Self {
        Self {
            candidates: Some(Candidates::new(&target.params, &target.environment, seed)),
            target,
            token,
            current: None,
            certificate: ClientCertificate::default(),
            deadline: Instant::now() + target.patience,
        }
    }

    /// For a CancelRequest to the address where the session is.
    ///
    /// # Errors
    /// The parameters leave no way to connect.
    pub fn cancel(target: &'t Target, candidate: Candidate, token: Token) -> Result<Self, Cause> {
        let certificate = ClientCertificate::default();
        let dialled =
            target.dial(&candidate, Payload::Cancel, certificate, TargetSessionAttrs::Any, token)?;
        let deadline = Instant::now() + target.patience;
        Ok(Self {
            target,
            token,
            candidates: None,
            current: Some((candidate, dialled)),
            certificate,
            deadline,
        })
    }

    /// The link, while there is one.
    pub fn link(&mut self) -> Option<&mut Link<'t>> {
        self.current.as_mut().map(|(_, dialled)| dialled.link())
    }

    /// The address that is tried, or has the session.
    pub fn candidate(&self) -> Option<&Candidate> {
        self.current.as_ref().map(|(candidate, _)| candidate)
    }

    /// When the current address has had its time; without meaning once its session is up.
    pub fn deadline(&self) -> Instant {
        self.deadline
    }

    /// The deadline has passed: [`drive`](Self::drive) goes on to what follows.
    pub fn timed_out(&mut self) -> Result<(), Misuse> {
        self.link().map_or(Ok(()), Link::timed_out)
    }

    /// Why there is no session: all errors, in order.
    pub fn errors(&self) -> String {
        let errors = self.candidates.iter().flat_map(Candidates::errors);
        errors.map(ToString::to_string).collect::<Vec<_>>().join("; ")
    }

    /// Goes as far as it can without waiting, as [`Dialled::drive`] does; [`Progress::Failed`] is the end of all
    /// addresses.
    ///
    /// # Errors
    /// A bug in the program.
    pub fn drive(&mut self, registry: &Registry, may_read: bool) -> Result<Progress, Misuse> {
        loop {
            let Some((_, dialled)) = &mut self.current else {
                if let Some(failed) = self.next_address() {
                    return Ok(failed);
                }
                continue;
            };
            let then = match dialled.drive(registry, may_read)? {
                Progress::Failed(then) => then,
                progress => return Ok(progress),
            };
            let Some((_, dialled)) = self.current.take() else { continue };
            let ended = dialled.into_link().end();
            self.certificate = ended.certificate;
            let Some(candidates) = &mut self.candidates else { return Ok(Progress::Failed(then)) };
            for error in ended.failed_before {
                candidates.note(error);
            }
            let (error, then) = ended.failed.unwrap_or((MethodError::new(None, None), Then::Stop));
            candidates.failed(error, then);
        }
    }

    /// Takes up the next address; says so if there is none.
    fn next_address(&mut self) -> Option<Progress> {
        let Some(candidates) = &mut self.candidates else { return Some(Progress::Failed(Then::Stop)) };
        match candidates.poll_action() {
            CandidateAction::Resolve { name, .. } => match self.target.names.get(&name) {
                Some(Ok(addresses)) => candidates.resolved(addresses.iter().copied()),
                Some(Err(error)) => {
                    candidates.resolve_failed(Cause::Startup(error.clone().into()).into());
                }
                None => candidates.resolve_failed(MethodError::new(None, None)),
            },
            CandidateAction::Try(candidate) => {
                let role = candidates.target_session_attrs();
                match self.target.dial(&candidate, Payload::Startup, self.certificate, role, self.token) {
                    Ok(dialled) => {
                        self.deadline = Instant::now() + self.target.patience;
                        self.current = Some((candidate, dialled));
                    }
                    Err(cause) => candidates.failed(cause.into(), Then::Stop),
                }
            }
            _ => return Some(Progress::Failed(Then::Stop)),
        }
        None
    }
}
