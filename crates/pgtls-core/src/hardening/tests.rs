//! Every hardening in both positions: a situation that it is about, and whether libpq's behaviour is seen there.

use super::Hardening;
use crate::{
    environment::{Environment, Platform},
    files::{
        FileIdentity, FileKind, FileSettings, Metadata, NativeRoots, ReadError, ReadFile, Roots,
        load_settings,
    },
    name::{NameRules, PeerName, PeerNames, match_host},
    negotiation::{Action, Alpn, Encryption, Input, Negotiation, TlsFacts, TlsFailure},
    param::SslMode,
    policy::{EncryptionPlan, GssCredentials, Payload, PolicyInput, RootPresence, Transport},
    startup::{ClientCertificate, StartupMonitor, StartupOutcome, StartupRules},
};
use alloc::{string::String, vec::Vec};

struct Situation {
    switch: fn(&mut Hardening) -> &mut bool,
    /// Whether that happens which libpq lets happen.
    happens: fn(Hardening) -> bool,
}

const SITUATIONS: [Situation; 8] = [
    Situation {
        switch: |hardening| &mut hardening.no_plaintext_after_tls_failure,
        happens: |hardening| plaintext_follows(hardening, &[Input::Tls(Err(TlsFailure::Handshake))]),
    },
    Situation {
        switch: |hardening| &mut hardening.no_plaintext_after_rejection,
        happens: |hardening| {
            let facts =
                TlsFacts { alpn: Alpn::Postgresql, root: RootPresence::Missing, chain: None, name: None };
            let mut monitor =
                StartupMonitor::new(StartupRules::NONE, Encryption::Ssl, ClientCertificate::NONE, None);
            let _ = monitor.read(b"E\0\0\0\x0cC28000\0\0");
            let rejected = Input::Startup(monitor.finish(StartupOutcome::Failed));
            plaintext_follows(hardening, &[Input::Tls(Ok(facts)), rejected])
        },
    },
    Situation {
        switch: |hardening| &mut hardening.explicit_root_file_must_exist,
        happens: |hardening| {
            let settings = FileSettings { sslrootcert: Some("missing"), hardening, ..FileSettings::DEFAULT };
            matches!(load_settings(&settings, &environment(), &OneFile).roots, Roots::Missing(_))
        },
    },
    Situation {
        switch: |hardening| &mut hardening.explicit_crl_must_load,
        happens: |hardening| {
            let settings = FileSettings {
                sslrootcert: Some(OneFile::NAME),
                sslcrl: Some("missing"),
                hardening,
                ..FileSettings::DEFAULT
            };
            load_settings(&settings, &environment(), &OneFile).crls.in_force(false).is_ok()
        },
    },
    Situation {
        switch: |hardening| &mut hardening.no_wildcard_for_addresses,
        happens: |hardening| matches("192.0.2.1", b"*.0.2.1", hardening),
    },
    Situation {
        switch: |hardening| &mut hardening.no_empty_labels,
        happens: |hardening| matches("a..example.com", b"*..example.com", hardening),
    },
    Situation {
        switch: |hardening| &mut hardening.certificate_flags_per_attempt,
        happens: |hardening| {
            let earlier = ClientCertificate { requested: true, sent: true };
            ClientCertificate::NONE.after(earlier, hardening) == earlier
        },
    },
    Situation {
        switch: |hardening| &mut hardening.no_injected_bytes,
        happens: |hardening| {
            let negotiation = after_reply(hardening, b"S!");
            matches!(negotiation.poll_action(), Action::StartTls(_))
        },
    },
];

/// All of them: each is one `bool`.
const _: () = assert!(SITUATIONS.len() == size_of::<Hardening>());

#[test]
fn each_ends_its_own_surprise_and_no_other() {
    let mut all = Hardening::NONE;
    for (one, Situation { switch, .. }) in SITUATIONS.iter().enumerate() {
        *switch(&mut all) = true;
        let mut alone = Hardening::NONE;
        *switch(&mut alone) = true;
        let mut others = Hardening::ALL;
        *switch(&mut others) = false;
        for (other, Situation { happens, .. }) in SITUATIONS.iter().enumerate() {
            assert!(happens(Hardening::NONE), "{other}: libpq's way");
            assert!(!happens(Hardening::ALL), "{other}: with all of them");
            assert_eq!(happens(alone), one != other, "{other} with {one} alone");
            assert_eq!(happens(others), one == other, "{other} with all but {one}");
        }
    }
    assert_eq!(all, Hardening::ALL);
    assert_eq!(Hardening::default(), Hardening::NONE);
}

/// Whether `prefer` goes on in plaintext when the server has agreed to TLS and then this happened.
fn plaintext_follows(hardening: Hardening, happened: &[Input<'static>]) -> bool {
    let mut negotiation = after_reply(hardening, b"S");
    for input in happened {
        negotiation.handle_input(*input).expect("it answers the action");
    }
    if let Action::Fail { .. } = negotiation.poll_action() {
        return false;
    }
    negotiation.handle_input(Input::Opened { success: true }).expect("it answers the action");
    matches!(negotiation.poll_action(), Action::Startup { encryption: Encryption::Plain, .. })
}

/// `prefer` after this reply to SSLRequest.
fn after_reply(hardening: Hardening, reply: &[u8]) -> Negotiation {
    let input = PolicyInput { hardening, ..PolicyInput::new(SslMode::Prefer) };
    let plan = EncryptionPlan::new(input, Transport::Tcp, GssCredentials::Absent, Payload::Startup);
    let mut negotiation = Negotiation::new(plan.expect("prefer has methods"));
    for input in [Input::Opened { success: true }, Input::Sent, Input::Received(reply)] {
        negotiation.handle_input(input).expect("it answers the action");
    }
    negotiation
}

fn matches(host: &str, name: &[u8], hardening: Hardening) -> bool {
    let names = PeerNames { subject_alt_names: &[PeerName::Dns(name)], common_name: None };
    match_host(Some(host), &names, NameRules::Pg15, hardening).is_ok()
}

fn environment() -> Environment {
    Environment::empty(Platform::Unix)
}

/// A disk with one file.
struct OneFile;

impl OneFile {
    const NAME: &'static str = "root.crt";
}

impl ReadFile for OneFile {
    fn metadata(&self, path: &str) -> Result<Metadata, ReadError> {
        if path != Self::NAME {
            return Err(ReadError::NotFound);
        }
        Ok(Metadata { kind: FileKind::Regular, mode: 0o600, uid: 0, identity: FileIdentity::default() })
    }

    fn read(&self, path: &str) -> Result<(Vec<u8>, Metadata), ReadError> {
        self.metadata(path).map(|metadata| (Vec::new(), metadata))
    }

    fn list(&self, _: &str) -> Result<Vec<String>, ReadError> {
        Err(ReadError::NotFound)
    }

    fn native_roots(&self) -> NativeRoots {
        NativeRoots::default()
    }
}

#[test]
fn each_has_its_name() {
    for situation in SITUATIONS {
        let mut expected = Hardening::NONE;
        *(situation.switch)(&mut expected) = true;
        // `Debug` writes the name of each field.
        let debug = alloc::format!("{expected:?}");
        let name = debug.split(": true").next().and_then(|before| before.rsplit([' ', '{']).next()).unwrap();
        let mut found = Hardening::NONE;
        *found.switch(name).unwrap() = true;
        assert_eq!(found, expected, "{name}");
    }
    assert_eq!(Hardening::NONE.clone().switch("no_such_hardening"), None);
    assert_eq!(Hardening::NONE.clone().switch(""), None);
}
