//! `docs/negotiation.md`: the states, replies and failures of the machine, by walking it.

use super::template::{fill, table};
use pgtls_core::{
    hardening::Hardening,
    message::{PROTOCOL_3_0, startup_message},
    name::{NameRules, PeerName, PeerNames, match_host},
    negotiation::{
        Action, AfterFailure, Alpn, ChainVerified, Consequence, Encryption, Failure, Input, Negotiation,
        Request, TlsFacts, TlsFailure,
    },
    param::{GssEncMode, SslMode, SslNegotiation},
    policy::{EncryptionPlan, GssCredentials, Payload, PolicyInput, RootPresence, Transport, Verification},
    startup::{ClientCertificate, ProtocolViolation, Refusal, StartupMonitor, StartupOutcome, StartupRules},
};
use std::{
    collections::{BTreeMap, HashSet, VecDeque},
    fmt::Write as _,
};

pub(super) fn content() -> String {
    fill(
        include_str!("negotiation.md"),
        &[("diagram", diagram()), ("failures", failures()), ("replies", replies())],
    )
}

/// The end of a startup exchange in which the server answers so.
pub(super) fn answered(answer: &[u8], outcome: StartupOutcome) -> Input<'static> {
    let mut monitor =
        StartupMonitor::new(StartupRules::NONE, Encryption::Plain, ClientCertificate::NONE, None);
    monitor.wrote(&startup_message(PROTOCOL_3_0, [("user", "me")]).expect("it is short"));
    // A rejection is a part of the verdict.
    let _ = monitor.read(answer);
    Input::Startup(monitor.finish(outcome))
}

/// The server rejects the user.
pub(super) fn rejected() -> Input<'static> {
    answered(b"E\0\0\0\x0cC28000\0\0", StartupOutcome::Failed)
}

/// A TLS session with every proof.
pub(super) fn proven() -> TlsFacts {
    let names = PeerNames { subject_alt_names: &[PeerName::Dns(b"h")], common_name: None };
    let matched = match_host(Some("h"), &names, NameRules::Pg15, Hardening::NONE);
    TlsFacts {
        alpn: Alpn::Postgresql,
        root: RootPresence::Found,
        chain: Some(ChainVerified::assertion()),
        name: Some(matched.expect("the name is the host").proof()),
    }
}

/// What can happen, in the words of the diagram and in its order.
fn inputs() -> Vec<(&'static str, Input<'static>)> {
    let failed = |answer| answered(answer, StartupOutcome::Failed);
    vec![
        ("connected", Input::Opened { success: true }),
        ("cannot connect", Input::Opened { success: false }),
        ("user matches", Input::PeerUser { matches: true }),
        ("user differs", Input::PeerUser { matches: false }),
        ("sent", Input::Sent),
        ("S", Input::Received(b"S")),
        ("G", Input::Received(b"G")),
        ("N", Input::Received(b"N")),
        ("E", Input::Received(b"E")),
        ("another byte", Input::Received(b"X")),
        ("S and more", Input::Received(b"S!")),
        ("G and more", Input::Received(b"G!")),
        ("established and proven", Input::Tls(Ok(proven()))),
        ("not proven", Input::Tls(Ok(TlsFacts { chain: None, name: None, ..proven() }))),
        ("fails", Input::Tls(Err(TlsFailure::Handshake))),
        ("established", Input::Gss { success: true }),
        ("fails", Input::Gss { success: false }),
        ("ReadyForQuery", answered(b"R\0\0\0\x08\0\0\0\0Z\0\0\0\x05I", StartupOutcome::Up)),
        ("error", rejected()),
        ("error 57P03", failed(b"E\0\0\0\x0cC57P03\0\0")),
        ("error after AuthenticationOk", failed(b"R\0\0\0\x08\0\0\0\0E\0\0\0\x0cC3D000\0\0")),
        ("broken message", failed(b"X")),
        ("refusal of ours", failed(b"")),
        ("wrong role", answered(b"", StartupOutcome::WrongRole)),
        ("closed", Input::Closed),
    ]
}

/// Every plan for a startup packet without hardenings.
fn plans() -> Vec<EncryptionPlan> {
    let mut plans = Vec::new();
    for sslmode in SslMode::ALL.iter().copied() {
        for sslnegotiation in SslNegotiation::ALL.iter().copied() {
            for gssencmode in GssEncMode::ALL.iter().copied() {
                for (requirepeer, transport) in
                    [(false, Transport::Tcp), (false, Transport::Unix), (true, Transport::Unix)]
                {
                    let input =
                        PolicyInput { sslnegotiation, gssencmode, requirepeer, ..PolicyInput::new(sslmode) };
                    plans.extend(
                        EncryptionPlan::new(input, transport, GssCredentials::Held, Payload::Startup).ok(),
                    );
                }
            }
        }
    }
    plans
}

/// From a state to a state, and what leads there. Labels are numbered in the order of [`inputs`].
type Edges = BTreeMap<(&'static str, &'static str), BTreeMap<usize, &'static str>>;

fn diagram() -> String {
    let inputs = inputs();
    let mut edges = Edges::new();
    let mut order = Vec::new();
    for plan in plans() {
        let mut seen = HashSet::new();
        let mut waiting = VecDeque::from([Negotiation::new(plan)]);
        while let Some(mut from) = waiting.pop_front() {
            while from.poll_event().is_some() {}
            if !seen.insert(from.clone()) {
                continue;
            }
            if !order.contains(&node(&from)) {
                order.push(node(&from));
            }
            expect_deadline(&from);
            for (number, (label, input)) in inputs.iter().enumerate() {
                let mut to = from.clone();
                if to.handle_input(*input).is_ok() {
                    edges.entry((node(&from), node(&to))).or_default().insert(number, label);
                    waiting.push_back(to);
                }
            }
        }
    }
    draw(&order, &edges)
}

/// Checks the text's claim that a deadline leads to the next address from every state.
fn expect_deadline(state: &Negotiation) {
    let mut after = state.clone();
    let end = matches!(state.poll_action(), Action::Done(_) | Action::Fail { .. });
    let taken = after.handle_input(Input::TimedOut).is_ok();
    assert_eq!(taken, !end, "the document says which states have a deadline");
    if taken {
        assert!(matches!(after.poll_action(), Action::Fail { then: AfterFailure::NextAddress, .. }));
    }
}

/// A state by its name; a failed one by the step after it.
fn node(state: &Negotiation) -> &'static str {
    match state.poll_action() {
        Action::Fail { then, .. } => then_word(then),
        _ => state.state(),
    }
}

const fn then_word(then: AfterFailure) -> &'static str {
    match then {
        AfterFailure::NextAddress => "next address",
        AfterFailure::NextHost => "next host",
        AfterFailure::Stop => "nobody",
    }
}

fn draw(order: &[&'static str], edges: &Edges) -> String {
    let is_end = |node: &&str| ["next address", "next host", "nobody"].contains(node);
    let number = |node: &&str| order.iter().position(|known| known == node).expect("every state was seen");
    let mut text = String::from("flowchart TD\n");
    for (index, node) in order.iter().enumerate() {
        let shape = if is_end(node) { format!("[[{node}]]:::fails") } else { format!("[{node}]") };
        let _ = writeln!(text, "    s{index}{shape}");
    }
    let mut lines: Vec<_> = edges
        .iter()
        .map(|((from, to), labels)| {
            let mut words: Vec<_> = labels.values().copied().collect();
            words.dedup();
            (number(from), number(to), words.join(", "), is_end(to))
        })
        .collect();
    lines.sort();
    for (from, to, label, fails) in lines {
        let arrow = if fails { "-.->" } else { "-->" };
        let _ = writeln!(text, "    s{from} {arrow}|{label}| s{to}");
    }
    text.push_str("    classDef fails stroke-dasharray: 4\n");
    text
}

fn failures() -> String {
    let rows = [
        ("`N`", Failure::Refused(Request::Ssl)),
        ("`E` to GSSENCRequest (a server before 12)", Failure::ErrorReply(Request::Gss)),
        (
            "TLS cannot be set up; its handshake fails; a certificate or name that does not verify",
            Failure::Tls(TlsFailure::Setup),
        ),
        ("direct TLS without ALPN, or a protocol that was not offered", Failure::NoAlpn),
        ("TLS without its proofs", Failure::Unproven(Verification::Ca)),
        ("the GSSAPI handshake fails", Failure::Gss),
        (
            "an error before AuthenticationOk",
            Failure::ServerError { sqlstate: *b"28000", after_auth_ok: false },
        ),
        (
            "that error is 57P03: the server is starting up",
            Failure::ServerError { sqlstate: *b"57P03", after_auth_ok: false },
        ),
        (
            "an error after AuthenticationOk",
            Failure::ServerError { sqlstate: *b"3D000", after_auth_ok: true },
        ),
        ("`E` to SSLRequest", Failure::ErrorReply(Request::Ssl)),
        ("a reply that is none", Failure::BadReply { request: Request::Ssl, byte: b'X' }),
        ("the connection ends where a reply is expected", Failure::Closed(Request::Ssl)),
        ("bytes in clear after `S` or `G`", Failure::UnencryptedData(Request::Ssl)),
        (
            "the connection ends or makes no sense after the startup packet",
            Failure::StartupBroken(ProtocolViolation::Closed),
        ),
        (
            "a refusal of ours: no password, `require_auth`, `channel_binding`, `sslcertmode`",
            Failure::LocalRefusal(Refusal::NoPassword),
        ),
        ("the user of a unix socket is not the one that `requirepeer` wants", Failure::PeerUser),
        ("the connection cannot be opened", Failure::Connect),
        ("the deadline passes", Failure::TimedOut),
        ("the server has not the role of `target_session_attrs`", Failure::WrongRole),
    ];
    table(
        ["What happens", "What follows"],
        rows.map(|(what, failure)| {
            let follows = match failure.consequence() {
                Consequence::Refused => "the next method, on the same connection",
                Consequence::Broken => "the next method, on a new connection",
                Consequence::Ends(AfterFailure::NextAddress) => "the next address",
                Consequence::Ends(AfterFailure::NextHost) => "the next host",
                Consequence::Ends(AfterFailure::Stop) => "the attempt has failed",
            };
            [what, follows].map(str::to_owned)
        }),
    )
}

/// A handshake, and whether it can lead to anything.
fn handshake(mut negotiation: Negotiation, failure: Input<'_>) -> String {
    let name =
        if negotiation.poll_action() == Action::StartGss { "GSSAPI handshake" } else { "TLS handshake" };
    negotiation.handle_input(failure).expect("every handshake can fail");
    match negotiation.poll_action() {
        Action::Fail { error, .. } => format!("{name}, and then fails: {error}"),
        _ => name.to_owned(),
    }
}

/// What each reply leads to under `sslmode=prefer` with GSSAPI before it.
fn replies() -> String {
    let after = |opening: &[Input<'_>], reply: &'static [u8]| {
        let input = PolicyInput { gssencmode: GssEncMode::Prefer, ..PolicyInput::new(SslMode::Prefer) };
        let plan = EncryptionPlan::new(input, Transport::Tcp, GssCredentials::Held, Payload::Startup)
            .expect("these parameters make a plan");
        let mut negotiation = Negotiation::new(plan);
        for input in opening.iter().copied().chain([Input::Received(reply)]) {
            negotiation.handle_input(input).expect("each action gets its own answer");
        }
        match negotiation.poll_action() {
            Action::Startup { carry: Some(_), .. } => "plaintext; the byte is read first".to_owned(),
            Action::Startup { .. } => "plaintext".to_owned(),
            Action::Send(_) => {
                negotiation.handle_input(Input::Sent).expect("a request is answered so");
                match negotiation.poll_action() {
                    Action::Receive { at_most: 1 } => "SSLRequest; the byte is its reply".to_owned(),
                    _ => "SSLRequest".to_owned(),
                }
            }
            Action::StartTls(_) => handshake(negotiation, Input::Tls(Err(TlsFailure::Handshake))),
            Action::StartGss => handshake(negotiation, Input::Gss { success: false }),
            Action::Reconnect { .. } => "the next method, on a new connection".to_owned(),
            Action::Fail { error, .. } => format!("fails: {error}"),
            other => unreachable!("{other:?} does not follow a reply"),
        }
    };
    let gss = [Input::Opened { success: true }, Input::Sent];
    let ssl = [Input::Opened { success: true }, Input::Sent, Input::Received(b"N"), Input::Sent];
    let rows: [(&str, &'static [u8]); 8] = [
        ("`S`", b"S"),
        ("`S` and another byte", b"S!"),
        ("`G`", b"G"),
        ("`G` and another byte", b"G!"),
        ("`N`", b"N"),
        ("`N` and another byte", b"N!"),
        ("`E`", b"E"),
        ("any other", b"X"),
    ];
    table(
        ["Bytes", "After SSLRequest", "After GSSENCRequest"],
        rows.map(|(name, bytes)| [name.to_owned(), after(&ssl, bytes), after(&gss, bytes)]),
    )
}
