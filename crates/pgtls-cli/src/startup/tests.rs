//! The exchange against scripted servers, whose bytes arrive whole, byte by byte, and in between.

use super::*;
use base64::{Engine, engine::general_purpose::STANDARD};
use futures_lite::future::block_on;
use hmac::{Hmac, KeyInit, Mac};
use pgtls_core::{
    environment::{Environment, Platform},
    negotiation::Encryption,
    param::{Ability, Settings},
    startup::Refusal,
};
use sha2::{Digest, Sha256};
use std::io::Read;

/// Few, for the tests' sake; PostgreSQL has 4096.
const ITERATIONS: u32 = 16;
const END_POINT: &[u8] = b"thirty-two bytes of certificate!";
/// `md5` and md5(md5("secretrig") in hex + "abcd"), computed by another program.
const MD5_ANSWER: &[u8] = b"md5c90bcafc0a2b54511742383e34d5dc9d\0";
const READY: &[u8] = b"Z\0\0\0\x05I";

/// What a scripted server answers to what the client sends; nothing closes the connection.
type Server = Box<dyn FnMut(&[u8]) -> Vec<u8>>;

fn params(conninfo: &str) -> Params {
    let mut environment = Environment::empty(Platform::Unix);
    environment.user = Some("alice".to_owned());
    let settings = Settings::parse(conninfo).expect("the test's string parses");
    Params::resolve(&settings, None, &environment, Ability::default())
        .expect("the test's parameters are valid")
}

fn tls() -> Channel {
    Channel { encryption: Encryption::Ssl, binding: Binding::EndPoint(END_POINT.to_vec()) }
}

fn plain() -> Channel {
    Channel { encryption: Encryption::Plain, binding: Binding::None }
}

fn message(tag: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 4).expect("test messages are short");
    [&[tag], &length.to_be_bytes()[..], body].concat()
}

fn request(code: u32, rest: &[u8]) -> Vec<u8> {
    message(b'R', &[&code.to_be_bytes()[..], rest].concat())
}

fn status(name: &str, value: &str) -> Vec<u8> {
    message(b'S', format!("{name}\0{value}\0").as_bytes())
}

fn error(sqlstate: &str) -> Vec<u8> {
    message(b'E', format!("SFATAL\0C{sqlstate}\0Mno\x1b[31m way\0\0").as_bytes())
}

/// Authenticated and ready, with these reports.
fn welcome(reports: &[(&str, &str)]) -> Vec<u8> {
    let mut bytes = request(0, b"");
    for (name, value) in reports {
        bytes.extend(status(name, value));
    }
    bytes.extend(message(b'K', &[0; 8]));
    bytes.extend_from_slice(READY);
    bytes
}

/// Lets the exchange talk to `server`, which answers each message of the client; an empty answer closes the connection.
fn converse(
    exchange: &mut Exchange<'_>,
    split: usize,
    server: &mut dyn FnMut(&[u8]) -> Vec<u8>,
) -> Result<(), Fault> {
    while !exchange.is_ready() {
        let output = exchange.take_output();
        assert!(!output.is_empty(), "the client waits for a server that has answered");
        let answer = server(&output);
        if answer.is_empty() {
            return Err(Fault::Broken(Broken::Closed));
        }
        for piece in answer.chunks(split) {
            exchange.received(piece)?;
        }
    }
    Ok(())
}

/// The same conversation in every split; all must end alike.
#[track_caller]
fn every_split(
    conninfo: &str,
    channel: &Channel,
    script: &dyn Fn() -> Server,
) -> (Result<(), Fault>, Report) {
    let params = params(conninfo);
    let run = |split| {
        let mut exchange =
            Exchange::new(&params, channel.clone(), params.password(), params.target_session_attrs())
                .expect("a short packet");
        let result = converse(&mut exchange, split, &mut *script());
        (result, exchange.report().clone())
    };
    let whole = run(usize::MAX);
    for split in [1, 2, 3, 5, 7, 64] {
        assert_eq!(run(split), whole, "split {split}");
    }
    whole
}

/// A server that answers the client's messages with these, in order, then closes.
fn answers(list: &[Vec<u8>]) -> Server {
    let mut list: std::collections::VecDeque<_> = list.iter().cloned().collect();
    Box::new(move |_| list.pop_front().unwrap_or_default())
}

#[track_caller]
fn check(conninfo: &str, channel: &Channel, list: &[Vec<u8>], expected: &Result<(), Fault>) {
    let (result, _) = every_split(conninfo, channel, &|| answers(list));
    assert_eq!(&result, expected);
}

#[test]
fn trust() {
    let script: &dyn Fn() -> _ = &|| answers(&[welcome(&[("server_version", "18.0")])]);
    let (result, report) = every_split("host=h", &plain(), script);
    assert_eq!(result, Ok(()));
    assert_eq!(report.server_version.as_deref(), Some("18.0"));
    assert_eq!(report.authentication, Some("trust"));
}

#[test]
fn the_startup_packet_comes_first() {
    let params = params("host=h user=u dbname=d");
    let mut exchange =
        Exchange::new(&params, plain(), None, TargetSessionAttrs::Any).expect("a short packet");
    let packet = exchange.take_output();
    assert_eq!(packet.get(..8), Some(&[0, 0, 0, u8::try_from(packet.len()).expect("short"), 0, 3, 0, 0][..]));
    assert!(packet.windows(16).any(|w| w == b"user\0u\0database\0"), "{packet:?}");
    assert!(packet.ends_with(b"\0\0"));
}

#[test]
fn cleartext_and_md5() {
    for (ask, sent) in
        [(request(3, b""), message(b'p', b"secret\0")), (request(5, b"abcd"), message(b'p', MD5_ANSWER))]
    {
        let script = || -> Server {
            let (ask, sent) = (ask.clone(), sent.clone());
            let mut first = true;
            Box::new(move |bytes| {
                if std::mem::take(&mut first) {
                    return ask.clone();
                }
                assert_eq!(bytes, sent);
                welcome(&[])
            })
        };
        assert_eq!(every_split("host=h user=alice password=secret", &tls(), &script).0, Ok(()));
    }
}

#[test]
fn no_password_is_sent_when_there_is_none() {
    for ask in [request(3, b""), request(5, b"salt"), request(10, b"SCRAM-SHA-256\0\0")] {
        for conninfo in ["host=h", "host=h password=''"] {
            check(conninfo, &plain(), std::slice::from_ref(&ask), &Err(Fault::Refused(Refusal::NoPassword)));
        }
    }
}

#[test]
fn scram_with_every_binding() {
    for (channel, conninfo, mechanisms, chosen, gs2, cbind) in [
        (plain(), "channel_binding=prefer", &b"SCRAM-SHA-256\0\0"[..], "SCRAM-SHA-256", "n,,", &b""[..]),
        (tls(), "channel_binding=prefer", b"SCRAM-SHA-256\0\0", "SCRAM-SHA-256", "y,,", b""),
        (
            tls(),
            "channel_binding=disable",
            b"SCRAM-SHA-256-PLUS\0SCRAM-SHA-256\0\0",
            "SCRAM-SHA-256",
            "n,,",
            b"",
        ),
        (
            tls(),
            "channel_binding=prefer",
            b"SCRAM-SHA-256\0SCRAM-SHA-256-PLUS\0\0",
            "SCRAM-SHA-256-PLUS",
            "p=tls-server-end-point,,",
            END_POINT,
        ),
        (
            tls(),
            "channel_binding=require",
            b"NEW-ONE\0SCRAM-SHA-256-PLUS\0\0",
            "SCRAM-SHA-256-PLUS",
            "p=tls-server-end-point,,",
            END_POINT,
        ),
    ] {
        let conninfo = format!("host=h password=secret {conninfo}");
        let script = || scram_server(mechanisms, chosen, gs2, cbind, Honesty::Honest);
        let (result, report) = every_split(&conninfo, &channel, &script);
        assert_eq!(result, Ok(()), "{conninfo} {chosen}");
        assert!(report.authentication.is_some_and(|method| method.starts_with("scram-sha-256")));
    }
}

#[test]
fn scram_servers_that_cheat_are_refused() {
    for (honesty, problem) in [
        (Honesty::WrongSignature, ExchangeProblem::ScramProof),
        (Honesty::WrongNonce, ExchangeProblem::ScramMessage),
        (Honesty::SkipsProof, ExchangeProblem::OutOfOrder),
        (Honesty::ManyIterations, ExchangeProblem::ScramMessage),
        (Honesty::Error, ExchangeProblem::ScramError),
    ] {
        let script = || scram_server(b"SCRAM-SHA-256\0\0", "SCRAM-SHA-256", "y,,", b"", honesty);
        let (result, _) = every_split("host=h password=secret", &tls(), &script);
        assert_eq!(result, Err(Fault::Exchange(problem)), "{honesty:?}");
    }
}

#[test]
fn a_certificate_without_a_binding_hash_ends_the_attempt() {
    let channel = Channel { encryption: Encryption::Ssl, binding: Binding::Undefined };
    let ask = request(10, b"SCRAM-SHA-256-PLUS\0SCRAM-SHA-256\0\0");
    let expected = Err(Fault::Exchange(ExchangeProblem::BindingUndefined));
    check("host=h password=secret", &channel, &[ask], &expected);
}

#[test]
fn what_makes_no_sense_ends_the_attempt() {
    let malformed = |tag| Err(Fault::Broken(Broken::Malformed(tag)));
    let unexpected = |tag| Err(Fault::Broken(Broken::Unexpected(tag)));
    let refused = |refusal| Err(Fault::Refused(refusal));
    for (answer, expected) in [
        (b"R\0\0\0\x03".to_vec(), malformed(b'R')),
        (b"R\xff\xff\xff\xff".to_vec(), malformed(b'R')),
        (b"R\0\0\x07\xd1".to_vec(), malformed(b'R')),
        (b"E\0\0\x75\x31".to_vec(), malformed(b'E')),
        (message(b'R', b"\0\0"), malformed(b'R')),
        (message(b'E', b"Sno terminator"), malformed(b'E')),
        (request(10, b"no end"), malformed(b'R')),
        (request(99, b""), refused(Refusal::UnsupportedMethod(99))),
        (request(7, b""), refused(Refusal::UnsupportedMethod(7))),
        (request(9, b""), refused(Refusal::UnsupportedMethod(9))),
        (request(11, b"r=1"), Err(Fault::Exchange(ExchangeProblem::OutOfOrder))),
        (request(12, b"v=1"), Err(Fault::Exchange(ExchangeProblem::OutOfOrder))),
        (request(10, b"SCRAM-SHA-512\0\0"), refused(Refusal::NoMechanism)),
        (message(b'N', b"\0"), unexpected(b'N')),
        (READY.to_vec(), unexpected(b'Z')),
        (b"HTTP/1.1 400 Bad Request".to_vec(), malformed(b'H')),
        ([request(0, b""), message(b'T', b"\0\0")].concat(), unexpected(b'T')),
        ([request(0, b""), message(b'S', b"no value\0")].concat(), malformed(b'S')),
        (Vec::new(), Err(Fault::Broken(Broken::Closed))),
        (b"R\0\0".to_vec(), Err(Fault::Broken(Broken::Closed))),
    ] {
        let params = params("host=h password=secret");
        for split in [1, usize::MAX] {
            let mut talk = Exchange::new(&params, plain(), params.password(), TargetSessionAttrs::Any)
                .expect("a short packet");
            talk.take_output();
            let result = answer.chunks(split).try_for_each(|piece| talk.received(piece));
            let result =
                if result.is_ok() && !talk.is_ready() { Err(Fault::Broken(Broken::Closed)) } else { result };
            assert_eq!(result, expected, "{}", answer.escape_ascii());
        }
    }
}

#[test]
fn server_errors_carry_their_stage_and_cannot_steer_a_terminal() {
    for (before, after_auth_ok) in [(Vec::new(), false), (request(0, b""), true)] {
        let list = [[before, error("57P03")].concat()];
        let (result, _) = every_split("host=h", &plain(), &|| answers(&list));
        let Err(Fault::Server { message, after_auth_ok: stage }) = result else {
            unreachable!("the server sent an error")
        };
        assert_eq!((message.sqlstate, stage), (*b"57P03", after_auth_ok));
        assert_eq!(message.message, "no [31m way");
    }
}

#[test]
fn a_protocol_version_is_negotiated_once_and_downwards() {
    let offer =
        |version: u32, declined: &[u8]| message(b'v', &[&version.to_be_bytes()[..], declined].concat());
    let none = [0; 4];
    let malformed = || Err(Fault::Broken(Broken::Malformed(b'v')));
    for (conninfo, bytes, expected) in [
        ("max_protocol_version=latest", offer(0x3_0000, &none), Ok(Some(ProtocolVersion::V3_0))),
        ("max_protocol_version=latest", offer(0x3_0002, &none), malformed()),
        ("max_protocol_version=latest", offer(0x3_0001, &none), malformed()),
        ("max_protocol_version=latest", offer(0x2_0000, &none), malformed()),
        ("max_protocol_version=latest", offer(0x3_0000, b"\0\0\0\x01_pq_.x\0"), malformed()),
        (
            "max_protocol_version=latest",
            [offer(0x3_0000, &none), offer(0x3_0000, &none)].concat(),
            malformed(),
        ),
        ("max_protocol_version=3.0", offer(0x3_0000, &none), malformed()),
        (
            "min_protocol_version=3.2 max_protocol_version=latest",
            offer(0x3_0000, &none),
            Err(Fault::Refused(Refusal::ProtocolVersion {
                server: ProtocolVersion::V3_0.number(),
                minimum: ProtocolVersion::V3_2,
            })),
        ),
    ] {
        let list = [[bytes, welcome(&[])].concat()];
        let conninfo = format!("host=h {conninfo}");
        let (result, report) = every_split(&conninfo, &plain(), &|| answers(&list));
        assert_eq!(result.map(|()| report.negotiated), expected, "{conninfo}");
    }
}

#[test]
fn target_session_attrs_by_reports_and_by_question() {
    let reports = |standby, read_only| {
        vec![welcome(&[("in_hot_standby", standby), ("default_transaction_read_only", read_only)])]
    };
    let asked = |answer: &[u8]| {
        let row = [&[0, 1, 0, 0, 0, u8::try_from(answer.len()).expect("short")], answer].concat();
        vec![welcome(&[]), [message(b'D', &row), message(b'C', b"x\0"), READY.to_vec()].concat()]
    };
    let wrong = |role| Err(Fault::WrongRole(role));
    for (wanted, list, expected) in [
        ("any", reports("on", "on"), Ok(())),
        ("read-write", reports("off", "off"), Ok(())),
        ("read-write", reports("on", "off"), wrong(WrongRole::ReadOnly)),
        ("read-write", reports("off", "on"), wrong(WrongRole::ReadOnly)),
        ("read-only", reports("off", "on"), Ok(())),
        ("read-only", reports("off", "off"), wrong(WrongRole::NotReadOnly)),
        ("primary", reports("off", "on"), Ok(())),
        ("primary", reports("on", "off"), wrong(WrongRole::Standby)),
        ("standby", reports("on", "off"), Ok(())),
        ("standby", reports("off", "off"), wrong(WrongRole::NotStandby)),
        ("prefer-standby", reports("off", "off"), wrong(WrongRole::NotStandby)),
        ("read-write", asked(b"off"), Ok(())),
        ("read-write", asked(b"on"), wrong(WrongRole::ReadOnly)),
        ("standby", asked(b"t"), Ok(())),
        ("standby", asked(b"f"), wrong(WrongRole::NotStandby)),
        ("standby", vec![welcome(&[]), READY.to_vec()], wrong(WrongRole::Unknown)),
        ("standby", vec![welcome(&[]), error("42883")], wrong(WrongRole::Unknown)),
    ] {
        let conninfo = format!("host=h target_session_attrs={wanted}");
        let (result, _) = every_split(&conninfo, &plain(), &|| answers(&list));
        assert_eq!(result, expected, "{conninfo} {list:?}");
    }
}

#[test]
fn the_loop_over_a_stream_reads_what_is_there() {
    struct Script {
        input: std::io::Cursor<Vec<u8>>,
        output: Vec<u8>,
    }
    impl Wire for Script {
        async fn send(&mut self, bytes: &[u8]) -> std::io::Result<()> {
            self.output.extend_from_slice(bytes);
            Ok(())
        }
        async fn receive(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            self.input.read(buffer)
        }
    }
    let params = params("host=h");
    let mut exchange =
        Exchange::new(&params, plain(), None, TargetSessionAttrs::Any).expect("a short packet");
    let mut stream = Script { input: std::io::Cursor::new(welcome(&[])), output: Vec::new() };
    block_on(run(&mut exchange, &mut stream)).expect("the script is a good server");
    assert!(exchange.is_ready());
    block_on(terminate(&mut stream));
    assert!(stream.output.ends_with(b"X\0\0\0\x04"));
}

/// How the scripted SCRAM server misbehaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Honesty {
    Honest,
    WrongSignature,
    WrongNonce,
    SkipsProof,
    ManyIterations,
    Error,
}

/// A SCRAM server (RFC 5802, RFC 7677) for the password "secret", which checks the binding it is given.
fn scram_server(
    mechanisms: &[u8],
    chosen: &'static str,
    gs2: &'static str,
    cbind: &'static [u8],
    honesty: Honesty,
) -> Server {
    let mechanisms = mechanisms.to_vec();
    let (mut step, mut bare, mut server_first) = (0, String::new(), String::new());
    Box::new(move |bytes| {
        step += 1;
        match step {
            1 => request(10, &mechanisms),
            2 => {
                let text = String::from_utf8_lossy(bytes.get(5..).unwrap_or_default()).into_owned();
                let rest = text.strip_prefix(&format!("{chosen}\0")).expect("the mechanism");
                let (_, first) = rest.split_once(gs2).expect("the gs2 header");
                bare = first.to_owned();
                let nonce = bare.strip_prefix("n=,r=").expect("the nonce");
                let nonce = if honesty == Honesty::WrongNonce { "another" } else { nonce };
                let iterations =
                    if honesty == Honesty::ManyIterations { 4_000_000_000_u32 } else { ITERATIONS };
                server_first = format!("r={nonce}more,s={},i={iterations}", STANDARD.encode(b"salt"));
                if honesty == Honesty::SkipsProof {
                    return welcome(&[]);
                }
                request(11, server_first.as_bytes())
            }
            _ if honesty == Honesty::Error => request(12, b"e=call 555-1234"),
            _ => {
                let text = String::from_utf8_lossy(bytes.get(5..).unwrap_or_default()).into_owned();
                let (without_proof, proof) = text.rsplit_once(",p=").expect("the proof");
                let binding =
                    without_proof.strip_prefix("c=").and_then(|t| t.split(',').next()).expect("the binding");
                assert_eq!(STANDARD.decode(binding).expect("base64"), [gs2.as_bytes(), cbind].concat());
                let auth_message = format!("{bare},{server_first},{without_proof}");
                let salted = salted_password();
                let client_key = mac(&salted, b"Client Key");
                let signature = mac(&Sha256::digest(&client_key), auth_message.as_bytes());
                let expected: Vec<u8> = client_key.iter().zip(&signature).map(|(a, b)| a ^ b).collect();
                assert_eq!(STANDARD.decode(proof).expect("base64"), expected);
                let mut verifier = mac(&mac(&salted, b"Server Key"), auth_message.as_bytes());
                if honesty == Honesty::WrongSignature {
                    verifier.reverse();
                }
                [request(12, format!("v={}", STANDARD.encode(verifier)).as_bytes()), welcome(&[])].concat()
            }
        }
    })
}

fn mac(key: &[u8], text: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("any key length");
    mac.update(text);
    mac.finalize().into_bytes().to_vec()
}

/// PBKDF2 of "secret" with the salt "salt".
fn salted_password() -> Vec<u8> {
    let mut last = mac(b"secret", b"salt\0\0\0\x01");
    let mut sum = last.clone();
    for _ in 1..ITERATIONS {
        last = mac(b"secret", &last);
        sum.iter_mut().zip(&last).for_each(|(s, l)| *s ^= l);
    }
    sum
}
