//! The attempt itself: the adapter connects, the startup exchange runs, and what came of it is written down.

use super::{
    adapter::{Adapter, Session, Visit},
    failure::{self, StartupFailure},
    passphrase,
    report::{Report, Warning},
    timeline::timeline,
};
use crate::{
    advice::advice,
    certificate,
    gather::Gathered,
    startup::{self, Binding, Channel, Exchange, Fault, RunError},
    words::{self, FileLine, printable},
};
use pgtls_adapter::{Config, ConnectError, Connected, Startup, StartupError};
use pgtls_core::{
    connect::Report as Seen,
    param::{Params, Passwords},
    startup::{ClientCertificate, Refusal},
};
use pgtls_rustls::SessionFacts;

/// Connects, disconnects, reports.
pub(crate) fn attempt(gathered: Gathered, adapter: Adapter) -> Report {
    let Gathered { environment, params, init } = gathered;
    let passwords = pgtls_os::passwords(&params, &environment);
    let mut config = Config::new(params, environment, pgtls_rustls::aws_lc_rs());
    config.init = init;
    config.tls.passphrase = passphrase::hook(&config.params);
    let visit = Visitor { params: &config.params, passwords: &passwords };
    let mut report = match adapter.connect(&config, &visit) {
        Ok(report) => report,
        Err(error) => Report::refused("other", format!("the adapter cannot be started: {error}")),
    };
    // The password file is read before the connection.
    report.warnings.splice(..0, passwords.problem().map(Warning::from));
    report
}

/// What is done with the session, whichever adapter makes it.
struct Visitor<'v> {
    params: &'v Params,
    passwords: &'v Passwords,
}

impl Visit for Visitor<'_> {
    type Value = startup::Report;
    type Outcome = Report;

    /// Sends the startup packet, authenticates, and listens until the server is ready.
    async fn start_up(
        &self,
        session: &mut impl Session,
        at: Startup<'_>,
    ) -> Result<startup::Report, StartupError> {
        let channel = Channel { encryption: session.encryption(), binding: binding(session.facts()) };
        let password = self.passwords.password(at.peer.host_index);
        let mut exchange = Exchange::new(self.params, channel, password, at.peer.target_session_attrs)?;
        match startup::run(&mut exchange, session).await {
            Ok(()) => {
                if at.role_query().is_some() {
                    at.role_answer(exchange.role_answer());
                }
                Ok(exchange.report().clone())
            }
            Err(RunError::Io(error)) => Err(error.into()),
            Err(RunError::Fault(fault)) => Err(startup_error(fault, session.facts())),
        }
    }

    async fn end<S: Session>(&self, ended: Result<Connected<S, startup::Report>, ConnectError>) -> Report {
        match ended {
            Ok(mut connected) => {
                startup::terminate(&mut connected.stream).await;
                connected.stream.shut().await;
                success(connected, self.params)
            }
            Err(error) => failed(&error, self.params),
        }
    }
}

/// What SCRAM can be bound to. A certificate whose digest is not defined is told from a channel without one.
fn binding(facts: Option<&SessionFacts>) -> Binding {
    match facts.map(SessionFacts::tls_server_end_point) {
        None => Binding::None,
        Some(Ok(Some(bytes))) => Binding::EndPoint(bytes),
        Some(Ok(None) | Err(_)) => Binding::Undefined,
    }
}

/// The same in digits.
fn end_point(facts: &SessionFacts) -> Option<String> {
    let bytes = facts.tls_server_end_point().ok().flatten()?;
    Some(bytes.iter().fold(String::new(), |digits, byte| format!("{digits}{byte:02x}")))
}

/// The server has a say in the protocol of ALPN.
fn printable_value((name, value): (&'static str, String)) -> (&'static str, String) {
    (name, printable(&value))
}

fn startup_error(fault: Fault, facts: Option<&SessionFacts>) -> StartupError {
    let failure = |fault| {
        Box::new(StartupFailure {
            fault,
            verified: facts.map_or(pgtls_core::policy::Verification::None, |facts| facts.verified),
            certificate: facts.map_or_else(ClientCertificate::default, |facts| facts.client_certificate),
        })
    };
    match fault {
        Fault::Refused(refusal) => StartupError::Refused { refusal, error: None },
        fault @ Fault::Exchange(_) => {
            StartupError::Refused { refusal: Refusal::Exchange, error: Some(failure(fault)) }
        }
        fault @ Fault::WrongRole(_) => StartupError::WrongRole { error: Some(failure(fault)) },
        fault @ (Fault::Server { .. } | Fault::Broken(_)) => StartupError::Failed(failure(fault)),
    }
}

fn success(connected: Connected<impl Session, startup::Report>, params: &Params) -> Report {
    let facts = connected.stream.facts();
    Report {
        outcome: connected.stream.encryption().as_str(),
        protocol: facts.map(|facts| facts.protocol.to_owned()),
        cipher: facts.map(|facts| facts.cipher.name.to_owned()),
        alpn: facts.and_then(|facts| facts.alpn.as_deref()).map(printable),
        sni: facts.and_then(|facts| facts.sni.as_deref()).map(printable),
        verified: facts.map_or("none", |facts| words::verified(facts.verified)),
        matched_name: facts.and_then(|facts| facts.matched_name.as_deref()).map(printable),
        certificates: facts.map(|facts| certificate::describe(&facts.path)).unwrap_or_default(),
        attributes: facts.into_iter().flat_map(SessionFacts::attributes).map(printable_value).collect(),
        tls_server_end_point: facts.and_then(end_point),
        client_certificate: facts.map(|facts| facts.client_certificate.into()),
        server_version: connected.value.server_version,
        authentication: connected.value.authentication,
        earlier_errors: connected.failed.iter().map(failure::line).collect(),
        attempts: timeline(&connected.report.attempts, &connected.failed, true),
        ..seen(&connected.report, params)
    }
}

fn failed(error: &ConnectError, params: &Params) -> Report {
    let errors: Vec<String> = error.attempts.iter().map(failure::line).collect();
    let error_class = error.attempts.last().map_or("other", failure::class);
    Report {
        error_class: Some(error_class),
        error: Some(errors.join("\n")),
        advice: error.attempts.last().and_then(failure::chain_advice).or_else(|| advice(error_class)),
        attempts: timeline(&error.report.attempts, &error.attempts, false),
        ..seen(&error.report, params)
    }
}

/// What an attempt leaves behind whatever its outcome.
fn seen(seen: &Seen, params: &Params) -> Report {
    let several = params.hosts().len() > 1;
    let mut report = Report::empty();
    for attempt in &seen.attempts {
        let host = several.then_some(attempt.peer.host_index);
        for event in &attempt.events {
            report.events.push(match host {
                Some(index) => format!("h{index}:{event}"),
                None => event.to_string(),
            });
        }
    }
    report.files = seen.files.iter().map(FileLine::from).collect();
    report.connections = seen.connections();
    report.warnings = seen.warnings.iter().map(Warning::from).collect();
    report.mode = Some((
        params.sslmode().to_string(),
        params.source("sslmode").map_or_else(|| "default".to_owned(), ToString::to_string),
    ));
    report
}
