//! The startup exchange that a machine runs itself: a login, or a cancel request.

use super::{Refused, pgtls_machine};
use crate::{
    action::{pgtls_action, pgtls_action_kind as Kind},
    boundary::PasswordCallback,
    status::pgtls_status,
};
use pgtls_core::{
    connect::Purpose,
    message::CancelRequest,
    param::{Passwords, Secret},
    startup::{Refusal, StartupOutcome},
};
use pgtls_startup::{
    Action, Channel, ExchangeError, NONCE_LENGTH, ServerSession, StartupExchange, StartupOptions,
};
use zeroize::Zeroizing;

/// Bytes of a server that are requested at once.
const READ: usize = 4_096;

/// The side that runs the startup exchange.
pub(crate) enum StartupDriver {
    /// The program.
    Program,
    /// The machine, to a session.
    Login { passwords: Box<Passwords>, callback: Option<PasswordCallback> },
    /// The machine, with this request.
    Cancel(CancelRequest),
}

/// The machine's own exchange on the present connection.
pub(super) enum Exchange {
    Login(Box<StartupExchange>),
    /// The part of the request that is still to be sent.
    Cancel(Zeroizing<Vec<u8>>),
}

impl Exchange {
    fn unsent(&self) -> Zeroizing<Vec<u8>> {
        match self {
            Self::Cancel(rest) => rest.clone(),
            Self::Login(exchange) => Zeroizing::new(match exchange.poll() {
                Ok(Action::Send(bytes)) => bytes.to_vec(),
                _ => Vec::new(),
            }),
        }
    }
}

/// The next step of an exchange that needs the program.
#[derive(Clone, Copy)]
enum Step {
    Send,
    Receive,
    Derive,
}

impl pgtls_machine {
    /// Runs the startup exchange of each connection from now on. Returns the warning about the password file.
    pub(crate) fn log_in(&mut self, callback: Option<PasswordCallback>) -> Result<Option<String>, Refused> {
        if self.purpose != Purpose::Session {
            return Err(pgtls_status::PGTLS_ARGUMENT.into());
        }
        if self.has_begun {
            let text =
                "the connection has begun; pgtls_machine_login comes before the first pgtls_machine_action";
            return Err(self.mistake(text.to_owned()));
        }
        let passwords = pgtls_os::passwords(&self.params, &self.environment);
        let warning = passwords.problem().map(ToString::to_string);
        self.driver = StartupDriver::Login { passwords: Box::new(passwords), callback };
        Ok(warning)
    }

    /// Whether the machine authenticates itself, for which it needs the server's certificate.
    pub(super) fn logs_in(&self) -> bool {
        matches!(self.driver, StartupDriver::Login { .. })
    }

    /// Begins the machine's own exchange, if there is one, on a connection whose monitor has been made.
    pub(super) fn begin_exchange(&mut self) -> Result<(), String> {
        self.exchange = match &self.driver {
            StartupDriver::Program => None,
            StartupDriver::Cancel(request) => Some(Exchange::Cancel(Zeroizing::new(request.encode()))),
            StartupDriver::Login { passwords, .. } => {
                let mut nonce = [0; NONCE_LENGTH];
                let random = pgtls_rustls::aws_lc_rs().secure_random;
                random.fill(&mut nonce).map_err(|_| "could not generate nonce".to_owned())?;
                let mut options = StartupOptions::new(self.channel.clone(), nonce);
                if let Some(peer) = self.connection.peer() {
                    options.password = passwords.password(peer.host_index).cloned();
                    options.target_session_attrs = peer.target_session_attrs;
                }
                let made = StartupExchange::new(&self.params, options);
                let mut exchange = made.map_err(|error| error.to_string())?;
                // No bytes would be the end of the connection.
                if !self.leftover.is_empty() {
                    exchange.received(&self.leftover);
                }
                Some(Exchange::Login(Box::new(exchange)))
            }
        };
        Ok(())
    }

    /// The action for the next step of the machine's own exchange; `None` if the exchange has ended.
    pub(super) fn show_exchange(&mut self) -> Option<pgtls_action> {
        let mut shown = match self.step()? {
            Step::Send => pgtls_action::new(Kind::PGTLS_SEND),
            Step::Receive => pgtls_action { at_most: READ, ..pgtls_action::new(Kind::PGTLS_RECEIVE) },
            Step::Derive => pgtls_action::new(Kind::PGTLS_DERIVE),
        };
        if shown.kind == Kind::PGTLS_SEND {
            // A copy, as the exchange drops its bytes while the program's pointer to them may be an argument.
            self.outgoing = self.exchange.as_ref().map(Exchange::unsent).unwrap_or_default();
            (shown.bytes, shown.length) = (self.outgoing.as_ptr(), self.outgoing.len());
        }
        shown.authentication = self.messages.authentication();
        Some(shown)
    }

    fn step(&mut self) -> Option<Step> {
        loop {
            let may_go_on = self.monitor.as_ref().is_some_and(|monitor| monitor.before_write().is_ok());
            let next = match self.exchange.as_ref()? {
                Exchange::Cancel(rest) if may_go_on => {
                    return Some(if rest.is_empty() { Step::Receive } else { Step::Send });
                }
                Exchange::Cancel(_) => None,
                Exchange::Login(exchange) => match exchange.poll() {
                    Err(error) => {
                        let (outcome, cause) = outcome(&error);
                        let _ = self.finish_startup(outcome, cause);
                        return None;
                    }
                    Ok(_) if !may_go_on => None,
                    Ok(Action::Send(_)) => return Some(Step::Send),
                    Ok(Action::Receive) => return Some(Step::Receive),
                    Ok(Action::Derive) => return Some(Step::Derive),
                    Ok(Action::Password) => Some(None),
                    Ok(Action::Ready(session)) => Some(Some(session)),
                },
            };
            match next {
                // The decision of the monitor is the result.
                None => {
                    let _ = self.finish_startup(StartupOutcome::Failed, None);
                    return None;
                }
                Some(Some(session)) => {
                    self.end_login(session);
                    return None;
                }
                Some(None) => match self.request_password() {
                    Ok(password) => {
                        if let Some(Exchange::Login(exchange)) = &mut self.exchange {
                            exchange.supply_password(password);
                        }
                    }
                    Err(reason) => {
                        let _ = self.finish_startup(StartupOutcome::Failed, Some(reason.to_owned()));
                        return None;
                    }
                },
            }
        }
    }

    fn end_login(&mut self, session: ServerSession) {
        if let Some(monitor) = &mut self.monitor
            && monitor.role_query().is_some()
        {
            monitor.role_answer(session.role_answer.as_deref());
        }
        // The input that ends the exchange has discarded the session of a former connection.
        if self.finish_startup(StartupOutcome::Up, None).is_ok() {
            self.session = Some(session);
        }
    }

    /// The password of the program's callback.
    fn request_password(&mut self) -> Result<Option<Secret>, &'static str> {
        let peer = self.present_peer();
        match &self.driver {
            StartupDriver::Login { callback: Some(callback), .. } => {
                callback.call(&peer).map_err(|_| "the password that the program returned is not UTF-8")
            }
            _ => Ok(None),
        }
    }

    /// The program has sent so many bytes of the machine's own exchange.
    pub(super) fn exchange_sent(&mut self, count: usize) -> Result<(), Refused> {
        let (Some(Kind::PGTLS_SEND), Some(sent @ [_, ..])) = (self.shown, self.outgoing.get(..count)) else {
            return Err(self.mistake(
                "the bytes that were sent are not those of the action, which is not PGTLS_SEND or has fewer of them"
                    .to_owned(),
            ));
        };
        if let Some(monitor) = &mut self.monitor {
            monitor.wrote(sent);
        }
        match &mut self.exchange {
            Some(Exchange::Login(exchange)) => exchange.sent(count),
            Some(Exchange::Cancel(rest)) => {
                *rest = Zeroizing::new(rest.get(count..).unwrap_or_default().to_vec());
            }
            None => {}
        }
        self.shown = None;
        Ok(())
    }

    /// The program has received bytes of the machine's own exchange.
    pub(super) fn exchange_received(&mut self, bytes: &[u8]) -> Result<(), Refused> {
        if self.shown != Some(Kind::PGTLS_RECEIVE) || bytes.is_empty() {
            return Err(self.mistake(
                "the action is not PGTLS_RECEIVE, or no bytes were received; pgtls_machine_closed reports the end of \
                 the connection"
                    .to_owned(),
            ));
        }
        self.messages.received(bytes);
        let is_accepted = self.monitor.as_mut().is_some_and(|monitor| monitor.read(bytes).is_ok());
        if !is_accepted {
            return self.finish_startup(StartupOutcome::Failed, None);
        }
        if let Some(Exchange::Login(exchange)) = &mut self.exchange {
            exchange.received(bytes);
        }
        self.shown = None;
        Ok(())
    }

    /// Performs a slice of the derivation of SCRAM's key.
    pub(crate) fn derive(&mut self) -> Result<(), Refused> {
        match &mut self.exchange {
            Some(Exchange::Login(exchange)) if self.shown == Some(Kind::PGTLS_DERIVE) => exchange.derive(),
            _ => {
                return Err(self.mistake(
                    "the action is not PGTLS_DERIVE, which pgtls_machine_derive answers".to_owned(),
                ));
            }
        }
        self.shown = None;
        Ok(())
    }

    /// The program reports that it has no password, in an exchange of its own.
    pub(crate) fn no_password(&mut self) -> Result<(), Refused> {
        self.check_exchange_of_program()?;
        self.finish_startup(StartupOutcome::Refused(Refusal::NoPassword), None)
    }

    pub(super) fn check_exchange_of_program(&mut self) -> Result<(), Refused> {
        match self.exchange {
            None => Ok(()),
            Some(_) => Err(self.mistake(
                "the machine runs the startup exchange itself; a program that calls pgtls_machine_login has no part in it"
                    .to_owned(),
            )),
        }
    }

    /// The session, once the action is `PGTLS_DONE`.
    pub(crate) fn session(&self) -> Option<&ServerSession> {
        self.session.as_ref().filter(|_| self.shown == Some(Kind::PGTLS_DONE))
    }

    /// The protection of the connection after a handshake in which the server sent this certificate.
    pub(super) fn tls_channel(certificate: Option<&[u8]>) -> Channel {
        let end_point =
            certificate.and_then(|certificate| pgtls_x509::tls_server_end_point(certificate).ok().flatten());
        Channel::Tls { end_point }
    }
}

/// The result of an exchange that has failed as the monitor takes it, and the cause beside it.
fn outcome(error: &ExchangeError) -> (StartupOutcome, Option<String>) {
    match error {
        // The sentence is that of the refusal.
        ExchangeError::Refused(refusal) => (StartupOutcome::Refused(*refusal), None),
        ExchangeError::WrongRole(_) => (StartupOutcome::WrongRole, Some(error.to_string())),
        _ => (StartupOutcome::Failed, Some(error.to_string())),
    }
}
