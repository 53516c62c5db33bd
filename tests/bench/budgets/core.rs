//! Decisions: parameters, plan, negotiation, names.

use crate::measure_again;
use pgtls_core::{
    environment::{Environment, Platform},
    hardening::Hardening,
    name::{NameRules, PeerName, PeerNames, match_host},
    negotiation::{Action, Alpn, Encryption, Input, Negotiation, TlsFacts},
    param::{Ability, Params, Settings, SslMode},
    policy::{EncryptionPlan, GssCredentials, Payload, PolicyInput, RootPresence, Transport, plan},
};
use std::hint::black_box;

/// A connection string as they are.
const TYPICAL: &str = "host=db.example.com port=5432 dbname=app user=app password=secret sslmode=verify-full \
                       sslrootcert=/etc/ssl/root.crt connect_timeout=10";

pub(crate) fn measure_all() {
    let environment = Environment::empty(Platform::Unix).with_variable("HOME", "/home/app");
    let settings = measure_again("parse", || Settings::parse(black_box(TYPICAL)).unwrap());
    let params = measure_again("resolve", || {
        Params::resolve(&settings, None, &environment, Ability::default()).unwrap()
    });
    measure_again("plan", || {
        plan(&params, Transport::Tcp, GssCredentials::Absent, Payload::Startup).unwrap();
    });
    let encryption = measure_again("negotiation", || prefer(black_box(b"S")));
    assert_eq!(encryption, Encryption::Ssl);
    let encryption = measure_again("negotiation-refused", || prefer(black_box(b"N")));
    assert_eq!(encryption, Encryption::Plain);
    names();
}

/// From parameters to a session with `sslmode=prefer`.
fn prefer(reply: &[u8]) -> Encryption {
    let input = PolicyInput::new(SslMode::Prefer);
    let plan = EncryptionPlan::new(input, Transport::Tcp, GssCredentials::Absent, Payload::Startup).unwrap();
    let mut negotiation = Negotiation::new(plan);
    let facts = TlsFacts { alpn: Alpn::Absent, root: RootPresence::Missing, chain: None, name: None };
    loop {
        let happened = match negotiation.poll_action() {
            Action::Connect | Action::Reconnect { .. } => Input::Connected,
            Action::Send(_) => Input::Sent,
            Action::Receive { .. } => Input::Received(reply),
            Action::StartTls(_) => Input::TlsEstablished(facts),
            Action::Startup { .. } => Input::Ready,
            Action::Done(encryption) => return encryption,
            other => unreachable!("{other:?}"),
        };
        negotiation.handle_input(happened).unwrap();
        while let Some(event) = negotiation.poll_event() {
            black_box(event);
        }
    }
}

fn names() {
    let exact = [PeerName::Dns(b"db.example.com")];
    let wildcard = [PeerName::Dns(b"*.example.com")];
    let many: Vec<String> = (1..100).map(|n| format!("db{n}.example.com")).collect();
    let mut many: Vec<_> = many.iter().map(|name| PeerName::Dns(name.as_bytes())).collect();
    many.push(PeerName::Dns(b"db.example.com"));
    let address = [PeerName::Ip(&[192, 0, 2, 1])];
    for (case, host, names) in [
        ("name-exact", "db.example.com", &exact[..]),
        ("name-wildcard", "db.example.com", &wildcard),
        ("name-100", "db.example.com", &many),
        ("name-address", "192.0.2.1", &address),
    ] {
        let names = PeerNames { subject_alt_names: names, common_name: Some(b"db.example.com") };
        let matched = measure_again(case, || {
            match_host(black_box(Some(host)), black_box(&names), NameRules::Pg15, Hardening::NONE).is_ok()
        });
        assert!(matched, "{case}");
    }
}
