//! Rules of the connection that tables of the suite do not cover.

extern crate std;
use super::*;
use crate::{
    environment::Platform,
    message::{CancelRequest, PROTOCOL_3_0, startup_message},
    negotiation::{Alpn, Encryption, Request, TlsFacts},
    param::{Ability, Settings},
    policy::{RootPresence, Transport},
    startup::StartupOutcome,
};
use alloc::{string::ToString, vec};

type Machine = Connection<&'static str>;

const UP: &[u8] = b"R\0\0\0\x08\0\0\0\0Z\0\0\0\x05I";
const REJECTION: &[u8] = b"E\0\0\0\x15SFATAL\0C28000\0M\0\0";
const ASKED: ClientCertificate = ClientCertificate { requested: true, sent: true };
const FACTS: TlsFacts = TlsFacts { alpn: Alpn::Absent, root: RootPresence::Missing, chain: None, name: None };
const START: Duration = Duration::from_secs(100);

fn params(conninfo: &str) -> Params {
    let settings = Settings::parse(conninfo).expect("it is well-formed");
    Params::resolve(&settings, None, &environment(), Ability::default()).expect("it is valid")
}

fn environment() -> Environment {
    Environment::empty(Platform::Unix).with_variable("PGUSER", "u")
}

fn connection(conninfo: &str) -> Machine {
    Connection::new(&params(conninfo), &environment(), Options::default())
}

fn provided(conninfo: &str, endpoint: Endpoint, purpose: Purpose) -> Machine {
    Connection::to(&params(conninfo), endpoint, purpose, Options::default())
}

impl Machine {
    #[track_caller]
    #[expect(clippy::needless_pass_by_value, reason = "actions are written where they are compared")]
    fn expect(&mut self, action: Action) -> &mut Self {
        assert_eq!(self.poll(START), action);
        self
    }

    #[track_caller]
    fn input(&mut self, input: Input<'_, &'static str>) -> &mut Self {
        self.handle(input).expect("it answers the action");
        self
    }

    /// Answers everything up to the TLS handshake of a server that has TLS.
    #[track_caller]
    fn up_to_tls(&mut self) -> &mut Self {
        self.expect(Action::Open)
            .input(Input::Opened(Ok(())))
            .input(Input::Sent)
            .input(Input::Received(b"S"));
        assert!(matches!(self.poll(START), Action::StartTls { direct: false, .. }));
        self
    }

    /// Runs a startup exchange in which the server sends these bytes.
    #[track_caller]
    fn exchange(&mut self, server: &[u8], cause: Option<&'static str>) -> &mut Self {
        self.expect(Action::Startup);
        let mut monitor = self.monitor().expect("there is one for each connection");
        assert!(self.monitor().is_none(), "there is one monitor for each connection");
        monitor.wrote(&startup_message(PROTOCOL_3_0, [("user", "u")]).expect("it is short"));
        let _ = monitor.read(server);
        let verdict = monitor.finish(StartupOutcome::Up);
        self.input(Input::StartupFinished { verdict, cause })
    }

    fn texts(&self) -> Vec<String> {
        self.errors().iter().map(ToString::to_string).collect()
    }
}

fn tls_failed(alert: &'static [u8]) -> Input<'static, &'static str> {
    Input::TlsFailed { failure: TlsFailure::Handshake, certificate: ASKED, alert, cause: "bad certificate" }
}

const fn established(certificate: ClientCertificate) -> Input<'static, &'static str> {
    Input::TlsEstablished { facts: FACTS, certificate }
}

#[test]
fn errors_are_kept_with_their_causes_and_addresses() {
    let mut connection = connection("hostaddr=192.0.2.1 sslmode=prefer");
    connection.up_to_tls().input(established(ClientCertificate::NONE)).exchange(REJECTION, Some("no entry"));
    connection.expect(Action::Open).input(Input::Opened(Err("connection refused"))).expect(Action::Failed);
    let prefix = "connection to server at \"192.0.2.1\", port 5432 failed: ";
    let expected = ["no entry", "connection refused"].map(|cause| std::format!("{prefix}{cause}"));
    assert_eq!(connection.texts(), expected);
    let error = connection.take_error();
    assert_eq!(error.to_string(), expected.join("\n"));
    assert_eq!(error.then, AfterFailure::Stop, "all addresses have been tried");
    assert_eq!(error.report.connections(), 1);
    assert_eq!(error.last().and_then(|last| last.failure), Some(Failure::Connect));
}

#[test]
fn a_session_keeps_the_errors_before_it() {
    let mut connection = connection("hostaddr=192.0.2.1 sslmode=prefer");
    connection.up_to_tls().input(tls_failed(b"")).expect(Action::Open).input(Input::Opened(Ok(())));
    connection.exchange(UP, None).expect(Action::Done(Encryption::Plain));
    assert_eq!(connection.peer().map(|peer| peer.transport), Some(Transport::Tcp));
    let (report, errors) = connection.take_report();
    assert_eq!(errors.len(), 1);
    let events: Vec<_> = report.events().map(Event::as_str).collect();
    assert_eq!(events, ["connect", "sslaccept", "tlsfail", "reconnect", "authok"]);
}

#[test]
fn an_alert_is_sent_before_the_failure_counts() {
    for lost in [false, true] {
        let mut connection = connection("hostaddr=192.0.2.1 sslmode=prefer");
        connection.up_to_tls().input(tls_failed(b"alert")).expect(Action::Send(b"alert"));
        assert!(connection.errors().is_empty());
        connection.input(if lost { Input::ConnectionLost(Some("reset")) } else { Input::Sent });
        connection.expect(Action::Open);
        assert!(connection.texts()[0].ends_with("bad certificate"), "{:?}", connection.texts());
    }
}

/// libpq never clears its flags: a certificate that a failed TLS connection has sent counts on the plaintext connection.
#[test]
fn flags_of_the_client_certificate_outlive_the_connection() {
    for (hardening, expected) in [(false, Action::Done(Encryption::Plain)), (true, Action::Failed)] {
        let mut rules = Hardening::NONE;
        rules.certificate_flags_per_attempt = hardening;
        let params = params("hostaddr=192.0.2.1 sslmode=prefer sslcertmode=require").with_hardening(rules);
        let mut connection = Machine::new(&params, &environment(), Options::default());
        connection.up_to_tls().input(tls_failed(b"")).expect(Action::Open).input(Input::Opened(Ok(())));
        connection.exchange(UP, None).expect(expected);
    }
}

/// So does one that was sent in a handshake that has not ended.
#[test]
fn flags_of_an_unfinished_handshake_outlive_the_connection() {
    let ends: [fn() -> Input<'static, &'static str>; 2] =
        [|| Input::TimedOut, || Input::ConnectionLost(None)];
    for end in ends {
        for (is_sent, expected) in [(true, Action::Done(Encryption::Plain)), (false, Action::Failed)] {
            let mut connection = connection(
                "hostaddr=192.0.2.1,192.0.2.2 sslmode=prefer sslcertmode=require connect_timeout=7",
            );
            // Before the handshake there is no state.
            connection.set_client_certificate(ASKED);
            connection.up_to_tls();
            if is_sent {
                connection.set_client_certificate(ASKED);
            }
            connection.input(end()).expect(Action::Open).input(Input::Opened(Ok(())));
            if matches!(connection.poll(START), Action::Send(_)) {
                connection.input(Input::Sent).input(Input::Received(b"N"));
            }
            connection.exchange(UP, None).poll(START);
            if expected == Action::Failed {
                assert!(connection.texts().iter().any(|text| text.contains("certificate")));
            } else {
                connection.expect(expected);
            }
        }
    }
}

#[test]
fn the_clock_of_an_address_starts_once() {
    let mut connection = connection("host=a,b hostaddr=192.0.2.1,192.0.2.2 sslmode=prefer connect_timeout=7");
    assert_eq!(connection.deadline(), None);
    connection.up_to_tls().input(tls_failed(b"")).expect(Action::Open);
    assert_eq!(connection.deadline(), Some(START + Duration::from_secs(7)));
    connection.poll(START * 2);
    assert_eq!(
        connection.deadline(),
        Some(START + Duration::from_secs(7)),
        "a reconnect does not restart it"
    );
    connection.input(Input::TimedOut);
    assert_eq!(connection.deadline(), None, "the next address has not been opened");
    assert_eq!(connection.poll(START * 2), Action::Open);
    assert_eq!(connection.deadline(), Some(START * 2 + Duration::from_secs(7)));
    assert!(connection.texts()[1].ends_with("timeout expired"));
}

#[test]
fn the_second_round_over_one_address_has_no_time_of_its_own() {
    let mut connection = connection(
        "hostaddr=192.0.2.1 sslmode=disable connect_timeout=7 target_session_attrs=prefer-standby",
    );
    connection.expect(Action::Open).input(Input::Opened(Err("refused")));
    assert_eq!(connection.poll(START * 2), Action::Open);
    assert_eq!(connection.deadline(), Some(START + Duration::from_secs(7)));
}

#[test]
fn a_verdict_of_another_monitor_is_misuse() {
    let mut connection = provided("sslmode=disable require_auth=md5", Endpoint::tcp(None), Purpose::Session);
    connection.expect(Action::Open).input(Input::Opened(Ok(()))).expect(Action::Startup);
    let mut monitor =
        StartupMonitor::new(StartupRules::NONE, Encryption::Plain, ClientCertificate::NONE, None);
    monitor.wrote(&startup_message(PROTOCOL_3_0, [("user", "u")]).expect("it is short"));
    let _ = monitor.read(UP);
    let verdict = monitor.finish(StartupOutcome::Up);
    assert!(verdict.is_up());
    assert!(connection.handle(Input::StartupFinished { verdict, cause: None }).is_err());
    connection.expect(Action::Failed);
}

#[test]
fn a_cancel_request_is_not_sent_without_its_socket_options() {
    let params = params("host=a sslmode=disable keepalives_idle=x");
    let peer = Peer::new(0, Some("a".to_owned()), Address::Tcp("192.0.2.1:5432".parse().unwrap()));
    let mut connection = Machine::cancel(&params, &environment(), &peer, Options::default());
    connection.expect(Action::Failed);
    assert_eq!(connection.errors().len(), 1);
}

#[test]
fn a_cancel_request_for_an_unknown_host_has_one_error() {
    for (conninfo, index, count) in [("host=a", 1, 1), ("host=a,b sslmode=disable", 7, 2)] {
        let peer = Peer::new(index, Some("c".to_owned()), Address::Tcp("192.0.2.1:5432".parse().unwrap()));
        let mut connection = Machine::cancel(&params(conninfo), &environment(), &peer, Options::default());
        connection.expect(Action::Failed);
        let expected = alloc::format!(
            "cannot cancel a session with host {index}, counted from 0, of parameters with {count}; use the parameters that \
             the session was made with"
        );
        assert_eq!(connection.take_error().to_string(), expected);
    }
}

/// A write that failed is reported to the driver as a success. It counts for a StartupMessage, whose answer decides, and not
/// for a cancel request, which has no answer.
#[test]
fn a_cancel_request_whose_write_failed_is_not_sent() {
    for fails in [false, true] {
        let mut monitor = StartupMonitor::cancel(Encryption::Plain, None);
        monitor.wrote(&CancelRequest::new(1, &[1, 2, 3, 4]).expect("it is short").encode());
        if fails {
            monitor.write_failed();
        }
        monitor.closed();
        let verdict = monitor.finish(StartupOutcome::Up);
        let failure = fails.then_some(Failure::StartupBroken(crate::startup::ProtocolViolation::Closed));
        assert_eq!((verdict.is_up(), verdict.failure()), (!fails, failure));
    }
    let mut monitor =
        StartupMonitor::new(StartupRules::NONE, Encryption::Plain, ClientCertificate::NONE, None);
    monitor.wrote(&startup_message(PROTOCOL_3_0, [("user", "u")]).expect("it is short"));
    monitor.write_failed();
    let _ = monitor.read(REJECTION);
    let verdict = monitor.finish(StartupOutcome::Failed);
    assert!(matches!(verdict.failure(), Some(Failure::ServerError { .. })));
}

#[test]
fn a_time_limit_that_is_no_integer_ends_the_first_wait() {
    let error = "invalid integer value \"abc\" for connection option \"connect_timeout\"";
    let inputs: [fn() -> Input<'static, &'static str>; 2] = [|| Input::TimedOut, || Input::Opened(Ok(()))];
    for input in inputs {
        let mut connection =
            connection("host=/a,b,c,d hostaddr=,192.0.2.1,192.0.2.2,192.0.2.3 connect_timeout=abc");
        connection.expect(Action::Open);
        assert_eq!(connection.deadline(), Some(START), "it has passed");
        // A socket that is not there and a network that is unreachable fail without waiting.
        for error in ["no such file", "unreachable"] {
            connection.input(Input::Opened(Err(error))).expect(Action::Open);
        }
        connection.input(input()).expect(Action::Failed);
        let texts = connection.texts();
        assert!(texts[0].ends_with("no such file") && texts[1].ends_with("unreachable"), "{texts:?}");
        assert!(texts.len() == 3 && texts[2].contains(error), "{texts:?}");
        assert!(texts[2].contains("192.0.2.2"), "{texts:?}");
    }
    // Without a wait the limit is not parsed.
    let mut connection = connection("host=/a,b port=1,99999 connect_timeout=abc");
    connection.expect(Action::Open).input(Input::Opened(Err("no such file"))).expect(Action::Failed);
    assert!(connection.texts().iter().all(|text| !text.contains(error)), "{:?}", connection.texts());
}

/// Bytes that are read with a reply: the next bytes of the server after `N`, and dropped after `S`.
#[test]
fn bytes_that_come_with_a_reply() {
    let start = |conninfo| {
        let mut connection = connection(conninfo);
        connection.expect(Action::Open).input(Input::Opened(Ok(()))).input(Input::Sent);
        connection.expect(Action::Receive { at_most: MAX_RECEIVE });
        connection
    };
    let conninfo = "host=h hostaddr=192.0.2.1";
    let longest = |reply: u8| [&[reply][..], &vec![b'R'; MAX_RECEIVE - 1]].concat();

    let mut refused = start(conninfo);
    refused.input(Input::Received(&[b"N", UP].concat())).expect(Action::Startup);
    let mut monitor = refused.monitor().unwrap();
    monitor.wrote(&startup_message(PROTOCOL_3_0, [("user", "u")]).unwrap());
    let leftover: Vec<u8> = core::iter::from_fn(|| monitor.before_read().unwrap()).collect();
    assert_eq!(leftover, UP);
    let verdict = monitor.finish(StartupOutcome::Up);
    refused.input(Input::StartupFinished { verdict, cause: None }).expect(Action::Done(Encryption::Plain));

    let mut refused = start(conninfo);
    refused.input(Input::Received(&longest(b'N'))).expect(Action::Startup);
    let mut monitor = refused.monitor().unwrap();
    assert!(monitor.before_read().is_ok() && !monitor.is_ready());

    for reply in [b"SR".to_vec(), [b"S", UP].concat(), longest(b'S')] {
        let mut accepted = start(conninfo);
        accepted.input(Input::Received(&reply)).input(established(ClientCertificate::NONE));
        accepted.expect(Action::Failed);
        assert_eq!(accepted.errors()[0].failure, Some(Failure::UnencryptedData(Request::Ssl)));

        // The bytes do not come back on the next connection.
        let mut broken = start(conninfo);
        let failure = TlsFailure::Handshake;
        let certificate = ClientCertificate::NONE;
        broken.input(Input::Received(&reply));
        broken.input(Input::TlsFailed { failure, certificate, alert: b"", cause: "bad record" });
        broken.expect(Action::Open).input(Input::Opened(Ok(()))).expect(Action::Startup);
        assert_eq!(broken.monitor().unwrap().before_read(), Ok(None));
        assert!(broken.texts()[0].ends_with("bad record"), "{:?}", broken.texts());
    }
    let mut too_long = start(conninfo);
    assert!(too_long.handle(Input::Received(&[longest(b'N'), vec![b'R']].concat())).is_err());
}

#[test]
fn requirepeer_is_compared_here() {
    let conninfo = "host=/run requirepeer=postgres";
    let mut right = connection(conninfo);
    right.expect(Action::Open).input(Input::Opened(Ok(()))).expect(Action::CheckPeer);
    right.input(Input::PeerUser(Ok("postgres"))).expect(Action::Startup);
    let mut wrong = connection(conninfo);
    wrong.expect(Action::Open).input(Input::Opened(Ok(()))).input(Input::PeerUser(Ok("mallory")));
    wrong.expect(Action::Failed);
    let expected = "requirepeer specifies \"postgres\", but actual peer user name is \"mallory\"";
    assert!(wrong.texts()[0].ends_with(expected), "{:?}", wrong.texts());
    let mut unknown = connection(conninfo);
    unknown.expect(Action::Open).input(Input::Opened(Ok(()))).input(Input::PeerUser(Err("not supported")));
    unknown.expect(Action::Failed);

    // The program knows the user of the connection that it has opened.
    for (user, expected) in [("postgres", Action::Startup), ("mallory", Action::Failed)] {
        let endpoint = Endpoint::unix(Some(user.to_owned()));
        let mut connection = provided(conninfo, endpoint, Purpose::Session);
        connection.expect(Action::Open).input(Input::Opened(Ok(()))).expect(expected);
    }
}

#[test]
fn a_connection_of_the_program_has_no_address_in_its_errors() {
    let mut connection = provided("sslmode=require", Endpoint::tcp(Some("db")), Purpose::Session);
    connection
        .expect(Action::Open)
        .input(Input::Opened(Ok(())))
        .input(Input::Sent)
        .input(Input::Received(b"N"));
    connection.expect(Action::Failed);
    assert_eq!(
        connection.texts(),
        ["server does not support SSL, and sslmode leaves no other way to connect"]
    );
    assert_eq!(connection.errors()[0].failure, Some(Failure::Refused(Request::Ssl)));
    // A single server cannot be passed over.
    let standby = "target_session_attrs=prefer-standby sslmode=disable";
    let connection = provided(standby, Endpoint::tcp(None), Purpose::Session);
    assert_eq!(connection.peer().map(|peer| peer.target_session_attrs), Some(TargetSessionAttrs::Any));
}

#[test]
fn another_driver_gets_the_connection_with_its_monitor() {
    let mut connection = provided("sslmode=require", Endpoint::tcp(None), Purpose::Tls);
    connection.up_to_tls().input(established(ClientCertificate::NONE));
    connection.expect(Action::Established(Encryption::Ssl));
    assert!(connection.monitor().is_some() && connection.monitor().is_none());
}

#[test]
fn a_cancel_request_goes_to_the_address_of_the_session() {
    let params = params("host=a,b target_session_attrs=primary sslmode=disable");
    let mut session = Machine::new(&params, &environment(), Options::default());
    session
        .input(Input::Resolved(Err("unknown")))
        .input(Input::Resolved(Ok(vec!["192.0.2.2:0".parse().unwrap()])));
    let peer = session.peer().expect("an address is tried").clone();

    let cancel = CancelRequest::new(7, &[9; 4]).expect("it is short").encode();
    for (sent, expected) in [(cancel.as_slice(), Action::Done(Encryption::Plain)), (b"", Action::Failed)] {
        let mut connection = Machine::cancel(&params, &environment(), &peer, Options::default());
        connection.expect(Action::Open).input(Input::Opened(Ok(()))).expect(Action::Startup);
        assert_eq!(connection.peer().and_then(|peer| peer.host.as_deref()), Some("b"));
        let mut monitor = connection.monitor().expect("there is one");
        monitor.wrote(sent);
        monitor.closed();
        let verdict = monitor.finish(StartupOutcome::Up);
        let _ = connection.handle(Input::StartupFinished { verdict, cause: None });
        connection.expect(expected);
    }
}

/// Every input in every state that it does not answer ends the connection, with one error that names both.
#[test]
fn misuse_is_terminal() {
    let mut connection = connection("hostaddr=192.0.2.1 sslmode=require");
    assert!(connection.handle(Input::Sent).is_err());
    connection.expect(Action::Failed);
    assert!(connection.handle(Input::Opened(Ok(()))).is_err());
    let texts = connection.texts();
    assert_eq!(texts.len(), 1);
    assert!(texts[0].contains("input Sent does not answer the action of state \"connecting\""), "{texts:?}");

    // A session without proof.
    let mut connection = provided("sslmode=disable", Endpoint::tcp(None), Purpose::Session);
    connection.expect(Action::Open).input(Input::Opened(Ok(())));
    let verdict = connection.monitor().expect("there is one").finish(StartupOutcome::Up);
    assert!(connection.handle(Input::StartupFinished { verdict, cause: None }).is_err());
    connection.expect(Action::Failed);
    assert!(connection.texts()[0].contains("no StartupMessage was written"), "{:?}", connection.texts());
}

#[test]
fn an_embedder_can_give_up() {
    let mut connection = connection("host=a,b");
    connection.input(Input::Abandoned("the program was told to stop")).expect(Action::Failed);
    assert_eq!(connection.texts(), ["the program was told to stop"]);
}

#[test]
fn events_are_returned_once_with_their_server() {
    let mut connection = connection("hostaddr=192.0.2.1,192.0.2.2 sslmode=disable");
    connection.expect(Action::Open).input(Input::Opened(Err("refused")));
    let mut seen = Vec::new();
    while let Some((peer, event)) = connection.poll_event() {
        seen.push((peer.host_index, event.as_str()));
    }
    connection.expect(Action::Open).input(Input::Opened(Ok(())));
    while let Some((peer, event)) = connection.poll_event() {
        seen.push((peer.host_index, event.as_str()));
    }
    assert_eq!(seen, [(0, "connectfail"), (1, "connect")]);
}

#[test]
fn a_server_name_that_is_too_long_fails_tls() {
    let mut connection =
        connection(&std::format!("host={} hostaddr=192.0.2.1 sslmode=require", "a".repeat(256)));
    connection.up_to_tls();
    let Action::StartTls { server_name: Err(error), .. } = connection.poll(START) else {
        panic!("the name is too long");
    };
    assert_eq!(error.len, 256);
}

const _: () = {
    const fn is_send<T: Send + 'static>() {}
    is_send::<Machine>();
};
