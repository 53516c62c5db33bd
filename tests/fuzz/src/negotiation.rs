//! The client's negotiation with the startup monitor in it: the first bytes of the input are the plan, the others say what the
//! server, the network and the TLS engine do.

use super::script::{Said, Script, said};
use pgtls_core::{
    hardening::Hardening,
    message::{CancelRequest, GSSENC_REQUEST, PROTOCOL_3_0, SSL_REQUEST, startup_message},
    name::{NameRules, PeerName, PeerNames, match_host},
    negotiation::{
        Action, AfterFailure, Alpn, ChainVerified, Encryption, Event, Failure, Input, Negotiation, TlsFacts,
        TlsFailure,
    },
    param::{GssEncMode, SslMode, SslNegotiation},
    policy::{EncryptionPlan, GssCredentials, Method, Payload, PolicyInput, RootPresence, Transport},
    startup::{ClientCertificate, StartupMonitor, StartupOutcome, StartupRules},
};

/// More than any negotiation takes: three methods of four actions each, and the byte that comes too early.
const MAX_STEPS: usize = 20;

/// Every negotiation ends, opens no more connections than it has methods, says nothing in clear that `sslmode` or a
/// hardening forbids, and believes no TLS engine that proves less than the mode asks for.
pub fn negotiation(bytes: &[u8]) {
    let mut script = Script(bytes);
    let transport = script.choose(&[Transport::Tcp, Transport::Tcp, Transport::Unix]);
    let credentials = script.choose(&[GssCredentials::Absent, GssCredentials::Held]);
    let payload = script.choose(&[Payload::Startup, Payload::Startup, Payload::Cancel]);
    let input = policy(&mut script);
    let Ok(plan) = EncryptionPlan::new(input, transport, credentials, payload) else { return };
    let plaintext = transport == Transport::Unix
        || matches!(input.sslmode, SslMode::Disable | SslMode::Allow | SslMode::Prefer)
            && input.gssencmode != GssEncMode::Require;

    let mut run = Run { plan, connections: 0, granted: b'S', injected_bytes: false, tls: None };
    let mut negotiation = Negotiation::new(plan);
    for _ in 0..MAX_STEPS {
        misuse(&negotiation, &mut script);
        let action = negotiation.poll_action();
        match action {
            Action::Startup { encryption, .. } | Action::Done(encryption) => {
                assert!(!run.injected_bytes, "a session after bytes in clear");
                assert!(encryption != Encryption::Plain || plaintext, "in clear under {input:?}");
                assert!(encryption != Encryption::Ssl || run.is_proven(), "{:?}", run.tls);
            }
            _ => {}
        }
        match action {
            Action::Done(_) => return run.end(negotiation, None),
            Action::Fail { error, then } => return run.end(negotiation, Some((error, then))),
            action => {
                let happened = run.happens(action, &mut script);
                negotiation.handle_input(happened.input()).unwrap();
                run.check_fallback(&negotiation);
            }
        }
    }
    panic!("it does not end: {negotiation:?}");
}

fn policy(script: &mut Script<'_>) -> PolicyInput {
    let mut hardening = Hardening::NONE;
    hardening.no_plaintext_after_tls_failure = script.flag();
    hardening.no_plaintext_after_rejection = script.flag();
    PolicyInput {
        sslmode: script.choose(SslMode::ALL),
        sslnegotiation: script.choose(SslNegotiation::ALL),
        gssencmode: script.choose(GssEncMode::ALL),
        system_roots: script.flag(),
        requirepeer: script.flag(),
        hardening,
    }
}

/// An input that may answer nothing leaves the machine as it was.
fn misuse(negotiation: &Negotiation, script: &mut Script<'_>) {
    let stray = script.choose(&[
        Input::Opened { success: true },
        Input::Sent,
        Input::Received(b"SNG"),
        Input::Gss { success: true },
        Input::PeerUser { matches: true },
        Input::Tls(Err(TlsFailure::Setup)),
    ]);
    let mut other = negotiation.clone();
    if other.handle_input(stray).is_err() {
        assert_eq!(&other, negotiation);
    }
}

/// One run, as far as it matters to what may follow.
struct Run {
    plan: EncryptionPlan,
    connections: usize,
    /// The reply that grants what was asked for last.
    granted: u8,
    /// Bytes in clear came behind a request that was granted.
    injected_bytes: bool,
    /// What the TLS engine said last.
    tls: Option<TlsFacts>,
}

/// What happens; replies are kept here.
enum Happens {
    Input(Input<'static>),
    Reply([u8; 2], usize),
}

impl Happens {
    fn input(&self) -> Input<'_> {
        match self {
            Self::Input(input) => *input,
            Self::Reply(bytes, length) => Input::Received(&bytes[..*length]),
        }
    }
}

impl Run {
    fn happens(&mut self, action: Action, script: &mut Script<'_>) -> Happens {
        // Rarely, so that the other ways are seen too.
        if script.byte() == 0xFF {
            return Happens::Input(Input::TimedOut);
        }
        Happens::Input(match action {
            Action::Connect | Action::Reconnect { .. } => {
                self.connections += 1;
                (self.tls, self.injected_bytes) = (None, false);
                script.choose(&[
                    Input::Opened { success: true },
                    Input::Opened { success: true },
                    Input::Opened { success: true },
                    Input::Opened { success: false },
                ])
            }
            Action::CheckPeer => Input::PeerUser { matches: !script.flag() },
            Action::Send(bytes) => {
                self.granted = match bytes {
                    bytes if bytes == SSL_REQUEST => b'S',
                    bytes if bytes == GSSENC_REQUEST => b'G',
                    other => panic!("{other:?} is sent in clear"),
                };
                script.choose(&[Input::Sent, Input::Sent, Input::Sent, Input::Closed])
            }
            Action::Receive { at_most } => return self.reply(at_most, script),
            Action::StartTls(_) => self.handshake(script),
            Action::StartGss => {
                script.choose(&[Input::Gss { success: true }, Input::Gss { success: false }, Input::Closed])
            }
            Action::Startup { encryption, carry } => self.start_up(encryption, carry, script),
            other => panic!("a new action: {other:?}"),
        })
    }

    fn reply(&mut self, at_most: usize, script: &mut Script<'_>) -> Happens {
        let first = script.choose(b"SNGE\0");
        let second = script.byte();
        let length = script.choose(&[1, 1, 1, 2, 0]).min(at_most);
        // Where one byte is asked for, the reply is the one that was carried.
        self.injected_bytes |= length == 2 && first == self.granted;
        Happens::Reply([first, second], length)
    }

    fn handshake(&mut self, script: &mut Script<'_>) -> Input<'static> {
        let names = PeerNames { subject_alt_names: &[PeerName::Dns(b"h")], common_name: None };
        let name = match_host(Some("h"), &names, NameRules::Pg15, Hardening::NONE).unwrap().proof();
        let facts = TlsFacts {
            alpn: script.choose(&[Alpn::Postgresql, Alpn::Absent, Alpn::Other]),
            root: script.choose(&[RootPresence::Found, RootPresence::Missing, RootPresence::System]),
            chain: script.choose(&[Some(ChainVerified::assertion()), None]),
            name: script.choose(&[Some(name), None]),
        };
        self.tls = Some(facts);
        script.choose(&[
            Input::Tls(Ok(facts)),
            Input::Tls(Ok(facts)),
            Input::Tls(Err(TlsFailure::Handshake)),
            Input::Tls(Err(TlsFailure::Setup)),
            Input::Closed,
        ])
    }

    /// Whether the engine has proved what the mode asks for.
    fn is_proven(&self) -> bool {
        let Some(facts) = self.tls else { return false };
        let roots = facts.root != RootPresence::Missing;
        let verified = match self.plan.sslmode() {
            SslMode::Disable => false,
            SslMode::Allow | SslMode::Prefer | SslMode::Require => !roots || facts.chain.is_some(),
            SslMode::VerifyCa => roots && facts.chain.is_some(),
            SslMode::VerifyFull => roots && facts.chain.is_some() && facts.name.is_some(),
        };
        verified && facts.alpn != Alpn::Other && (facts.alpn == Alpn::Postgresql || !self.plan.direct())
    }

    /// The server's bytes decide, read by the monitor; at their end the connection ends.
    fn start_up(&self, encryption: Encryption, carry: Option<u8>, script: &mut Script<'_>) -> Input<'static> {
        let mut monitor = match self.plan.payload() {
            Payload::Startup => {
                let rules = StartupRules::NONE;
                let mut monitor = StartupMonitor::new(rules, encryption, ClientCertificate::NONE, carry);
                monitor.wrote(&startup_message(PROTOCOL_3_0, [("user", "me")]).unwrap());
                monitor
            }
            Payload::Cancel => {
                let mut monitor = StartupMonitor::cancel(encryption, carry);
                monitor.wrote(&CancelRequest::new(7, &[1, 2, 3, 4]).unwrap().encode());
                monitor
            }
        };
        let _ = monitor.before_read();
        let exchanges = script.byte() % 8;
        for _ in 0..exchanges {
            match said(script) {
                Some(Said::Server(bytes)) => {
                    let _ = monitor.read(&bytes);
                }
                Some(Said::Client(bytes)) => monitor.wrote(&bytes),
                None => break,
            }
        }
        let outcome = match script.byte() % 3 {
            0 => {
                monitor.closed();
                StartupOutcome::Failed
            }
            1 => {
                monitor.aborted();
                StartupOutcome::Failed
            }
            _ => StartupOutcome::WrongRole,
        };
        let outcome = if monitor.is_ready() { StartupOutcome::Up } else { outcome };
        Input::Startup(monitor.finish(outcome))
    }

    /// After TLS has failed no plaintext follows that a hardening forbids.
    fn check_fallback(&self, negotiation: &Negotiation) {
        let Action::Reconnect { because } = negotiation.poll_action() else { return };
        let mut next = negotiation.clone();
        next.handle_input(Input::Opened { success: true }).unwrap();
        let in_clear = matches!(next.poll_action(), Action::Startup { encryption: Encryption::Plain, .. });
        let hardening = self.plan.hardening();
        let forbidden = match because {
            Failure::Tls(_) | Failure::NoAlpn | Failure::WrongAlpn | Failure::Unproven(_) => {
                hardening.no_plaintext_after_tls_failure
            }
            Failure::ServerError { .. } => hardening.no_plaintext_after_rejection && self.tls.is_some(),
            _ => false,
        };
        assert!(!(in_clear && forbidden), "{because:?} and then plaintext");
    }

    fn end(&self, mut negotiation: Negotiation, failed: Option<(Failure, AfterFailure)>) {
        assert!(self.connections <= self.plan.methods().count());
        let events: Vec<_> = std::iter::from_fn(|| negotiation.poll_event()).collect();
        assert!(self.plan.methods().any(|method| method != Method::Plain) || self.tls.is_none());
        let opened = |event: &&Event| {
            matches!(event, Event::Connect | Event::Reconnect | Event::ConnectFail | Event::Timeout)
        };
        assert!(events.iter().filter(opened).count() >= self.connections);
        if let Some((error, then)) = failed {
            let is_injected = matches!(error, Failure::UnencryptedData(_));
            assert!(!is_injected || (self.injected_bytes && then == AfterFailure::Stop));
            assert!(!error.to_string().is_empty());
        }
    }
}
