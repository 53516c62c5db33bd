//! An embedder with GSSAPI: a client that behaves as a libpq built with Kerberos does, up to the point where a ticket is
//! needed.
//!
//! pgtls has no GSSAPI library, and its adapters and the program `pgtls` are clients without it. The core supports GSSAPI
//! encryption as a method like the others, for embedders that have a library. This one has a script in its place, [`Gss`]:
//! [`Forged`] holds the credential cache that it is given and gets no ticket for it. A test can bring a script that succeeds.
//!
//! TCP alone.

mod channel;
mod credentials;
mod forged;
mod gss;

pub use credentials::CredentialCache;
pub use forged::Forged;
pub use gss::{Connection, Gss, Wrap};

use channel::{Tls, Wrapped};
use pgtls_core::{
    connect::{self, Action, Input, MAX_RECEIVE, Options},
    environment::Environment,
    files,
    negotiation::{Encryption, Event, Misuse},
    param::{Ability, Params},
};
use pgtls_examples::{
    actions::{perform, start_tls},
    socket::Wire,
};
use pgtls_rustls::{ActionError, Connector, TlsOptions, clock};
use pgtls_startup::{Channel, TERMINATE};
use std::{
    io::Write,
    time::{Duration, Instant},
};

/// Time for one connection where `connect_timeout` sets no limit: a script that hangs must not hang a test.
const PATIENCE: Duration = Duration::from_secs(15);

/// The result of a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The encryption of the session, or all errors, in order.
    pub session: Result<Encryption, Vec<String>>,
    /// The trace.
    pub events: Vec<Event>,
}

/// The abilities of this embedder.
pub fn ability() -> Ability {
    let mut ability = Ability::default();
    ability.gss = true;
    ability
}

/// Connects, disconnects, and returns the result.
///
/// # Errors
/// A bug in the program.
pub fn connect(params: &Params, environment: &Environment, gss: &dyn Gss) -> Result<Outcome, Misuse> {
    let loaded = files::load(params, environment, &pgtls_os::Disk);
    let now = clock(|| Duration::from_secs(pgtls_os::unix_time()));
    let tls = TlsOptions::new(pgtls_rustls::aws_lc_rs(), now);
    let connector = Connector::new(params, &loaded, &tls);
    let mut options = Options::default();
    (options.seed, options.gss) = (tls.seed(), gss.credentials());
    let mut connection = connect::Connection::new(params, environment, options);
    let (mut wire, mut channel): (AnyWire, _) = (Wire::None, Channel::Plain);
    let mut reply = [0; MAX_RECEIVE];
    let start = Instant::now();
    loop {
        let action = connection.poll(start.elapsed());
        let deadline = connection.deadline().map_or_else(|| Instant::now() + PATIENCE, |at| start + at);
        let input = match action {
            Action::StartTls { .. } => {
                // Scripts of this client bind nothing.
                channel = Channel::Tls { end_point: None };
                start_tls(&connection, &mut wire, &connector, |tls| Box::new(Tls(tls)))
            }
            Action::StartGss => match start_gss(&mut wire, gss) {
                Ok(()) => {
                    channel = Channel::Gss;
                    Input::Gss(Ok(()))
                }
                Err(reason) => Input::Gss(Err(ActionError::Startup(reason.into()))),
            },
            Action::Done(encryption) => {
                let _ = wire.write_all(&TERMINATE);
                let events = connection.report().events().collect();
                return Ok(Outcome { session: Ok(encryption), events });
            }
            Action::Failed => {
                let error = connection.take_error();
                let errors = error.attempts.iter().map(ToString::to_string).collect();
                return Ok(Outcome { session: Err(errors), events: error.report.events().collect() });
            }
            action => {
                if let Action::Open = action {
                    channel = Channel::Plain;
                }
                let protection = |_: &AnyWire| channel.clone();
                perform(action, &mut connection, &mut wire, params, Some(deadline), (protection, &mut reply))
            }
        };
        connection.handle(input)?;
    }
}

/// The present connection.
type AnyWire = Wire<dyn Connection>;

fn start_gss(wire: &mut AnyWire, gss: &dyn Gss) -> Result<(), String> {
    let mut socket = wire.take_plain().map_err(|error| error.to_string())?;
    let wrap = gss.shake_hands(&mut socket)?;
    *wire = Wire::Encrypted(Box::new(Wrapped { socket, wrap, incoming: Vec::new() }));
    Ok(())
}
