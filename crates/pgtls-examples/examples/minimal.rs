//! A blocking driver from a connection string to `SELECT 1`, on the machine of the core and rustls.
//!
//! ```sh
//! cargo run -p pgtls-examples --example minimal -- "host=localhost user=me sslmode=verify-full sslrootcert=root.crt"
//! ```
//!
//! It prints the encryption of the session and the answer of the server. It supports TCP alone.

use pgtls_core::{
    connect::{Action, Connection, Input, MAX_RECEIVE, Options},
    files,
    param::{Ability, Settings},
    startup::{ClientCertificate, StartupOutcome},
};
use pgtls_examples::{
    DisplayError,
    login::{Answer, Login, Monitored},
    messages::query,
    socket::{TimedSocket, Wire as AnyWire},
};
use pgtls_rustls::{ActionError, Connector, StartupError, TlsError, TlsOptions, clock};
use pgtls_startup::{NONCE_LENGTH, StartupOptions, TERMINATE};
use rustls::{ClientConnection, StreamOwned};
use std::{
    io::{self, ErrorKind, Read, Write},
    net::ToSocketAddrs,
    task::Poll,
    time::{Duration, Instant},
};

/// The present connection.
type Wire = AnyWire<StreamOwned<ClientConnection, TimedSocket>>;

fn main() -> Result<(), DisplayError> {
    let conninfo = std::env::args().nth(1).ok_or("usage: minimal CONNINFO")?;

    // Parameters: the string, the service file, the environment, libpq's defaults.
    let environment = pgtls_os::environment()?;
    let params = pgtls_os::params(&Settings::parse(&conninfo)?, &environment, Ability::default())?;

    // Roots, CRLs and identity. libpq reads them when TLS starts; a program may read them once.
    let loaded = files::load(&params, &environment, &pgtls_os::Disk);
    let now = clock(|| Duration::from_secs(pgtls_os::unix_time()));
    let tls = TlsOptions::new(pgtls_rustls::aws_lc_rs(), now);
    let connector = Connector::new(&params, &loaded, &tls);

    let mut options = Options::default();
    options.seed = tls.seed();
    let mut connection = Connection::new(&params, &environment, options);
    let mut wire = Wire::None;
    let mut reply = [0; MAX_RECEIVE];
    let start = Instant::now();
    loop {
        let action = connection.poll(start.elapsed());
        let deadline = connection.deadline().map(|deadline| start + deadline);
        let input = match action {
            Action::Resolve { name, port } => {
                let addresses = (name.as_str(), port).to_socket_addrs();
                Input::Resolved(addresses.map(Iterator::collect).map_err(ActionError::Io))
            }
            Action::Open => {
                wire = Wire::None;
                match TimedSocket::open(connection.peer(), deadline) {
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
            // No more than this: the bytes after it belong to TLS.
            Action::Receive { at_most } => match wire.read(reply.get_mut(..at_most).unwrap_or_default()) {
                Ok(count) => Input::Received(reply.get(..count).unwrap_or_default()),
                Err(error) => failed(error, |error| Input::ConnectionLost(Some(error))),
            },
            Action::StartTls { .. } => {
                let host = connection.peer().and_then(|peer| peer.host.as_deref());
                start_tls(&mut wire, &connector, host)
            }
            Action::Startup => {
                let mut monitor = connection.monitor().ok_or("this connection has no monitor any more")?;
                let mut nonce = [0; NONCE_LENGTH];
                tls.provider.secure_random.fill(&mut nonce).map_err(|_| "there is no randomness")?;
                let certificate = |tls: &StreamOwned<ClientConnection, _>| {
                    Some(tls.conn.peer_certificates()?.first()?.to_vec())
                };
                let mut options = StartupOptions::new(wire.channel(certificate), nonce);
                let peer = connection.peer().ok_or("there is no server")?;
                options.target_session_attrs = peer.target_session_attrs;
                let mut stream = Monitored::new(&mut wire, &mut monitor, options, deadline);
                let Poll::Ready(outcome) = Login::default().advance(&mut stream, &params) else {
                    return Err("the socket does not block".into());
                };
                let end = outcome.as_ref().err().map_or(StartupOutcome::Up, StartupError::outcome);
                let cause = outcome.err().and_then(StartupError::into_error);
                Input::StartupFinished { verdict: monitor.finish(end), cause }
            }
            Action::Done(encryption) => {
                wire.end_startup(|tls| &mut tls.sock);
                wire.write_all(&query("SELECT 1"))?;
                println!("{encryption}: SELECT 1 is {}", Answer::default().read(&mut wire)?);
                return Ok(wire.write_all(&TERMINATE)?);
            }
            Action::Failed => return Err(connection.take_error().into()),
            // Neither unix sockets nor GSSAPI.
            _ => Input::Abandoned(io::Error::from(ErrorKind::Unsupported).into()),
        };
        connection.handle(input)?;
    }
}

/// Runs the handshake; the facts carry the proofs of the verifier.
fn start_tls(wire: &mut Wire, connector: &Connector, host: Option<&str>) -> Input<'static, ActionError> {
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
            *wire = Wire::Encrypted(Box::new(tls));
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
