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
    startup::{ClientCertificate, StartupOutcome},
};
use pgtls_examples::{
    login::{Login, Monitored},
    socket::{TimedSocket, Wire},
};
use pgtls_rustls::{ActionError, Connector, StartupError, TlsError, TlsOptions, clock};
use pgtls_startup::{Channel, NONCE_LENGTH, StartupOptions, TERMINATE};
use rustls::{ClientConnection, StreamOwned};
use std::{
    io::{self, ErrorKind, Read, Write},
    net::ToSocketAddrs,
    task::Poll,
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
    let (mut wire, mut channel) = (Wire::None, Channel::Plain);
    let mut nonce = [0; NONCE_LENGTH];
    let is_random = |nonce: &mut [u8]| tls.provider.secure_random.fill(nonce).is_ok();
    let mut reply = [0; MAX_RECEIVE];
    let start = Instant::now();
    loop {
        let action = connection.poll(start.elapsed());
        let deadline = connection.deadline().map_or_else(|| Instant::now() + PATIENCE, |at| start + at);
        let input = match action {
            Action::Resolve { name, port } => {
                let addresses = (name.as_str(), port).to_socket_addrs();
                Input::Resolved(addresses.map(Iterator::collect).map_err(ActionError::Io))
            }
            Action::Open => {
                (wire, channel) = (Wire::None, Channel::Plain);
                match TimedSocket::open(connection.peer(), Some(deadline)) {
                    Ok(tcp) => {
                        wire = Wire::Plain(tcp);
                        Input::Opened(Ok(()))
                    }
                    Err(error) => failed(error, |error| Input::Opened(Err(error))),
                }
            }
            Action::Send(bytes) => match wire.write_all(bytes) {
                Ok(()) => Input::Sent,
                Err(error) => failed(error, |error| Input::ConnectionLost(Some(error))),
            },
            Action::Receive { at_most } => match wire.read(reply.get_mut(..at_most).unwrap_or_default()) {
                Ok(count) => Input::Received(reply.get(..count).unwrap_or_default()),
                Err(error) => failed(error, |error| Input::ConnectionLost(Some(error))),
            },
            Action::StartTls { .. } => {
                let host = connection.peer().and_then(|peer| peer.host.as_deref());
                // Scripts of this client bind nothing.
                channel = Channel::Tls { end_point: None };
                start_tls(&mut wire, &connector, host)
            }
            Action::StartGss => match start_gss(&mut wire, gss) {
                Ok(()) => {
                    channel = Channel::Gss;
                    Input::Gss(Ok(()))
                }
                Err(reason) => Input::Gss(Err(ActionError::Startup(reason.into()))),
            },
            Action::Startup => match connection.monitor().filter(|_| is_random(&mut nonce)) {
                Some(mut monitor) => {
                    let mut startup = StartupOptions::new(channel.clone(), nonce);
                    if let Some(peer) = connection.peer() {
                        startup.target_session_attrs = peer.target_session_attrs;
                    }
                    let mut stream = Monitored::new(&mut wire, &mut monitor, startup, Some(deadline));
                    let outcome = match Login::default().advance(&mut stream, params) {
                        Poll::Ready(outcome) => outcome,
                        Poll::Pending => Err(io::Error::from(ErrorKind::WouldBlock).into()),
                    };
                    let end = outcome.as_ref().err().map_or(StartupOutcome::Up, StartupError::outcome);
                    let cause = outcome.err().and_then(StartupError::into_error);
                    Input::StartupFinished { verdict: monitor.finish(end), cause }
                }
                None => Input::Abandoned(io::Error::from(ErrorKind::NotConnected).into()),
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
            // This program supports no unix sockets.
            _ => Input::Abandoned(io::Error::from(ErrorKind::Unsupported).into()),
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

fn start_tls(wire: &mut AnyWire, connector: &Connector, host: Option<&str>) -> Input<'static, ActionError> {
    let session = match connector.session(host) {
        Ok(session) => session,
        Err(error) => return tls_failed(error, ClientCertificate::NONE),
    };
    let handshake = wire.take_plain().and_then(|mut tcp| {
        let tls = ClientConnection::new(session.config(), session.server_name());
        let mut tls = tls.map_err(io::Error::other)?;
        while tls.is_handshaking() {
            tls.complete_io(&mut tcp)?;
        }
        Ok(StreamOwned::new(tls, tcp))
    });
    let certificate = session.client_certificate();
    match handshake {
        Ok(tls) => {
            let Some(facts) = session.facts(&tls.conn) else { return Input::ConnectionLost(None) };
            *wire = Wire::Encrypted(Box::new(Tls(tls)));
            Input::TlsEstablished { facts, certificate }
        }
        Err(error) if error.kind() == ErrorKind::TimedOut => Input::TimedOut,
        Err(error) => tls_failed(session.failure(error), certificate),
    }
}

fn tls_failed(error: TlsError, certificate: ClientCertificate) -> Input<'static, ActionError> {
    Input::TlsFailed { failure: error.failure(), certificate, alert: error.farewell(), cause: error.into() }
}

fn failed(
    error: io::Error,
    input: impl FnOnce(ActionError) -> Input<'static, ActionError>,
) -> Input<'static, ActionError> {
    if error.kind() == ErrorKind::TimedOut { Input::TimedOut } else { input(error.into()) }
}
