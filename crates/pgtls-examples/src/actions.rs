//! The actions of the machine of the core on a socket that blocks, as far as they are the same in every program.

use crate::{
    login::{Login, Monitored},
    socket::{TimedSocket, Wire},
};
use pgtls_core::{
    connect::{Action, Connection, Input, MAX_RECEIVE},
    param::Params,
    startup::{ClientCertificate, StartupOutcome},
};
use pgtls_rustls::{ActionError, Connector, StartupError, TlsError};
use pgtls_startup::{Channel, NONCE_LENGTH, StartupOptions};
use rustls::{ClientConnection, StreamOwned};
use std::{
    io::{self, ErrorKind, Read, Write},
    net::ToSocketAddrs,
    task::Poll,
    time::Instant,
};

/// A TLS session of rustls.
pub type TlsStream = StreamOwned<ClientConnection, TimedSocket>;

/// Performs an action before the deadline, and returns its result. `channel` returns the protection of the connection for SCRAM,
/// `reply` is the buffer of `Receive`. TLS, GSSAPI and the ends are the program's; there is no unix socket.
pub fn perform<'b, T: Read + Write + ?Sized>(
    action: Action,
    connection: &mut Connection<ActionError>,
    wire: &mut Wire<T>,
    params: &Params,
    deadline: Option<Instant>,
    (channel, reply): (impl FnOnce(&Wire<T>) -> Channel, &'b mut [u8; MAX_RECEIVE]),
) -> Input<'b, ActionError> {
    match action {
        Action::Resolve { name, port } => {
            let addresses = (name.as_str(), port).to_socket_addrs();
            Input::Resolved(addresses.map(Iterator::collect).map_err(ActionError::Io))
        }
        Action::Open => {
            *wire = Wire::None;
            let opened = TimedSocket::open(connection.peer(), deadline);
            match opened.map(|tcp| *wire = Wire::Plain(tcp)) {
                Ok(()) => Input::Opened(Ok(())),
                Err(error) => failed(error, |error| Input::Opened(Err(error))),
            }
        }
        Action::Send(bytes) => wire.write_all(bytes).map_or_else(lost, |()| Input::Sent),
        Action::Receive { at_most } => match wire.read(reply.get_mut(..at_most).unwrap_or_default()) {
            Ok(count) => Input::Received(reply.get(..count).unwrap_or_default()),
            Err(error) => lost(error),
        },
        Action::Startup => {
            let Some(mut monitor) = connection.monitor() else {
                return Input::Abandoned(io::Error::from(ErrorKind::NotConnected).into());
            };
            let mut nonce = [0; NONCE_LENGTH];
            if pgtls_rustls::aws_lc_rs().secure_random.fill(&mut nonce).is_err() {
                return Input::Abandoned(io::Error::other("could not generate nonce").into());
            }
            let mut options = StartupOptions::new(channel(wire), nonce);
            if let Some(peer) = connection.peer() {
                options.target_session_attrs = peer.target_session_attrs;
            }
            let mut stream = Monitored::new(wire, &mut monitor, options, deadline);
            let outcome = match Login::default().advance(&mut stream, params) {
                Poll::Ready(outcome) => outcome,
                Poll::Pending => Err(io::Error::from(ErrorKind::WouldBlock).into()),
            };
            let end = outcome.as_ref().err().map_or(StartupOutcome::Up, StartupError::outcome);
            let cause = outcome.err().and_then(StartupError::into_error);
            Input::StartupFinished { verdict: monitor.finish(end), cause }
        }
        _ => Input::Abandoned(io::Error::from(ErrorKind::Unsupported).into()),
    }
}

/// Performs `StartTls` with rustls; the facts carry the proofs of the verifier. `boxed` makes the stream of the program.
pub fn start_tls<T: ?Sized>(
    connection: &Connection<ActionError>,
    wire: &mut Wire<T>,
    connector: &Connector,
    boxed: impl FnOnce(TlsStream) -> Box<T>,
) -> Input<'static, ActionError> {
    let session = match connector.session(connection.peer().and_then(|peer| peer.host.as_deref())) {
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
            *wire = Wire::Encrypted(boxed(tls));
            Input::TlsEstablished { facts, certificate }
        }
        Err(error) if error.kind() == ErrorKind::TimedOut => Input::TimedOut,
        Err(error) => tls_failed(session.failure(error), certificate),
    }
}

fn tls_failed(error: TlsError, certificate: ClientCertificate) -> Input<'static, ActionError> {
    Input::TlsFailed {
        failure: error.failure(),
        certificate,
        alert: error.closing_alert(),
        cause: error.into(),
    }
}

fn lost(error: io::Error) -> Input<'static, ActionError> {
    failed(error, |error| Input::ConnectionLost(Some(error)))
}

fn failed(
    error: io::Error,
    input: impl FnOnce(ActionError) -> Input<'static, ActionError>,
) -> Input<'static, ActionError> {
    if error.kind() == ErrorKind::TimedOut { Input::TimedOut } else { input(error.into()) }
}
