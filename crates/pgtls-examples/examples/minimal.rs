//! A blocking driver from SSLRequest to `SELECT 1`, on the core and rustls: everything between a connection string and a
//! session is here, in the order in which libpq does it.
//!
//! ```sh
//! cargo run -p pgtls-examples --example minimal -- "host=localhost user=me sslmode=verify-full sslrootcert=root.crt"
//! ```
//!
//! It prints how the session is protected and what the server answers. TCP alone, and no passwords.

use pgtls_core::{
    attempt::{Attempt, Ended},
    candidates::{Address, Candidate, CandidateAction, Candidates},
    files,
    gate::{Exchange, Shut, StartupGate},
    negotiation::{Action, Input},
    param::{Ability, Params, Settings, TargetSessionAttrs},
    policy::{GssCredentials, Payload, plan},
    startup::{ClientCertificate, Refusal},
};
use pgtls_examples::{
    Told,
    messages::{Message, Messages, query, startup, terminate},
};
use pgtls_rustls::{Cause, Connector, TlsError, TlsOptions, clock};
use rustls::{ClientConnection, StreamOwned};
use std::{
    error::Error,
    io::{self, Read, Write},
    net::{TcpStream, ToSocketAddrs},
    time::{Duration, Instant},
};

/// How long an address may take when `connect_timeout` does not say.
const PATIENCE: Duration = Duration::from_secs(60);

fn main() -> Result<(), Told> {
    let conninfo = std::env::args().nth(1).ok_or("usage: minimal CONNINFO")?;

    // Parameters: the string, the service file, the environment, libpq's defaults.
    let environment = pgtls_os::environment()?;
    let params = pgtls_os::params(&Settings::parse(&conninfo)?, &environment, Ability::default())?;

    // Roots, CRLs and identity. libpq reads them when TLS starts; a program may read them once.
    let loaded = files::load(&params, &environment, &pgtls_os::Disk);
    let now = clock(|| Duration::from_secs(pgtls_os::unix_time()));
    let options = TlsOptions::new(pgtls_rustls::aws_lc_rs(), now);
    let connector = Connector::new(&params, &loaded, &options);

    // Hosts and their addresses, one after the other.
    let mut candidates = Candidates::new(&params, &environment, options.seed());
    let mut certificate = ClientCertificate::default();
    loop {
        match candidates.poll_action() {
            CandidateAction::Resolve { name, port } => match (name.as_str(), port).to_socket_addrs() {
                Ok(addresses) => candidates.resolved(addresses),
                Err(error) => candidates.resolve_failed(Cause::Io(error).into()),
            },
            CandidateAction::Try(candidate) => {
                let role = candidates.target_session_attrs();
                match one_address(&params, &connector, &candidate, certificate, role)? {
                    Ok(mut session) => {
                        let value = session.ask("SELECT 1")?;
                        println!("{}: SELECT 1 is {value}", session.protection);
                        return Ok(session.wire.write_all(&terminate())?);
                    }
                    Err(ended) => {
                        certificate = ended.certificate;
                        ended.failed_before.into_iter().for_each(|error| candidates.note(error));
                        if let Some((error, then)) = ended.failed {
                            candidates.failed(error, then);
                        }
                    }
                }
            }
            _ => break,
        }
    }
    for error in candidates.errors() {
        eprintln!("{error}");
    }
    Err("no connection".into())
}

/// A session that is up.
struct Session {
    protection: &'static str,
    wire: Wire,
}

/// The loop around the machine: does what it says, tells it what happened, decides nothing.
fn one_address(
    params: &Params,
    connector: &Connector,
    candidate: &Candidate,
    earlier: ClientCertificate,
    role: TargetSessionAttrs,
) -> Result<Result<Session, Ended<Cause>>, Box<dyn Error>> {
    let plan = plan(params, candidate.address.transport(), GssCredentials::Absent, Payload::Startup)?;
    let mut attempt = Attempt::new(params, plan, earlier).with_role(role);
    // One deadline for all methods of an address.
    let deadline = Instant::now() + params.connect_timeout()?.unwrap_or(PATIENCE);
    let mut wire = Wire::None;
    let mut reply = [0; 2];
    loop {
        let (happened, cause) = match attempt.action() {
            Action::Connect | Action::Reconnect { .. } => match dial(&candidate.address, deadline) {
                Ok(tcp) => {
                    wire = Wire::Plain(tcp);
                    (Input::Connected, None)
                }
                Err(error) => failed(error, Input::ConnectFailed),
            },
            Action::Send(request) => match wire.write_all(request) {
                Ok(()) => (Input::Sent, None),
                Err(error) => failed(error, Input::Closed),
            },
            // No more than is asked for: what follows may belong to the TLS engine.
            Action::Receive { at_most } => match wire.read(reply.get_mut(..at_most).unwrap_or_default()) {
                Ok(count) => (Input::Received(reply.get(..count).unwrap_or_default()), None),
                Err(error) => failed(error, Input::Closed),
            },
            Action::StartTls(_) => match wire.start_tls(connector, candidate, &mut attempt) {
                Ok(happened) => (happened, None),
                Err(TlsError::Connection(error)) if is_timeout(&error) => (Input::TimedOut, None),
                Err(error) => (Input::TlsFailed(error.failure()), Some(error.into())),
            },
            Action::Startup { encryption, carry } => {
                let mut gate = attempt.gate(encryption, carry);
                let exchange = start_up(&mut wire, &mut gate, params);
                // What the gate says, the machine is told.
                let told = |error: &&io::Error| {
                    error.get_ref().and_then(|inner| inner.downcast_ref::<Shut>()).is_some()
                };
                let error = exchange.as_ref().err().filter(|error| !told(error));
                let cause = error.map(|error| Cause::Startup(error.to_string().into()));
                (gate.conclude(exchange.unwrap_or(Exchange::Failed))?, cause)
            }
            Action::Done(encryption) => {
                return Ok(Ok(Session { protection: encryption.as_str(), wire }));
            }
            Action::Fail { .. } => return Ok(Err(attempt.end())),
            // Neither GSSAPI nor unix sockets: the plan has been told.
            _ => (Input::GssFailed, None),
        };
        attempt.handle(happened, cause)?;
    }
}

/// The driver's part: sends the StartupMessage and reads up to ReadyForQuery. Every byte passes the gate.
fn start_up(wire: &mut Wire, gate: &mut StartupGate, params: &Params) -> io::Result<Exchange> {
    let packet = startup(params).map_err(io::Error::other)?;
    wire.write_all(&packet)?;
    gate.sent(&packet);
    let mut messages = Messages::default();
    messages.push(gate.take_carry().map_err(io::Error::other)?.as_slice());
    let mut asked = false;
    let mut buffer = [0; 4096];
    loop {
        let count = match wire.read(&mut buffer) {
            Ok(0) => {
                gate.closed();
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            Ok(count) => count,
            Err(error) => {
                if is_timeout(&error) {
                    gate.timed_out();
                } else {
                    gate.aborted();
                }
                return Err(error);
            }
        };
        let bytes = buffer.get(..count).unwrap_or_default();
        gate.received(bytes).map_err(io::Error::other)?;
        messages.push(bytes);
        while let Some(message) = messages.take().map_err(io::Error::other)? {
            match (message.kind, message.refusal()) {
                (b'Z', _) => match gate.role_query() {
                    None => return Ok(Exchange::Up),
                    // Asked already, and no row came.
                    Some(_) if asked => {
                        gate.role_answer(None);
                        return Ok(Exchange::WrongRole);
                    }
                    // A server before release 14 does not report its role.
                    Some(sql) => {
                        asked = true;
                        wire.write_all(&query(sql))?;
                    }
                },
                (b'D', _) => gate.role_answer(message.first_column().as_deref().map(str::as_bytes)),
                (b'E', Some(error)) => return Err(io::Error::other(error)),
                (_, Some(_password_wanted)) => return Ok(Exchange::Refused(Refusal::NoPassword)),
                _ => {}
            }
        }
    }
}

impl Session {
    /// Sends a query and reads its one value.
    fn ask(&mut self, sql: &str) -> Result<String, Box<dyn Error>> {
        self.wire.write_all(&query(sql))?;
        let mut messages = Messages::default();
        let mut value = None;
        let mut buffer = [0; 4096];
        loop {
            let count = self.wire.read(&mut buffer)?;
            if count == 0 {
                return Err("the server has closed the connection".into());
            }
            messages.push(buffer.get(..count).unwrap_or_default());
            while let Some(message) = messages.take()? {
                match message {
                    Message { kind: b'Z', .. } => return value.ok_or_else(|| "no row came".into()),
                    Message { kind: b'E', .. } => return Err(message.refusal().unwrap_or_default().into()),
                    row => value = value.or(row.first_column()),
                }
            }
        }
    }
}

/// The connection: not there, plain, or under TLS.
enum Wire {
    None,
    Plain(Timed),
    Tls(Box<StreamOwned<ClientConnection, Timed>>),
}

impl Wire {
    /// Runs the handshake and says what was proved in it.
    fn start_tls(
        &mut self,
        connector: &Connector,
        candidate: &Candidate,
        attempt: &mut Attempt<'_, Cause>,
    ) -> Result<Input<'static>, TlsError> {
        let session = connector.session(candidate.host.as_deref()).inspect_err(|error| {
            let _ = self.write_all(error.farewell());
        })?;
        let Self::Plain(mut tcp) = std::mem::replace(self, Self::None) else { return Ok(Input::Closed) };
        let mut engine = ClientConnection::new(session.config(), session.server_name())
            .map_err(|error| session.refusal(error))?;
        while engine.is_handshaking() {
            let moved = engine.complete_io(&mut tcp);
            attempt.saw_certificate(session.client_certificate());
            moved.map_err(|error| session.failure(error))?;
        }
        let facts = session.facts(&engine);
        *self = Self::Tls(Box::new(StreamOwned::new(engine, tcp)));
        Ok(facts.map_or(Input::Closed, Input::TlsEstablished))
    }
}

impl Read for Wire {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::None => Ok(0),
            Self::Plain(tcp) => tcp.read(buffer),
            Self::Tls(tls) => tls.read(buffer),
        }
    }
}

impl Write for Wire {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::None => Err(io::ErrorKind::NotConnected.into()),
            Self::Plain(tcp) => tcp.write(bytes),
            Self::Tls(tls) => tls.write(bytes),
        }
    }
    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::None | Self::Plain(_) => Ok(()),
            Self::Tls(tls) => tls.flush(),
        }
    }
}

/// A socket that nobody waits for past a point in time.
struct Timed {
    tcp: TcpStream,
    deadline: Instant,
}

impl Timed {
    fn left(&self) -> io::Result<Duration> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        if left.is_zero() { Err(io::ErrorKind::TimedOut.into()) } else { Ok(left) }
    }
}

impl Read for Timed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.tcp.set_read_timeout(Some(self.left()?))?;
        self.tcp.read(buffer)
    }
}

impl Write for Timed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.tcp.set_write_timeout(Some(self.left()?))?;
        self.tcp.write(bytes)
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn dial(address: &Address, deadline: Instant) -> io::Result<Timed> {
    let Address::Tcp(address) = address else {
        return Err(io::Error::new(io::ErrorKind::Unsupported, "this example knows no unix sockets"));
    };
    let left = deadline.saturating_duration_since(Instant::now());
    let tcp = TcpStream::connect_timeout(address, left.max(Duration::from_millis(1)))?;
    tcp.set_nodelay(true)?;
    Ok(Timed { tcp, deadline })
}

fn failed(error: io::Error, otherwise: Input<'static>) -> (Input<'static>, Option<Cause>) {
    if is_timeout(&error) { (Input::TimedOut, None) } else { (otherwise, Some(error.into())) }
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock)
}
