//! The exchange with scripted servers, whose bytes arrive whole, byte by byte, and in between.

use super::*;
use alloc::{borrow::ToOwned as _, boxed::Box, collections::VecDeque, format, string::String, vec, vec::Vec};
use hmac::{Hmac, KeyInit as _, Mac as _};
use pgtls_core::{
    environment::{Environment, Platform},
    param::{Ability, Params, ProtocolVersion, Secret, Settings},
    role::WrongRole,
    startup::{ProtocolViolation, Refusal},
};
use postgres_protocol::authentication::sasl;
use proptest::prelude::*;
use sha2::{Digest as _, Sha256};

/// Few, for the tests' sake; PostgreSQL has 4096.
const ITERATIONS: u32 = 16;
const END_POINT: &[u8] = b"thirty-two bytes of certificate!";
const NONCE: [u8; NONCE_LENGTH] = [7; NONCE_LENGTH];
/// `md5` and md5(md5("secretalice") in hex + "abcd"), computed by another program.
const MD5_ANSWER: &[u8] = b"md5c90bcafc0a2b54511742383e34d5dc9d\0";
const READY: &[u8] = b"Z\0\0\0\x05I";
const NO_ACTION_LEFT: usize = 10_000;

/// Answers the messages of the client; an empty answer closes the connection.
type Server = Box<dyn FnMut(&[u8]) -> Vec<u8>>;

fn params(conninfo: &str) -> Params {
    let mut environment = Environment::empty(Platform::Unix);
    environment.user = Some("alice".to_owned());
    let settings = Settings::parse(conninfo).expect("the string is well-formed");
    Params::resolve(&settings, None, &environment, Ability::default()).expect("the parameters are valid")
}

fn tls() -> Channel {
    Channel::Tls { end_point: Some(END_POINT.to_vec()) }
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
    message(b'E', format!("SFATAL\0C{sqlstate}\0Mno\x1b[31m way\0Dbecause\nof it\0Hgo\0\0").as_bytes())
}

/// AuthenticationOk, these reports, a key, ReadyForQuery.
fn welcome(reports: &[(&str, &str)]) -> Vec<u8> {
    let reports: Vec<u8> = reports.iter().flat_map(|(name, value)| status(name, value)).collect();
    [request(0, b""), reports, message(b'K', &[0; 8]), READY.to_vec()].concat()
}

fn exchange(params: &Params, channel: &Channel) -> StartupExchange {
    let mut options = StartupOptions::new(channel.clone(), NONCE);
    options.password = params.password().cloned();
    options.target_session_attrs = params.target_session_attrs();
    StartupExchange::new(params, options).expect("a short packet")
}

/// Runs the exchange with `server`. The pieces of an answer have these lengths in turn; bytes are written in such pieces, too.
fn converse(
    mut exchange: StartupExchange,
    pieces: &[usize],
    server: &mut Server,
) -> Result<ServerSession, ExchangeError> {
    let mut pieces = pieces.iter().copied().cycle();
    let mut written = Vec::new();
    let mut incoming: VecDeque<u8> = VecDeque::new();
    for _ in 0..NO_ACTION_LEFT {
        let count = pieces.next().unwrap_or(usize::MAX);
        match exchange.poll()? {
            Action::Send(bytes) => {
                let count = count.min(bytes.len());
                written.extend_from_slice(bytes.get(..count).expect("so many are there"));
                exchange.sent(count);
            }
            Action::Receive => {
                if incoming.is_empty() && !written.is_empty() {
                    incoming.extend(server(&core::mem::take(&mut written)));
                }
                let piece: Vec<u8> = incoming.drain(..count.min(incoming.len())).collect();
                exchange.received(&piece);
            }
            Action::Password => exchange.supply_password(None),
            Action::Derive => exchange.derive(),
            Action::Ready(session) => return Ok(session),
        }
    }
    panic!("the exchange has no end")
}

/// The facts of a session that are compared.
fn facts(session: ServerSession) -> (Vec<(String, String)>, &'static str, ProtocolVersion, Vec<u8>) {
    let parameters = session.parameters().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let key = session.cancel.map(|cancel| cancel.key().to_vec()).unwrap_or_default();
    (parameters, session.authentication.as_str(), session.protocol_version, key)
}

/// The same conversation in every split; all must end alike.
#[track_caller]
fn every_split(
    conninfo: &str,
    channel: &Channel,
    script: &dyn Fn() -> Server,
) -> Result<ServerSession, ExchangeError> {
    let params = params(conninfo);
    let run = |split| converse(exchange(&params, channel), &[split], &mut script());
    let whole = run(usize::MAX);
    for split in [1, 2, 3, 5, 7, 64] {
        assert_eq!(run(split).map(facts), whole.clone().map(facts), "split {split}");
    }
    whole
}

/// A server that answers the messages of the client with these, in order, then closes the connection.
fn answers(list: &[Vec<u8>]) -> Server {
    let mut list: VecDeque<_> = list.iter().cloned().collect();
    Box::new(move |_| list.pop_front().unwrap_or_default())
}

#[track_caller]
fn check(conninfo: &str, channel: &Channel, list: &[Vec<u8>], expected: &Result<(), ExchangeError>) {
    let result = every_split(conninfo, channel, &|| answers(list));
    assert_eq!(&result.map(drop), expected, "{conninfo}");
}

#[test]
fn the_first_packet() {
    let params = params("host=h user=u dbname=d");
    let exchange = exchange(&params, &Channel::Plain);
    let Ok(Action::Send(packet)) = exchange.poll() else { panic!("it begins with a packet") };
    let length = u8::try_from(packet.len()).expect("short");
    assert_eq!(packet.get(..8), Some(&[0, 0, 0, length, 0, 3, 0, 0][..]));
    assert!(packet.windows(16).any(|w| w == b"user\0u\0database\0"), "{packet:?}");
    assert!(packet.ends_with(b"\0\0"));
    let long = format!("host=h application_name={}", "x".repeat(10_000));
    let options = StartupOptions::new(Channel::Plain, NONCE);
    assert!(StartupExchange::new(&self::params(&long), options).is_err());
}

#[test]
fn a_session_has_parameters_and_a_key() {
    let reports = [("server_version", "18.1"), ("TimeZone", "UTC"), ("TimeZone", "CET")];
    let bytes = [welcome(&reports), b"A\0\0".to_vec()].concat();
    let session = every_split("host=h", &Channel::Plain, &|| answers(&[[&bytes[..], b"\0"].concat()]));
    let session = session.expect("it is up");
    assert_eq!(session.parameter("TimeZone"), Some("CET"));
    assert_eq!(session.parameters().len(), 2);
    assert_eq!(session.authentication, AuthenticationMethod::Trust);
    assert_eq!(session.cancel.map(|key| key.key().len()), Some(4));
    // Read with ReadyForQuery, but not of the startup exchange.
    assert_eq!(session.unread, b"A\0\0\0");
}

#[test]
fn cancel_keys_are_as_long_as_the_version_allows() {
    let with_key =
        |length: usize| [request(0, b""), message(b'K', &vec![1; length + 4]), READY.to_vec()].concat();
    for (version, length, fits) in
        [("3.0", 4, true), ("3.0", 5, false), ("3.2", 3, false), ("3.2", 256, true), ("3.2", 257, false)]
    {
        let expected =
            if fits { Ok(()) } else { Err(ExchangeError::Broken(ProtocolViolation::Malformed(b'K'))) };
        check(&format!("max_protocol_version={version}"), &Channel::Plain, &[with_key(length)], &expected);
    }
}

#[test]
fn passwords() {
    let no_password = || Err(ExchangeError::Refused(Refusal::NoPassword));
    let session =
        |conninfo: &str, script: &dyn Fn() -> Server| every_split(conninfo, &Channel::Plain, script);
    let expecting = |request: Vec<u8>, expected: &'static [u8]| -> Server {
        let mut step = 0;
        Box::new(move |bytes| {
            step += 1;
            if step == 1 {
                return request.clone();
            }
            assert_eq!(bytes, message(b'p', expected));
            welcome(&[])
        })
    };
    let cleartext = session("host=h password=secret", &|| expecting(request(3, b""), b"secret\0"));
    assert_eq!(cleartext.map(|session| session.authentication), Ok(AuthenticationMethod::Password));
    let md5 = session("host=h password=secret", &|| expecting(request(5, b"abcd"), MD5_ANSWER));
    assert_eq!(md5.map(|session| session.authentication), Ok(AuthenticationMethod::Md5));
    for ask in [request(3, b""), request(5, b"abcd"), request(10, b"SCRAM-SHA-256\0\0")] {
        for conninfo in ["host=h", "host=h password=''"] {
            check(conninfo, &Channel::Plain, core::slice::from_ref(&ask), &no_password());
        }
    }
}

#[test]
fn a_password_is_taken_when_it_is_requested() {
    let params = params("host=h");
    for (given, goes_on) in [(Some("secret"), true), (Some(""), false), (None, false)] {
        let mut exchange = exchange(&params, &Channel::Plain);
        let Ok(Action::Send(bytes)) = exchange.poll() else { panic!("it begins with a packet") };
        let count = bytes.len();
        exchange.sent(count);
        // Not now.
        exchange.supply_password(Some(Secret::new("early".to_owned())));
        exchange.received(&request(3, b""));
        assert!(matches!(exchange.poll(), Ok(Action::Password)));
        exchange.supply_password(given.map(|text| Secret::new(text.to_owned())));
        match exchange.poll() {
            Ok(Action::Send(bytes)) => assert!(goes_on && bytes == message(b'p', b"secret\0")),
            Err(error) => assert_eq!((error, goes_on), (Refusal::NoPassword.into(), false)),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn scram_with_each_kind_of_binding() {
    for (channel, conninfo, mechanisms, chosen, gs2, cbind) in [
        (Channel::Plain, "", &b"SCRAM-SHA-256\0\0"[..], "SCRAM-SHA-256", "n,,", &b""[..]),
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
        let script = || scram_server(mechanisms, chosen, gs2, cbind, Scram::default());
        let session = every_split(&conninfo, &channel, &script).expect(&conninfo);
        let is_bound = session.authentication == AuthenticationMethod::ScramSha256Plus;
        assert_eq!(session.authentication.as_str(), "scram-sha-256");
        assert_eq!(is_bound, chosen.ends_with("PLUS"), "{conninfo}");
    }
}

#[test]
fn hostile_scram_servers() {
    use ScramError as E;
    type Edit = fn(&mut Scram);
    let rows: &[(Edit, E)] = &[
        (|s| s.signature = Some("v={wrong}"), E::IncorrectServerSignature),
        (|s| s.nonce = Some("another"), E::NonceMismatch),
        (|s| s.nonce = Some(""), E::NonceMismatch),
        (|s| s.final_kind = 0, E::NotProven),
        (|s| s.first_kind = 0, E::NotProven),
        (|s| s.first_kind = 12, E::NotCompleted),
        (|s| s.first_kind = 10, E::Duplicate),
        (|s| s.iterations = "0", E::InvalidIterationCount),
        (|s| s.iterations = "-1", E::InvalidIterationCount),
        (|s| s.iterations = "", E::InvalidIterationCount),
        (|s| s.iterations = "16x", E::InvalidIterationCount),
        (|s| s.iterations = "2147483648", E::InvalidIterationCount),
        (|s| s.iterations = "4294967297", E::InvalidIterationCount),
        (|s| s.iterations = "99999999999999999999", E::InvalidIterationCount),
        (|s| s.salt = "c2FsdA=", E::InvalidSalt),
        (|s| s.first = Some(""), E::EmptyMessage),
        (|s| s.first = Some("r=x\0"), E::LengthMismatch),
        (|s| s.first = Some("m=x,r=x"), E::AttributeExpected('r')),
        (|s| s.first = Some("r"), E::EqualsExpected('r')),
        (|s| s.first = Some("r={nonce}"), E::AttributeExpected('s')),
        (|s| s.first = Some("r={nonce},s"), E::EqualsExpected('s')),
        (|s| s.first = Some("r={nonce},s=,"), E::AttributeExpected('i')),
        (|s| s.signature = Some(""), E::EmptyMessage),
        (|s| s.signature = Some("v"), E::EqualsExpected('v')),
        (|s| s.signature = Some("x=AAAA"), E::AttributeExpected('v')),
        (|s| s.signature = Some("v=AAAA"), E::InvalidServerSignature),
        (|s| s.signature = Some("v=?"), E::InvalidServerSignature),
        (|s| s.signature = Some("e=call 555\x07,x"), E::Server("call 555 ".to_owned())),
        (|s| s.signature = Some("e"), E::EqualsExpected('e')),
    ];
    for (edit, expected) in rows {
        let mut scram = Scram::default();
        edit(&mut scram);
        let script = || scram_server(b"SCRAM-SHA-256\0\0", "SCRAM-SHA-256", "y,,", b"", scram);
        let result = every_split("host=h password=secret", &tls(), &script);
        assert_eq!(result.map(drop), Err(ExchangeError::Scram(expected.clone())), "{scram:?}");
    }
}

/// Forms of a message that libpq takes.
#[test]
fn unusual_scram_servers() {
    type Edit = fn(&mut Scram);
    let rows: &[Edit] = &[
        |s| s.iterations = "1",
        |s| s.iterations = " +16",
        |s| s.iterations = "0016",
        |s| s.nonce = Some("{nonce}"),
        |s| s.salt = "",
        |s| s.extension = ",x=garbage",
        |s| s.final_kind = 11,
    ];
    for edit in rows {
        let mut scram = Scram::default();
        edit(&mut scram);
        let script = || scram_server(b"SCRAM-SHA-256\0\0", "SCRAM-SHA-256", "y,,", b"", scram);
        let result = every_split("host=h password=secret", &tls(), &script);
        assert_eq!(result.map(drop), Ok(()), "{scram:?}");
    }
}

/// libpq reports it when the message that contains the binding is due.
#[test]
fn a_certificate_without_a_binding_hash_ends_the_attempt() {
    let channel = Channel::Tls { end_point: None };
    let offer = b"SCRAM-SHA-256-PLUS\0SCRAM-SHA-256\0\0";
    let plus = "SCRAM-SHA-256-PLUS";
    let script = || scram_server(offer, plus, "p=tls-server-end-point,,", b"", Scram::default());
    let result = every_split("host=h password=secret", &channel, &script);
    assert_eq!(result.map(drop), Err(ExchangeError::Scram(ScramError::BindingUndefined)));
}

/// RFC 7677, section 3. PostgreSQL's messages differ from it by the user name alone, which is empty.
#[test]
fn the_vector_of_rfc_7677() {
    let salt = base64::decode(b"W22ZaJ0SNY7soEsUEjb6gQ==").expect("it is base64");
    let salted = salted(b"pencil", &salt, 4096);
    let auth_message = b"n=user,r=rOprNGfwEbeRWgbNEkqO,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
    assert_eq!(
        base64::encode(&mac(&mac(&salted, b"Server Key"), auth_message)),
        "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="
    );
    let (proof, server) = scram::final_of_rfc(b"pencil", &salt, 4096, auth_message);
    assert_eq!(proof, "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=");
    assert_eq!(server.server_final(b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="), Ok(()));
}

#[test]
fn a_derivation_proceeds_in_slices() {
    for (iterations, slices) in [(1, 0), (2, 1), (4_097, 1), (4_098, 2), (600_000, 147)] {
        let params = params("host=h password=secret");
        let mut exchange = exchange(&params, &Channel::Plain);
        let first = format!("r={}x,s=c2FsdA==,i={iterations}", base64::encode(&NONCE));
        let mut script = VecDeque::from([request(10, b"SCRAM-SHA-256\0\0"), request(11, first.as_bytes())]);
        let mut derived = 0;
        loop {
            match exchange.poll().expect("the server is good") {
                Action::Send(bytes) => {
                    let count = bytes.len();
                    exchange.sent(count);
                }
                Action::Receive => match script.pop_front() {
                    Some(bytes) => exchange.received(&bytes),
                    None => break,
                },
                Action::Derive => {
                    derived += 1;
                    exchange.derive();
                }
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(derived, slices, "{iterations}");
    }
}

#[test]
fn keys_of_a_proxy_replace_the_password() {
    let salted = salted_password(b"salt");
    let key = |name: &[u8]| base64::encode(&mac(&salted, name));
    let (client, server) = (key(b"Client Key"), key(b"Server Key"));
    let scram = Scram { iterations: "2147483647", ..Scram::default() };
    let script = || scram_server(b"SCRAM-SHA-256\0\0", "SCRAM-SHA-256", "n,,", b"", scram);
    for (conninfo, expected) in [
        (format!("scram_client_key={client} scram_server_key={server}"), Ok(())),
        (format!("scram_client_key={client}"), Err(ScramError::NoServerKey.into())),
        (format!("scram_client_key={client} password=secret"), Err(ScramError::NoServerKey.into())),
        (
            format!("scram_client_key={client} scram_server_key={client}"),
            Err(ScramError::IncorrectServerSignature.into()),
        ),
    ] {
        let result = every_split(&format!("host=h {conninfo}"), &Channel::Plain, &script);
        assert_eq!(result.map(drop), expected, "{conninfo}");
    }
}

#[test]
fn malformed_and_unexpected_messages_end_the_attempt() {
    let malformed = |tag| Err(ExchangeError::Broken(ProtocolViolation::Malformed(tag)));
    let unexpected = |tag| Err(ExchangeError::Broken(ProtocolViolation::Unexpected(tag)));
    let refused = |refusal| Err(ExchangeError::Refused(refusal));
    let ok = |rest: Vec<u8>| [request(0, b""), rest].concat();
    for (answer, expected) in [
        (b"R\0\0\0\x03".to_vec(), malformed(b'R')),
        (b"R\xff\xff\xff\xff".to_vec(), malformed(b'R')),
        (b"R\0\0\x07\xd1".to_vec(), malformed(b'R')),
        (b"v\0\0\x07\xd1".to_vec(), malformed(b'v')),
        (b"E\0\0\x75\x31".to_vec(), Err(ExchangeError::Broken(ProtocolViolation::OldError))),
        (b"EFATAL:  no\n\0".to_vec(), Err(ExchangeError::Broken(ProtocolViolation::OldError))),
        (message(b'R', b"\0\0"), malformed(b'R')),
        (message(b'E', b"Sno terminator"), malformed(b'E')),
        (message(b'E', b"Sone\0\0more"), malformed(b'E')),
        (request(0, b"x"), malformed(b'R')),
        (request(3, b"x"), malformed(b'R')),
        (request(5, b"abc"), malformed(b'R')),
        (request(10, b"no end"), malformed(b'R')),
        (request(10, b"SCRAM-SHA-256\0"), malformed(b'R')),
        (request(10, b"SCRAM-SHA-256\0\0x"), malformed(b'R')),
        (request(99, b""), refused(Refusal::UnsupportedMethod(99))),
        (request(7, b""), refused(Refusal::UnsupportedMethod(7))),
        (request(9, b""), refused(Refusal::UnsupportedMethod(9))),
        (request(11, b"r=1"), Err(ScramError::NotStarted.into())),
        (request(12, b"v=1"), Err(ScramError::NotStarted.into())),
        (request(10, b"SCRAM-SHA-512\0\0"), refused(Refusal::NoMechanism)),
        (message(b'N', b"\0"), unexpected(b'N')),
        (READY.to_vec(), unexpected(b'Z')),
        (b"HTTP/1.1 400 Bad Request".to_vec(), unexpected(b'H')),
        (ok(message(b'T', b"\0\0")), unexpected(b'T')),
        (ok(message(b'R', b"\0\0\0\0")), unexpected(b'R')),
        (ok(message(b'v', b"\0\0\0\0\0\0\0\0")), unexpected(b'v')),
        (ok(message(b'S', b"no value\0")), malformed(b'S')),
        (ok(message(b'S', b"name\0value\0more")), malformed(b'S')),
        (ok(message(b'K', b"\0\0\0\0")), malformed(b'K')),
        (ok(message(b'Z', b"II")), malformed(b'Z')),
        (ok(b"S\0\0\x75\x31".to_vec()), malformed(b'S')),
        (ok(b"N\x80\0\0\0".to_vec()), malformed(b'N')),
        (Vec::new(), Err(ExchangeError::Broken(ProtocolViolation::Closed))),
        (b"R\0\0".to_vec(), Err(ExchangeError::Broken(ProtocolViolation::Closed))),
    ] {
        let result = every_split("host=h", &Channel::Plain, &|| answers(core::slice::from_ref(&answer)));
        assert_eq!(result.map(drop), expected, "{}", answer.escape_ascii());
    }
}

#[test]
fn long_messages_are_read_and_not_kept() {
    let long = vec![b'x'; 100_000];
    let notice = message(b'N', &long);
    let list = [[request(0, b""), notice.clone(), message(b'A', &long), READY.to_vec()].concat()];
    let params = params("host=h");
    let run = |list: &[Vec<u8>]| converse(exchange(&params, &Channel::Plain), &[1000], &mut answers(list));
    assert!(run(&list).is_ok());
    let text = [b"SFATAL\0C57P03\0M", &long[..], b"\0Dnever\0\0"].concat();
    let Err(ExchangeError::Server { error, after_authentication: true }) =
        run(&[[request(0, b""), message(b'E', &text)].concat()])
    else {
        panic!("the server sent an error")
    };
    assert_eq!((error.code(), error.detail.as_deref()), ("57P03", None));
    assert!(error.message.len() > 29_900 && error.message.len() < 30_000, "{}", error.message.len());
    // Bytes that are no UTF-8 grow when they are replaced.
    let error = ServerError::parse(&[b"M", &vec![0xFF; 29_000][..], b"\0\0"].concat()).expect("well-formed");
    assert_eq!(error.message.len(), 30_000);
}

#[test]
fn parameters_have_a_bound() {
    let value = "x".repeat(20_000);
    let (fits, many) = (50, 60);
    for (count, expected) in [(fits, Ok(())), (many, Err(ExchangeError::TooManyParameters))] {
        let reports: Vec<(String, &str)> = (0..count).map(|n| (format!("p{n}"), value.as_str())).collect();
        let reports: Vec<(&str, &str)> =
            reports.iter().map(|(name, value)| (name.as_str(), *value)).collect();
        let params = params("host=h");
        let bytes = [welcome(&reports)];
        let result = converse(exchange(&params, &Channel::Plain), &[4096], &mut answers(&bytes));
        assert_eq!(result.map(drop), expected);
    }
}

#[test]
fn server_errors_are_printed_as_psql_does() {
    for (before, after) in [(Vec::new(), false), (request(0, b""), true)] {
        let list = [[before, error("57P03")].concat()];
        let result = every_split("host=h", &Channel::Plain, &|| answers(&list));
        let Err(ExchangeError::Server { error, after_authentication }) = result else {
            panic!("the server sent an error")
        };
        assert_eq!((error.sqlstate, after_authentication), (*b"57P03", after));
        assert_eq!(format!("{error}"), "FATAL:  no [31m way\nDETAIL:  because of it\nHINT:  go");
    }
    let sqlstate = |body: &[u8]| ServerError::parse(body).expect("well-formed").sqlstate;
    assert_eq!(sqlstate(b"Mno\0\0"), *b"00000");
    assert_eq!(sqlstate(b"C\x1b[31m\0\0"), *b"00000");
}

#[test]
fn a_protocol_version_is_negotiated_once_and_downwards() {
    let offer =
        |version: u32, declined: &[u8]| message(b'v', &[&version.to_be_bytes()[..], declined].concat());
    let none = [0; 4];
    let malformed = || Err(ExchangeError::Broken(ProtocolViolation::Malformed(b'v')));
    for (conninfo, bytes, expected) in [
        ("max_protocol_version=latest", Vec::new(), Ok(ProtocolVersion::V3_2)),
        ("", Vec::new(), Ok(ProtocolVersion::V3_0)),
        ("max_protocol_version=latest", offer(0x3_0000, &none), Ok(ProtocolVersion::V3_0)),
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
            Err(ExchangeError::Refused(Refusal::ProtocolVersion {
                server: ProtocolVersion::V3_0.number(),
                minimum: ProtocolVersion::V3_2,
            })),
        ),
    ] {
        let list = [[bytes, welcome(&[])].concat()];
        let result = every_split(&format!("host=h {conninfo}"), &Channel::Plain, &|| answers(&list));
        assert_eq!(result.map(|session| session.protocol_version), expected, "{conninfo}");
    }
}

#[test]
fn target_session_attrs_by_reports_and_by_query() {
    let reports = |standby, read_only| {
        vec![welcome(&[("in_hot_standby", standby), ("default_transaction_read_only", read_only)])]
    };
    let row = |value: &[u8]| {
        let length = u32::try_from(value.len()).expect("short").to_be_bytes();
        message(b'D', &[&[0, 1], &length[..], value].concat())
    };
    let queried = |answer: &[u8]| {
        vec![
            welcome(&[]),
            [message(b'T', b"\0\0"), row(answer), message(b'C', b"x\0"), READY.to_vec()].concat(),
        ]
    };
    let wrong = |role| Err(ExchangeError::WrongRole(role));
    let null = [message(b'D', b"\0\x01\xff\xff\xff\xff"), READY.to_vec()].concat();
    let malformed = Err(ExchangeError::Broken(ProtocolViolation::Malformed(b'D')));
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
        ("read-write", queried(b"off"), Ok(())),
        ("read-write", queried(b"on"), wrong(WrongRole::ReadOnly)),
        ("standby", queried(b"t"), Ok(())),
        ("standby", queried(b"f"), wrong(WrongRole::NotStandby)),
        ("read-write", vec![welcome(&[]), null], Ok(())),
        ("standby", vec![welcome(&[]), READY.to_vec()], wrong(WrongRole::Unknown)),
        ("standby", vec![welcome(&[]), error("42883")], wrong(WrongRole::Unknown)),
        ("standby", vec![welcome(&[]), [row(b"t"), row(b"t")].concat()], wrong(WrongRole::Unknown)),
        ("standby", vec![welcome(&[]), message(b'D', b"\0\0")], malformed.clone()),
        ("standby", vec![welcome(&[]), message(b'D', b"\0\x01\0\0\0\x02x")], malformed),
    ] {
        let conninfo = format!("host=h target_session_attrs={wanted}");
        let result = every_split(&conninfo, &Channel::Plain, &|| answers(&list));
        assert_eq!(result.map(drop), expected, "{conninfo} {list:?}");
    }
}

proptest! {
    /// The proofs of `postgres-protocol` and of this crate are those of a naive computation, which differ by the nonce alone.
    /// Passwords are ASCII, as `postgres-protocol` does not prepare others as PostgreSQL does.
    #[test]
    fn any_password_and_salt(password in "[ -~]{1,12}", salt in proptest::collection::vec(any::<u8>(), 1..40), rounds in 1_u32..40) {
        let params = params("host=h");
        let mut options = StartupOptions::new(Channel::Plain, NONCE);
        options.password = Some(Secret::new(password.clone()));
        let mut exchange = StartupExchange::new(&params, options).expect("a short packet");
        let mut oracle = sasl::ScramSha256::new(&saslprep::prepare(&password), sasl::ChannelBinding::unsupported());
        let oracle_first = String::from_utf8(oracle.message().to_vec()).expect("it is ASCII");
        let oracle_nonce = oracle_first.strip_prefix("n,,n=,r=").expect("the nonce").to_owned();
        let ours = base64::encode(&NONCE);
        let server_first = |nonce: &str| format!("r={nonce}x,s={},i={rounds}", base64::encode(&salt));
        oracle.update(server_first(&oracle_nonce).as_bytes()).expect("below its cap");
        let oracle_final = String::from_utf8(oracle.message().to_vec()).expect("it is ASCII");
        let salted = salted(&saslprep::prepare(&password), &salt, rounds);
        prop_assert_eq!(oracle_final, naive_final(&salted, &oracle_nonce, &server_first(&oracle_nonce)));
        let mut list = VecDeque::from([request(10, b"SCRAM-SHA-256\0\0"), request(11, server_first(&ours).as_bytes())]);
        let mut last = Vec::new();
        loop {
            match exchange.poll().expect("the server is good") {
                Action::Send(bytes) => {
                    last = bytes.to_vec();
                    exchange.sent(last.len());
                }
                Action::Receive => match list.pop_front() {
                    Some(bytes) => exchange.received(&bytes),
                    None => break,
                },
                Action::Derive => exchange.derive(),
                other => panic!("{other:?}"),
            }
        }
        let expected = message(b'p', naive_final(&salted, &ours, &server_first(&ours)).as_bytes());
        prop_assert_eq!(last, expected);
    }

    /// Any bytes in any pieces end as they do in one piece, and without a panic.
    #[test]
    fn any_bytes_in_any_pieces(
        bytes in proptest::collection::vec(
            prop_oneof![
                any::<u8>().prop_map(|byte| vec![byte]),
                Just(request(0, b"")), Just(READY.to_vec()), Just(status("a", "b")), Just(error("57P03")),
                Just(request(3, b"")), Just(request(5, b"abcd")), Just(request(10, b"SCRAM-SHA-256\0\0")),
                Just(request(11, format!("r={}x,s=,i=9", base64::encode(&NONCE)).as_bytes())),
                Just(request(12, b"v=AAAA")), Just(message(b'K', &[1; 8])), Just(message(b'N', &vec![1; 50_000])),
                Just(message(b'v', b"\0\x03\0\0\0\0\0\0")),
            ],
            0..8,
        ),
        pieces in proptest::collection::vec(1_usize..70, 1..6),
        target in prop_oneof![Just("any"), Just("standby")],
    ) {
        let params = params(&format!("password=secret max_protocol_version=3.2 target_session_attrs={target}"));
        let bytes = bytes.concat();
        let run = |pieces: &[usize]| {
            let mut bytes = Some(bytes.clone());
            let mut server: Server = Box::new(move |_| bytes.take().unwrap_or_default());
            converse(exchange(&params, &Channel::Plain), pieces, &mut server).map(facts)
        };
        let long: Vec<usize> = pieces.iter().map(|piece| piece * 1000).collect();
        prop_assert_eq!(run(&long), run(&[usize::MAX]));
        if bytes.len() < 40_000 {
            prop_assert_eq!(run(&pieces), run(&[usize::MAX]));
        }
    }
}

/// The behaviour of a scripted SCRAM server.
#[derive(Clone, Copy, Debug)]
struct Scram {
    nonce: Option<&'static str>,
    salt: &'static str,
    iterations: &'static str,
    /// What follows the iterations.
    extension: &'static str,
    /// The whole first message.
    first: Option<&'static str>,
    /// The whole last message.
    signature: Option<&'static str>,
    /// Codes of the messages.
    first_kind: u32,
    final_kind: u32,
}

impl Default for Scram {
    fn default() -> Self {
        Self {
            nonce: None,
            salt: "c2FsdA==",
            iterations: "16",
            extension: "",
            first: None,
            signature: None,
            first_kind: 11,
            final_kind: 12,
        }
    }
}

/// A SCRAM server (RFC 5802, RFC 7677) for the password "secret", which checks the binding and the proof.
fn scram_server(
    mechanisms: &[u8],
    chosen: &'static str,
    gs2: &'static str,
    cbind: &'static [u8],
    scram: Scram,
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
                let ours = bare.strip_prefix("n=,r=").expect("the nonce");
                let nonce =
                    scram.nonce.map_or_else(|| format!("{ours}more"), |text| text.replace("{nonce}", ours));
                let usual = format!("r={nonce},s={},i={}{}", scram.salt, scram.iterations, scram.extension);
                server_first = scram.first.map_or(usual, |text| text.replace("{nonce}", ours));
                match scram.first_kind {
                    0 => welcome(&[]),
                    10 => request(10, &mechanisms),
                    kind => request(kind, server_first.as_bytes()),
                }
            }
            _ => {
                let text = String::from_utf8_lossy(bytes.get(5..).unwrap_or_default()).into_owned();
                let (without_proof, _) = text.rsplit_once(",p=").expect("the proof");
                let binding =
                    without_proof.strip_prefix("c=").and_then(|t| t.split(',').next()).expect("the binding");
                let expected = [gs2.as_bytes(), cbind].concat();
                assert_eq!(base64::decode(binding.as_bytes()).expect("base64").as_slice(), expected);
                let auth_message = format!("{bare},{server_first},{without_proof}");
                let salt = base64::decode(scram.salt.as_bytes()).expect("base64");
                let rounds = scram.iterations.trim_start_matches([' ', '+']).parse().expect("a number");
                // As many as that are for a client with a key of its own.
                let salted =
                    if rounds > 1000 { salted_password(&salt) } else { salted(b"secret", &salt, rounds) };
                assert_eq!(text, with_proof(&salted, &auth_message, without_proof));
                let right = base64::encode(&mac(&mac(&salted, b"Server Key"), auth_message.as_bytes()));
                let wrong = base64::encode(&mac(&mac(&salted, b"Server Key"), b"another message"));
                let usual = format!("v={right}");
                let last = scram.signature.map_or(usual, |text| text.replace("{wrong}", &wrong));
                if scram.final_kind == 0 {
                    return welcome(&[]);
                }
                [request(scram.final_kind, last.as_bytes()), welcome(&[])].concat()
            }
        }
    })
}

/// `client-final-message` of a client without channel binding, from the text of RFC 5802.
fn naive_final(salted: &[u8], nonce: &str, server_first: &str) -> String {
    let without_proof = format!("c=biws,r={nonce}x");
    with_proof(salted, &format!("n=,r={nonce},{server_first},{without_proof}"), &without_proof)
}

fn with_proof(salted: &[u8], auth_message: &str, without_proof: &str) -> String {
    let client_key = mac(salted, b"Client Key");
    let signature = mac(&Sha256::digest(&client_key), auth_message.as_bytes());
    let proof: Vec<u8> = client_key.iter().zip(&signature).map(|(a, b)| a ^ b).collect();
    format!("{without_proof},p={}", base64::encode(&proof))
}

fn mac(key: &[u8], text: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("any key length");
    mac.update(text);
    mac.finalize().into_bytes().to_vec()
}

fn salted_password(salt: &[u8]) -> Vec<u8> {
    salted(b"secret", salt, ITERATIONS)
}

/// PBKDF2.
fn salted(password: &[u8], salt: &[u8], iterations: u32) -> Vec<u8> {
    let mut last = mac(password, &[salt, b"\0\0\0\x01"].concat());
    let mut sum = last.clone();
    for _ in 1..iterations {
        last = mac(password, &last);
        sum.iter_mut().zip(&last).for_each(|(s, l)| *s ^= l);
    }
    sum
}
