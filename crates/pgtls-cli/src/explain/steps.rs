//! The way through one address, found by walking the negotiation machine itself: what libpq would do, and what each
//! answer of the server leads to.

use pgtls_core::{
    hardening::Hardening,
    message::{GSSENC_REQUEST, SSL_REQUEST},
    name::{NameRules, PeerName, PeerNames, match_host},
    negotiation::{
        Action, AfterFailure, Alpn, ChainVerified, Encryption, Input, Negotiation, TlsFacts, TlsFailure,
    },
    policy::{EncryptionPlan, RootPresence},
    startup::{ClientCertificate, StartupMonitor, StartupOutcome, StartupRules, StartupVerdict},
};
use serde::Serialize;

/// No way is longer: three methods, each with at most six steps. The walk ends anyway; this is a guard against a
/// machine that does not.
const MAX_DEPTH: usize = 40;

/// One step, and what can come of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Step {
    /// What happens.
    pub(crate) step: String,
    /// What can follow; nothing at the end of a way.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) outcomes: Vec<Outcome>,
}

/// What can come of a step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Outcome {
    /// In which case; empty when there is only one.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) when: String,
    /// What is done then.
    pub(crate) then: Step,
}

/// Walks the machine of one address through everything that the server can do.
pub(crate) fn walk(plan: EncryptionPlan, root: RootPresence) -> Step {
    from(&Negotiation::new(plan), Context { to_gss: false, root }, MAX_DEPTH)
}

/// What the walk has to know besides the machine.
#[derive(Clone, Copy)]
struct Context {
    /// The request last sent was GSSENCRequest, so that `G` agrees to it.
    to_gss: bool,
    /// Whether there are roots to verify with.
    root: RootPresence,
}

/// One thing that can happen: in words, and as the input that says it to the machine.
type Case = (&'static str, Input<'static>);

fn from(machine: &Negotiation, mut context: Context, depth: usize) -> Step {
    let Some(depth) = depth.checked_sub(1) else { return end("(and so on)") };
    let (step, cases): (&str, Vec<Case>) = match machine.poll_action() {
        Action::Connect => ("open a connection", vec![("", Input::Opened { success: true })]),
        Action::CheckPeer => (
            "compare the user who runs the server with requirepeer",
            vec![
                ("it is the one", Input::PeerUser { matches: true }),
                ("it is another", Input::PeerUser { matches: false }),
            ],
        ),
        Action::Send(bytes) if *bytes == SSL_REQUEST => {
            context.to_gss = false;
            ("ask the server for TLS (SSLRequest)", vec![("", Input::Sent)])
        }
        Action::Send(bytes) if *bytes == GSSENC_REQUEST => {
            context.to_gss = true;
            ("ask the server for GSSAPI encryption (GSSENCRequest)", vec![("", Input::Sent)])
        }
        Action::Send(_) => ("send", vec![("", Input::Sent)]),
        Action::Receive { .. } => ("read its answer", answers(context)),
        Action::StartTls(start) => (
            if start.direct { "start TLS at once" } else { "start TLS" },
            vec![
                ("it succeeds", Input::Tls(Ok(success(context.root)))),
                ("it fails (handshake, certificate, files)", Input::Tls(Err(TlsFailure::Handshake))),
            ],
        ),
        Action::StartGss => (
            "start GSSAPI encryption",
            vec![("it succeeds", Input::Gss { success: true }), ("it fails", Input::Gss { success: false })],
        ),
        Action::Startup { encryption, .. } => (log_in(encryption), logins(encryption)),
        Action::Reconnect { .. } => {
            ("open a new connection to the same address", vec![("", Input::Opened { success: true })])
        }
        Action::Done(encryption) => return end(done(encryption)),
        Action::Fail { then, .. } => return end(give_up(then)),
        _ => return end("(a step that this version cannot describe)"),
    };
    let outcomes = cases.into_iter().filter_map(|(when, input)| {
        let mut next = machine.clone();
        next.handle_input(input).ok()?;
        Some(Outcome { when: when.to_owned(), then: from(&next, context, depth) })
    });
    Step { step: step.to_owned(), outcomes: merge(outcomes) }
}

fn end(step: &str) -> Step {
    Step { step: step.to_owned(), outcomes: Vec::new() }
}

/// Cases that lead to the same are told together.
fn merge(outcomes: impl Iterator<Item = Outcome>) -> Vec<Outcome> {
    let mut merged: Vec<Outcome> = Vec::new();
    for outcome in outcomes {
        match merged.iter_mut().find(|known| known.then == outcome.then) {
            Some(known) => {
                known.when.push_str(", or ");
                known.when.push_str(&outcome.when);
            }
            None => merged.push(outcome),
        }
    }
    merged
}

fn answers(context: Context) -> Vec<Case> {
    let (agrees, other): (Input<'static>, Input<'static>) = if context.to_gss {
        (Input::Received(b"G"), Input::Received(b"S"))
    } else {
        (Input::Received(b"S"), Input::Received(b"G"))
    };
    vec![
        ("it agrees", agrees),
        ("it declines (N)", Input::Received(b"N")),
        ("it answers with an error (E)", Input::Received(b"E")),
        ("it answers anything else", other),
        ("it closes the connection", Input::Closed),
    ]
}

fn logins(encryption: Encryption) -> Vec<Case> {
    let answer = |bytes: &[u8]| Input::Startup(verdict(encryption, bytes));
    vec![
        ("the server accepts", answer(b"R\0\0\0\x08\0\0\0\0Z\0\0\0\x05I")),
        ("the server rejects it (pg_hba.conf, password, database …)", answer(b"E\0\0\0\x0cC28000\0\0")),
        ("the server is starting up, shutting down or in recovery (57P03)", answer(b"E\0\0\0\x0cC57P03\0\0")),
        ("the connection breaks", Input::Closed),
    ]
}

/// The verdict on a startup exchange in which the server sends these bytes.
fn verdict(encryption: Encryption, server: &[u8]) -> StartupVerdict {
    let mut monitor = StartupMonitor::new(StartupRules::NONE, encryption, ClientCertificate::NONE, None);
    monitor.wrote(b"\0\0\0\x08\0\x03\0\0");
    // A rejection of these bytes is part of the verdict.
    let _ = monitor.read(server);
    monitor.finish(StartupOutcome::Up)
}

const fn log_in(encryption: Encryption) -> &'static str {
    match encryption {
        Encryption::Plain => {
            "log in, in plain text (user, database and password exchange are readable on the way)"
        }
        Encryption::Ssl => "log in, over TLS",
        Encryption::Gss => "log in, over GSSAPI encryption",
    }
}

const fn done(encryption: Encryption) -> &'static str {
    match encryption {
        Encryption::Plain => "connected, in plain text",
        Encryption::Ssl => "connected, over TLS",
        Encryption::Gss => "connected, over GSSAPI encryption",
    }
}

const fn give_up(then: AfterFailure) -> &'static str {
    match then {
        AfterFailure::NextAddress => "try the next address of this host, then the next host",
        AfterFailure::NextHost => "try the next host",
        AfterFailure::Stop => "fail; no other host is tried",
    }
}

/// What the TLS engine would report if everything that the mode asks for had been proved. No connection is made here:
/// the walk asks the machine what it would do.
fn success(root: RootPresence) -> TlsFacts {
    let names = PeerNames { subject_alt_names: &[PeerName::Dns(b"host")], common_name: None };
    let name = match_host(Some("host"), &names, NameRules::default(), Hardening::NONE).ok();
    TlsFacts {
        alpn: Alpn::Postgresql,
        root,
        chain: Some(ChainVerified::assertion()),
        name: name.map(|matched| matched.proof()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pgtls_core::{
        param::{SslMode, SslNegotiation},
        policy::{GssCredentials, Payload, PolicyInput, Transport},
    };

    fn way(sslmode: SslMode, sslnegotiation: SslNegotiation, transport: Transport) -> Step {
        let input = PolicyInput { sslnegotiation, ..PolicyInput::new(sslmode) };
        let plan = EncryptionPlan::new(input, transport, GssCredentials::Absent, Payload::Startup);
        walk(plan.expect("the combination is legal"), RootPresence::Found)
    }

    /// All sentences on the way.
    fn sentences(step: &Step) -> Vec<&str> {
        let below = step.outcomes.iter().flat_map(|outcome| sentences(&outcome.then));
        std::iter::once(step.step.as_str()).chain(below).collect()
    }

    #[test]
    fn plain_text_is_on_the_way_where_the_mode_allows_it() {
        for sslmode in SslMode::ALL {
            let way = way(*sslmode, SslNegotiation::Postgres, Transport::Tcp);
            let all = sentences(&way);
            let says = |words: &str| all.iter().any(|sentence| sentence.contains(words));
            assert_eq!(says("plain text"), *sslmode <= SslMode::Prefer, "{sslmode}");
            assert_eq!(says("SSLRequest"), *sslmode != SslMode::Disable, "{sslmode}");
            assert!(!says("(and so on)") && !says("cannot describe"), "{sslmode}");
            assert!(says("connected") && says("fail; no other host"), "{sslmode}");
        }
    }

    #[test]
    fn direct_tls_asks_nothing_and_sockets_are_plain() {
        let direct = way(SslMode::Require, SslNegotiation::Direct, Transport::Tcp);
        let all = sentences(&direct);
        assert!(all.contains(&"start TLS at once"));
        assert!(!all.iter().any(|sentence| sentence.contains("SSLRequest")));
        let socket = way(SslMode::VerifyFull, SslNegotiation::Postgres, Transport::Unix);
        assert!(!sentences(&socket).iter().any(|sentence| sentence.contains("TLS")));
    }
}
