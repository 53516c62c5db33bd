//! Tests of the gate.

use super::*;
use crate::{
    environment::{Environment, Platform},
    message::{CancelRequest, PROTOCOL_3_0, PROTOCOL_3_2, SSL_REQUEST, startup_message},
    negotiation::Encryption,
    param::{Ability, Params, ProtocolVersion, Settings},
    startup::{BindingRefusal, Broken, ClientCertificate},
};
use alloc::{string::ToString, vec::Vec};

fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 4).expect("messages of tests are short");
    [&[kind], &length.to_be_bytes()[..], body].concat()
}

/// A whole exchange in pieces of this length, with `channel_binding=require`.
fn exchange(mechanism: &[u8], split: usize) -> Result<Input<'static>, Misuse> {
    let environment = Environment::empty(Platform::Unix).with_variable("PGUSER", "u");
    let settings = Settings::parse("host=h channel_binding=require").expect("it is well-formed");
    let params = Params::resolve(&settings, None, &environment, Ability::default()).expect("it is valid");
    let watch = StartupWatch::new(&params, Encryption::Ssl, ClientCertificate::default());
    let mut gate = StartupGate::new(watch, None);

    let packet = startup_message(PROTOCOL_3_0, params.startup_pairs()).expect("it is short");
    let answer = message(b'p', &[mechanism, b"\0\0\0\0\x03n,,"].concat());
    let steps = [
        (true, packet),
        (false, message(b'R', b"\0\0\0\x0aSCRAM-SHA-256-PLUS\0SCRAM-SHA-256\0\0")),
        (true, answer),
        (false, message(b'R', b"\0\0\0\x0bserver-first")),
        (true, message(b'p', b"client-final")),
        (false, message(b'R', b"\0\0\0\x0cserver-final")),
        (false, message(b'R', b"\0\0\0\0")),
        (false, message(b'Z', b"I")),
    ];
    for (from_client, bytes) in steps {
        for piece in bytes.chunks(split) {
            if from_client {
                gate.sent(piece);
            } else if let Err(Shut(input)) = gate.received(piece) {
                return Ok(input);
            }
        }
    }
    gate.conclude(Exchange::Up)
}

#[test]
fn the_startup_packet_is_not_taken_for_an_answer() {
    for split in [1, 2, 3, 5, usize::MAX] {
        assert_eq!(exchange(b"SCRAM-SHA-256-PLUS", split), Ok(Input::Ready), "{split}");
        let unbound = Input::LocalRefusal(Refusal::ChannelBinding(BindingRefusal::NotBound));
        assert_eq!(exchange(b"SCRAM-SHA-256", split), Ok(unbound), "{split}");
    }
}

fn gate(conninfo: &str) -> StartupGate {
    let environment = Environment::empty(Platform::Unix).with_variable("PGUSER", "u");
    let settings = Settings::parse(conninfo).expect("it is well-formed");
    let params = Params::resolve(&settings, None, &environment, Ability::default()).expect("it is valid");
    StartupGate::new(StartupWatch::new(&params, Encryption::Plain, ClientCertificate::default()), Some(b'R'))
}

const EXCHANGES: [Exchange; 4] =
    [Exchange::Up, Exchange::Refused(Refusal::NoPassword), Exchange::WrongRole, Exchange::Failed];

/// A StartupMessage of this version.
fn packet(version: u32) -> Vec<u8> {
    startup_message(version, [("user", "u")]).expect("it is short")
}

type Ends = [Result<Input<'static>, Misuse>; 4];

/// The gate after the StartupMessage and these bytes: whether they may be seen, whether anything may follow, and the
/// meaning of each kind of end.
#[track_caller]
fn check(conninfo: &str, bytes: &[u8], seen: bool, open: bool, ends: Ends) {
    let mut gate = gate(conninfo);
    gate.sent(&packet(PROTOCOL_3_0));
    assert_eq!(gate.received(bytes).is_ok(), seen);
    assert_eq!(gate.may_pass().is_ok(), open);
    assert_eq!(EXCHANGES.map(|exchange| gate.conclude(exchange)), ends);
    // Nothing that comes later changes the verdict.
    let verdict = gate.decided;
    gate.closed();
    gate.aborted();
    gate.timed_out();
    assert!(verdict.is_none() || gate.decided == verdict);
}

#[test]
fn verdicts() {
    let own = |up| {
        [
            up,
            Ok(Input::LocalRefusal(Refusal::NoPassword)),
            Ok(Input::WrongRole),
            Ok(Input::LocalRefusal(Refusal::Exchange)),
        ]
    };
    let early = own(Err(MissingProof::ReadyForQuery.into()));
    let ok = message(b'R', &[0; 4]);
    let ready = message(b'Z', b"I");
    let password = message(b'R', &[0, 0, 0, 3]);
    let error = message(b'E', b"C28000\0\0");
    check("", b"", true, true, early);
    check("", &ok, true, true, early);
    check("", &[ok.clone(), ready].concat(), true, true, own(Ok(Input::Ready)));
    check("", &password, true, true, early);

    let rejected = Input::ServerError { sqlstate: *b"28000", after_auth_ok: false };
    check("", &error, true, false, [Ok(rejected); 4]);
    let refused = Input::LocalRefusal(Refusal::AuthNotAllowed(crate::param::AuthMethod::Password));
    check("require_auth=md5", &password, false, false, [Ok(refused); 4]);
    let broken = Input::StartupBroken(Broken::Unexpected(b'H'));
    check("", b"HTTP", false, false, [Ok(broken); 4]);
}

const UP: &[u8] = b"R\0\0\0\x08\0\0\0\0Z\0\0\0\x05I";

/// The result of [`Exchange::Up`] after these bytes of the client and these of the server, in this order.
fn claimed(conninfo: &str, sent: &[u8], received: &[u8]) -> Result<Input<'static>, Misuse> {
    let mut gate = gate(conninfo);
    gate.sent(sent);
    let _ = gate.received(received);
    gate.conclude(Exchange::Up)
}

#[test]
fn a_session_needs_proof() {
    let missing = |proof: MissingProof| Err(proof.into());
    let version = |version| Ok(Input::LocalRefusal(Refusal::RequestedVersion(version)));
    let (old, new) = (packet(PROTOCOL_3_0), packet(PROTOCOL_3_2));
    let cancel = CancelRequest::new(7, &[9; 4]).expect("it is short").encode();
    for (conninfo, sent, received, expected) in [
        ("", b"".as_slice(), b"".as_slice(), missing(MissingProof::StartupMessage)),
        ("", b"", UP, missing(MissingProof::StartupMessage)),
        ("", &old, b"", missing(MissingProof::ReadyForQuery)),
        ("", &old, &UP[..UP.len() - 1], missing(MissingProof::ReadyForQuery)),
        ("", &old, UP, Ok(Input::Ready)),
        ("", &old[..old.len() - 1], UP, missing(MissingProof::StartupMessage)),
        ("", &cancel, UP, missing(MissingProof::StartupMessage)),
        ("", &SSL_REQUEST, UP, version(0x04D2_162F)),
        // Versions outside of the parameters' range, and one that does not exist.
        ("", &new, UP, version(PROTOCOL_3_2)),
        ("max_protocol_version=3.2", &new, UP, Ok(Input::Ready)),
        ("max_protocol_version=3.2", &old, UP, Ok(Input::Ready)),
        ("max_protocol_version=3.2", &packet(0x0003_0001), UP, version(0x0003_0001)),
        ("min_protocol_version=3.2", &old, UP, version(PROTOCOL_3_0)),
        ("min_protocol_version=3.2", &new, UP, Ok(Input::Ready)),
        ("", &packet(0x0002_0000), UP, version(0x0002_0000)),
    ] {
        assert_eq!(claimed(conninfo, sent, received), expected, "{conninfo} {sent:?} {received:?}");
    }
    // The server is not read before the driver has sent its message, and nothing is sent after a refusal.
    let mut refused = gate("min_protocol_version=3.2");
    refused.sent(&old);
    assert!(refused.may_pass().is_err());
}

#[test]
fn the_version_of_the_message_is_the_one_that_is_negotiated() {
    let offer = [message(b'v', &[0, 3, 0, 0, 0, 0, 0, 0]), UP.to_vec()].concat();
    let check = |conninfo: &str, requested, expected| {
        assert_eq!(claimed(conninfo, &packet(requested), &offer), expected, "{conninfo} {requested:x}");
    };
    let minimum = ProtocolVersion::V3_2;
    let refused = Refusal::ProtocolVersion { server: PROTOCOL_3_0, minimum };
    check("max_protocol_version=3.2", PROTOCOL_3_2, Ok(Input::Ready));
    check("min_protocol_version=3.2", PROTOCOL_3_2, Ok(Input::LocalRefusal(refused)));
    // Nothing is older than this.
    let malformed = Input::StartupBroken(Broken::Malformed(b'v'));
    check("max_protocol_version=3.2", PROTOCOL_3_0, Ok(malformed));
    assert_eq!(
        refused.to_string(),
        "server only supports protocol version 3.0, but \"min_protocol_version\" was set to 3.2"
    );
}

#[test]
fn a_session_needs_the_role() {
    let report = |name: &str, value: &str| {
        let status = message(b'S', [name, "\0", value, "\0"].concat().as_bytes());
        [&UP[..9], &status, &UP[9..]].concat()
    };
    let asked = Err(MissingProof::Role.into());
    let standby = "target_session_attrs=standby";
    for (conninfo, received, expected) in [
        (standby, report("in_hot_standby", "on"), Ok(Input::Ready)),
        (standby, report("in_hot_standby", "off"), Ok(Input::WrongRole)),
        (standby, report("in_hot_standby", "one"), Ok(Input::WrongRole)),
        (standby, report("in_hot_standby", "o"), Ok(Input::WrongRole)),
        (standby, report("in_hot_standb", "on"), asked),
        (standby, report("in_hot_standby2", "on"), asked),
        (standby, report("default_transaction_read_only", "on"), asked),
        (standby, UP.to_vec(), asked),
        ("target_session_attrs=primary", report("in_hot_standby", "on"), Ok(Input::WrongRole)),
        ("target_session_attrs=prefer-standby", report("in_hot_standby", "off"), Ok(Input::Ready)),
        ("target_session_attrs=any", UP.to_vec(), Ok(Input::Ready)),
    ] {
        let claimed = claimed(conninfo, &packet(PROTOCOL_3_0), &received);
        assert_eq!(claimed, expected, "{conninfo} {}", received.escape_ascii());
    }
}

#[test]
fn a_server_that_does_not_report_its_role_is_asked() {
    for (wanted, answer, expected) in [
        ("standby", Some("t"), Ok(Input::Ready)),
        ("standby", Some("f"), Ok(Input::WrongRole)),
        ("standby", None, Ok(Input::WrongRole)),
        ("read-write", Some("off"), Ok(Input::Ready)),
        ("read-write", Some("on"), Ok(Input::WrongRole)),
    ] {
        let mut gate = gate(&alloc::format!("target_session_attrs={wanted}"));
        assert_eq!(gate.role_query(), None, "the session is not up");
        gate.role_answer(answer.map(str::as_bytes));
        gate.sent(&packet(PROTOCOL_3_0));
        assert_eq!(gate.received(UP), Ok(()));
        assert!(gate.role_query().is_some() && gate.role_query() == gate.role_query());
        assert_eq!(gate.conclude(Exchange::Up), Err(MissingProof::Role.into()));
        gate.role_answer(answer.map(str::as_bytes));
        assert_eq!(gate.role_query(), None);
        assert_eq!(gate.conclude(Exchange::Up), expected, "{wanted} {answer:?}");
        assert_eq!(gate.wrong_role().is_some(), expected == Ok(Input::WrongRole));
    }
}

#[test]
fn a_cancel_request_needs_proof_of_its_own() {
    let cancel = CancelRequest::new(7, &[9; 4]).expect("it is short").encode();
    let ended = |sent: &[u8], in_order| {
        let mut gate = StartupGate::new(StartupWatch::cancel(Encryption::Plain), None);
        gate.sent(sent);
        if in_order {
            gate.closed();
        }
        gate.conclude(Exchange::Up)
    };
    assert_eq!(ended(&cancel, true), Ok(Input::Ready));
    assert_eq!(ended(&cancel, false), Err(MissingProof::ReadyForQuery.into()));
    assert_eq!(ended(b"", true), Err(MissingProof::CancelRequest.into()));
    let startup = Input::LocalRefusal(Refusal::RequestedVersion(PROTOCOL_3_2));
    assert_eq!(ended(&packet(PROTOCOL_3_2), true), Ok(startup));
    assert_eq!(ended(&packet(PROTOCOL_3_0), true), Err(MissingProof::CancelRequest.into()));
}

#[test]
fn ends_of_the_connection() {
    let closed = Input::StartupBroken(Broken::Closed);
    let ends: [(fn(&mut StartupGate), _); 3] = [
        (StartupGate::closed, closed),
        (StartupGate::aborted, closed),
        (StartupGate::timed_out, Input::TimedOut),
    ];
    for (end, expected) in ends {
        let mut gate = gate("");
        end(&mut gate);
        assert_eq!(gate.may_pass(), Err(Shut(expected)));
        assert_eq!(gate.conclude(Exchange::Failed), Ok(expected));
        assert!(!gate.is_done());
    }
}

#[test]
fn the_carried_byte_is_read_once() {
    let mut gate = gate("");
    assert_eq!(gate.take_carry(), Ok(Some(b'R')));
    assert_eq!(gate.take_carry(), Ok(None));
    // The watch has seen it: what follows is read as the rest of its message.
    let rest = message(b'R', &3_u32.to_be_bytes());
    assert_eq!(gate.received(&rest[1..]), Ok(()));
    assert_eq!(gate.received(&message(b'H', b"")), Err(Shut(Input::StartupBroken(Broken::Unexpected(b'H')))));
}
