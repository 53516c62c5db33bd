//! OpenSSL instead of rustls under the same core: any TLS engine will do that can say what it has proved.
//!
//! ```sh
//! cargo run -p pgtls-examples --example openssl -- "host=localhost user=me sslmode=verify-full sslrootcert=root.crt"
//! ```
//!
//! OpenSSL verifies the chain, the core compares the name, and the machine demands the proof of both. One address, and
//! the machine without anything beside it; for several hosts and for the errors on the way see `minimal`.

use openssl::ssl::{HandshakeError, Ssl, SslContext, SslMethod, SslStream, SslVerifyMode, SslVersion};
use pgtls_core::{
    candidates::{Address, Candidate, CandidateAction, Candidates},
    environment::Environment,
    files::{self, Loaded, Roots},
    gate::{Exchange, Shut, StartupGate},
    message::ALPN_POSTGRESQL,
    name::{NameRules, NameVerified, match_host},
    negotiation::{Action, Alpn, ChainVerified, Input, Negotiation, TlsFacts, TlsFailure, TlsStart},
    param::{Ability, Params, Settings},
    policy::{EncryptionPlan, GssCredentials, Payload, Transport, Verification, plan},
    sni,
    startup::{ClientCertificate, StartupWatch},
};
use pgtls_examples::{
    Told,
    messages::{Messages, query, startup, terminate},
};
use pgtls_x509::presented_names;
use std::{
    error::Error,
    io::{self, Read, Write},
    net::{TcpStream, ToSocketAddrs},
    time::Duration,
};

/// No read and no write takes longer.
const PATIENCE: Duration = Duration::from_secs(20);

fn main() -> Result<(), Told> {
    let conninfo = std::env::args().nth(1).ok_or("usage: openssl CONNINFO")?;
    let environment = pgtls_os::environment()?;
    let params = pgtls_os::params(&Settings::parse(&conninfo)?, &environment, Ability::default())?;
    let loaded = files::load(&params, &environment, &pgtls_os::Disk);
    let driver = Driver { params: &params, loaded: &loaded };
    let candidate = first_address(&params, &environment)?;
    let Address::Tcp(address) = candidate.address else {
        return Err("this example knows no unix sockets".into());
    };

    let plan = plan(&params, Transport::Tcp, GssCredentials::Absent, Payload::Startup)?;
    let mut negotiation = Negotiation::new(plan);
    let mut wire = Wire::None;
    let mut reply = [0; 2];
    // What the engine or the server has said last, for the person who waits.
    let mut said = String::new();
    loop {
        let happened = match negotiation.poll_action() {
            Action::Connect | Action::Reconnect { .. } => {
                match TcpStream::connect_timeout(&address, PATIENCE) {
                    Ok(tcp) => {
                        tcp.set_read_timeout(Some(PATIENCE))?;
                        tcp.set_write_timeout(Some(PATIENCE))?;
                        wire = Wire::Plain(tcp);
                        Input::Connected
                    }
                    Err(error) => {
                        said = error.to_string();
                        Input::ConnectFailed
                    }
                }
            }
            Action::Send(request) => wire.write_all(request).map_or(Input::Closed, |()| Input::Sent),
            Action::Receive { at_most } => match wire.read(reply.get_mut(..at_most).unwrap_or_default()) {
                Ok(count) => Input::Received(reply.get(..count).unwrap_or_default()),
                Err(_) => Input::Closed,
            },
            Action::StartTls(start) => {
                match driver.start_tls(&mut wire, candidate.host.as_deref(), negotiation.plan(), start) {
                    Ok(facts) => Input::TlsEstablished(facts),
                    Err((failure, error)) => {
                        said = error;
                        Input::TlsFailed(failure)
                    }
                }
            }
            Action::Startup { encryption, carry } => {
                let watch = StartupWatch::new(&params, encryption, ClientCertificate::default());
                let mut gate = StartupGate::new(watch, carry);
                let exchange = driver.start_up(&mut wire, &mut gate).unwrap_or_else(|error| {
                    // What the gate says, the machine is told.
                    if !error.is::<Shut>() {
                        said = error.to_string();
                    }
                    Exchange::Failed
                });
                // A server before release 14 does not report its role. This example does not query it.
                let unknown = exchange == Exchange::Up && gate.role_query().is_some();
                gate.conclude(if unknown { Exchange::WrongRole } else { exchange })?
            }
            Action::Done(encryption) => {
                let value = wire.ask("SELECT 1")?;
                println!("{encryption}: SELECT 1 is {value}");
                return Ok(wire.write_all(&terminate())?);
            }
            Action::Fail { error, .. } if said.is_empty() => return Err(error.to_string().into()),
            Action::Fail { error, .. } => return Err(format!("{error}: {said}").into()),
            _ => Input::GssFailed,
        };
        negotiation.handle_input(happened)?;
    }
}

fn first_address(params: &Params, environment: &Environment) -> Result<Candidate, Box<dyn Error>> {
    let mut candidates = Candidates::<io::Error>::new(params, environment, 0);
    loop {
        match candidates.poll_action() {
            CandidateAction::Resolve { name, port } => match (name.as_str(), port).to_socket_addrs() {
                Ok(addresses) => candidates.resolved(addresses),
                Err(error) => candidates.resolve_failed(error),
            },
            CandidateAction::Try(candidate) => return Ok(candidate),
            _ => {
                return Err(candidates.errors().first().map_or_else(String::new, ToString::to_string).into());
            }
        }
    }
}

struct Driver<'a> {
    params: &'a Params,
    loaded: &'a Loaded,
}

type Refused = (TlsFailure, String);

impl Driver<'_> {
    /// Runs the handshake; the facts carry the proofs that OpenSSL and the core have given.
    fn start_tls(
        &self,
        wire: &mut Wire,
        host: Option<&str>,
        plan: &EncryptionPlan,
        _start: TlsStart,
    ) -> Result<TlsFacts, Refused> {
        let root = self.loaded.roots.presence();
        let wanted = match (plan.verification(root), &self.loaded.roots) {
            (Some(wanted), _) => wanted,
            (None, Roots::Missing(error)) => return Err((TlsFailure::Setup, error.to_string())),
            (None, _) => return Err((TlsFailure::Setup, "there are no roots".to_owned())),
        };
        let ssl = self.engine(host, wanted).map_err(|error| (TlsFailure::Setup, error.to_string()))?;
        let Wire::Plain(tcp) = std::mem::replace(wire, Wire::None) else {
            return Err((TlsFailure::Closed, "there is no connection".to_owned()));
        };
        let stream = ssl.connect(tcp).map_err(|error| match &error {
            HandshakeError::Failure(broken) if broken.error().ssl_error().is_none() => {
                (TlsFailure::Closed, error.to_string())
            }
            _ => (TlsFailure::Handshake, error.to_string()),
        })?;
        // SSL_VERIFY_PEER: there would be no session if the chain did not hold.
        let chain = (wanted != Verification::None).then(ChainVerified::assertion);
        let name = if wanted == Verification::Full { Some(self.match_name(&stream, host)?) } else { None };
        let alpn = match stream.ssl().selected_alpn_protocol() {
            None => Alpn::Absent,
            Some(ALPN_POSTGRESQL) => Alpn::Postgresql,
            Some(_) => Alpn::Other,
        };
        *wire = Wire::Tls(Box::new(stream));
        Ok(TlsFacts { alpn, root, chain, name })
    }

    fn engine(&self, host: Option<&str>, wanted: Verification) -> Result<Ssl, Box<dyn Error>> {
        let mut context = SslContext::builder(SslMethod::tls_client())?;
        context.set_min_proto_version(Some(SslVersion::TLS1_2))?;
        if let (Roots::File(file), true) = (&self.loaded.roots, wanted != Verification::None) {
            context.set_ca_file(&file.path)?;
            context.set_verify(SslVerifyMode::PEER);
        } else if wanted != Verification::None {
            context.set_default_verify_paths()?;
            context.set_verify(SslVerifyMode::PEER);
        }
        let mut ssl = Ssl::new(&context.build())?;
        if let Some(name) = sni::server_name(host, self.params.sslsni())? {
            ssl.set_hostname(name)?;
        }
        let length = u8::try_from(ALPN_POSTGRESQL.len())?;
        ssl.set_alpn_protos(&[&[length], ALPN_POSTGRESQL].concat())?;
        Ok(ssl)
    }

    /// The core's matcher, as always: OpenSSL's own has other rules than libpq.
    fn match_name(&self, stream: &SslStream<TcpStream>, host: Option<&str>) -> Result<NameVerified, Refused> {
        let refused = |error: &dyn Error| (TlsFailure::Handshake, error.to_string());
        let certificate = stream.ssl().peer_certificate();
        let der = certificate.map(|certificate| certificate.to_der()).transpose();
        let der = der.map_err(|error| refused(&error))?.unwrap_or_default();
        let names = presented_names(&der).map_err(|error| refused(&error))?;
        match_host(host, &names.peer_names(), NameRules::default(), self.params.hardening())
            .map(|matched| matched.proof())
            .map_err(|error| refused(&error))
    }

    /// The driver's part: sends the StartupMessage and reads up to ReadyForQuery. Every byte passes the gate.
    fn start_up(&self, wire: &mut Wire, gate: &mut StartupGate) -> Result<Exchange, Box<dyn Error>> {
        let packet = startup(self.params)?;
        wire.write_all(&packet)?;
        gate.sent(&packet);
        let mut messages = Messages::default();
        messages.push(gate.take_carry()?.as_slice());
        let mut buffer = [0; 4096];
        loop {
            let bytes = match wire.read(&mut buffer) {
                Ok(count) if count > 0 => buffer.get(..count).unwrap_or_default(),
                end => {
                    if end.is_ok() {
                        gate.closed();
                    } else {
                        gate.aborted();
                    }
                    return Err("the connection has ended".into());
                }
            };
            gate.received(bytes)?;
            messages.push(bytes);
            while let Some(message) = messages.take()? {
                match (message.kind, message.refusal()) {
                    (b'Z', _) => return Ok(Exchange::Up),
                    (_, Some(refusal)) => return Err(refusal.into()),
                    _ => {}
                }
            }
        }
    }
}

/// The connection: not there, plain, or under TLS.
enum Wire {
    None,
    Plain(TcpStream),
    Tls(Box<SslStream<TcpStream>>),
}

impl Wire {
    /// Sends a query and reads its one value.
    fn ask(&mut self, sql: &str) -> Result<String, Box<dyn Error>> {
        self.write_all(&query(sql))?;
        let mut messages = Messages::default();
        let mut value = None;
        let mut buffer = [0; 4096];
        loop {
            let count = self.read(&mut buffer)?;
            messages
                .push(buffer.get(..count).filter(|bytes| !bytes.is_empty()).ok_or("the server has gone")?);
            while let Some(message) = messages.take()? {
                match message.kind {
                    b'Z' => return value.ok_or_else(|| "no row came".into()),
                    _ => value = value.or(message.first_column()),
                }
            }
        }
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
        Ok(())
    }
}
