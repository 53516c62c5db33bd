//! An embedder with GSSAPI: a client that does what a libpq built with Kerberos does, up to the point where a ticket is
//! needed.
//!
//! pgtls has no GSSAPI library, and its adapters and the program `pgtls` are clients without. The core's negotiation knows
//! GSSAPI encryption as a method like the others, for embedders that can do it. This one can as far as its [`Gss`] is
//! scripted: [`Forged`] holds whatever credential cache it is shown and gets no ticket for it, since there is nobody to
//! ask. A test may bring one that succeeds.
//!
//! TCP alone, and no passwords.

mod channel;
mod credentials;
mod forged;
mod gss;
mod trial;

pub use credentials::CredentialCache;
pub use forged::Forged;
pub use gss::{Connection, Gss, Wrap};

use pgtls_core::{
    attempt::MethodError,
    candidates::{CandidateAction, Candidates},
    environment::Environment,
    files,
    negotiation::{Encryption, Event, Misuse, Then},
    param::{Ability, Params},
    startup::ClientCertificate,
};
use pgtls_rustls::{Cause, Connector, TlsOptions, clock};
use std::{net::ToSocketAddrs, time::Duration};
use trial::Client;

/// What came of a connection attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// How the session was protected, or all errors, in order.
    pub session: Result<Encryption, Vec<String>>,
    /// What was seen on the way.
    pub events: Vec<Event>,
}

/// What this embedder can do.
pub fn ability() -> Ability {
    let mut ability = Ability::default();
    ability.gss = true;
    ability
}

/// Connects, disconnects, and tells what came of it.
///
/// # Errors
/// A bug in the program.
pub fn connect(params: &Params, environment: &Environment, gss: &dyn Gss) -> Result<Outcome, Misuse> {
    let loaded = files::load(params, environment, &pgtls_os::Disk);
    let now = clock(|| Duration::from_secs(pgtls_os::unix_time()));
    let options = TlsOptions::new(pgtls_rustls::aws_lc_rs(), now);
    let client = Client { params, connector: Connector::new(params, &loaded, &options), gss };
    let mut candidates = Candidates::new(params, environment, options.seed());
    let (mut certificate, mut events) = (ClientCertificate::default(), Vec::new());
    loop {
        match candidates.poll_action() {
            CandidateAction::Resolve { name, port } => match (name.as_str(), port).to_socket_addrs() {
                Ok(addresses) => candidates.resolved(addresses),
                Err(error) => candidates.resolve_failed(Cause::Io(error).into()),
            },
            CandidateAction::Try(candidate) => {
                let (session, ended) = match client.address(&candidate, certificate)? {
                    Ok(tried) => tried,
                    // A parameter that leaves no way ends everything.
                    Err(cause) => {
                        candidates.failed(cause.into(), Then::Stop);
                        continue;
                    }
                };
                events.extend(ended.trace.events);
                if let Some(encryption) = session {
                    return Ok(Outcome { session: Ok(encryption), events });
                }
                certificate = ended.certificate;
                for error in ended.failed_before {
                    candidates.note(error);
                }
                let (error, then) = ended.failed.unwrap_or((MethodError::new(None, None), Then::Stop));
                candidates.failed(error, then);
            }
            _ => break,
        }
    }
    let errors = candidates.errors().iter().map(ToString::to_string).collect();
    Ok(Outcome { session: Err(errors), events })
}
