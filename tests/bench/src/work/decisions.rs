//! Parameters, negotiation, names.

use pgtls_core::{
    environment::{Environment, Platform},
    hardening::Hardening,
    name::{NameRules, PeerName, PeerNames, match_host},
    negotiation::{Action, Alpn, Encryption, Input, Negotiation, TlsFacts},
    param::{Ability, Params, Settings, SslMode},
    policy::{EncryptionPlan, GssCredentials, Payload, PolicyInput, RootPresence, Transport},
};
use std::hint::black_box;

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
