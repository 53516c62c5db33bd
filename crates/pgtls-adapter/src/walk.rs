//! From parameters to a session: all hosts, all addresses.

use crate::{
    cancelled::Cancelled,
    config::Config,
    connected::{Connected, Startup},
    deadline::{Deadline, has_expired},
    material::{Material, Worked},
    route::{Direction, Endpoint, Route},
    step::Step,
    trial::Trial,
};
use pgtls_core::{
    attempt::{MethodError, Report, Tried},
    candidates::{Address, AttemptError, Candidate, Candidates},
    negotiation::{Encryption, Then},
    param::{Params, TargetSessionAttrs},
    policy::Payload,
    startup::ClientCertificate,
};
use pgtls_rustls::{Cause, ConnectError, SessionFacts, StartupError};
use rustls::ClientConnection;
use std::{fmt, io, net::SocketAddr};

/// The attempts that failed before, in order.
type Failures = Vec<AttemptError<MethodError<Cause>>>;

/// From parameters to a session (libpq: `PQconnectPoll`): tries hosts and addresses in libpq's order, negotiates encryption
/// with each, and falls back where `sslmode` says so.
///
/// Ask [`step`](Self::step) what to do, and answer with the method that the step names. An answer that was not asked for
/// ends the walk.
pub struct Walk<'c> {
    config: &'c Config,
    route: Route,
    purpose: Purpose,
    trial: Option<Trial<'c>>,
    material: Material<'c>,
    certificate: ClientCertificate,
    tried: Vec<Tried>,
}

/// The purpose of the connections. Each has a method of its own that answers [`Step::StartUp`].
#[derive(Clone, Copy, PartialEq, Eq)]
enum Purpose {
    /// [`Walk::conclude`].
    Session,
    /// [`Walk::cancelled`].
    Cancel,
    /// [`Walk::hand_over`].
    Channel,
}

impl<'c> Walk<'c> {
    /// Over the hosts of the parameters.
    pub fn new(config: &'c Config) -> Self {
        let candidates = Candidates::new(&config.params, &config.environment, config.tls.seed());
        Self::on(config, Route::Hosts(Box::new(candidates)), Purpose::Session)
    }

    /// Over nothing but the address of a session, to cancel what it is doing (libpq: `PQcancelStart`). At
    /// [`Step::StartUp`] the adapter sends a [`CancelRequest`](pgtls_core::message::CancelRequest), reads until the
    /// server closes the connection, and calls [`cancelled`](Self::cancelled).
    pub fn cancel(config: &'c Config, session: &Candidate) -> Self {
        let candidates = Candidates::only(&config.params, &config.environment, session);
        Self::on(config, Route::Hosts(Box::new(candidates)), Purpose::Cancel)
    }

    /// Over nothing but the connections that the program opens itself, to one address.
    pub fn opened(config: &'c Config, endpoint: Endpoint) -> Self {
        Self::to(config, endpoint, Purpose::Session)
    }

    /// Over nothing but the connections that the program opens itself, for the connector of a driver that starts the session
    /// by itself. [`hand_over`](Self::hand_over) answers [`Step::StartUp`]; there is never a [`Connected`].
    pub fn channel(config: &'c Config, endpoint: Endpoint) -> Self {
        Self::to(config, endpoint, Purpose::Channel)
    }

    fn to(config: &'c Config, endpoint: Endpoint, purpose: Purpose) -> Self {
        let route = Route::Opened { endpoint, errors: Vec::new(), over: None };
        let mut walk = Self::on(config, route, purpose);
        // The deadline begins now.
        walk.enter();
        walk
    }

    fn on(config: &'c Config, route: Route, purpose: Purpose) -> Self {
        Self {
            config,
            route,
            purpose,
            trial: None,
            material: Material::new(config),
            certificate: ClientCertificate::default(),
            tried: Vec::new(),
        }
    }

    /// What to do now; the same until it is answered.
    pub fn step(&mut self) -> Step<'c> {
        loop {
            if let Some(trial) = &mut self.trial {
                match trial.step(&mut self.material) {
                    Some(step) => return step,
                    None => self.leave(),
                }
            } else if let Some(step) = self.enter() {
                return step;
            }
        }
    }

    /// Goes to the next address, unless there is something to do before.
    fn enter(&mut self) -> Option<Step<'c>> {
        match self.route.direction(&self.config.params) {
            Direction::Resolve { name, port } => return Some(Step::Resolve { name, port }),
            Direction::Nowhere => return Some(Step::GiveUp),
            Direction::Try(mut target) => {
                let payload = match self.purpose {
                    Purpose::Session => Payload::Startup,
                    Purpose::Cancel => Payload::Cancel,
                    Purpose::Channel => {
                        // The other driver has queries of its own for it.
                        target.role = TargetSessionAttrs::Any;
                        Payload::Startup
                    }
                };
                match Trial::new(&self.config.params, target, payload, self.certificate) {
                    Ok(trial) => self.trial = Some(trial),
                    Err(error) => self.route.failed(Cause::Plan(error).into(), Then::Stop),
                }
            }
        }
        None
    }

    /// Keeps what is to be known of the address that was tried.
    fn leave(&mut self) {
        let Some(trial) = self.trial.take() else { return };
        let candidate = trial.target.candidate.clone();
        let ended = trial.end();
        self.certificate = ended.certificate;
        self.tried.push(Tried::new(candidate, ended.trace));
        for error in ended.failed_before {
            self.route.note(error);
        }
        if let Some((error, then)) = ended.failed {
            self.route.failed(error, then);
        }
    }

    /// The parameters, for the options of sockets.
    pub fn params(&self) -> &'c Params {
        &self.config.params
    }

    /// The address to connect to; `None` on a connection that the program opens itself.
    pub fn address(&self) -> Option<&Address> {
        self.trial.as_ref()?.target.address()
    }

    /// The time limit of the address that is being tried, over all its connections. It covers what is read and written up
    /// to ReadyForQuery.
    pub fn deadline(&self) -> Deadline {
        self.trial.as_ref().map(|trial| trial.deadline).unwrap_or_default()
    }

    /// The host and address of the startup exchange that is under way.
    pub fn startup(&self) -> Startup<'_> {
        match &self.trial {
            Some(trial) => Startup {
                host_index: trial.target.host_index,
                host: trial.target.host.as_deref(),
                address: trial.target.address(),
                target_session_attrs: trial.target.role,
                watch: trial.watch(),
            },
            None => Startup {
                host_index: 0,
                host: None,
                address: None,
                target_session_attrs: TargetSessionAttrs::Any,
                watch: None,
            },
        }
    }

    /// Answers [`Step::Resolve`]: the addresses, in the resolver's order. Their ports do not matter.
    pub fn resolved(&mut self, addresses: io::Result<impl IntoIterator<Item = SocketAddr>>) {
        let Route::Hosts(candidates) = &mut self.route else { return };
        match addresses {
            Ok(addresses) => candidates.resolved(addresses),
            Err(error) => candidates.resolve_failed(Cause::Io(error).into()),
        }
    }

    /// Answers [`Step::Connect`], and hands the connection back.
    pub fn connected<S>(&mut self, connection: io::Result<S>) -> Option<S> {
        let (connected, connection) = match connection {
            Ok(connection) => (Ok(()), Some(connection)),
            Err(error) => (Err(error), None),
        };
        if let Some(trial) = &mut self.trial {
            trial.connected(connected);
        }
        connection
    }

    /// Answers [`Step::CheckPeer`]: the name of the user that the peer runs as.
    pub fn peer_user(&mut self, user: io::Result<String>) {
        if let Some(trial) = &mut self.trial {
            trial.peer_user(user);
        }
    }

    /// Answers [`Step::Send`].
    pub fn sent(&mut self, sent: io::Result<()>) {
        if let Some(trial) = &mut self.trial {
            trial.sent(sent);
        }
    }

    /// Answers [`Step::Receive`].
    pub fn received(&mut self, received: io::Result<&[u8]>) {
        if let Some(trial) = &mut self.trial {
            trial.received(received);
        }
    }

    /// Answers [`Step::Work`]. An error means that it could not be done, which ends the walk; if the error is
    /// [`expired`](crate::expired), the deadline of the address has passed.
    pub fn worked(&mut self, worked: io::Result<Worked>) {
        match (worked, &mut self.trial) {
            (Ok(worked), _) => self.material.worked(worked),
            (Err(error), Some(trial)) if has_expired(&error) => {
                self.material.expired(error);
                trial.timed_out();
            }
            (Err(error), Some(trial)) => trial.abandon(error.into()),
            (Err(_), None) => {}
        }
    }

    /// Answers [`Step::StartTls`]: the handshake is complete. Returns facts of the session. A handshake that is not
    /// complete ends the walk.
    pub fn encrypted(&mut self, connection: &ClientConnection) -> Option<SessionFacts> {
        self.trial.as_mut()?.encrypted(connection)
    }

    /// Answers [`Step::StartTls`]: the handshake has failed; rustls' error is within this one, if it was rustls that failed.
    pub fn not_encrypted(&mut self, error: io::Error) {
        if let Some(trial) = &mut self.trial {
            trial.not_encrypted(error);
        }
    }

    /// Answers [`Step::StartUp`] with the stream and the result of the startup exchange; returns them if there is a
    /// session. What the server has sent takes precedence over the result.
    ///
    /// There is a session only if its bytes have passed the [`Watch`](crate::Watch): a StartupMessage of an allowed protocol
    /// version, ReadyForQuery, and the role that `target_session_attrs` demands ([`Startup::role_query`]). A result that
    /// claims a session without this proof ends the walk.
    pub fn conclude<S, T>(&mut self, outcome: Result<(S, T), StartupError>) -> Option<Connected<S, T>> {
        let (session, report, failed) = self.end_startup(Purpose::Session, outcome)?;
        Some(Connected::new(session, report, failed))
    }

    /// Answers [`Step::StartUp`] of [`cancel`](Self::cancel) with the protection of the connection on which the
    /// CancelRequest was sent and which the server has closed.
    pub fn cancelled(&mut self, outcome: Result<Encryption, StartupError>) -> Option<Cancelled> {
        let (encryption, report, failed) = self.end_startup(Purpose::Cancel, outcome)?;
        Some(Cancelled { encryption, report, failed })
    }

    /// Answers [`Step::StartUp`] of [`channel`](Self::channel): the other driver gets the stream, which stays under the
    /// watch until the server is ready for queries. The deadline is met.
    pub fn hand_over(&mut self) -> bool {
        let Some(trial) = &mut self.trial else { return false };
        if self.purpose == Purpose::Channel {
            return trial.hand_over();
        }
        trial.misused();
        false
    }

    fn end_startup<T>(
        &mut self,
        purpose: Purpose,
        outcome: Result<T, StartupError>,
    ) -> Option<(T, Report, Failures)> {
        let trial = self.trial.as_mut()?;
        if self.purpose != purpose {
            trial.misused();
            return None;
        }
        let (value, outcome) = match outcome {
            Ok(value) => (Some(value), Ok(())),
            Err(error) => (None, Err(error)),
        };
        let is_up = trial.conclude(outcome);
        let value = value.filter(|_| is_up)?;
        self.leave();
        let (report, (failed, _)) = (self.report(), self.route.end());
        Some((value, report, failed))
    }

    /// Answers [`Step::GiveUp`]: all attempts, in order, with what was seen on the way.
    pub fn give_up(&mut self) -> ConnectError {
        self.leave();
        let (report, (attempts, then)) = (self.report(), self.route.end());
        ConnectError::new(attempts, then, report)
    }

    /// Answers any step but the last: it cannot be taken, because the connection that it is about is gone. Ends the walk.
    pub fn interrupted(&mut self) {
        match &mut self.trial {
            Some(trial) => trial.abandon(Cause::Io(io::ErrorKind::NotConnected.into())),
            None => drop(self.route.end()),
        }
    }

    fn report(&mut self) -> Report {
        let (files, warnings) = self.material.take_report();
        let mut report = Report::default();
        report.tried = std::mem::take(&mut self.tried);
        report.files = files;
        report.warnings = warnings;
        report
    }
}

impl fmt::Debug for Walk<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Walk")
            .field("address", &self.address())
            .field("tried", &self.tried)
            .finish_non_exhaustive()
    }
}
