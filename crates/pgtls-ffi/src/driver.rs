//! The connection machine of the core with the proofs, texts and the startup monitor that a program in C cannot hold itself.

mod exchange;
mod tls;

pub(crate) use exchange::StartupDriver;

use crate::{
    action::{PGTLS_NO_DEADLINE, PeerTexts, pgtls_action, pgtls_action_kind, pgtls_peer, pointer},
    boundary::c_text,
    messages::Messages,
    params::pgtls_params,
    status::pgtls_status::{self, PGTLS_BUG, PGTLS_MISUSE},
    trust::TrustSettings,
};
use pgtls_core::{
    connect::{Action, ConnectError, Connection, Input, Purpose, Report},
    environment::Environment,
    negotiation::{Event, Failure, TlsFailure},
    param::Params,
    startup::{ClientCertificate, StartupMonitor, StartupOutcome},
};
use pgtls_startup::{Channel, ServerSession};
use std::{ffi::CString, time::Duration};
use zeroize::Zeroizing;

/// One connection, from parameters to a session.
pub struct pgtls_machine {
    params: Params,
    environment: Environment,
    trust_settings: TrustSettings,
    purpose: Purpose,
    connection: Connection<String>,
    trust: Option<tls::Trust>,
    /// While the startup exchange is under way.
    monitor: Option<StartupMonitor>,
    /// The bytes that were received before the startup exchange.
    leftover: Vec<u8>,
    messages: Messages,
    certificate: ClientCertificate,
    /// The server's certificate in the present handshake, as the program reports it.
    server_certificate: Option<Vec<u8>>,
    /// The protection of the present connection.
    channel: Channel,
    driver: StartupDriver,
    /// The program was given an action.
    has_begun: bool,
    /// The startup exchange that is under way, if the machine runs it.
    exchange: Option<exchange::Exchange>,
    /// The bytes of that exchange that the program was last given to send.
    outgoing: Zeroizing<Vec<u8>>,
    /// The result of that exchange.
    session: Option<ServerSession>,
    /// A session that an input has ended: its bytes may be those of the last action, which hold until the next one.
    retired: Option<ServerSession>,
    /// The action that the program was last given and has not answered.
    shown: Option<pgtls_action_kind>,
    /// The connection belongs to another driver.
    is_handed_over: bool,
    /// The reason why the exchange of another driver was ended.
    forbidden: Option<String>,
    /// All errors and the report, after the failure of the whole.
    error: Option<ConnectError<String>>,
    /// The reason for misuse, if the last call was misuse.
    misuse: Option<String>,
    peers: Vec<PeerTexts>,
    /// The text of the last action.
    text: Option<CString>,
    /// The next event: its attempt, and its place there.
    next_event: (usize, usize),
}

/// The end of a call that has not given the machine its input: a status, and for misuse the reason.
pub(crate) struct Refused {
    status: pgtls_status,
    misuse: Option<String>,
}

impl Refused {
    fn misuse(reason: String) -> Self {
        Self { status: PGTLS_MISUSE, misuse: Some(reason) }
    }
}

impl From<pgtls_status> for Refused {
    fn from(status: pgtls_status) -> Self {
        Self { status, misuse: None }
    }
}

impl pgtls_machine {
    pub(crate) fn new(
        pgtls_params { params, environment }: &pgtls_params,
        purpose: Purpose,
        connection: Connection<String>,
        driver: StartupDriver,
    ) -> Self {
        Self {
            params: params.clone(),
            environment: environment.clone(),
            trust_settings: TrustSettings::of(params, environment),
            purpose,
            connection,
            trust: None,
            monitor: None,
            leftover: Vec::new(),
            messages: Messages::default(),
            certificate: ClientCertificate::NONE,
            server_certificate: None,
            channel: Channel::Plain,
            driver,
            has_begun: false,
            exchange: None,
            outgoing: Zeroizing::default(),
            session: None,
            retired: None,
            shown: None,
            is_handed_over: false,
            forbidden: None,
            error: None,
            misuse: None,
            peers: Vec::new(),
            text: None,
            next_event: (0, 0),
        }
    }

    pub(crate) fn connection(&self) -> &Connection<String> {
        &self.connection
    }

    /// The next action at this time.
    pub(crate) fn action(&mut self, now: Duration) -> Result<pgtls_action, pgtls_status> {
        self.has_begun = true;
        let shown = loop {
            let action = self.settle(now)?;
            // The end of the machine's own exchange leads to another action.
            if let Some(shown) = self.show(action)? {
                break shown;
            }
        };
        self.shown = Some(shown.kind);
        self.retired = None;
        Ok(shown)
    }

    /// Performs the actions that need nothing of the program: a handshake that cannot be set up, the monitor, and the beginning of
    /// the machine's own startup exchange.
    fn settle(&mut self, now: Duration) -> Result<Action, pgtls_status> {
        loop {
            let action = self.connection.poll(now);
            match &action {
                Action::StartTls { server_name, .. } => {
                    let Some(cause) = self.tls_problem(server_name.as_ref().err().copied()) else {
                        return Ok(action);
                    };
                    // This input answers the action.
                    let _ = self.tls_failed(TlsFailure::Setup, cause);
                }
                Action::Startup | Action::Established(_) if self.monitor.is_none() => {
                    self.is_handed_over |= matches!(action, Action::Established(_));
                    let Some(monitor) = self.connection.monitor() else {
                        // A driver that has the connection no longer needs the monitor.
                        return if self.is_handed_over { Ok(action) } else { Err(PGTLS_BUG) };
                    };
                    let monitor = self.monitor.insert(monitor);
                    self.messages = Messages::default();
                    let leftover: Result<Vec<u8>, _> =
                        std::iter::from_fn(|| monitor.before_read().transpose()).collect();
                    match leftover {
                        Ok(leftover) => {
                            self.leftover = leftover;
                            self.messages.received(&self.leftover);
                            if let Err(reason) = self.begin_exchange() {
                                let _ = self.finish_startup(StartupOutcome::Failed, Some(reason));
                                continue;
                            }
                            return Ok(action);
                        }
                        Err(_) => {
                            let _ = self.finish_startup(StartupOutcome::Failed, None);
                        }
                    }
                }
                _ => return Ok(action),
            }
        }
    }

    /// The action as C sees it; `None` if there is another one by now.
    fn show(&mut self, action: Action) -> Result<Option<pgtls_action>, pgtls_status> {
        use pgtls_action_kind as Kind;
        self.text = None;
        self.outgoing = Zeroizing::default();
        let mut shown = match action {
            Action::Resolve { name, .. } => {
                let mut shown = pgtls_action::new(Kind::PGTLS_RESOLVE);
                shown.name = self.keep(&name);
                shown
            }
            Action::Open => pgtls_action::new(Kind::PGTLS_OPEN),
            Action::CheckPeer => pgtls_action::new(Kind::PGTLS_CHECK_PEER),
            Action::Send(bytes) => pgtls_action::new(Kind::PGTLS_SEND).with_bytes(bytes),
            Action::Receive { at_most } => pgtls_action { at_most, ..pgtls_action::new(Kind::PGTLS_RECEIVE) },
            Action::StartTls { direct, server_name } => self.show_tls(direct, server_name.ok().flatten())?,
            Action::Startup if self.exchange.is_some() => match self.show_exchange() {
                Some(shown) => shown,
                None => return Ok(None),
            },
            Action::Startup => match self.role_query() {
                None => {
                    let mut shown = pgtls_action::new(Kind::PGTLS_STARTUP).with_leftover(&self.leftover);
                    shown.authentication = self.messages.authentication();
                    shown
                }
                Some(query) => {
                    let mut shown = pgtls_action::new(Kind::PGTLS_QUERY_ROLE);
                    shown.query = self.keep(query);
                    shown
                }
            },
            Action::Done(encryption) => {
                let mut shown =
                    pgtls_action { encryption: encryption.into(), ..pgtls_action::new(Kind::PGTLS_DONE) };
                if let Some(session) = &self.session {
                    (shown.bytes, shown.length) = (session.unread.as_ptr(), session.unread.len());
                }
                shown
            }
            Action::Established(_) if self.forbidden.is_some() => pgtls_action::new(Kind::PGTLS_FAILED),
            Action::Established(encryption) => {
                let shown = pgtls_action {
                    encryption: encryption.into(),
                    ..pgtls_action::new(Kind::PGTLS_ESTABLISHED)
                };
                shown.with_leftover(&self.leftover)
            }
            Action::Failed => {
                let error = self.error.get_or_insert_with(|| self.connection.take_error());
                pgtls_action { then: error.then.into(), ..pgtls_action::new(Kind::PGTLS_FAILED) }
            }
            // GSSAPI is never planned here.
            _ => return Err(PGTLS_BUG),
        };
        if let Some(deadline) = self.connection.deadline() {
            shown.deadline = u64::try_from(deadline.as_millis()).unwrap_or(PGTLS_NO_DEADLINE);
        }
        shown.peer = self.present_peer();
        Ok(Some(shown))
    }

    /// The server of the present attempt or of the session.
    fn present_peer(&mut self) -> pgtls_peer {
        let last = self.report().attempts.len().checked_sub(1).filter(|_| self.connection.peer().is_some());
        last.and_then(|last| self.attempt(last)).map_or(pgtls_peer::NONE, |(peer, _)| peer)
    }

    fn keep(&mut self, text: &str) -> *const std::ffi::c_char {
        pointer(Some(self.text.insert(c_text(text))))
    }

    fn role_query(&mut self) -> Option<&'static str> {
        self.monitor.as_mut().and_then(StartupMonitor::role_query)
    }

    /// Runs a call that gives the machine an input.
    pub(crate) fn run(
        &mut self,
        give: impl FnOnce(&mut Self) -> Result<(), Refused>,
    ) -> Result<(), pgtls_status> {
        self.misuse = None;
        give(self).map_err(|Refused { status, misuse }| {
            self.misuse = misuse;
            status
        })
    }

    /// An input of the machine. Misuse ends the connection.
    pub(crate) fn input(&mut self, input: Input<'_, String>) -> Result<(), Refused> {
        (self.shown, self.monitor) = (None, None);
        self.leftover.clear();
        (self.exchange, self.server_certificate) = (None, None);
        self.retired = self.session.take().or(self.retired.take());
        self.certificate = ClientCertificate::NONE;
        self.channel = Channel::Plain;
        self.connection.handle(input).map_err(|misuse| Refused::misuse(misuse.to_string()))
    }

    /// The deadline has passed. A certificate that was sent in an unfinished handshake counts on later connections.
    pub(crate) fn timed_out(&mut self) -> Result<(), Refused> {
        self.connection.set_client_certificate(self.certificate);
        self.input(Input::TimedOut)
    }

    /// An error of the program that the core cannot notice. It ends the connection.
    fn mistake(&mut self, reason: String) -> Refused {
        // After the end there is nothing to fail; what counts is the reason.
        let _ = self.input(Input::Abandoned(reason.clone()));
        Refused::misuse(reason)
    }

    /// Bytes were sent: those of the action, or the driver's during the startup exchange.
    pub(crate) fn sent(&mut self, bytes: &[u8]) -> Result<(), Refused> {
        match &mut self.monitor {
            Some(_) if self.exchange.is_some() => self.exchange_sent(bytes.len()),
            Some(monitor) => {
                monitor.wrote(bytes);
                self.follow(true)
            }
            None if self.is_handed_over => Ok(()),
            None => self.input(Input::Sent),
        }
    }

    /// Bytes were received: those of the action, or the driver's during the startup exchange.
    pub(crate) fn received(&mut self, bytes: &[u8]) -> Result<(), Refused> {
        match &mut self.monitor {
            Some(_) if self.exchange.is_some() => self.exchange_received(bytes),
            Some(monitor) => {
                self.messages.received(bytes);
                let may_go_on = monitor.read(bytes).is_ok();
                self.follow(may_go_on)
            }
            None if self.is_handed_over => Ok(()),
            None => self.input(Input::Received(bytes)),
        }
    }

    /// Ends the exchange when the monitor has decided.
    fn follow(&mut self, may_go_on: bool) -> Result<(), Refused> {
        let Some(monitor) = &mut self.monitor else { return Ok(()) };
        let is_over = !may_go_on || monitor.before_write().is_err();
        if is_over || (monitor.is_ready() && monitor.role_query().is_none()) {
            return self.finish_startup(StartupOutcome::Up, None);
        }
        Ok(())
    }

    /// The connection ended or broke.
    pub(crate) fn closed(&mut self, in_order: bool, reason: Option<String>) -> Result<(), Refused> {
        let Some(monitor) = &mut self.monitor else {
            return match reason {
                _ if self.is_handed_over => Ok(()),
                Some(reason) if self.shown == Some(pgtls_action_kind::PGTLS_START_TLS) => {
                    self.engine_failed(TlsFailure::Closed, &reason)
                }
                reason => self.input(Input::ConnectionLost(reason)),
            };
        };
        if in_order {
            monitor.closed();
        } else {
            monitor.aborted();
        }
        // Without an answer the role is not known.
        monitor.role_answer(None);
        self.finish_startup(StartupOutcome::Up, reason)
    }

    /// The value that the server returned for the query about its role.
    pub(crate) fn role(&mut self, value: Option<&[u8]>) -> Result<(), Refused> {
        self.check_exchange_of_program()?;
        if self.role_query().is_none() {
            return Err(self
                .mistake("the action is not PGTLS_QUERY_ROLE, which pgtls_machine_role answers".to_owned()));
        }
        if let Some(monitor) = &mut self.monitor {
            monitor.role_answer(value);
        }
        self.finish_startup(StartupOutcome::Up, None)
    }

    /// Ends the startup exchange. The monitor's decision takes precedence over the outcome.
    pub(crate) fn finish_startup(
        &mut self,
        outcome: StartupOutcome,
        cause: Option<String>,
    ) -> Result<(), Refused> {
        let Some(mut monitor) = self.monitor.take() else {
            return Err(self.mistake("no startup exchange is under way; PGTLS_STARTUP begins one".to_owned()));
        };
        let verdict = monitor.finish(outcome);
        let failure = verdict.failure();
        let cause = match failure {
            Some(Failure::ServerError { .. }) => self.messages.error().or(cause),
            _ => cause,
        };
        if self.is_handed_over {
            self.forbidden = failure.map(|failure| cause.unwrap_or_else(|| failure.to_string()));
            return Ok(());
        }
        self.input(Input::StartupFinished { verdict, cause })
    }

    /// The action could not be performed.
    pub(crate) fn failed(&mut self, reason: String) -> Result<(), Refused> {
        use pgtls_action_kind as Kind;
        match self.shown {
            Some(Kind::PGTLS_SEND | Kind::PGTLS_RECEIVE) if self.exchange.is_some() => {
                self.closed(false, Some(reason))
            }
            Some(Kind::PGTLS_RESOLVE) => self.input(Input::Resolved(Err(reason))),
            Some(Kind::PGTLS_OPEN) => self.input(Input::Opened(Err(reason))),
            Some(Kind::PGTLS_CHECK_PEER) => self.input(Input::PeerUser(Err(reason))),
            Some(Kind::PGTLS_SEND | Kind::PGTLS_RECEIVE) => self.input(Input::ConnectionLost(Some(reason))),
            Some(Kind::PGTLS_LOAD_TRUST) => self.tls_failed(TlsFailure::Setup, reason),
            Some(Kind::PGTLS_START_TLS) => self.engine_failed(TlsFailure::Handshake, &reason),
            Some(
                Kind::PGTLS_STARTUP | Kind::PGTLS_QUERY_ROLE | Kind::PGTLS_DERIVE | Kind::PGTLS_ESTABLISHED,
            ) => {
                if let Some(monitor) = &mut self.monitor {
                    monitor.role_answer(None);
                }
                self.finish_startup(StartupOutcome::Failed, Some(reason))
            }
            Some(Kind::PGTLS_DONE | Kind::PGTLS_FAILED) | None => {
                let text = "no action is to be performed that could fail; call pgtls_machine_action before each report";
                Err(self.mistake(text.to_owned()))
            }
        }
    }

    fn report(&self) -> &Report {
        self.error.as_ref().map_or_else(|| self.connection.report(), |error| &error.report)
    }

    /// The server of an attempt, and the number of connections that were opened to it.
    pub(crate) fn attempt(&mut self, index: usize) -> Option<(pgtls_peer, usize)> {
        let fresh =
            self.report().attempts.iter().skip(self.peers.len()).map(|attempt| PeerTexts::new(&attempt.peer));
        let fresh: Vec<_> = fresh.collect();
        self.peers.extend(fresh);
        let attempt = self.report().attempts.get(index)?;
        Some((pgtls_peer::new(&attempt.peer, self.peers.get(index)?), attempt.connections))
    }

    /// The next event that has not been returned, with the index of its attempt.
    pub(crate) fn event(&mut self) -> Option<(Event, usize)> {
        loop {
            let (attempt, event) = self.next_event;
            let attempts = &self.report().attempts;
            if let Some(found) = attempts.get(attempt)?.events.get(event).copied() {
                self.next_event = (attempt, event.saturating_add(1));
                return Some((found, attempt));
            }
            // Another attempt follows only when this one has ended.
            attempts.get(attempt.saturating_add(1))?;
            self.next_event = (attempt.saturating_add(1), 0);
        }
    }

    /// The reason for misuse if the last call was misuse, else all errors so far.
    pub(crate) fn error(&self) -> Option<String> {
        if let Some(reason) = self.misuse.as_ref().or(self.forbidden.as_ref()) {
            return Some(reason.clone());
        }
        if let Some(error) = &self.error {
            return Some(error.to_string());
        }
        let errors: Vec<_> = self.connection.errors().iter().map(ToString::to_string).collect();
        (!errors.is_empty()).then(|| errors.join("\n"))
    }
}
