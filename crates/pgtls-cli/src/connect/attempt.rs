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
    context::ConnectionContext,
    labels::{self, FileLine, printable, release},
};
use pgtls_adapter::{BoxError, Config, ConnectError, Connected, Startup, StartupError};
use pgtls_core::{
    connect,
    param::{Params, Passwords},
    policy::Verification,
    startup::ClientCertificate,
};
use pgtls_rustls::SessionFacts;
use pgtls_startup::{AuthenticationMethod, ExchangeError, ServerSession};

/// Connects, disconnects, reports.
pub(crate) fn attempt(gathered: ConnectionContext, adapter: Adapter) -> Report {
    let ConnectionContext { environment, params, init } = gathered;
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
    type Value = ServerSession;
    type Outcome = Report;

    /// Runs the startup exchange.
    async fn start_up(
        &self,
        session: &mut impl Session,
        at: Startup<'_>,
    ) -> Result<ServerSession, StartupError> {
        let password = self.passwords.password(at.peer.host_index).cloned();
        let outcome = session.log_in(at, self.params, password).await;
        outcome.map_err(|error| startup_error(error, session.facts()))
    }

    async fn end<S: Session>(&self, ended: Result<Connected<S, ServerSession>, ConnectError>) -> Report {
        match ended {
            Ok(mut connected) => {
                connected.stream.terminate().await;
                success(&connected, self.params)
            }
            Err(error) => failed(&error, self.params),
        }
    }
}

/// The digits of the data that SCRAM is bound to.
fn end_point(facts: &SessionFacts) -> Option<String> {
    let bytes = facts.tls_server_end_point().ok().flatten()?;
    Some(bytes.iter().fold(String::new(), |digits, byte| format!("{digits}{byte:02x}")))
}

/// The server has a say in the protocol of ALPN.
fn printable_value((name, value): (&'static str, String)) -> (&'static str, String) {
    (name, printable(&value))
}

/// Adds the facts of the session to an error of the exchange.
fn startup_error(error: StartupError, facts: Option<&SessionFacts>) -> StartupError {
    let add = |error: BoxError| match error.downcast::<ExchangeError>() {
        Ok(error) => Box::new(StartupFailure {
            error: *error,
            verified: facts.map_or(Verification::None, |facts| facts.verified),
            certificate: facts.map_or_else(ClientCertificate::default, |facts| facts.client_certificate),
        }),
        Err(other) => other,
    };
    match error {
        StartupError::Refused { refusal, error } => StartupError::Refused { refusal, error: error.map(add) },
        StartupError::WrongRole { error } => StartupError::WrongRole { error: error.map(add) },
        StartupError::Failed(error) => StartupError::Failed(add(error)),
        other => other,
    }
}

/// The method in PostgreSQL's words, and whether it is bound to the connection.
fn authentication(method: AuthenticationMethod) -> &'static str {
    match method {
        AuthenticationMethod::ScramSha256Plus => "scram-sha-256, bound to the channel",
        other => other.as_str(),
    }
}

fn success(connected: &Connected<impl Session, ServerSession>, params: &Params) -> Report {
    let facts = connected.stream.facts();
    Report {
        outcome: connected.stream.encryption().as_str(),
        protocol: facts.map(|facts| facts.protocol.to_owned()),
        cipher: facts.map(|facts| facts.cipher.name.to_owned()),
        alpn: facts.and_then(|facts| facts.alpn.as_deref()).map(printable),
        sni: facts.and_then(|facts| facts.sni.as_deref()).map(printable),
        verified: facts.map_or("none", |facts| labels::verified(facts.verified)),
        matched_name: facts.and_then(|facts| facts.matched_name.as_deref()).map(printable),
        certificates: facts.map(|facts| certificate::describe(&facts.path)).unwrap_or_default(),
        attributes: facts.into_iter().flat_map(SessionFacts::attributes).map(printable_value).collect(),
        tls_server_end_point: facts.and_then(end_point),
        client_certificate: facts.map(|facts| facts.client_certificate.into()),
        server_version: connected.value.parameter("server_version").and_then(release),
        authentication: Some(authentication(connected.value.authentication)),
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
fn seen(seen: &connect::Report, params: &Params) -> Report {
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
