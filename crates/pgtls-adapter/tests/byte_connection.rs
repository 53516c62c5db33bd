//! The byte-level connection against a scripted server in memory, with every split of the bytes.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot be set up has failed"
)]

use pgtls_adapter::{
    ByteAction, ByteConnection, ByteStream, Config, ConnectError, Connected, Endpoint, Observation, Purpose,
};
use pgtls_core::{
    connect::{Action, MAX_RECEIVE, Peer},
    environment::{Environment, Platform},
    message::{CancelRequest, SSL_REQUEST, startup_message},
    negotiation::Encryption,
    param::{Ability, Params, Settings},
};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::{
    AlertDescription, RootCertStore, ServerConfig, ServerConnection, pki_types::PrivateKeyDer,
    server::WebPkiClientVerifier,
};
use std::{
    io::{self, ErrorKind, Read, Write},
    sync::{Arc, LazyLock, Mutex},
    time::{Duration, Instant},
};

const UP: &[u8] = b"R\0\0\0\x08\0\0\0\0Z\0\0\0\x05I";
const REJECTION: &[u8] = b"E\0\0\0\x17SFATAL\0C28000\0Mno\0\0";
const SPLITS: [usize; 6] = [1, 2, 3, 7, 100, usize::MAX];

/// A server for `db.example.com`, and the file of its root.
struct Pki {
    folder: tempfile::TempDir,
    server: Arc<ServerConfig>,
    /// The same server, which asks for client certificates.
    asking: Arc<ServerConfig>,
}

static TRUSTED: LazyLock<Pki> = LazyLock::new(|| Pki::new("root"));
static UNKNOWN: LazyLock<Pki> = LazyLock::new(|| Pki::new("another root"));

impl Pki {
    fn new(name: &str) -> Self {
        let mut ca = CertificateParams::new([]).unwrap();
        ca.distinguished_name.push(DnType::CommonName, name);
        ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let ca_key = KeyPair::generate().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let root = ca.self_signed(&ca_key).unwrap();
        std::fs::write(folder.path().join("root.crt"), root.pem()).unwrap();
        let key = KeyPair::generate().unwrap();
        let leaf = CertificateParams::new(["db.example.com".to_owned()]).unwrap();
        let leaf = leaf.signed_by(&key, &Issuer::new(ca, ca_key)).unwrap();
        let builder = || {
            let builder = ServerConfig::builder_with_provider(pgtls_rustls::aws_lc_rs());
            builder.with_safe_default_protocol_versions().unwrap()
        };
        let key = || PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let mut server =
            builder().with_no_client_auth().with_single_cert(vec![leaf.der().clone()], key()).unwrap();
        server.alpn_protocols = vec![b"postgresql".to_vec()];
        let mut roots = RootCertStore::empty();
        roots.add(root.der().clone()).unwrap();
        let clients = WebPkiClientVerifier::builder_with_provider(roots.into(), pgtls_rustls::aws_lc_rs());
        let asking = builder()
            .with_client_cert_verifier(clients.allow_unauthenticated().build().unwrap())
            .with_single_cert(vec![leaf.der().clone()], key())
            .unwrap();
        Self { folder, server: Arc::new(server), asking: Arc::new(asking) }
    }
}

/// How a server treats its connections.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Behaviour {
    /// TLS is off.
    NoTls,
    /// Sessions of both kinds.
    Both,
    /// `pg_hba.conf` rejects sessions without TLS.
    TlsOnly,
    /// `pg_hba.conf` rejects sessions with TLS.
    PlainOnly,
    /// The certificate is of an unknown authority.
    Unknown,
    /// Ends TLS in order after the StartupMessage.
    CloseNotify,
    /// Ends the connection after the StartupMessage.
    BareEnd,
    /// Sends nothing.
    Silent,
    /// Asks for a client certificate in a handshake of TLS 1.2 that it does not finish.
    AsksAndHangs,
}

/// The present connection of a server.
struct Server {
    behaviour: Behaviour,
    tls: Option<ServerConnection>,
    request: Vec<u8>,
    /// Bytes for the client.
    out: Vec<u8>,
    is_closed: bool,
    is_up: bool,
    /// Bytes of the client after the startup exchange.
    heard: Vec<u8>,
    alert: Option<AlertDescription>,
    has_close_notify: bool,
}

impl Server {
    fn new(behaviour: Behaviour) -> Self {
        let (tls, request, out, heard) = (None, Vec::new(), Vec::new(), Vec::new());
        let (is_closed, is_up, has_close_notify) = (false, false, false);
        Self { behaviour, tls, request, out, is_closed, is_up, heard, alert: None, has_close_notify }
    }

    fn input(&mut self, mut bytes: &[u8]) {
        // A server name means that it has read the ClientHello, and has answered.
        let has_answered = self.tls.as_ref().is_some_and(|tls| tls.server_name().is_some());
        if self.behaviour == Behaviour::AsksAndHangs && has_answered {
            return;
        }
        while !bytes.is_empty() {
            let Some(tls) = &mut self.tls else {
                self.plain(&bytes[..1], false);
                bytes = &bytes[1..];
                continue;
            };
            tls.read_tls(&mut bytes).unwrap();
            match tls.process_new_packets() {
                Ok(state) => self.has_close_notify |= state.peer_has_closed(),
                Err(rustls::Error::AlertReceived(alert)) => self.alert = Some(alert),
                Err(error) => panic!("{error}"),
            }
            let mut plain = Vec::new();
            let _ = tls.reader().read_to_end(&mut plain);
            self.plain(&plain, true);
            self.flush();
        }
    }

    fn plain(&mut self, bytes: &[u8], is_tls: bool) {
        if self.is_up {
            return self.heard.extend_from_slice(bytes);
        }
        self.request.extend_from_slice(bytes);
        if self.behaviour == Behaviour::Silent {
            return;
        }
        if self.request == SSL_REQUEST {
            self.request.clear();
            let has_tls = self.behaviour != Behaviour::NoTls;
            self.out.push(if has_tls { b'S' } else { b'N' });
            let pki = if self.behaviour == Behaviour::Unknown { &UNKNOWN } else { &TRUSTED };
            let asks = self.behaviour == Behaviour::AsksAndHangs;
            let config = if asks { &pki.asking } else { &pki.server };
            self.tls = has_tls.then(|| ServerConnection::new(config.clone()).unwrap());
        }
        let Some(length) = self.request.first_chunk() else { return };
        if self.request.len() < usize::try_from(u32::from_be_bytes(*length)).unwrap() {
            return;
        }
        match (self.behaviour, is_tls) {
            (Behaviour::TlsOnly, false) | (Behaviour::PlainOnly, true) => {
                self.send(REJECTION);
                self.is_closed = true;
            }
            (Behaviour::CloseNotify, true) => {
                self.tls.as_mut().unwrap().send_close_notify();
                self.is_closed = true;
            }
            (Behaviour::BareEnd | Behaviour::CloseNotify, _) => self.is_closed = true,
            _ => {
                self.is_up = true;
                self.send(UP);
            }
        }
    }

    fn send(&mut self, bytes: &[u8]) {
        match &mut self.tls {
            Some(tls) => tls.writer().write_all(bytes).unwrap(),
            None => self.out.extend_from_slice(bytes),
        }
        self.flush();
    }

    fn flush(&mut self) {
        while let Some(tls) = self.tls.as_mut().filter(|tls| tls.wants_write()) {
            tls.write_tls(&mut self.out).unwrap();
        }
    }
}

fn config(conninfo: &str) -> Arc<Config> {
    let environment = Environment::empty(Platform::Unix).with_variable("PGUSER", "u");
    let root = TRUSTED.folder.path().join("root.crt");
    let conninfo = format!("hostaddr=192.0.2.1 sslrootcert={} {conninfo}", root.display());
    let settings = Settings::parse(&conninfo).unwrap();
    let params = Params::resolve(&settings, None, &environment, Ability::default()).unwrap();
    Arc::new(Config::new(params, environment, pgtls_rustls::aws_lc_rs()))
}

/// The program: a connection, the servers of its attempts, and the length of each transfer.
struct Program {
    connection: ByteConnection,
    behaviour: Behaviour,
    split: usize,
    /// The servers of all connections; the last is the present one.
    servers: Vec<Server>,
    seen: Vec<u8>,
}

impl Program {
    fn new(conninfo: &str, behaviour: Behaviour, split: usize) -> Self {
        Self::of(ByteConnection::new(&config(conninfo)), behaviour, split)
    }

    fn of(connection: ByteConnection, behaviour: Behaviour, split: usize) -> Self {
        let (servers, seen) = (Vec::new(), Vec::new());
        Self { connection, behaviour, split, servers, seen }
    }

    /// Performs one action; `None` when there is nothing to do but to wait.
    fn step(&mut self) -> Option<ByteAction> {
        let action = self.connection.poll();
        match action {
            ByteAction::Open => {
                self.servers.push(Server::new(self.behaviour));
                self.seen.clear();
                self.connection.opened(Ok(()));
            }
            ByteAction::Run(task) => {
                self.connection.completed(Ok(task.run()));
                return self.step();
            }
            ByteAction::Transfer { read } => {
                let server = self.servers.last_mut().unwrap();
                let length = self.connection.outgoing().len().min(self.split);
                server.input(&self.connection.outgoing()[..length]);
                self.connection.written(Ok(length));
                let count = read.min(self.split).min(server.out.len());
                if count > 0 {
                    let bytes: Vec<_> = server.out.drain(..count).collect();
                    self.connection.received(Ok(&bytes));
                } else if read > 0 && server.is_closed {
                    self.connection.received(Ok(&[]));
                } else if length == 0 {
                    return None;
                }
            }
            ByteAction::Startup => self.start_up(),
            ByteAction::Done(_) | ByteAction::Failed => {}
            other => panic!("{other:?}"),
        }
        Some(action)
    }

    fn start_up(&mut self) {
        if self.seen.is_empty()
            && self.servers.last().is_some_and(|server| !server.is_up && !server.is_closed)
        {
            let message = startup_message(0x0003_0000, [("user", "u")]).unwrap();
            self.connection.write_all(&message).unwrap();
        }
        match self.connection.read_to_end(&mut self.seen) {
            Err(error) if error.kind() == ErrorKind::WouldBlock && !self.seen.ends_with(b"Z\0\0\0\x05I") => {}
            Err(error) if error.kind() != ErrorKind::WouldBlock => {
                self.connection.finish_startup(Err(error.into()));
            }
            Ok(_) => self.connection.finish_startup(Err(io::Error::from(ErrorKind::UnexpectedEof).into())),
            Err(_) => self.connection.finish_startup(Ok(())),
        }
    }

    /// Performs actions until this holds.
    #[track_caller]
    fn until(&mut self, mut holds: impl FnMut(&mut Self) -> bool) {
        while !holds(self) {
            let action = self.step().expect("the server has answered");
            assert!(!matches!(action, ByteAction::Done(_) | ByteAction::Failed), "{action:?}");
        }
    }

    fn run(&mut self) -> Result<Connected<ByteStream, ()>, ConnectError> {
        loop {
            match self.step().expect("the server has answered") {
                ByteAction::Done(_) => return Ok(self.connection.take_session().unwrap()),
                ByteAction::Failed => return Err(self.connection.take_error()),
                _ => {}
            }
        }
    }
}

/// The outcome and the trace, which an observer has seen with the same files and failures.
fn trace(conninfo: &str, behaviour: Behaviour, split: usize) -> String {
    let (seen, ends) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(Vec::new())));
    let (log, last) = (seen.clone(), ends.clone());
    let mut observed = Config::clone(&config(conninfo));
    observed.observer = Some(Arc::new(move |_: Option<&Peer>, observation: Observation<'_>| {
        log.lock().unwrap().push(match observation {
            Observation::Event(event) => event.to_string(),
            Observation::Failure(error) => error.to_string(),
            Observation::File(file) => format!("{file:?}"),
            Observation::Action(Action::Done(encryption)) => {
                return last.lock().unwrap().push(encryption.as_str());
            }
            Observation::Action(Action::Failed) => return last.lock().unwrap().push("fail"),
            _ => return,
        });
    }));
    let mut program = Program::of(ByteConnection::new(&Arc::new(observed)), behaviour, split);
    let (outcome, report, errors) = match program.run() {
        Ok(connected) => (connected.stream.encryption().as_str(), connected.report, connected.failed),
        Err(error) => ("fail", error.report, error.attempts),
    };
    let mut all: Vec<_> = report.events().map(|event| event.to_string()).collect();
    all.extend(errors.iter().map(ToString::to_string));
    all.extend(report.files.iter().map(|file| format!("{file:?}")));
    let mut seen = seen.lock().unwrap().clone();
    seen.sort();
    all.sort();
    assert_eq!((seen, &**ends.lock().unwrap()), (all, [outcome].as_slice()));
    report.events().map(|event| event.to_string()).chain([outcome.to_owned()]).collect::<Vec<_>>().join(" ")
}

#[test]
fn modes() {
    use Behaviour::{Both, CloseNotify, NoTls, PlainOnly, TlsOnly, Unknown};
    const TLS: &str = "connect sslaccept authok ssl";
    const PLAIN: &str = "connect authok plain";
    const REJECTED: &str = "connect sslaccept tlsfail fail";
    for (mode, rows) in [
        (
            "disable",
            [
                (NoTls, PLAIN),
                (Both, PLAIN),
                (TlsOnly, "connect authfail fail"),
                (PlainOnly, PLAIN),
                (Unknown, PLAIN),
            ],
        ),
        (
            "allow",
            [
                (NoTls, PLAIN),
                (Both, PLAIN),
                (TlsOnly, "connect authfail reconnect sslaccept authok ssl"),
                (PlainOnly, PLAIN),
                (Unknown, PLAIN),
            ],
        ),
        (
            "prefer",
            [
                (NoTls, "connect sslreject authok plain"),
                (Both, TLS),
                (TlsOnly, TLS),
                (PlainOnly, "connect sslaccept authfail reconnect authok plain"),
                // libpq verifies the chain wherever there is a root file.
                (Unknown, "connect sslaccept tlsfail reconnect authok plain"),
            ],
        ),
        (
            "require",
            [
                (NoTls, "connect sslreject fail"),
                (Both, TLS),
                (TlsOnly, TLS),
                (PlainOnly, "connect sslaccept authfail fail"),
                (Unknown, REJECTED),
            ],
        ),
        (
            "verify-ca",
            [
                (NoTls, "connect sslreject fail"),
                (Both, TLS),
                (CloseNotify, "connect sslaccept close fail"),
                (PlainOnly, "connect sslaccept authfail fail"),
                (Unknown, REJECTED),
            ],
        ),
        (
            "verify-full host=db.example.com",
            [
                (NoTls, "connect sslreject fail"),
                (Both, TLS),
                (TlsOnly, TLS),
                (PlainOnly, "connect sslaccept authfail fail"),
                (Unknown, REJECTED),
            ],
        ),
        (
            "verify-full host=other.example.com",
            [
                (NoTls, "connect sslreject fail"),
                (Both, REJECTED),
                (TlsOnly, REJECTED),
                (PlainOnly, REJECTED),
                (Unknown, REJECTED),
            ],
        ),
    ] {
        for (behaviour, expected) in rows {
            for split in SPLITS {
                let trace = trace(&format!("sslmode={mode}"), behaviour, split);
                assert_eq!(trace, expected, "{mode} {behaviour:?} {split}");
            }
        }
    }
}

/// A read before TLS is limited: more bytes than were requested end the connection.
#[test]
fn the_read_before_tls_is_limited() {
    let mut program = Program::new("sslmode=require", Behaviour::Both, usize::MAX);
    assert!(matches!(program.step(), Some(ByteAction::Open)));
    assert!(matches!(program.step(), Some(ByteAction::Transfer { read: 0 })));
    let ByteAction::Transfer { read } = program.connection.poll() else { panic!("no read") };
    assert_eq!(read, MAX_RECEIVE);
    program.connection.received(Ok(&vec![b'S'; read + 1]));
    assert!(matches!(program.connection.poll(), ByteAction::Failed));
    // Nor is it read while nothing may be read.
    let mut program = Program::new("sslmode=require", Behaviour::Both, usize::MAX);
    program.step();
    assert!(matches!(program.connection.poll(), ByteAction::Transfer { read: 0 }));
    program.connection.received(Ok(b"S"));
    assert!(matches!(program.connection.poll(), ByteAction::Failed));
}

#[test]
fn an_alert_precedes_the_failure() {
    for split in SPLITS {
        let mut program = Program::new("sslmode=verify-ca", Behaviour::Unknown, split);
        let error = program.run().unwrap_err();
        assert!(error.to_string().contains("certificate"), "{error}");
        assert_eq!(program.servers.last().unwrap().alert, Some(AlertDescription::UnknownCA), "{split}");
    }
    // So does the one of OpenSSL for versions that nobody has.
    let mut program = Program::new(
        "sslmode=require ssl_min_protocol_version=TLSv1 ssl_max_protocol_version=TLSv1.1",
        Behaviour::Both,
        2,
    );
    assert!(program.run().unwrap_err().to_string().contains("unsupported protocol version"));
    assert_eq!(program.servers.last().unwrap().alert, Some(AlertDescription::ProtocolVersion));
    // It is not waited for without end.
    let mut program = Program::new("sslmode=verify-ca connect_timeout=600", Behaviour::Unknown, 100);
    let soon = |at: Instant| at < Instant::now() + Duration::from_secs(300);
    program.until(|program| {
        let action = program.connection.poll();
        program.connection.deadline().instant().is_some_and(soon)
            && matches!(action, ByteAction::Transfer { read: 0 })
    });
    let deadline = program.connection.deadline().instant().unwrap();
    program.connection.handle_timeout(deadline);
    assert!(matches!(program.connection.poll(), ByteAction::Failed));
}

#[test]
fn an_end_in_order_is_not_a_bare_end() {
    let mut ends = Vec::new();
    for behaviour in [Behaviour::CloseNotify, Behaviour::BareEnd] {
        let mut program = Program::new("sslmode=require", behaviour, usize::MAX);
        program.until(|program| program.servers.last().is_some_and(|server| server.is_closed));
        program.until(|program| matches!(program.connection.poll(), ByteAction::Startup));
        let mut buffer = [0; 16];
        ends.push(program.connection.read(&mut buffer).map_err(|error| error.kind()));
    }
    assert_eq!(ends, [Ok(0), Err(ErrorKind::UnexpectedEof)]);
}

/// Every action that waits ends at the deadline, and the next address follows.
#[test]
fn the_deadline_ends_each_action() {
    const CONNINFO: &str =
        "hostaddr=192.0.2.1,192.0.2.2 host=db.example.com,db.example.com connect_timeout=10";
    for (mode, behaviour) in [
        ("disable", Behaviour::Silent),
        ("require", Behaviour::Silent),
        ("require", Behaviour::Both),
        ("disable", Behaviour::Both),
    ] {
        for steps in 0..6 {
            let mut program = Program::new(&format!("{CONNINFO} sslmode={mode}"), behaviour, usize::MAX);
            for _ in 0..steps {
                let _ = program.step();
            }
            if matches!(program.connection.poll(), ByteAction::Done(_)) {
                assert_eq!(program.connection.deadline().instant(), None);
                continue;
            }
            let deadline = program.connection.deadline().instant().unwrap();
            program.connection.handle_timeout(deadline.checked_sub(Duration::from_millis(1)).unwrap());
            let first = program.connection.peer().cloned();
            program.connection.handle_timeout(deadline);
            assert_ne!(program.connection.peer().cloned(), first, "{mode} {behaviour:?} {steps}");
            program.until(|program| matches!(program.connection.poll(), ByteAction::Open));
            program.connection.opened(Err(ErrorKind::ConnectionRefused.into()));
            assert!(matches!(program.connection.poll(), ByteAction::Failed));
            let error = program.connection.take_error().to_string();
            assert!(error.contains("timeout expired\n"), "{error}");
        }
    }
}

/// The reason that the server has sent is read although the write has failed.
#[test]
fn a_failed_write_is_reported_by_the_next_read() {
    let mut program = Program::new("sslmode=disable", Behaviour::TlsOnly, usize::MAX);
    program.until(|program| !program.connection.outgoing().is_empty());
    program.connection.written(Err(ErrorKind::BrokenPipe.into()));
    program.connection.received(Ok(REJECTION));
    program.start_up();
    assert!(matches!(program.connection.poll(), ByteAction::Failed));
    let failure = program.connection.take_error().last().unwrap().failure;
    assert!(failure.unwrap().to_string().contains("28000"), "{failure:?}");
}

#[test]
fn a_session_transfers_bytes_and_is_closed() {
    for mode in ["disable", "require"] {
        for split in [1, 1000, usize::MAX] {
            let mut program = Program::new(&format!("sslmode={mode}"), Behaviour::Both, split);
            let mut stream = program.run().unwrap().stream;
            let server = program.servers.last_mut().unwrap();
            let data: Vec<u8> = (0..40_000_u32).flat_map(u32::to_be_bytes).collect();
            let (mut sent, mut received) = (0, Vec::new());
            server.send(&data[..60_000]);
            while server.heard.len() < data.len() || received.len() < 60_000 {
                match stream.write(&data[sent..]) {
                    Ok(count) => sent += count,
                    Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock),
                }
                // The buffers are bounded, whatever the driver writes.
                assert!(stream.outgoing().len() < 128 * 1024 && stream.room() <= 16 * 1024);
                let length = stream.outgoing().len().min(split);
                server.input(&stream.outgoing()[..length]);
                stream.written(Ok(length));
                let count = stream.room().min(split).min(server.out.len());
                let bytes: Vec<_> = server.out.drain(..count).collect();
                if count > 0 {
                    stream.received(Ok(&bytes));
                }
                assert!(
                    stream
                        .read_to_end(&mut received)
                        .is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
                );
            }
            assert_eq!((&received[..], &server.heard), (&data[..60_000], &data));
            stream.close();
            server.input(stream.outgoing());
            let is_encrypted = stream.encryption() == Encryption::Ssl;
            assert_eq!((server.has_close_notify, stream.facts().is_some()), (is_encrypted, is_encrypted));
            assert!(stream.write(b"x").is_err() || !is_encrypted);
        }
    }
}

#[test]
fn unread_plaintext_stops_the_transfer() {
    let mut program = Program::new("sslmode=disable", Behaviour::Both, usize::MAX);
    let mut stream = program.run().unwrap().stream;
    stream.received(Ok(&[7; 1000]));
    assert_eq!(stream.room(), 0);
    let mut buffer = [0; 999];
    assert_eq!(stream.read(&mut buffer).unwrap(), 999);
    assert_eq!((stream.room(), stream.read(&mut buffer).unwrap()), (0, 1));
    assert_eq!(stream.room(), 16 * 1024);
    while stream.write(&[1; 4096]).is_ok() {}
    assert!(stream.outgoing().len() < 128 * 1024);
    assert_eq!(stream.room(), 0);
}

/// Many can be kept, on any thread.
#[test]
fn connections_and_sessions_are_owned() {
    fn check<T: Send + 'static>() {}
    check::<ByteConnection>();
    check::<ByteStream>();
    check::<ByteAction>();
    assert!(size_of::<ByteStream>() <= 160, "{}", size_of::<ByteStream>());
}

/// The secrets are written by a task, before the session is up.
#[test]
fn the_key_log_is_written_by_tasks() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys");
    let conninfo = format!("sslmode=require sslkeylogfile={}", path.display());
    assert!(Program::new(&conninfo, Behaviour::Both, 100).run().is_ok());
    assert!(std::fs::read_to_string(path).unwrap().contains("CLIENT_HANDSHAKE_TRAFFIC_SECRET"));
}

#[test]
fn an_end_of_the_handshake_is_a_failure() {
    for end in [Ok(&b""[..]), Err(ErrorKind::ConnectionReset.into())] {
        let mut program = Program::new("sslmode=require", Behaviour::Both, 100);
        program.until(|program| program.servers.last().is_some_and(|server| server.out.len() > 500));
        program.until(|program| program.servers.last().is_some_and(|server| server.out.len() < 500));
        program.connection.received(end);
        if matches!(program.connection.poll(), ByteAction::Transfer { read: 0 }) {
            program.connection.written(Err(ErrorKind::BrokenPipe.into()));
        }
        let action = program.connection.poll();
        assert!(matches!(action, ByteAction::Failed), "{action:?}");
        assert!(program.connection.take_error().to_string().contains("SSL error"));
    }
}

/// A cancel request is accepted when the server ends the connection in order, and not when it answers.
#[test]
fn a_cancel_request_ends_in_order() {
    let peer = Program::new("sslmode=disable", Behaviour::Both, 100).run().unwrap().peer().cloned().unwrap();
    let request = CancelRequest::new(7, &[9; 4]).unwrap().encode();
    for (mode, behaviour, is_accepted) in [
        ("disable", Behaviour::BareEnd, true),
        ("disable", Behaviour::Both, false),
        ("require", Behaviour::CloseNotify, true),
        ("require", Behaviour::BareEnd, false),
    ] {
        let config = config(&format!("sslmode={mode}"));
        let mut program = Program::of(ByteConnection::cancel(&config, &peer), behaviour, 100);
        program.until(|program| matches!(program.connection.poll(), ByteAction::Startup));
        program.connection.write_all(&request).unwrap();
        let end = loop {
            match program.connection.poll() {
                ByteAction::Startup => break program.connection.read(&mut [0; 8]),
                _ => drop(program.step().unwrap()),
            }
        };
        program.connection.finish_startup(end.map(drop).map_err(Into::into));
        let action = program.connection.poll();
        let is_done = matches!(action, ByteAction::Done(_));
        assert_eq!(is_done, is_accepted, "{mode} {behaviour:?} {action:?}");
    }
}

/// A socket that takes only a part of a cancel request, or none of it, and then ends in order has not sent it.
#[test]
fn a_cancel_request_that_is_not_written_is_not_accepted() {
    let peer = Program::new("sslmode=disable", Behaviour::Both, 100).run().unwrap().peer().cloned().unwrap();
    let request = CancelRequest::new(7, &[9; 4]).unwrap().encode();
    for (mode, behaviour) in [("disable", Behaviour::BareEnd), ("require", Behaviour::CloseNotify)] {
        for taken in [0, 3] {
            let config = config(&format!("sslmode={mode}"));
            let mut program = Program::of(ByteConnection::cancel(&config, &peer), behaviour, 100);
            program.until(|program| matches!(program.connection.poll(), ByteAction::Startup));
            program.connection.write_all(&request).unwrap();
            let server = program.servers.last_mut().unwrap();
            if taken > 0 {
                program.connection.written(Ok(taken));
            }
            program.connection.written(Err(ErrorKind::BrokenPipe.into()));
            // The server has closed the connection in order.
            if let Some(tls) = &mut server.tls {
                tls.send_close_notify();
                server.flush();
                let alert = std::mem::take(&mut server.out);
                program.connection.received(Ok(&alert));
            } else {
                program.connection.received(Ok(&[]));
            }
            assert!(matches!(program.connection.poll(), ByteAction::Startup));
            assert!(program.connection.read(&mut [0; 8]).is_err());
            program.connection.finish_startup(Ok(()));
            assert!(matches!(program.connection.poll(), ByteAction::Failed), "{mode} {taken}");
            let error = program.connection.take_error().to_string();
            assert!(error.contains("closed the connection unexpectedly"), "{error}");
        }
    }
}

/// A handshake in which the server has asked for a certificate, and which ends with the deadline: the next address has the
/// flags (libpq: `ssl_cert_requested`).
#[test]
fn the_deadline_keeps_the_flags_of_a_handshake() {
    for (behaviour, expected) in [
        (Behaviour::AsksAndHangs, "no client certificate was sent"),
        (Behaviour::Silent, "server did not request a client certificate"),
    ] {
        let conninfo = "host=db.example.com,db.example.com hostaddr=192.0.2.1,192.0.2.2 sslmode=prefer \
                        sslcertmode=require connect_timeout=600 ssl_max_protocol_version=TLSv1.2";
        let mut program = Program::new(conninfo, behaviour, usize::MAX);
        while program.step().is_some() {}
        let deadline = program.connection.deadline().instant().unwrap();
        program.connection.handle_timeout(deadline);
        // The next address has no TLS.
        program.behaviour = Behaviour::NoTls;
        let error = program.run().unwrap_err().to_string();
        assert!(error.contains("timeout expired") && error.contains(expected), "{behaviour:?}: {error}");
    }
}

/// Another driver starts the session: the stream enforces the parameters, and there is no proof.
#[test]
fn a_stream_for_another_driver_is_monitored() {
    let config = config("sslmode=require require_auth=md5");
    let connection = ByteConnection::to(&config, Endpoint::from("db.example.com"), Purpose::Tls);
    let mut program = Program::of(connection, Behaviour::Both, 100);
    let mut stream = program.run().unwrap().stream;
    assert_eq!(stream.encryption(), Encryption::Ssl);
    stream.write_all(&startup_message(0x0003_0000, [("user", "u")]).unwrap()).unwrap();
    let server = program.servers.last_mut().unwrap();
    server.input(stream.outgoing());
    stream.written(Ok(stream.outgoing().len()));
    stream.received(Ok(&std::mem::take(&mut server.out)));
    let error = stream.read(&mut [0; 64]).unwrap_err().to_string();
    assert!(error.contains("require_auth"), "{error}");
}
