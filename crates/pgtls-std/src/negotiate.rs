//! From a connection that the program has opened itself to a session.

use crate::{
    config::Config, connect::Connected, connection::Connection, prepare::Prepared, run::Run, stream::Stream,
};
use pgtls_core::{
    attempt::{Attempt, MethodError, Report, Tried},
    candidates::{AttemptError, CandidateError},
    negotiation::Then,
    policy::{GssCredentials, Payload, plan},
    startup::ClientCertificate,
};
use pgtls_rustls::{Cause, ConnectError, StartupError};
use std::io;

/// Negotiates on a connection that is open already, as libpq would with this one address.
///
/// `host` is what the certificate is verified against and what the server is told (SNI). `redial` opens a new connection
/// to the same address, which some modes need to fall back. The deadline of `connect_timeout` begins now.
///
/// # Errors
/// What failed on this address; [`ConnectError::then`] says whether libpq would go on to another.
pub fn negotiate<S: Connection, T>(
    config: &Config,
    host: Option<&str>,
    connection: S,
    mut redial: impl FnMut() -> io::Result<S>,
    mut startup: impl FnMut(&mut Stream<S>) -> Result<T, StartupError>,
) -> Result<Connected<Stream<S>, T>, ConnectError> {
    let params = &config.params;
    let prepared = Prepared::new(config);
    let plan = match plan(params, connection.transport(), GssCredentials::Absent, Payload::Startup) {
        Ok(plan) => plan,
        Err(error) => {
            let attempts = vec![without_address(Cause::Plan(error).into())];
            return Err(ConnectError { attempts, then: Then::Stop, report: Report::default() });
        }
    };
    let mut first = Some(connection);
    let run = Run {
        params,
        prepared: &prepared,
        host,
        dial: &mut |_| first.take().map_or_else(&mut redial, Ok),
        startup: &mut startup,
    };
    let (ended, session) = run.drive(Attempt::new(params, plan, ClientCertificate::default()));

    let tried = vec![Tried { candidate: None, trace: ended.trace }];
    let (files, warnings) = prepared.into_report();
    let report = Report { tried, files, warnings };
    if let Some((stream, value)) = session {
        let failed = ended.failed_before.into_iter().map(without_address).collect();
        return Ok(Connected { stream, value, report, failed });
    }
    let (last, then) = ended.failed.unzip();
    let attempts = ended.failed_before.into_iter().chain(last).map(without_address).collect();
    Err(ConnectError { attempts, then: then.unwrap_or(Then::Stop), report })
}

fn without_address(error: MethodError<Cause>) -> AttemptError<MethodError<Cause>> {
    AttemptError { prefix: String::new(), error: CandidateError::Attempt(error) }
}
