//! One address, driven to its end: the negotiation machine with what has to be kept beside it.
//!
//! An adapter asks [`Attempt::action`] what to do, does it, and tells [`Attempt::handle`]. Whatever else there is to know
//! or decide is here, the same for blocking and asynchronous adapters: the errors of the methods that failed, the trace, the
//! flags of the client certificate, the watch over the startup exchange.
//!
//! ```
//! use pgtls_core::{
//!     attempt::Attempt,
//!     environment::{Environment, Platform},
//!     negotiation::{Action, Failure, Input, Request, Then},
//!     param::{Ability, Params, Settings},
//!     policy::{GssCredentials, Payload, Transport, plan},
//!     startup::ClientCertificate,
//! };
//!
//! let environment = Environment::empty(Platform::Unix).with_variable("PGUSER", "u");
//! let settings = Settings::parse("host=db.example.com sslmode=require")?;
//! let params = Params::resolve(&settings, None, &environment, Ability::default())?;
//! let plan = plan(&params, Transport::Tcp, GssCredentials::Absent, Payload::Startup)?;
//!
//! // A server without TLS, played by hand; an adapter has a socket here, and causes of its own.
//! let mut attempt = Attempt::<std::io::Error>::new(&params, plan, ClientCertificate::default());
//! let then = loop {
//!     let happened = match attempt.action() {
//!         Action::Connect | Action::Reconnect { .. } => Input::Connected,
//!         Action::Send(_request) => Input::Sent,
//!         Action::Receive { .. } => Input::Received(b"N"),
//!         Action::Fail { then, .. } => break then,
//!         other => unreachable!("{other:?}"),
//!     };
//!     attempt.handle(happened, None)?;
//! };
//! assert_eq!(then, Then::Stop);
//! let (error, _) = attempt.end().failed.expect("it has failed");
//! assert_eq!(error.failure, Some(Failure::Refused(Request::Ssl)));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use crate::{
    candidates::Candidate,
    files::FileReport,
    gate::StartupGate,
    negotiation::{Action, Encryption, Event, Failure, Input, Misuse, Negotiation, Then},
    param::{Params, TargetSessionAttrs},
    policy::{EncryptionPlan, Payload},
    startup::{ClientCertificate, StartupWatch},
};
use alloc::{string::String, vec::Vec};
use core::fmt;

/// One address, driven to its end. `C` is what the adapter knows about causes: I/O and TLS errors.
#[derive(Debug)]
pub struct Attempt<'p, C> {
    params: &'p Params,
    negotiation: Negotiation,
    certificate: ClientCertificate,
    earlier: ClientCertificate,
    /// The role that is demanded in this round over the hosts.
    role: Option<TargetSessionAttrs>,
    trace: Trace,
    errors: Vec<MethodError<C>>,
}

/// What was seen on the way.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Trace {
    /// The events, over all connections to the address.
    pub events: Vec<Event>,
    /// How many connections were opened.
    pub connections: usize,
}

/// A method on an address failed, or the address as a whole.
#[derive(Debug)]
#[non_exhaustive]
pub struct MethodError<C> {
    /// How, in the machine's terms; `None` if the machine was never asked.
    pub failure: Option<Failure>,
    /// What the adapter knows about it.
    pub cause: Option<C>,
}

impl<C> MethodError<C> {
    /// Puts the two together.
    pub const fn new(failure: Option<Failure>, cause: Option<C>) -> Self {
        Self { failure, cause }
    }
}

/// An attempt is over.
#[derive(Debug)]
#[non_exhaustive]
pub struct Ended<C> {
    /// What was seen.
    pub trace: Trace,
    /// The methods that failed before the last one, in order.
    pub failed_before: Vec<MethodError<C>>,
    /// What failed for good, and what to try next; `None` after a success.
    pub failed: Option<(MethodError<C>, Then)>,
    /// The flags of the client certificate, for the next attempt of the same connection.
    pub certificate: ClientCertificate,
}

impl<'p, C> Attempt<'p, C> {
    /// Starts with [`Action::Connect`]. `earlier` are the flags of the attempts before on other addresses.
    pub fn new(params: &'p Params, plan: EncryptionPlan, earlier: ClientCertificate) -> Self {
        Self {
            params,
            negotiation: Negotiation::new(plan),
            certificate: ClientCertificate::default(),
            earlier,
            role: None,
            trace: Trace::default(),
            errors: Vec::new(),
        }
    }

    /// Demands this role of the server, from [`Candidates`](crate::candidates::Candidates::target_session_attrs). Without
    /// it the parameters' role is demanded; `prefer-standby` is no demand then.
    #[must_use]
    pub fn with_role(mut self, role: TargetSessionAttrs) -> Self {
        self.role = Some(role);
        self
    }

    /// What to do now; the same answer until something is handed in.
    pub fn action(&self) -> Action {
        self.negotiation.poll_action()
    }

    /// This happened; if it is a failure, for this cause.
    ///
    /// # Errors
    /// The caller's mistake: the input does not answer the current action.
    pub fn handle(&mut self, input: Input<'_>, cause: Option<C>) -> Result<(), Misuse> {
        self.negotiation.handle_input(input)?;
        while let Some(event) = self.negotiation.poll_event() {
            self.trace.events.push(event);
        }
        if input == Input::Connected {
            self.trace.connections = self.trace.connections.saturating_add(1);
            self.earlier = self.certificate();
            self.certificate = ClientCertificate::default();
        }
        if let Action::Reconnect { because: failure } | Action::Fail { error: failure, .. } = self.action() {
            // What became of a handshake after bytes in clear is not why the method failed.
            let cause = cause.filter(|_| !matches!(failure, Failure::UnencryptedData(_)));
            self.errors.push(MethodError { failure: Some(failure), cause });
        }
        Ok(())
    }

    /// What the TLS engine knows about the client certificate after a handshake, whether it succeeded or not.
    pub fn saw_certificate(&mut self, seen: ClientCertificate) {
        self.certificate = seen;
    }

    /// The gate for the startup exchange that [`Action::Startup`] asks for.
    pub fn gate(&self, encryption: Encryption, carry: Option<u8>) -> StartupGate {
        let watch = match (self.negotiation.plan().payload(), self.role) {
            (Payload::Startup, None) => StartupWatch::new(self.params, encryption, self.certificate()),
            (Payload::Startup, Some(role)) => {
                StartupWatch::new(self.params, encryption, self.certificate()).with_role(role)
            }
            (Payload::Cancel, _) => StartupWatch::cancel(encryption),
        };
        StartupGate::new(watch, carry)
    }

    /// What there is to say in the end.
    pub fn end(mut self) -> Ended<C> {
        let failed = match self.action() {
            Action::Fail { then, .. } => self.errors.pop().map(|error| (error, then)),
            _ => None,
        };
        self.ended(failed)
    }

    /// Ends the attempt for a reason that the machine knows nothing of: the whole connection has failed.
    pub fn abandon(self, cause: C) -> Ended<C> {
        self.ended(Some((MethodError { failure: None, cause: Some(cause) }, Then::Stop)))
    }

    fn ended(self, failed: Option<(MethodError<C>, Then)>) -> Ended<C> {
        let certificate = self.certificate();
        Ended { trace: self.trace, failed_before: self.errors, failed, certificate }
    }

    fn certificate(&self) -> ClientCertificate {
        self.certificate.after(self.earlier, self.params.hardening())
    }
}

impl<C> From<C> for MethodError<C> {
    fn from(cause: C) -> Self {
        Self { failure: None, cause: Some(cause) }
    }
}

impl<C: fmt::Display> fmt::Display for MethodError<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.failure, &self.cause) {
            (None, None) => f.write_str("the connection attempt failed"),
            (Some(failure), None) => failure.fmt(f),
            // The cause is the whole story.
            (
                None
                | Some(
                    Failure::Connect
                    | Failure::Tls(_)
                    | Failure::PeerUser
                    | Failure::ServerError { .. }
                    | Failure::WrongRole,
                ),
                Some(cause),
            ) => cause.fmt(f),
            (Some(failure), Some(cause)) => write!(f, "{failure}: {cause}"),
        }
    }
}

impl<C: core::error::Error> core::error::Error for MethodError<C> {
    /// What led to the cause, whose text is in this one's.
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        self.cause.as_ref().and_then(C::source)
    }
}

/// What was seen over all addresses.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Report {
    /// The addresses that were tried, in order.
    pub tried: Vec<Tried>,
    /// The files that were looked at; empty if TLS was never about to start.
    pub files: Vec<FileReport>,
    /// What went wrong without disturbing the connection, one sentence each.
    pub warnings: Vec<String>,
}

/// One address that was tried.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Tried {
    /// The address; `None` for a connection that the program had opened itself.
    pub candidate: Option<Candidate>,
    /// What was seen.
    pub trace: Trace,
}

impl Tried {
    /// Puts the two together.
    pub const fn new(candidate: Option<Candidate>, trace: Trace) -> Self {
        Self { candidate, trace }
    }
}

impl Report {
    /// How many connections were opened.
    pub fn connections(&self) -> usize {
        self.tried.iter().map(|tried| tried.trace.connections).sum()
    }

    /// All events in order.
    pub fn events(&self) -> impl Iterator<Item = Event> + '_ {
        self.tried.iter().flat_map(|tried| tried.trace.events.iter().copied())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        environment::{Environment, Platform},
        hardening::Hardening,
        negotiation::TlsFailure,
        param::{Ability, Settings},
        policy::{GssCredentials, Transport, plan},
    };
    use alloc::string::ToString;

    fn params(conninfo: &str) -> Params {
        let environment = Environment::empty(Platform::Unix).with_variable("PGUSER", "u");
        let settings = Settings::parse(conninfo).expect("it is well-formed");
        Params::resolve(&settings, None, &environment, Ability::default()).expect("it is valid")
    }

    fn attempt(params: &Params) -> Attempt<'_, &'static str> {
        let plan = plan(params, Transport::Tcp, GssCredentials::Absent, Payload::Startup);
        Attempt::new(params, plan.expect("there is a method"), ClientCertificate::default())
    }

    const ASKED: ClientCertificate = ClientCertificate { requested: true, sent: true };

    /// `prefer` over a server whose TLS session comes about, asks for a certificate, and is rejected.
    fn rejected_over_tls(params: &Params) -> Attempt<'_, &'static str> {
        let mut attempt = attempt(params);
        let facts = crate::negotiation::TlsFacts {
            alpn: crate::negotiation::Alpn::Absent,
            root: crate::policy::RootPresence::Missing,
            chain: None,
            name: None,
        };
        for input in [Input::Connected, Input::Sent, Input::Received(b"S"), Input::TlsEstablished(facts)] {
            attempt.handle(input, None).expect("it answers the action");
        }
        attempt.saw_certificate(ASKED);
        let rejection = Input::ServerError { sqlstate: *b"28000", after_auth_ok: false };
        attempt.handle(rejection, Some("no pg_hba.conf entry")).expect("it answers the action");
        attempt
    }

    #[test]
    fn errors_are_kept_with_their_causes() {
        let params = params("sslmode=prefer");
        let mut attempt = rejected_over_tls(&params);
        assert!(matches!(attempt.action(), Action::Reconnect { .. }));
        attempt.handle(Input::ConnectFailed, Some("connection refused")).expect("it answers the action");
        let ended = attempt.end();
        assert_eq!(ended.trace.connections, 1);
        let before: Vec<_> = ended.failed_before.iter().map(ToString::to_string).collect();
        assert_eq!(before, ["no pg_hba.conf entry"]);
        let (last, then) = ended.failed.expect("it has failed");
        assert_eq!((last.to_string().as_str(), then), ("connection refused", Then::NextAddress));
    }

    #[test]
    fn a_success_has_no_failure() {
        let params = params("sslmode=disable");
        let mut attempt = attempt(&params);
        attempt.handle(Input::Connected, None).expect("it answers the action");
        attempt.handle(Input::Ready, None).expect("it answers the action");
        let ended = attempt.end();
        assert!(ended.failed.is_none() && ended.failed_before.is_empty());
        assert_eq!(ended.trace.events, [Event::Connect, Event::AuthOk]);
    }

    #[test]
    fn an_attempt_can_be_abandoned() {
        let params = params("sslmode=disable");
        let mut attempt = attempt(&params);
        attempt.handle(Input::Connected, None).expect("it answers the action");
        let (error, then) = attempt.abandon("a parameter").failed.expect("it has failed");
        assert_eq!((error.to_string().as_str(), error.failure, then), ("a parameter", None, Then::Stop));
    }

    #[test]
    fn misuse_changes_nothing() {
        let params = params("sslmode=require");
        let mut attempt = attempt(&params);
        assert!(attempt.handle(Input::Sent, None).is_err());
        assert_eq!(attempt.action(), Action::Connect);
        assert_eq!(attempt.end().trace, Trace::default());
    }

    #[test]
    fn flags_of_the_client_certificate_outlive_the_connection() {
        let libpqs = params("sslmode=prefer");
        let mut attempt = rejected_over_tls(&libpqs);
        attempt.handle(Input::Connected, None).expect("it answers the action");
        assert_eq!(attempt.end().certificate, ASKED);

        let mut hardening = Hardening::NONE;
        hardening.certificate_flags_per_attempt = true;
        let hardened = params("sslmode=prefer").with_hardening(hardening);
        let mut attempt = rejected_over_tls(&hardened);
        attempt.handle(Input::Connected, None).expect("it answers the action");
        assert_eq!(attempt.end().certificate, ClientCertificate::default());
    }

    #[test]
    fn words() {
        let error = |failure, cause| MethodError { failure, cause };
        let rows = [
            (error(None, None), "the connection attempt failed"),
            (error(None, Some("a cause")), "a cause"),
            (error(Some(Failure::TimedOut), None), "timeout expired"),
            (error(Some(Failure::Tls(TlsFailure::Setup)), Some("no key")), "no key"),
            (error(Some(Failure::Connect), Some("refused")), "refused"),
            (error(Some(Failure::Gss), Some("ticket")), "GSSAPI encryption could not be established: ticket"),
        ];
        for (error, expected) in rows {
            assert_eq!(error.to_string(), expected);
        }
    }
}
