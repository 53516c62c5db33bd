//! Every state of a connection: from every plan, every input in every state that can be reached, with two addresses.
//!
//! A connection cannot be cloned, so that a state is the inputs that lead to it. States are the same if they look the same from
//! outside: action, peer, events of the address, number of errors and attempts, and the bytes that were read last.

use super::explore::{is_proven, up};
use pgtls_core::{
    connect::{Action, Connection, Endpoint, Input, MAX_RECEIVE, Misuse, Options, Purpose},
    environment::{Environment, Platform},
    hardening::Hardening,
    message::{CancelRequest, GSSENC_REQUEST, PROTOCOL_3_0, SSL_REQUEST, startup_message},
    name::{NameRules, PeerName, PeerNames, match_host},
    negotiation::{Alpn, ChainVerified, Encryption, Event, TlsFacts, TlsFailure},
    param::{Ability, GssEncMode, Params, Settings, SslMode, SslNegotiation},
    policy::{EncryptionPlan, GssCredentials, Method, Payload, RootPresence, Transport, plan},
    startup::{ClientCertificate, Refusal, StartupMonitor, StartupOutcome, StartupVerdict},
};
use std::{
    collections::{HashSet, VecDeque},
    io::Write as _,
    mem::discriminant,
    net::SocketAddr,
    time::Duration,
};

type Machine = Connection<&'static str>;

const ADDRESSES: usize = 2;
const LIMIT: Duration = Duration::from_secs(10);
const ALERT: &[u8] = b"alert";

/// A connection to explore.
#[derive(Debug)]
struct Kind {
    params: Params,
    gss: GssCredentials,
    purpose: Purpose,
    transport: Transport,
    plan: EncryptionPlan,
}

/// Every plan and purpose, each once.
fn kinds() -> Vec<Kind> {
    let mut kinds = Vec::new();
    let mut seen = HashSet::new();
    for sslmode in SslMode::ALL {
        for sslnegotiation in SslNegotiation::ALL {
            for gssencmode in GssEncMode::ALL {
                for (hosts, transport) in [("h", Transport::Tcp), ("/a,/b", Transport::Unix)] {
                    for peer in ["", "requirepeer=postgres"] {
                        let conninfo = format!(
                            "host={hosts} user=u sslmode={sslmode} sslnegotiation={sslnegotiation} \
                             gssencmode={gssencmode} connect_timeout=10 {peer}"
                        );
                        let Some(params) = params(&conninfo) else { continue };
                        for gss in [GssCredentials::Held, GssCredentials::Absent] {
                            for purpose in [Purpose::Session, Purpose::Tls, Purpose::Cancel] {
                                let payload = match purpose {
                                    Purpose::Session | Purpose::Tls => Payload::Startup,
                                    Purpose::Cancel => Payload::Cancel,
                                };
                                let Ok(plan) = plan(&params, transport, gss, payload) else { continue };
                                if seen.insert((plan, format!("{purpose:?} {transport:?}"))) {
                                    let params = params.clone();
                                    kinds.push(Kind { params, gss, purpose, transport, plan });
                                }
                            }
                        }
                    }
                }
            }
        }
    }
    kinds
}

fn environment() -> Environment {
    Environment::empty(Platform::Unix)
}

fn params(conninfo: &str) -> Option<Params> {
    let mut ability = Ability::default();
    ability.gss = true;
    Params::resolve(&Settings::parse(conninfo).unwrap(), None, &environment(), ability).ok()
}

impl Kind {
    fn addresses(&self) -> usize {
        if self.purpose == Purpose::Session { ADDRESSES } else { 1 }
    }

    fn start(&self) -> Machine {
        let mut options = Options::default();
        options.gss = self.gss;
        match self.purpose {
            Purpose::Session => Machine::new(&self.params, &environment(), options),
            Purpose::Tls => {
                let endpoint = match self.transport {
                    Transport::Tcp => Endpoint::tcp(Some("h")),
                    Transport::Unix => Endpoint::unix(None),
                };
                Machine::to(&self.params, endpoint, Purpose::Tls, options)
            }
            Purpose::Cancel => {
                let mut session = Machine::new(&self.params, &environment(), options);
                if let Action::Resolve { .. } = session.poll(Duration::ZERO) {
                    session.handle(Input::Resolved(Ok(addresses()))).unwrap();
                }
                Machine::cancel(&self.params, &environment(), session.peer().unwrap(), options)
            }
        }
    }
}

fn addresses() -> Vec<SocketAddr> {
    (1..=ADDRESSES).map(|last| SocketAddr::from(([192, 0, 2, u8::try_from(last).unwrap()], 0))).collect()
}

/// An input, before it is made for a connection.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Play {
    Resolved { addresses: Option<bool> },
    Opened(bool),
    PeerUser(Option<&'static str>),
    Sent,
    Received(&'static [u8]),
    Lost,
    Established(TlsFacts),
    TlsFailed(TlsFailure, &'static [u8]),
    Gss(bool),
    Startup(Exchange),
    TimedOut,
    Abandoned,
}

/// A startup exchange.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Exchange {
    Up,
    /// The server answers so.
    Answer(&'static [u8]),
    Closed,
    TimedOut,
    Refused,
    WrongRole,
    /// The driver reports a session that the monitor has not seen.
    Unproven,
    /// The driver reports a session that another monitor has seen, of another kind of exchange.
    OfAnother,
}

fn plays() -> Vec<Play> {
    let mut plays = vec![
        Play::Resolved { addresses: Some(true) },
        Play::Resolved { addresses: Some(false) },
        Play::Resolved { addresses: None },
        Play::Opened(true),
        Play::Opened(false),
        Play::PeerUser(Some("postgres")),
        Play::PeerUser(Some("mallory")),
        Play::PeerUser(None),
        Play::Sent,
        Play::Lost,
        Play::Gss(true),
        Play::Gss(false),
        Play::TimedOut,
        Play::Abandoned,
    ];
    let replies: [&[u8]; 12] = [b"", b"S", b"G", b"N", b"E", b"X", b"S!", b"G!", b"N!", b"NS", b"E!", b"N!!"];
    plays.extend(replies.map(Play::Received));
    plays.extend(facts().map(Play::Established));
    for failure in [TlsFailure::Setup, TlsFailure::Closed, TlsFailure::Handshake] {
        plays.extend([b"".as_slice(), ALERT].map(|alert| Play::TlsFailed(failure, alert)));
    }
    let exchanges = [
        Exchange::Up,
        Exchange::Answer(b"E\0\0\0\x0cC28000\0\0"),
        Exchange::Answer(b"E\0\0\0\x0cC57P03\0\0"),
        Exchange::Answer(b"R\0\0\0\x08\0\0\0\0E\0\0\0\x0cC3D000\0\0"),
        Exchange::Answer(b"?"),
        Exchange::Closed,
        Exchange::TimedOut,
        Exchange::Refused,
        Exchange::WrongRole,
        Exchange::Unproven,
        Exchange::OfAnother,
    ];
    plays.extend(exchanges.map(Play::Startup));
    plays
}

fn facts() -> impl Iterator<Item = TlsFacts> {
    let names = PeerNames { subject_alt_names: &[PeerName::Dns(b"h")], common_name: None };
    let name = match_host(Some("h"), &names, NameRules::Pg15, Hardening::NONE).unwrap().proof();
    let chain = Some(ChainVerified::assertion());
    let proofs = [(None, None), (chain, None), (None, Some(name)), (chain, Some(name))];
    [Alpn::Absent, Alpn::Postgresql, Alpn::Other].into_iter().flat_map(move |alpn| {
        [RootPresence::Found, RootPresence::Missing].into_iter().flat_map(move |root| {
            proofs.into_iter().map(move |(chain, name)| TlsFacts { alpn, root, chain, name })
        })
    })
}

/// Whether the input answers the action, as the documentation of the action states it.
fn answers(action: &Action, play: Play) -> bool {
    let is_end = matches!(action, Action::Done(_) | Action::Established(_) | Action::Failed);
    match play {
        Play::Resolved { .. } => matches!(action, Action::Resolve { .. }),
        Play::Opened(_) => *action == Action::Open,
        Play::PeerUser(_) => *action == Action::CheckPeer,
        Play::Sent => matches!(action, Action::Send(_)),
        Play::Received(bytes) => {
            matches!(action, Action::Receive { at_most } if bytes.len() <= *at_most)
        }
        Play::Established(_) | Play::TlsFailed(..) => matches!(action, Action::StartTls { .. }),
        Play::Gss(_) => *action == Action::StartGss,
        Play::Startup(_) => *action == Action::Startup,
        Play::Lost | Play::TimedOut => !is_end && !matches!(action, Action::Resolve { .. }),
        Play::Abandoned => !is_end,
    }
}

/// A connection and what was done to it.
struct Run<'k> {
    kind: &'k Kind,
    machine: Machine,
    now: Duration,
    /// Facts of TLS on the present connection.
    facts: Option<TlsFacts>,
    user: Option<&'static str>,
    read: &'static [u8],
    /// Bytes in clear after a reply that grants the request.
    injected_bytes: bool,
    /// The verdict on the exchange on the present connection.
    verdict: Option<StartupVerdict>,
}

/// A connection as it looks from outside.
#[derive(Debug)]
struct Seen {
    action: Action,
    deadline: Option<Duration>,
    attempts: usize,
    errors: Vec<String>,
}

impl<'k> Run<'k> {
    fn replay(kind: &'k Kind, path: &[Play]) -> Self {
        let (machine, now) = (kind.start(), Duration::ZERO);
        let mut run = Self {
            kind,
            machine,
            now,
            facts: None,
            user: None,
            read: b"",
            injected_bytes: false,
            verdict: None,
        };
        run.machine.poll(run.now);
        for play in path {
            run.play(*play).unwrap();
        }
        run
    }

    fn play(&mut self, play: Play) -> Result<(), Misuse> {
        let certificate = ClientCertificate::NONE;
        let input = match play {
            Play::Resolved { addresses: found } => Input::Resolved(match found {
                Some(true) => Ok(addresses()),
                Some(false) => Ok(Vec::new()),
                None => Err("not found"),
            }),
            Play::Opened(success) => Input::Opened(success.then_some(()).ok_or("refused")),
            Play::PeerUser(user) => Input::PeerUser(user.ok_or("not supported")),
            Play::Sent => Input::Sent,
            Play::Received(bytes) => Input::Received(bytes),
            Play::Lost => Input::ConnectionLost(Some("reset")),
            Play::Established(facts) => Input::TlsEstablished { facts, certificate },
            Play::TlsFailed(failure, alert) => {
                Input::TlsFailed { failure, certificate, alert, cause: "bad certificate" }
            }
            Play::Gss(success) => Input::Gss(success.then_some(()).ok_or("no ticket")),
            Play::Startup(exchange) => {
                let verdict = self.exchange(exchange);
                self.verdict = Some(verdict);
                Input::StartupFinished { verdict, cause: Some("driver") }
            }
            Play::TimedOut => Input::TimedOut,
            Play::Abandoned => Input::Abandoned("dropped"),
        };
        self.machine.handle(input)?;
        match play {
            Play::Opened(_) => {
                (self.facts, self.user, self.verdict) = (None, None, None);
                (self.read, self.injected_bytes) = (b"", false);
            }
            Play::Established(facts) => self.facts = Some(facts),
            Play::PeerUser(user) => self.user = user,
            Play::Received(bytes) => {
                // After `N!` or `NS` the second byte is the reply to the next request.
                let granted = matches!(bytes, b"S!" | b"G!") || (self.read == b"NS" && !bytes.is_empty());
                self.injected_bytes |= granted;
                self.read = bytes;
            }
            _ => {}
        }
        self.now += Duration::from_secs(1);
        self.machine.poll(self.now);
        Ok(())
    }

    /// Runs a startup exchange with the monitor of the connection.
    fn exchange(&mut self, exchange: Exchange) -> StartupVerdict {
        let Some(mut monitor) = self.machine.monitor() else { return up() };
        assert!(self.machine.monitor().is_none(), "one monitor for each connection");
        let cancels = self.kind.purpose == Purpose::Cancel;
        let outcome = match exchange {
            Exchange::Refused => StartupOutcome::Refused(Refusal::NoPassword),
            Exchange::WrongRole => StartupOutcome::WrongRole,
            Exchange::Up | Exchange::Unproven => StartupOutcome::Up,
            Exchange::Answer(_) | Exchange::Closed | Exchange::TimedOut => StartupOutcome::Failed,
            Exchange::OfAnother if cancels => return up(),
            Exchange::OfAnother => {
                let mut cancel = StartupMonitor::cancel(Encryption::Plain, None);
                cancel.wrote(&CancelRequest::new(7, &[9; 4]).unwrap().encode());
                cancel.closed();
                return cancel.finish(StartupOutcome::Up);
            }
        };
        let packet = if cancels {
            CancelRequest::new(7, &[9; 4]).unwrap().encode()
        } else {
            startup_message(PROTOCOL_3_0, [("user", "u")]).unwrap()
        };
        if exchange == Exchange::Unproven {
            return monitor.finish(outcome);
        }
        monitor.wrote(&packet);
        match exchange {
            Exchange::Up if cancels => monitor.closed(),
            Exchange::Up => {
                let mut login = b"R\0\0\0\x08\0\0\0\0Z\0\0\0\x05I".as_slice();
                // The byte that came with `N` is not the first of this login; a driver would be told so.
                if let Ok(Some(leftover)) = monitor.before_read()
                    && leftover == b'R'
                {
                    login = &login[1..];
                }
                let _ = monitor.read(login);
            }
            Exchange::Answer(bytes) => {
                let _ = monitor.before_read();
                let _ = monitor.read(bytes);
            }
            Exchange::Closed => monitor.aborted(),
            Exchange::TimedOut => monitor.timed_out(),
            _ => {}
        }
        monitor.finish(outcome)
    }

    fn seen(&mut self) -> Seen {
        Seen {
            action: self.machine.poll(self.now),
            deadline: self.machine.deadline(),
            attempts: self.machine.report().attempts.len(),
            errors: self.machine.errors().iter().map(ToString::to_string).collect(),
        }
    }

    /// States with the same fingerprint go on in the same way.
    fn fingerprint(&mut self) -> String {
        let seen = self.seen();
        let report = self.machine.report();
        let events = report.attempts.last().map(|attempt| &attempt.events);
        let address = self.machine.peer().and_then(|peer| peer.address.as_ref());
        format!(
            "{:?} {} {} {} {address:?} {events:?} {:?} {}",
            seen.action,
            seen.deadline.is_some(),
            seen.attempts,
            seen.errors.len(),
            self.read,
            self.injected_bytes
        )
    }
}

#[test]
fn every_state_of_every_connection() {
    let plays = plays();
    let kinds = kinds();
    let (mut states, mut transitions, mut misuses) = (0_usize, 0_usize, 0_usize);
    for kind in &kinds {
        let mut seen = HashSet::new();
        let mut waiting = VecDeque::from([Vec::new()]);
        while let Some(path) = waiting.pop_front() {
            states += 1;
            let before = state_holds(kind, &path);
            let mut wrong = HashSet::new();
            for play in plays.iter().copied() {
                let answers = answers(&before.action, play);
                // One wrong input of each kind is enough.
                if !answers && !wrong.insert(discriminant(&play)) {
                    continue;
                }
                let mut run = Run::replay(kind, &path);
                if !edge_holds(&mut run, &before, play, answers) {
                    misuses += 1;
                } else if seen.insert(run.fingerprint()) {
                    transitions += 1;
                    let mut path = path.clone();
                    path.push(play);
                    waiting.push_back(path);
                } else {
                    transitions += 1;
                }
            }
        }
    }
    // Past the test harness, which hides the output of passing tests.
    writeln!(
        std::io::stderr(),
        "connection: {} plans: {states} states, {transitions} transitions and {misuses} misuses explored",
        kinds.len()
    )
    .unwrap();
    // A walk that finds less has lost something; a change that adds states or transitions changes these numbers.
    assert_eq!((kinds.len(), states, transitions, misuses), (135, 16_003, 39_096, 178_829));
}

/// Rules of each state.
fn state_holds(kind: &Kind, path: &[Play]) -> Seen {
    // Three methods at two addresses, each with a request, a reply, a handshake, an alert and a startup exchange.
    assert!(path.len() <= 40, "there is no end to {path:?}");
    let mut run = Run::replay(kind, path);
    let seen = run.seen();
    let later = run.machine.poll(run.now + LIMIT);
    assert_eq!(later, seen.action, "the same action until an input");
    assert_eq!(run.machine.deadline(), seen.deadline, "the clock has started");

    let connections = run.machine.report().connections();
    let most = kind.plan.methods().count() * kind.addresses();
    assert!(connections <= most, "{connections} connections, {most} methods and addresses: {path:?}");

    let monitor = run.machine.monitor();
    let has_monitor = matches!(seen.action, Action::Startup | Action::Established(_));
    assert_eq!(monitor.is_some(), has_monitor, "{path:?}");
    assert!(run.machine.monitor().is_none(), "one monitor for each connection");

    match &seen.action {
        Action::Done(_) | Action::Established(_) => assert_eq!(seen.deadline, None),
        Action::Send(bytes) => {
            let request = [SSL_REQUEST, GSSENC_REQUEST].iter().any(|request| bytes == request);
            assert!(request || *bytes == ALERT, "{bytes:?} is sent in clear");
        }
        Action::Receive { at_most } => assert!((1..=MAX_RECEIVE).contains(at_most)),
        Action::Failed => {
            assert!(!seen.errors.is_empty(), "an error for each failure: {path:?}");
            assert!(seen.errors.iter().all(|error| !error.is_empty()));
            assert_eq!(seen.deadline, None);
        }
        Action::Resolve { .. } => assert_eq!(seen.deadline, None, "no deadline covers it"),
        Action::Open | Action::CheckPeer | Action::StartTls { .. } | Action::StartGss | Action::Startup => {}
        other => panic!("a new action: {other:?}"),
    }
    if !matches!(
        seen.action,
        Action::Resolve { .. } | Action::Done(_) | Action::Established(_) | Action::Failed
    ) {
        assert!(seen.deadline.is_some(), "every other action has a deadline: {path:?}");
    }
    seen
}

/// Nothing passes below the policy. Transitions are checked and not states, as facts and users are no part of a state.
fn protected(run: &Run<'_>, action: &Action) {
    let plan = &run.kind.plan;
    let attempt = run.machine.report().attempts.last();
    let encryption = match action {
        Action::Done(encryption) | Action::Established(encryption) => {
            let is_tls_only = matches!(action, Action::Established(_));
            assert_eq!(run.kind.purpose == Purpose::Tls, is_tls_only);
            let proven = run.verdict.is_some_and(|verdict| verdict.is_up());
            assert_eq!(proven, !is_tls_only, "a session has proof");
            *encryption
        }
        Action::Startup if run.facts.is_some() => Encryption::Ssl,
        Action::Startup => {
            let is_gss = attempt.is_some_and(|attempt| attempt.events.ends_with(&[Event::GssAccept]));
            if is_gss { Encryption::Gss } else { Encryption::Plain }
        }
        _ => return,
    };
    let method = match encryption {
        Encryption::Plain => Method::Plain,
        Encryption::Ssl => Method::Ssl,
        Encryption::Gss => Method::Gss,
    };
    assert!(plan.methods().any(|allowed| allowed == method), "{encryption} is no method of {plan:?}");
    assert!(!run.injected_bytes, "a session after bytes in clear");
    assert_eq!(encryption == Encryption::Ssl, run.facts.is_some());
    if let Some(facts) = run.facts {
        assert!(is_proven(plan, facts), "{facts:?} is not enough for {plan:?}");
    }
    if plan.checks_peer() {
        assert_eq!(run.user, Some("postgres"));
    }
}

/// Rules of each transition; `false` for a misuse.
fn edge_holds(run: &mut Run<'_>, before: &Seen, play: Play, answers: bool) -> bool {
    let result = run.play(play);
    let after = run.seen();
    let kept = after.errors.get(..before.errors.len()) == Some(before.errors.as_slice());
    assert!(kept, "an error is lost: {:?}, {:?}", before.errors, after.errors);

    let unproven = matches!(play, Play::Startup(Exchange::Unproven | Exchange::OfAnother));
    assert_eq!(result.is_ok(), answers && !unproven, "{play:?} in {before:?}: {result:?}");
    if let Err(misuse) = result {
        assert_eq!(misuse.missing_proof().is_some(), answers);
        assert_eq!(after.action, Action::Failed, "a misuse is terminal");
        let known = usize::from(before.action != Action::Failed);
        assert_eq!(after.errors.len(), before.errors.len() + known, "{misuse}");
        for play in [Play::Opened(true), Play::TimedOut, Play::Abandoned, play] {
            assert!(run.play(play).is_err());
        }
        assert_eq!(run.seen().errors, after.errors);
        return false;
    }
    let goes_on = !matches!(after.action, Action::Done(_) | Action::Established(_) | Action::Failed);
    if before.attempts == after.attempts && goes_on && before.deadline.is_some() {
        assert_eq!(after.deadline, before.deadline, "the deadline moves by {play:?}");
    }
    if play == Play::Abandoned {
        assert_eq!(after.action, Action::Failed);
    }
    protected(run, &after.action);
    // A method that fails leaves its error.
    if after.action == Action::Open
        && before.action != Action::Open
        && !matches!(before.action, Action::Resolve { .. })
    {
        assert_eq!(after.errors.len(), before.errors.len() + 1, "{play:?}");
    }
    true
}
