//! Parameters, negotiation, connections, names.

use pgtls_core::{
    connect::{Action as ConnectAction, Connection, Input as ConnectInput, Options},
    environment::{Environment, Platform},
    hardening::Hardening,
    message::{PROTOCOL_3_0, startup_message},
    name::{NameRules, PeerName, PeerNames, match_host},
    negotiation::{Action, Alpn, Encryption, Input, Negotiation, TlsFacts},
    param::{Ability, Params, Settings, SslMode},
    policy::{EncryptionPlan, GssCredentials, Payload, PolicyInput, RootPresence, Transport},
    startup::{ClientCertificate, StartupMonitor, StartupOutcome, StartupRules, StartupVerdict},
};
use std::{hint::black_box, io, time::Duration};

/// Eight parameters, as they are.
pub const CONNINFO: &str = "host=db.example.com port=5432 dbname=app user=app password=secret sslmode=verify-full \
                            sslrootcert=/etc/ssl/root.crt connect_timeout=10";

/// The same as an URI.
pub const URI: &str = "postgresql://app:secret@db.example.com:5432/app?sslmode=verify-full&\
                       sslrootcert=/etc/ssl/root.crt&connect_timeout=10";

/// Where they are resolved.
pub fn environment() -> Environment {
    Environment::empty(Platform::Unix).with_variable("HOME", "/home/app")
}

/// What they come to.
pub fn resolve(settings: &Settings, environment: &Environment) -> Params {
    Params::resolve(settings, None, environment, Ability::default()).unwrap()
}

/// The plan of `sslmode=prefer`, and all of its negotiation with a server that answers so, up to this verdict.
pub fn prefer(reply: &[u8], verdict: StartupVerdict) -> Encryption {
    let input = PolicyInput::new(SslMode::Prefer);
    let plan = EncryptionPlan::new(input, Transport::Tcp, GssCredentials::Absent, Payload::Startup).unwrap();
    let mut negotiation = Negotiation::new(plan);
    let facts = TlsFacts { alpn: Alpn::Absent, root: RootPresence::Missing, chain: None, name: None };
    loop {
        let happened = match negotiation.poll_action() {
            Action::Connect | Action::Reconnect { .. } => Input::Opened { success: true },
            Action::Send(_) => Input::Sent,
            Action::Receive { .. } => Input::Received(reply),
            Action::StartTls(_) => Input::Tls(Ok(facts)),
            Action::Startup { .. } => Input::Startup(verdict),
            Action::Done(encryption) => return encryption,
            other => unreachable!("{other:?}"),
        };
        negotiation.handle_input(happened).unwrap();
        while let Some(event) = negotiation.poll_event() {
            black_box(event);
        }
    }
}

/// The verdict on a session that is up.
pub fn session() -> StartupVerdict {
    let certificate = ClientCertificate::NONE;
    let mut monitor = StartupMonitor::new(StartupRules::NONE, Encryption::Plain, certificate, None);
    monitor.wrote(&startup_packet());
    monitor.read(&login()).unwrap();
    monitor.finish(StartupOutcome::Up)
}

/// A StartupMessage.
pub fn startup_packet() -> Vec<u8> {
    startup_message(PROTOCOL_3_0, [("user", "app"), ("database", "app"), ("application_name", "app")])
        .unwrap()
}

/// The answer of PostgreSQL 18 to a user whom it trusts: AuthenticationOk, 14 ParameterStatus, BackendKeyData, ReadyForQuery.
pub fn login() -> Vec<u8> {
    const STATUS: [(&str, &str); 14] = [
        ("in_hot_standby", "off"),
        ("integer_datetimes", "on"),
        ("TimeZone", "Etc/UTC"),
        ("IntervalStyle", "postgres"),
        ("search_path", "\"$user\", public"),
        ("is_superuser", "off"),
        ("application_name", "app"),
        ("default_transaction_read_only", "off"),
        ("scram_iterations", "4096"),
        ("DateStyle", "ISO, MDY"),
        ("standard_conforming_strings", "on"),
        ("session_authorization", "app"),
        ("client_encoding", "UTF8"),
        ("server_version", "18.0"),
    ];
    let mut login = message(b'R', &[0; 4]);
    for (name, value) in STATUS {
        login.extend(message(b'S', format!("{name}\0{value}\0").as_bytes()));
    }
    login.extend(message(b'K', b"\0\0\x30\x39\x8a\x01\xfe\x42"));
    login.extend(message(b'Z', b"I"));
    login
}

fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 4).unwrap();
    [&[kind], length.to_be_bytes().as_slice(), body].concat()
}

/// The parameters of one address, whose server has no TLS.
pub fn one_address() -> Params {
    let settings = Settings::parse("hostaddr=192.0.2.1 user=app dbname=app connect_timeout=10").unwrap();
    resolve(&settings, &environment())
}

/// A connection to this address: up to a session with this StartupMessage and this login, or without them up to the startup
/// exchange.
pub fn connect(params: &Params, exchange: Option<(&[u8], &[u8])>) -> Connection<io::Error> {
    let environment = Environment::empty(Platform::Unix);
    let mut connection = Connection::new(params, &environment, Options::default());
    loop {
        let input = match connection.poll(Duration::ZERO) {
            ConnectAction::Open => ConnectInput::Opened(Ok(())),
            ConnectAction::Send(_) => ConnectInput::Sent,
            ConnectAction::Receive { .. } => ConnectInput::Received(black_box(b"N")),
            ConnectAction::Startup => {
                let Some((packet, login)) = exchange else { return connection };
                let mut monitor = connection.monitor().unwrap();
                monitor.wrote(black_box(packet));
                monitor.read(black_box(login)).unwrap();
                ConnectInput::StartupFinished { verdict: monitor.finish(StartupOutcome::Up), cause: None }
            }
            ConnectAction::Done(Encryption::Plain) => return connection,
            other => unreachable!("{other:?}"),
        };
        connection.handle(input).unwrap();
        while let Some(event) = connection.poll_event() {
            black_box(event);
        }
    }
}

/// A host and the names of a certificate, one of which is the host's.
#[derive(Debug)]
pub struct Named {
    /// As the case is called.
    pub case: &'static str,
    host: &'static str,
    names: Vec<Name>,
}

#[derive(Debug)]
enum Name {
    Dns(String),
    Ip([u8; 4]),
}

/// The cases.
pub fn named() -> [Named; 4] {
    let dns = |name: &str| Name::Dns(name.to_owned());
    let many = (1..100).map(|n| Name::Dns(format!("db{n}.example.com"))).chain([dns("db.example.com")]);
    let named = |case, host, names| Named { case, host, names };
    [
        named("name-exact", "db.example.com", vec![dns("db.example.com")]),
        named("name-wildcard", "db.example.com", vec![dns("*.example.com")]),
        named("name-100", "db.example.com", many.collect()),
        named("name-address", "192.0.2.1", vec![Name::Ip([192, 0, 2, 1])]),
    ]
}

impl Named {
    /// What the matcher takes.
    pub fn names(&self) -> Vec<PeerName<'_>> {
        self.names
            .iter()
            .map(|name| match name {
                Name::Dns(name) => PeerName::Dns(name.as_bytes()),
                Name::Ip(address) => PeerName::Ip(address),
            })
            .collect()
    }

    /// Whether the host is found among them.
    pub fn matches(&self, names: &[PeerName<'_>]) -> bool {
        let names = PeerNames { subject_alt_names: names, common_name: Some(b"db.example.com") };
        match_host(black_box(Some(self.host)), black_box(&names), NameRules::Pg15, Hardening::NONE).is_ok()
    }
}
