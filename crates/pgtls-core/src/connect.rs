//! One connection, from parameters to a session, as a machine without I/O (libpq: `PGconn` and `PQconnectPoll`).
//!
//! [`Connection`] returns the next [`Action`], takes its result as an [`Input`], and never blocks. It owns the list of
//! hosts and addresses, the negotiation and the fallbacks on each, the time limit, the flags of the client certificate, the
//! comparison of `requirepeer`, the role that `target_session_attrs` demands, the errors with their addresses, and the trace.
//! The program owns sockets, files, TLS, the clock and the startup exchange.
//!
//! ```
//! use pgtls_core::{
//!     connect::{Action, Connection, Input, Options},
//!     environment::{Environment, Platform},
//!     param::{Ability, Params, Settings},
//! };
//! use std::{io, time::Instant};
//!
//! let environment = Environment::empty(Platform::Unix).with_variable("PGUSER", "u");
//! let settings = Settings::parse("host=db.example.com sslmode=require connect_timeout=10")?;
//! let params = Params::resolve(&settings, None, &environment, Ability::default())?;
//!
//! // A resolver and a server without TLS, played by hand. A program has a socket here and observes `deadline()`.
//! let start = Instant::now();
//! let mut connection = Connection::<io::Error>::new(&params, &environment, Options::default());
//! let error = loop {
//!     let input = match connection.poll(start.elapsed()) {
//!         Action::Resolve { .. } => Input::Resolved(Ok(vec!["192.0.2.1:0".parse()?])),
//!         Action::Open => Input::Opened(Ok(())),
//!         Action::Send(_ssl_request) => Input::Sent,
//!         Action::Receive { .. } => Input::Received(b"N"),
//!         Action::Failed => break connection.take_error(),
//!         other => unreachable!("{other:?}"),
//!     };
//!     connection.handle(input)?;
//! };
//! assert_eq!(
//!     error.to_string(),
//!     "connection to server at \"db.example.com\" (192.0.2.1), port 5432 failed: \
//!      server does not support SSL, and sslmode leaves no other way to connect"
//! );
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Startup is proof
//!
//! [`Action::Startup`] is answered with the verdict of a [`StartupMonitor`], which has seen
//! every byte of the exchange. No other value leads to [`Action::Done`]: a StartupMessage of an allowed protocol version,
//! `require_auth`, `channel_binding`, `sslcertmode`, ReadyForQuery and the role are proven, and so are the chain and the name
//! of the certificate ([`TlsFacts`](crate::negotiation::TlsFacts)).

mod action;
mod error;
mod host;
mod hosts;
mod numeric;
mod peer;
mod random;
mod report;
#[cfg(test)]
mod tests;
mod warning;

pub use crate::negotiation::Misuse;
pub use action::{Action, Input, MAX_RECEIVE};
pub use error::{AttemptError, Cause, ConnectError};
pub use peer::{Address, Endpoint, Peer};
pub use report::{AttemptReport, Note, Report};
pub use warning::Warning;

use crate::{
    environment::Environment,
    hardening::Hardening,
    negotiation::{self, AfterFailure, Event, Failure, Negotiation, TlsFailure},
    param::{ParamError, Params, TargetSessionAttrs},
    policy::{EncryptionPlan, GssCredentials, Payload, PolicyInput},
    sni,
    startup::{ClientCertificate, StartupMonitor, StartupRules},
};
use alloc::{borrow::ToOwned, boxed::Box, string::String, vec::Vec};
use core::{net::SocketAddr, time::Duration};
use hosts::{Hosts, Next};

/// Facts of the program for a connection.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Options {
    /// A random number for `load_balance_hosts=random`.
    pub seed: u64,
    /// Whether GSSAPI encryption can be tried.
    pub gss: GssCredentials,
}

impl Default for Options {
    /// Seed 0, no GSSAPI.
    fn default() -> Self {
        Self { seed: 0, gss: GssCredentials::Absent }
    }
}

/// The aim of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// A session: the connection ends in [`Action::Done`].
    Session,
    /// A cancel request: the connection ends in [`Action::Done`] when the server has closed it in order.
    Cancel,
    /// A connection on which another driver runs the startup exchange: it ends in [`Action::Established`].
    Tls,
}

/// One connection, from parameters to a session. `E` is the embedder's error: I/O, TLS, startup.
///
/// Call [`poll`](Self::poll) for the next action, perform it, and report its result with [`handle`](Self::handle), until the
/// action is `Done`, `Established` or `Failed`. While an action is performed, [`deadline`](Self::deadline) holds.
#[derive(Debug)]
pub struct Connection<E> {
    rules: Rules,
    route: Route,
    progress: Progress<E>,
    /// Flags of the client certificate of earlier attempts.
    flags: ClientCertificate,
    then: AfterFailure,
    errors: Vec<AttemptError<E>>,
    report: Report,
    /// The address whose clock was started last.
    timed: Option<Timed>,
    /// Events already returned by `poll_event`: attempts and events of the last one.
    seen: (usize, usize),
}

/// An address with its deadline.
#[derive(Debug)]
struct Timed {
    host_index: usize,
    address: Option<Address>,
    deadline: Option<Duration>,
}

/// The parameters that the machine enforces.
#[derive(Debug)]
struct Rules {
    purpose: Purpose,
    policy: PolicyInput,
    gss: GssCredentials,
    startup: StartupRules,
    requirepeer: String,
    sslsni: bool,
    connect_timeout: Result<Option<Duration>, ParamError>,
}

/// Source of the addresses.
#[derive(Debug)]
enum Route {
    Hosts(Box<Hosts>),
    /// A connection that the program opens itself.
    Provided {
        endpoint: Endpoint,
        role: TargetSessionAttrs,
        failed: bool,
    },
}

#[derive(Debug)]
enum Progress<E> {
    Resolving {
        name: String,
        port: u16,
    },
    /// An address is tried.
    Trying(Box<Attempt<E>>),
    /// The session is up, or the connection has been handed over.
    Up {
        action: Action,
        peer: Peer,
        monitor: Option<Box<StartupMonitor>>,
    },
    Failed,
}

#[derive(Debug)]
struct Alert<E> {
    bytes: &'static [u8],
    failure: TlsFailure,
    cause: E,
}

/// One address.
#[derive(Debug)]
struct Attempt<E> {
    peer: Peer,
    negotiation: Negotiation,
    /// Since the fixed moment of `poll`; `None` before the first connection is opened, and without a limit.
    deadline: Option<Duration>,
    is_timed: bool,
    /// Flags of the client certificate on the present connection.
    certificate: ClientCertificate,
    /// The alert of a failed handshake, which is sent before the failure is handled.
    alert: Option<Alert<E>>,
    /// Bytes that were read with `N`, after the one that the negotiation holds. They are the beginning of the next reply, or
    /// of the startup exchange.
    unread: Vec<u8>,
    monitor_taken: bool,
}

impl<E> Connection<E> {
    /// A session with one of the hosts of the parameters.
    pub fn new(params: &Params, environment: &Environment, options: Options) -> Self {
        let mut errors = Vec::new();
        let hosts = Hosts::new(params, environment, options.seed, &mut errors);
        Self::start(Rules::new(params, Purpose::Session, options.gss), Route::Hosts(Box::new(hosts)), errors)
    }

    /// A connection that the program opens itself: `Open` asks it for the first and for each later one.
    pub fn to(params: &Params, endpoint: Endpoint, purpose: Purpose, options: Options) -> Self {
        let role = match purpose {
            Purpose::Session => params.target_session_attrs(),
            // Another driver has queries of its own for it.
            Purpose::Cancel | Purpose::Tls => TargetSessionAttrs::Any,
        };
        let route = Route::Provided { endpoint, role, failed: false };
        Self::start(Rules::new(params, purpose, options.gss), route, Vec::new())
    }

    /// A cancel request to the server of a session, which is at this address (libpq: `PQcancelStart`).
    pub fn cancel(params: &Params, environment: &Environment, session: &Peer, options: Options) -> Self {
        let mut errors = Vec::new();
        let rules = Rules::new(params, Purpose::Cancel, options.gss);
        let route = if session.address.is_some() {
            Route::Hosts(Box::new(Hosts::only(params, environment, session, &mut errors)))
        } else {
            let endpoint = Endpoint {
                host: session.host.clone(),
                host_index: session.host_index,
                transport: session.transport,
                peer_user: None,
            };
            Route::Provided { endpoint, role: TargetSessionAttrs::Any, failed: false }
        };
        Self::start(rules, route, errors)
    }

    fn start(rules: Rules, route: Route, errors: Vec<AttemptError<E>>) -> Self {
        let mut connection = Self {
            rules,
            route,
            progress: Progress::Failed,
            flags: ClientCertificate::NONE,
            then: AfterFailure::Stop,
            errors,
            report: Report::default(),
            timed: None,
            seen: (0, 0),
        };
        connection.enter();
        connection
    }

    /// The next action; the same until [`handle`](Self::handle). `now` is the time since any fixed moment: the clock of an
    /// address starts at its first `Open`.
    pub fn poll(&mut self, now: Duration) -> Action {
        match &mut self.progress {
            Progress::Resolving { name, port } => Action::Resolve { name: name.clone(), port: *port },
            Progress::Trying(attempt) => {
                let action = attempt.action(&self.rules);
                if action == Action::Open && !attempt.is_timed {
                    attempt.is_timed = true;
                    let same = self.timed.as_ref().filter(|timed| {
                        timed.host_index == attempt.peer.host_index && timed.address == attempt.peer.address
                    });
                    attempt.deadline = match (&self.rules.connect_timeout, same) {
                        // The clock restarts when host or address change (libpq: `pqConnectDBComplete`).
                        (_, Some(timed)) => timed.deadline,
                        (Ok(limit), None) => limit.and_then(|limit| now.checked_add(limit)),
                        // libpq parses the limit when it first waits for a socket: this wait must not begin.
                        (Err(_), None) => Some(now),
                    };
                    self.timed = Some(Timed {
                        host_index: attempt.peer.host_index,
                        address: attempt.peer.address.clone(),
                        deadline: attempt.deadline,
                    });
                }
                action
            }
            Progress::Up { action, .. } => action.clone(),
            Progress::Failed => Action::Failed,
        }
    }

    /// The result of the current action.
    ///
    /// # Errors
    /// The caller's mistake. The connection has failed then: the next action is [`Action::Failed`].
    pub fn handle(&mut self, input: Input<'_, E>) -> Result<(), Misuse> {
        let result = self.answer(input);
        if let Err(misuse) = result
            && !matches!(self.progress, Progress::Failed)
        {
            self.end(Some(Cause::Misuse(misuse)));
        }
        result
    }

    fn answer(&mut self, input: Input<'_, E>) -> Result<(), Misuse> {
        let name = input.name();
        match (&mut self.progress, input) {
            (Progress::Resolving { .. }, Input::Resolved(addresses)) => {
                self.resolved(addresses);
                Ok(())
            }
            (Progress::Resolving { .. } | Progress::Trying(_), Input::Abandoned(error)) => {
                self.end(Some(Cause::Embedder(error)));
                Ok(())
            }
            (Progress::Trying(attempt), Input::Received(bytes)) if attempt.awaits_reply() => {
                let read = attempt.received(bytes)?;
                self.negotiate(Answer::new(negotiation::Input::Received(&read), None))
            }
            (Progress::Trying(attempt), input) => match attempt.translate(&self.rules, input)? {
                Some(answer) => self.negotiate(answer),
                None => Ok(()),
            },
            (Progress::Resolving { .. }, _) => Err(Misuse::input("resolving", name)),
            (Progress::Up { .. }, _) => Err(Misuse::input("done", name)),
            (Progress::Failed, _) => Err(Misuse::input("failed", name)),
        }
    }

    /// The deadline of the current address, since the fixed moment of [`poll`](Self::poll). It covers everything from `Open` to
    /// `StartupFinished`, over all connections to the address (libpq: `pqConnectDBComplete`). `None` without a limit, and
    /// for `Resolve`.
    pub fn deadline(&self) -> Option<Duration> {
        match &self.progress {
            Progress::Trying(attempt) => attempt.deadline,
            Progress::Resolving { .. } | Progress::Up { .. } | Progress::Failed => None,
        }
    }

    /// The server of the current attempt or of the session.
    pub fn peer(&self) -> Option<&Peer> {
        match &self.progress {
            Progress::Trying(attempt) => Some(&attempt.peer),
            Progress::Up { peer, .. } => Some(peer),
            Progress::Resolving { .. } | Progress::Failed => None,
        }
    }

    /// The monitor of the startup exchange, once for each connection, at `Startup` and `Established`.
    pub fn monitor(&mut self) -> Option<StartupMonitor> {
        match &mut self.progress {
            Progress::Trying(attempt) => attempt.monitor(&self.rules, self.flags),
            Progress::Up { monitor, .. } => monitor.take().map(|monitor| *monitor),
            Progress::Resolving { .. } | Progress::Failed => None,
        }
    }

    /// The state of the client certificate in the handshake that is under way at `StartTls`, for one that ends with `TimedOut`
    /// or `ConnectionLost`: `TlsEstablished` and `TlsFailed` bring it themselves. A certificate that was sent counts on later
    /// connections (libpq: `ssl_cert_sent`).
    pub fn set_client_certificate(&mut self, certificate: ClientCertificate) {
        if let Progress::Trying(attempt) = &mut self.progress
            && attempt.alert.is_none()
            && matches!(attempt.negotiation.poll_action(), negotiation::Action::StartTls(_))
        {
            attempt.certificate = certificate;
        }
    }

    /// The next event that has not been returned, with its server. There is no need to call this.
    pub fn poll_event(&mut self) -> Option<(&Peer, Event)> {
        while let Some(attempt) = self.report.attempts.get(self.seen.0) {
            if let Some(event) = attempt.events.get(self.seen.1) {
                self.seen.1 = self.seen.1.saturating_add(1);
                return Some((&attempt.peer, *event));
            }
            // Another attempt follows only when this one has ended.
            if self.seen.0.saturating_add(1) >= self.report.attempts.len() {
                return None;
            }
            self.seen = (self.seen.0.saturating_add(1), 0);
        }
        None
    }

    /// Adds an observation to the report.
    pub fn note(&mut self, note: Note) {
        match note {
            Note::File(file) => self.report.files.push(file),
            Note::Warning(warning) => self.report.warnings.push(warning),
        }
    }

    /// The attempts so far.
    pub fn report(&self) -> &Report {
        &self.report
    }

    /// The errors of the attempts so far, in order.
    pub fn errors(&self) -> &[AttemptError<E>] {
        &self.errors
    }

    /// Takes the report, and the errors of the attempts before the session, in order.
    pub fn take_report(&mut self) -> (Report, Vec<AttemptError<E>>) {
        (core::mem::take(&mut self.report), core::mem::take(&mut self.errors))
    }

    /// Takes all errors with the report, after `Failed`.
    pub fn take_error(&mut self) -> ConnectError<E> {
        let (report, attempts) = self.take_report();
        ConnectError { attempts, then: self.then, report }
    }

    fn resolved(&mut self, addresses: Result<Vec<SocketAddr>, E>) {
        if let Route::Hosts(hosts) = &mut self.route {
            hosts.resolved(addresses, &mut self.errors);
        }
        self.enter();
    }

    /// Goes to the next address, or ends.
    fn enter(&mut self) {
        let next = match &self.route {
            Route::Hosts(hosts) => hosts.next(),
            Route::Provided { endpoint, role, failed: false } => Next::Try(endpoint.peer(*role)),
            Route::Provided { failed: true, .. } => Next::Exhausted,
        };
        self.progress = match next {
            Next::Resolve { name, port } => Progress::Resolving { name, port },
            Next::Exhausted => Progress::Failed,
            Next::Try(peer) => {
                self.report.attempts.push(AttemptReport {
                    peer: peer.clone(),
                    events: Vec::new(),
                    connections: 0,
                });
                match self.rules.plan(&peer) {
                    Ok(plan) => Progress::Trying(Box::new(Attempt::new(peer, plan))),
                    Err(error) => {
                        self.then = AfterFailure::Stop;
                        self.record(Some(peer), None, Some(Cause::Plan(error)));
                        Progress::Failed
                    }
                }
            }
        };
    }

    /// Hands an input to the negotiation and acts on its answer.
    fn negotiate(&mut self, answer: Answer<'_, E>) -> Result<(), Misuse> {
        let Answer { input, cause } = answer;
        let Progress::Trying(attempt) = &mut self.progress else { return Ok(()) };
        attempt.negotiation.handle_input(input)?;
        let is_open = input == negotiation::Input::Opened { success: true };
        if let Some(report) = self.report.attempts.last_mut() {
            report.events.extend(core::iter::from_fn(|| attempt.negotiation.poll_event()));
            report.connections = report.connections.saturating_add(usize::from(is_open));
        }
        // An address that fails without waiting fails for its own reason (libpq: `pqConnectDBComplete` parses the limit).
        if let Err(error) = &self.rules.connect_timeout
            && input != (negotiation::Input::Opened { success: false })
        {
            let error = error.clone();
            self.end(Some(Cause::Param(error)));
            return Ok(());
        }
        if is_open {
            self.flags = attempt.flags(self.flags, self.rules.hardening());
            attempt.certificate = ClientCertificate::NONE;
            attempt.unread.clear();
            attempt.monitor_taken = false;
        }
        match attempt.negotiation.poll_action() {
            negotiation::Action::Reconnect { because } => self.note_failure(Some(because), cause),
            negotiation::Action::Fail { error, then } => {
                self.flags = attempt.flags(self.flags, self.rules.hardening());
                self.note_failure(Some(error), cause);
                match &mut self.route {
                    Route::Hosts(hosts) => hosts.failed(then, &mut self.errors),
                    Route::Provided { failed, .. } => {
                        self.then = then;
                        *failed = true;
                    }
                }
                self.enter();
            }
            negotiation::Action::Done(encryption) => {
                let peer = attempt.peer.clone();
                self.progress = Progress::Up { action: Action::Done(encryption), peer, monitor: None };
            }
            negotiation::Action::Startup { encryption, .. } if self.rules.purpose == Purpose::Tls => {
                let monitor = attempt.monitor(&self.rules, self.flags).map(Box::new);
                let peer = attempt.peer.clone();
                self.progress = Progress::Up { action: Action::Established(encryption), peer, monitor };
            }
            // Bytes that were read with `S` or `G` are not the server's (CVE-2021-23222).
            negotiation::Action::StartTls(_) | negotiation::Action::StartGss => attempt.unread.clear(),
            negotiation::Action::CheckPeer => {
                if let Route::Provided { endpoint: Endpoint { peer_user: Some(user), .. }, .. } = &self.route
                {
                    let answer = self.rules.compare_peer_user(user);
                    return self.negotiate(answer);
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Ends the connection for a reason outside the negotiation.
    fn end(&mut self, cause: Option<Cause<E>>) {
        self.note_failure(None, cause);
        self.then = AfterFailure::Stop;
        self.progress = Progress::Failed;
    }

    fn note_failure(&mut self, failure: Option<Failure>, cause: Option<Cause<E>>) {
        let peer = match &self.progress {
            Progress::Trying(attempt) => Some(attempt.peer.clone()),
            Progress::Resolving { .. } | Progress::Up { .. } | Progress::Failed => None,
        };
        self.record(peer, failure, cause);
    }

    fn record(&mut self, peer: Option<Peer>, failure: Option<Failure>, cause: Option<Cause<E>>) {
        let prefix = match &self.route {
            Route::Hosts(hosts) => hosts.error_prefix(),
            Route::Provided { .. } => String::new(),
        };
        self.errors.push(AttemptError { peer, prefix, failure, cause });
    }
}

/// An input of the negotiation with its cause.
struct Answer<'a, E> {
    input: negotiation::Input<'a>,
    cause: Option<Cause<E>>,
}

impl<'a, E> Answer<'a, E> {
    fn new(input: negotiation::Input<'a>, error: Option<E>) -> Self {
        Self { input, cause: error.map(Cause::Embedder) }
    }
}

impl<E> Attempt<E> {
    fn new(peer: Peer, plan: EncryptionPlan) -> Self {
        Self {
            peer,
            negotiation: Negotiation::new(plan),
            deadline: None,
            is_timed: false,
            certificate: ClientCertificate::NONE,
            alert: None,
            unread: Vec::new(),
            monitor_taken: false,
        }
    }

    fn action(&self, rules: &Rules) -> Action {
        if let Some(alert) = &self.alert {
            return Action::Send(alert.bytes);
        }
        match self.negotiation.poll_action() {
            negotiation::Action::Connect | negotiation::Action::Reconnect { .. } => Action::Open,
            negotiation::Action::CheckPeer => Action::CheckPeer,
            negotiation::Action::Send(bytes) => Action::Send(bytes),
            negotiation::Action::Receive { .. } => {
                Action::Receive { at_most: MAX_RECEIVE.saturating_sub(self.unread.len()) }
            }
            negotiation::Action::StartTls(start) => {
                let server_name = sni::server_name(self.peer.host.as_deref(), rules.sslsni);
                Action::StartTls {
                    direct: start.direct,
                    server_name: server_name.map(|name| name.map(ToOwned::to_owned)),
                }
            }
            negotiation::Action::StartGss => Action::StartGss,
            negotiation::Action::Startup { .. } => Action::Startup,
            negotiation::Action::Done(encryption) => Action::Done(encryption),
            negotiation::Action::Fail { .. } => Action::Failed,
        }
    }

    fn awaits_reply(&self) -> bool {
        self.alert.is_none() && matches!(self.negotiation.poll_action(), negotiation::Action::Receive { .. })
    }

    /// The bytes for the negotiation, of those that were read: the reply and the byte after it. The others are kept; after `N`
    /// they are the next bytes of the server (libpq: `conn->inBuffer`).
    fn received(&mut self, bytes: &[u8]) -> Result<Vec<u8>, Misuse> {
        let negotiation::Action::Receive { at_most } = self.negotiation.poll_action() else {
            return Ok(Vec::new());
        };
        if bytes.is_empty() {
            return Ok(Vec::new());
        }
        if bytes.len() > MAX_RECEIVE.saturating_sub(self.unread.len()) {
            return Err(Misuse::input(self.negotiation.state(), "Received"));
        }
        let mut read = core::mem::take(&mut self.unread);
        read.extend_from_slice(bytes);
        self.unread = read.split_off(at_most.min(read.len()));
        Ok(read)
    }

    /// The input of the negotiation that corresponds to an input of the connection; `None` when an alert has to be sent first.
    fn translate<'a>(&mut self, rules: &Rules, input: Input<'a, E>) -> Result<Option<Answer<'a, E>>, Misuse> {
        use negotiation::Input as I;
        if let Some(Alert { failure, cause, .. }) = self.alert.take() {
            return match input {
                // The failure is the same whether the server has received the alert or not.
                Input::Sent | Input::ConnectionLost(_) => {
                    Ok(Some(Answer::new(I::Tls(Err(failure)), Some(cause))))
                }
                Input::TimedOut => Ok(Some(Answer::new(I::TimedOut, None))),
                input => Err(Misuse::input("sending an alert", input.name())),
            };
        }
        let action = self.negotiation.poll_action();
        let is_tls = matches!(action, negotiation::Action::StartTls(_));
        Ok(Some(match input {
            Input::Opened(Ok(())) => Answer::new(I::Opened { success: true }, None),
            Input::Opened(Err(error)) => Answer::new(I::Opened { success: false }, Some(error)),
            Input::PeerUser(Ok(found)) => rules.compare_peer_user(found),
            Input::PeerUser(Err(error)) => Answer::new(I::PeerUser { matches: false }, Some(error)),
            Input::Sent => Answer::new(I::Sent, None),
            Input::Received(bytes) => Answer::new(I::Received(bytes), None),
            Input::ConnectionLost(error) => {
                let is_checking = action == negotiation::Action::CheckPeer;
                Answer::new(if is_checking { I::PeerUser { matches: false } } else { I::Closed }, error)
            }
            Input::TlsEstablished { facts, certificate } if is_tls => {
                self.certificate = certificate;
                Answer::new(I::Tls(Ok(facts)), None)
            }
            Input::TlsFailed { failure, certificate, alert, cause } if is_tls => {
                self.certificate = certificate;
                if !alert.is_empty() {
                    self.alert = Some(Alert { bytes: alert, failure, cause });
                    return Ok(None);
                }
                Answer::new(I::Tls(Err(failure)), Some(cause))
            }
            Input::Gss(Ok(())) => Answer::new(I::Gss { success: true }, None),
            Input::Gss(Err(error)) => Answer::new(I::Gss { success: false }, Some(error)),
            // A verdict counts on the connection whose monitor has been handed out.
            Input::StartupFinished { verdict, cause } if self.monitor_taken => {
                let cause = cause.map(Cause::Embedder).or_else(|| verdict.wrong_role().map(Cause::WrongRole));
                Answer { input: I::Startup(verdict), cause }
            }
            Input::TimedOut => Answer::new(I::TimedOut, None),
            input @ (Input::Resolved(_)
            | Input::Abandoned(_)
            | Input::TlsEstablished { .. }
            | Input::TlsFailed { .. }
            | Input::StartupFinished { .. }) => {
                return Err(Misuse::input(self.negotiation.state(), input.name()));
            }
        }))
    }

    fn monitor(&mut self, rules: &Rules, earlier: ClientCertificate) -> Option<StartupMonitor> {
        let negotiation::Action::Startup { encryption, carry } = self.negotiation.poll_action() else {
            return None;
        };
        if core::mem::replace(&mut self.monitor_taken, true) {
            return None;
        }
        Some(match rules.purpose {
            Purpose::Session | Purpose::Tls => {
                let certificate = self.flags(earlier, rules.hardening());
                let role = self.peer.target_session_attrs;
                let rules = StartupRules { target_session_attrs: role, ..rules.startup };
                StartupMonitor::new(rules, encryption, certificate, carry).with_leftover(&self.unread)
            }
            Purpose::Cancel => StartupMonitor::cancel(encryption, carry).with_leftover(&self.unread),
        })
    }

    /// Flags of the client certificate, those of earlier connections included.
    fn flags(&self, earlier: ClientCertificate, hardening: Hardening) -> ClientCertificate {
        self.certificate.after(earlier, hardening)
    }
}

impl Rules {
    fn new(params: &Params, purpose: Purpose, gss: GssCredentials) -> Self {
        Self {
            purpose,
            policy: PolicyInput::from(params),
            gss,
            startup: StartupRules::from(params),
            requirepeer: params.value("requirepeer").unwrap_or_default().to_owned(),
            sslsni: params.sslsni(),
            connect_timeout: params.connect_timeout(),
        }
    }

    const fn hardening(&self) -> Hardening {
        self.policy.hardening
    }

    fn plan(&self, peer: &Peer) -> Result<EncryptionPlan, crate::policy::PlanError> {
        let payload = match self.purpose {
            Purpose::Session | Purpose::Tls => Payload::Startup,
            Purpose::Cancel => Payload::Cancel,
        };
        EncryptionPlan::new(self.policy, peer.transport, self.gss, payload)
    }

    /// libpq: `PQconnectPoll`, `CONNECTION_MADE`.
    fn compare_peer_user<'a, E>(&self, found: &str) -> Answer<'a, E> {
        let matches = found == self.requirepeer;
        let cause = (!matches)
            .then(|| Cause::PeerUser { required: self.requirepeer.clone(), found: found.to_owned() });
        Answer { input: negotiation::Input::PeerUser { matches }, cause }
    }
}
