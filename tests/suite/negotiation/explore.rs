//! Every state of the machine: from every plan, every input in every state that can be reached.
//!
//! Bytes stand for their classes here (`S`, `N`, `G`, `E`, zero, and two that are no answer); that the machine knows no
//! other classes is checked with all 65,792 replies in `hostile.rs`.

use pgtls_core::{
    hardening::Hardening,
    message::{CancelRequest, PROTOCOL_3_0, startup_message},
    name::{NameRules, NameVerified, PeerName, PeerNames, match_host},
    negotiation::{
        Action, AfterFailure, Alpn, ChainVerified, Consequence, Encryption, Event, Failure, Input,
        Negotiation, TlsFacts, TlsFailure,
    },
    param::{AuthMethod, GssEncMode, SslMode, SslNegotiation},
    policy::{EncryptionPlan, GssCredentials, Method, Payload, PolicyInput, RootPresence, Transport},
    startup::{
        BindingRefusal, ClientCertificate, NO_SQLSTATE, ProtocolViolation, Refusal, StartupMonitor,
        StartupOutcome, StartupRules, StartupVerdict,
    },
};
use std::{
    collections::{HashMap, HashSet},
    io::Write as _,
};

/// Every plan that can be made, each once.
pub(super) fn plans() -> Vec<EncryptionPlan> {
    let hardenings =
        [(false, false), (false, true), (true, false), (true, true)].map(|(failure, rejection)| {
            let mut hardening = Hardening::NONE;
            hardening.no_plaintext_after_tls_failure = failure;
            hardening.no_plaintext_after_rejection = rejection;
            hardening
        });
    let mut inputs = Vec::new();
    for sslmode in SslMode::ALL.iter().copied() {
        for sslnegotiation in SslNegotiation::ALL.iter().copied() {
            for gssencmode in GssEncMode::ALL.iter().copied() {
                for (system_roots, requirepeer) in
                    [(false, false), (false, true), (true, false), (true, true)]
                {
                    inputs.extend(hardenings.map(|hardening| PolicyInput {
                        sslmode,
                        sslnegotiation,
                        gssencmode,
                        system_roots,
                        requirepeer,
                        hardening,
                    }));
                }
            }
        }
    }
    let mut seen = HashSet::new();
    let mut plans = Vec::new();
    for input in inputs {
        for transport in [Transport::Tcp, Transport::Unix] {
            for gss in [GssCredentials::Held, GssCredentials::Absent] {
                for payload in [Payload::Startup, Payload::Cancel] {
                    plans.extend(EncryptionPlan::new(input, transport, gss, payload).ok());
                }
            }
        }
    }
    plans.retain(|plan| seen.insert(*plan));
    plans
}

/// Every input, bytes by their classes.
pub(super) fn inputs() -> Vec<Input<'static>> {
    let mut inputs = vec![
        Input::Opened { success: true },
        Input::Opened { success: false },
        Input::PeerUser { matches: true },
        Input::PeerUser { matches: false },
        Input::Sent,
        Input::Closed,
        Input::Gss { success: true },
        Input::Gss { success: false },
        Input::TimedOut,
    ];
    inputs.extend(replies());
    inputs.extend(facts().map(|facts| Input::Tls(Ok(facts))));
    let failures = [TlsFailure::Setup, TlsFailure::Closed, TlsFailure::Handshake];
    inputs.extend(failures.map(|failure| Input::Tls(Err(failure))));
    inputs.extend(verdicts().into_iter().map(Input::Startup));
    inputs
}

const AUTH_OK: &[u8] = b"R\0\0\0\x08\0\0\0\0";
const READY: &[u8] = b"Z\0\0\0\x05I";

/// The verdict on a StartupMessage that is answered so, or with the end of the connection.
pub(super) fn verdict(answer: Option<&[u8]>, outcome: StartupOutcome) -> StartupVerdict {
    let mut monitor =
        StartupMonitor::new(StartupRules::NONE, Encryption::Plain, ClientCertificate::NONE, None);
    monitor.wrote(&startup_message(PROTOCOL_3_0, [("user", "me")]).unwrap());
    match answer {
        Some(bytes) => {
            let _ = monitor.read(bytes);
        }
        None => monitor.closed(),
    }
    monitor.finish(outcome)
}

/// A session.
pub(super) fn up() -> StartupVerdict {
    verdict(Some(&[AUTH_OK, READY].concat()), StartupOutcome::Up)
}

/// Verdicts of every kind. A session without proof is no input of the machine.
fn verdicts() -> Vec<StartupVerdict> {
    let mut cancelled = StartupMonitor::cancel(Encryption::Plain, None);
    cancelled.wrote(&CancelRequest::new(7, &[9; 4]).unwrap().encode());
    cancelled.closed();
    let mut late = StartupMonitor::cancel(Encryption::Plain, None);
    late.timed_out();
    let mut verdicts = vec![
        up(),
        cancelled.finish(StartupOutcome::Up),
        late.finish(StartupOutcome::Failed),
        verdict(Some(b""), StartupOutcome::Up),
        verdict(Some(b""), StartupOutcome::WrongRole),
    ];
    for sqlstate in [*b"28000", *b"57P03", *b"XX000", *b"3D000", NO_SQLSTATE] {
        let error = [b"E\0\0\0\x0cC".as_slice(), &sqlstate, b"\0\0"].concat();
        for (before, after_auth_ok) in [(b"".as_slice(), false), (AUTH_OK, true)] {
            let verdict = verdict(Some(&[before, &error].concat()), StartupOutcome::Failed);
            assert_eq!(verdict.failure(), Some(Failure::ServerError { sqlstate, after_auth_ok }));
            verdicts.push(verdict);
        }
    }
    let broken = [None, Some(b"X".as_slice()), Some(b"R\0\0\0\0"), Some(b"EFATAL\0")];
    for (answer, broken) in broken.into_iter().zip(brokens()) {
        let verdict = verdict(answer, StartupOutcome::Failed);
        assert_eq!(verdict.failure(), Some(Failure::StartupBroken(broken)));
        verdicts.push(verdict);
    }
    verdicts.extend(refusals().map(|refusal| verdict(Some(b""), StartupOutcome::Refused(refusal))));
    verdicts
}

/// Replies of nothing, one byte, two, and one too many.
fn replies() -> impl Iterator<Item = Input<'static>> {
    const CLASSES: &[u8; 7] = b"SNGE\0X\xff";
    static PAIRS: [[u8; 2]; 49] = {
        let mut pairs = [[0; 2]; 49];
        let mut index = 0;
        while index < 49 {
            pairs[index] = [CLASSES[index / 7], CLASSES[index % 7]];
            index += 1;
        }
        pairs
    };
    let ones = CLASSES.chunks(1);
    let twos = PAIRS.iter().map(<[u8; 2]>::as_slice);
    [b"".as_slice(), b"S\0\0"].into_iter().chain(ones).chain(twos).map(Input::Received)
}

fn facts() -> impl Iterator<Item = TlsFacts> {
    let roots = [RootPresence::Found, RootPresence::Missing, RootPresence::System];
    let proofs = [
        (None, None),
        (Some(ChainVerified::assertion()), None),
        (None, Some(name_verified())),
        (Some(ChainVerified::assertion()), Some(name_verified())),
    ];
    [Alpn::Absent, Alpn::Postgresql, Alpn::Other].into_iter().flat_map(move |alpn| {
        roots.into_iter().flat_map(move |root| {
            proofs.into_iter().map(move |(chain, name)| TlsFacts { alpn, root, chain, name })
        })
    })
}

fn name_verified() -> NameVerified {
    let names = PeerNames { subject_alt_names: &[PeerName::Dns(b"h")], common_name: None };
    match_host(Some("h"), &names, NameRules::Pg15, Hardening::NONE).unwrap().proof()
}

pub(super) fn brokens() -> impl Iterator<Item = ProtocolViolation> {
    [
        ProtocolViolation::Closed,
        ProtocolViolation::Unexpected(b'X'),
        ProtocolViolation::Malformed(b'R'),
        ProtocolViolation::OldError,
    ]
    .into_iter()
}

pub(super) fn refusals() -> impl Iterator<Item = Refusal> {
    let bindings = [
        BindingRefusal::NotTls,
        BindingRefusal::NotSasl,
        BindingRefusal::NotOffered,
        BindingRefusal::NotBound,
    ];
    [
        Refusal::NoPassword,
        Refusal::AuthNotAllowed(AuthMethod::Md5),
        Refusal::AuthNotCompleted,
        Refusal::PlusWithoutTls,
        Refusal::NoMechanism,
        Refusal::UnsupportedMethod(99),
        Refusal::CertificateNotRequested,
        Refusal::CertificateNotSent,
        Refusal::ProtocolVersion { server: 0x0003_0000, minimum: pgtls_core::param::ProtocolVersion::V3_2 },
        Refusal::RequestedVersion(0x0003_0001),
        Refusal::Exchange,
    ]
    .into_iter()
    .chain(bindings.map(Refusal::ChannelBinding))
}

/// One input that a state takes, what was seen, and where it leads.
pub(super) struct Edge {
    pub(super) input: Input<'static>,
    pub(super) events: Vec<Event>,
    pub(super) to: usize,
}

/// All that can be reached from one plan. States are numbered as found; events are taken at once, so that they do not count
/// as state.
pub(super) struct Graph {
    pub(super) states: Vec<Negotiation>,
    pub(super) edges: Vec<Vec<Edge>>,
}

impl Graph {
    pub(super) fn walk(plan: EncryptionPlan, inputs: &[Input<'static>]) -> Self {
        let start = Negotiation::new(plan);
        let mut numbers = HashMap::from([(start.clone(), 0)]);
        let mut graph = Self { states: vec![start], edges: Vec::new() };
        while let Some(from) = graph.states.get(graph.edges.len()).cloned() {
            let mut edges = Vec::new();
            for input in inputs.iter().copied() {
                let mut to = from.clone();
                if to.handle_input(input).is_err() {
                    assert_eq!(to, from, "a misuse changes nothing");
                    continue;
                }
                let events: Vec<_> = std::iter::from_fn(|| to.poll_event()).collect();
                let next = numbers.len();
                let to = *numbers.entry(to).or_insert_with_key(|state| {
                    graph.states.push(state.clone());
                    next
                });
                edges.push(Edge { input, events, to });
            }
            graph.edges.push(edges);
        }
        graph
    }

    /// For every state the largest sum of `weight` on any way to an end. A cycle is a failure.
    fn longest(&self, weight: impl Fn(&Edge) -> usize) -> Vec<usize> {
        #[derive(Clone, Copy)]
        enum Mark {
            New,
            Open,
            Known(usize),
        }
        fn visit(graph: &Graph, weight: &dyn Fn(&Edge) -> usize, marks: &mut [Mark], at: usize) -> usize {
            match marks[at] {
                Mark::Known(sum) => return sum,
                Mark::Open => panic!("a cycle through {:?}", graph.states[at]),
                Mark::New => {}
            }
            marks[at] = Mark::Open;
            let ways = graph.edges[at].iter().map(|edge| weight(edge) + visit(graph, weight, marks, edge.to));
            let sum = ways.max().unwrap_or(0);
            marks[at] = Mark::Known(sum);
            sum
        }
        let mut marks = vec![Mark::New; self.states.len()];
        (0..self.states.len()).map(|at| visit(self, &weight, &mut marks, at)).collect()
    }
}

#[test]
fn every_state_of_every_plan() {
    let inputs = inputs();
    let plans = plans();
    let (mut states, mut transitions) = (0, 0);
    for plan in plans.iter().copied() {
        let graph = Graph::walk(plan, &inputs);
        for (at, from) in graph.states.iter().enumerate() {
            state_holds(&plan, from, &graph.edges[at]);
            for edge in &graph.edges[at] {
                edge_holds(&plan, from, edge, &graph.states[edge.to]);
            }
        }
        graph_holds(&plan, &graph);
        states += graph.states.len();
        transitions += graph.edges.iter().map(Vec::len).sum::<usize>();
    }
    // A walk that suddenly finds less has lost something; who adds states or transitions says so here.
    assert_eq!((states, transitions), (21_408, 63_872));
    // Past the test harness, which hides what passing tests print.
    writeln!(
        std::io::stderr(),
        "negotiation: {} plans, {} inputs: {states} states and {transitions} transitions explored",
        plans.len(),
        inputs.len()
    )
    .unwrap();
}

/// What has to be true in each state.
fn state_holds(plan: &EncryptionPlan, state: &Negotiation, edges: &[Edge]) {
    let action = state.poll_action();
    assert_eq!(action, state.poll_action(), "the same answer until something is handed in");
    let plaintext_allowed = plan.methods().any(|method| method == Method::Plain);
    match action {
        Action::Startup { encryption, .. } | Action::Done(encryption) => {
            assert!(encryption != Encryption::Plain || plaintext_allowed, "nothing in clear under {plan:?}");
            assert!(
                plan.methods().any(|method| method.as_str() == encryption.as_str()),
                "{encryption} is a method of {plan:?}"
            );
        }
        Action::Send(bytes) => assert_eq!(bytes.len(), 8, "nothing is sent in clear but requests"),
        Action::Receive { at_most } => assert!((1..=2).contains(&at_most)),
        Action::Connect
        | Action::CheckPeer
        | Action::StartTls(_)
        | Action::StartGss
        | Action::Reconnect { .. }
        | Action::Fail { .. } => {}
        other => panic!("a new action: {other:?}"),
    }
    let takes = |wanted: Input<'_>| edges.iter().any(|edge| edge.input == wanted);
    match action {
        Action::Done(_) | Action::Fail { .. } => assert!(edges.is_empty(), "the end is the end"),
        Action::CheckPeer => assert!(takes(Input::TimedOut)),
        _ => assert!(takes(Input::TimedOut) && takes(Input::Closed), "{} waits for the peer", state.state()),
    }
}

/// What has to be true of each transition.
fn edge_holds(plan: &EncryptionPlan, from: &Negotiation, edge: &Edge, to: &Negotiation) {
    match (edge.input, to.poll_action()) {
        (Input::TimedOut, action) => {
            assert_eq!(action, Action::Fail { error: Failure::TimedOut, then: AfterFailure::NextAddress });
        }
        // A session inside TLS is entered by one door, and with what the mode has to see.
        (input, Action::Startup { encryption: Encryption::Ssl, .. }) => {
            let Input::Tls(Ok(facts)) = input else { panic!("TLS by {input:?}") };
            assert!(matches!(from.poll_action(), Action::StartTls(_)));
            assert!(is_proven(plan, facts), "{facts:?} is not enough for {plan:?}");
        }
        (_, Action::Done(encryption)) => {
            let Input::Startup(verdict) = edge.input else { panic!("a session by {:?}", edge.input) };
            assert!(verdict.is_up());
            assert!(
                matches!(from.poll_action(), Action::Startup { encryption: before, .. } if before == encryption)
            );
        }
        (_, Action::Fail { error, then }) => {
            assert_eq!(then, expected_then(error), "{error:?}");
            // Whoever gives up although a failure is not final has nothing left to try.
            if error.consequence() != Consequence::Ends(then) {
                assert_eq!(then, AfterFailure::Stop);
            }
        }
        (_, Action::Reconnect { because }) => {
            assert!(plan.methods().count() > 1, "a single method is tried once");
            let mut next = to.clone();
            next.handle_input(Input::Opened { success: true }).unwrap();
            if let Action::Startup { encryption: Encryption::Plain, .. } = next.poll_action() {
                let after_ssl = matches!(
                    from.poll_action(),
                    Action::StartTls(_) | Action::Startup { encryption: Encryption::Ssl, .. }
                );
                let hardening = plan.hardening();
                let forbidden = match because {
                    Failure::ServerError { .. } => hardening.no_plaintext_after_rejection,
                    _ => hardening.no_plaintext_after_tls_failure,
                };
                assert!(!(after_ssl && forbidden), "{because:?} and then plaintext under {plan:?}");
            }
        }
        _ => {}
    }
}

/// What has to be true of all ways together.
fn graph_holds(plan: &EncryptionPlan, graph: &Graph) {
    const MAX_EVENTS: usize = 16;
    let connections = graph.longest(|edge| edge.events.iter().filter(|event| opens(**event)).count());
    // libpq marks a method as failed before it chooses the next: one connection for each method at most.
    assert!(connections[0] <= plan.methods().count(), "{} connections under {plan:?}", connections[0]);
    let events = graph.longest(|edge| edge.events.len());
    assert!(events[0] <= MAX_EVENTS, "{} events under {plan:?}", events[0]);
    // Every state but the ends leads on, and without a cycle that means: to an end.
    for (at, state) in graph.states.iter().enumerate() {
        let end = matches!(state.poll_action(), Action::Done(_) | Action::Fail { .. });
        assert!(end || !graph.edges[at].is_empty());
    }
}

const fn opens(event: Event) -> bool {
    matches!(event, Event::Connect | Event::Reconnect)
}

/// What a mode has to see, said once more and in another way than the core does.
pub(super) fn is_proven(plan: &EncryptionPlan, facts: TlsFacts) -> bool {
    let alpn = match facts.alpn {
        Alpn::Postgresql => true,
        Alpn::Absent => !plan.direct(),
        Alpn::Other => false,
    };
    let chain = facts.chain.is_some();
    let roots = facts.root != RootPresence::Missing;
    let certificate = match plan.sslmode() {
        SslMode::Disable => true,
        SslMode::Allow | SslMode::Prefer | SslMode::Require => chain || !roots,
        SslMode::VerifyCa => chain && roots,
        SslMode::VerifyFull => chain && facts.name.is_some() && roots,
    };
    alpn && certificate
}

/// What follows a failure for good, said once more.
fn expected_then(failure: Failure) -> AfterFailure {
    match failure {
        Failure::Connect | Failure::TimedOut => AfterFailure::NextAddress,
        Failure::WrongRole => AfterFailure::NextHost,
        Failure::ServerError { sqlstate, after_auth_ok } if sqlstate == *b"57P03" && !after_auth_ok => {
            AfterFailure::NextHost
        }
        _ => AfterFailure::Stop,
    }
}
