//! From parameters to a session: all hosts, all addresses.

use crate::{
    config::Config,
    dial::{dial, resolve},
    prepare::Prepared,
    run::Run,
    socket::Socket,
    stream::Stream,
};
use pgtls_core::{
    attempt::{Attempt, MethodError, Report, Tried},
    candidates::{AttemptError, Candidate, CandidateAction, Candidates},
    negotiation::Then,
    param::TargetSessionAttrs,
    policy::{GssCredentials, Payload, plan},
    startup::ClientCertificate,
};
use pgtls_rustls::{Cause, ConnectError, StartupError};

/// A session with a server.
#[derive(Debug)]
#[non_exhaustive]
pub struct Connected<S, T> {
    /// Its bytes.
    pub stream: S,
    /// What the startup exchange returned.
    pub value: T,
    /// What was seen on the way.
    pub report: Report,
    /// What failed before, in order: why the session is not encrypted, or not with the first host.
    pub failed: Vec<AttemptError<MethodError<Cause>>>,
}

/// What a startup exchange may want to know about where it is.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Startup<'a> {
    /// The address, and the host it belongs to.
    pub candidate: &'a Candidate,
    /// What the server has to be to count as reached; whoever runs the exchange finds it out.
    pub target_session_attrs: TargetSessionAttrs,
}

/// Connects as libpq does: tries hosts and addresses in its order, negotiates encryption with each, falls back where
/// `sslmode` says so, and has `startup` send the StartupMessage and authenticate (libpq: `PQconnectdb`).
///
/// `startup` may be called several times, each time on a new connection. It reads up to ReadyForQuery.
///
/// # Errors
/// All attempts, in order, with what was seen on the way.
pub fn connect<T>(
    config: &Config,
    mut startup: impl FnMut(&mut Stream, Startup<'_>) -> Result<T, StartupError>,
) -> Result<Connected<Stream, T>, ConnectError> {
    let Config { params, environment, tls, .. } = config;
    let prepared = Prepared::new(config);
    let mut candidates = Candidates::new(params, environment, tls.seed());
    let mut certificate = ClientCertificate::default();
    let mut tried = Vec::new();
    let session = loop {
        match candidates.poll_action() {
            CandidateAction::Resolve { name, port } => match resolve(&name, port) {
                Ok(addresses) => candidates.resolved(addresses),
                Err(error) => candidates.resolve_failed(Cause::Io(error).into()),
            },
            CandidateAction::Try(candidate) => {
                let transport = candidate.address.transport();
                let plan = match plan(params, transport, GssCredentials::Absent, Payload::Startup) {
                    Ok(plan) => plan,
                    Err(error) => {
                        candidates.failed(Cause::Plan(error).into(), Then::Stop);
                        continue;
                    }
                };
                let target_session_attrs = candidates.target_session_attrs();
                let run = Run {
                    params,
                    prepared: &prepared,
                    host: candidate.host.as_deref(),
                    dial: &mut |deadline| dial(&candidate.address, params, deadline),
                    startup: &mut |stream: &mut Stream<Socket>| {
                        startup(stream, Startup { candidate: &candidate, target_session_attrs })
                    },
                };
                let (ended, session) = run.drive(Attempt::new(params, plan, certificate));
                certificate = ended.certificate;
                tried.push(Tried { candidate: Some(candidate), trace: ended.trace });
                for error in ended.failed_before {
                    candidates.note(error);
                }
                if session.is_some() {
                    break session;
                }
                if let Some((error, then)) = ended.failed {
                    candidates.failed(error, then);
                }
            }
            _ => break None,
        }
    };
    let (files, warnings) = prepared.into_report();
    let report = Report { tried, files, warnings };
    match session {
        Some((stream, value)) => Ok(Connected { stream, value, report, failed: candidates.into_errors() }),
        None => Err(ConnectError { attempts: candidates.into_errors(), then: Then::Stop, report }),
    }
}
