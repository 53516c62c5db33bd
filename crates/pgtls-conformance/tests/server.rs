//! The scripted server against clients that do what no psql does.

use pgtls_conformance::{
    pki::Pki,
    server::{Behaviour, Listen, Script, Server, ServerError},
};
use std::{
    io::{Read, Write},
    net::TcpStream,
    sync::Arc,
    time::Duration,
};

const SSL_REQUEST: &[u8] = &[0, 0, 0, 8, 4, 0xD2, 0x16, 0x2F];
const GSSENC_REQUEST: &[u8] = &[0, 0, 0, 8, 4, 0xD2, 0x16, 0x30];
const CANCEL_REQUEST: &[u8] = &[0, 0, 0, 16, 4, 0xD2, 0x16, 0x2E, 0, 0, 0, 1, 0, 0, 0, 2];
const STARTUP: &[u8] = b"\0\0\0\x12\0\x03\0\0user\0zoo\0\0";
const PATIENCE: Duration = Duration::from_secs(10);

fn start(script: &str) -> Server {
    let script: Script = script.parse().expect("a script");
    Server::builder(script, Arc::new(Pki::open())).patience(PATIENCE).start().expect("the server starts")
}

/// Sends `bytes`, closes the sending side and reads everything that comes back.
fn talk(server: &Server, bytes: &[u8]) -> Vec<u8> {
    let mut client = TcpStream::connect(("127.0.0.1", server.port())).expect("the server listens");
    client.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    client.write_all(bytes).expect("the server reads");
    client.shutdown(std::net::Shutdown::Write).expect("the connection is open");
    let mut answer = Vec::new();
    client.read_to_end(&mut answer).expect("the server closes");
    drop(client);
    assert!(server.log().settle(PATIENCE));
    answer
}

const HONEST: &str = "[[connection]]";

#[test]
fn stuffed_bytes_are_refused_as_postgresql_refuses_them() {
    let server = start(HONEST);
    let answer = talk(&server, &[SSL_REQUEST, STARTUP].concat());
    assert_eq!(answer.first(), Some(&b'E'), "an error, not S");
    assert!(String::from_utf8_lossy(&answer).contains("08P01"), "{}", String::from_utf8_lossy(&answer));
    let seen = &server.log().connections()[0];
    assert!(seen.pipelined);
    assert_eq!(seen.session, None);
    assert_eq!(server.log().words(), ["connect"]);
}

#[test]
fn after_a_refusal_the_client_may_go_on_at_once() {
    let server = start("[[connection]]\nsslrequest = 'reject'");
    let answer = talk(&server, &[GSSENC_REQUEST, SSL_REQUEST, STARTUP, b"X\0\0\0\x04"].concat());
    assert!(answer.starts_with(b"NNR\0\0\0\x08\0\0\0\0"), "{answer:?}");
    assert_eq!(server.log().words(), ["connect", "gssreject", "sslreject", "authok"]);
    assert!(server.log().connections()[0].terminated);
}

#[test]
fn cancel_requests_are_noticed_and_not_answered() {
    let server = start(HONEST);
    assert_eq!(talk(&server, CANCEL_REQUEST), b"");
    assert_eq!(server.log().words(), ["connect", "cancel"]);
}

#[test]
fn nonsense_ends_the_connection_and_nothing_else() {
    let server = start(HONEST);
    for nonsense in [
        &b""[..],
        b"\0",
        b"\0\0\0\0\0\0\0\0",
        b"\0\0\0\x07\0\0\0",
        b"\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF",
        b"\0\0\x27\x20\0\x03\0\0",
        b"GET / HTTP/1.1\r\n\r\n",
        b"\x16\x03\x01\0\x01\x01",
        b"\x16\x03\x01\xFF\xFF",
        b"\x16\x03\x01\0\x04\x01\xFF\xFF\xFF",
        b"\x16AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        b"\0\0\0\x08\0\x02\0\0",
        &[STARTUP, b"Q\xFF\xFF\xFF\xFF"].concat(),
        &[STARTUP, b"Q\0\0\0\0"].concat(),
        &[STARTUP, b"?\0\0\0\x04"].concat(),
    ] {
        talk(&server, nonsense);
    }
    let answer = talk(&server, &[STARTUP, b"X\0\0\0\x04"].concat());
    assert!(answer.starts_with(b"R\0\0\0\x08\0\0\0\0"), "it still serves: {answer:?}");
}

#[test]
fn every_named_behaviour_survives_a_client_that_leaves_at_any_point() {
    let pki = Arc::new(Pki::open());
    let password = b"p\0\0\0\x0Bsecret\0";
    let all = [SSL_REQUEST, STARTUP, password, b"Q\0\0\0\x0Dselect 1\0", b"X\0\0\0\x04"].concat();
    for name in Behaviour::names() {
        let script = Script::always(Behaviour::named(name).unwrap());
        let server = Server::builder(script, Arc::clone(&pki)).patience(PATIENCE).start().unwrap();
        for bytes in [&all[..0], &all[..4], &all[..8], &all[..12], &all, &all[8..], b"\x16\x03\x01\0"] {
            let mut client = TcpStream::connect(("127.0.0.1", server.port())).unwrap();
            // The server may have reset the connection already.
            let _ = client.write_all(bytes);
        }
        assert!(server.log().settle(PATIENCE), "{name}: every connection ends when its client has gone");
        assert!(
            server
                .log()
                .connections()
                .iter()
                .all(|seen| seen.session != Some(pgtls_conformance::server::Channel::Ssl))
        );
    }
}

#[test]
fn a_server_that_is_dropped_ends_what_hangs() {
    let server = start("[[connection]]\nbase = 'hang'");
    let mut client = TcpStream::connect(("127.0.0.1", server.port())).unwrap();
    client.write_all(SSL_REQUEST).unwrap();
    client.set_read_timeout(Some(PATIENCE)).unwrap();
    let address = ("127.0.0.1", server.port());
    drop(server);
    assert!(matches!(client.read(&mut [0]), Ok(0) | Err(_)), "the connection is over");
    assert!(TcpStream::connect(address).is_err(), "nobody listens any more");
}

#[test]
fn only_this_machine_is_served() {
    let listen = Listen::Tcp("0.0.0.0:0".parse().unwrap());
    let script = Script::always(Behaviour::default());
    let error = Server::builder(script, Arc::new(Pki::open())).listen(listen).start().unwrap_err();
    assert!(matches!(error, ServerError::NotLoopback(_)), "{error}");
}

#[test]
fn a_script_with_an_unknown_certificate_does_not_start() {
    let script = Script::always(Behaviour::default().with_certificate("unicorn"));
    let error = Server::builder(script, Arc::new(Pki::open())).start().unwrap_err();
    assert_eq!(error.to_string(), "the test PKI has no server certificate named \"unicorn\"");
}

#[test]
fn several_servers_share_a_log() {
    let pki = Arc::new(Pki::open());
    let script = || Script::always(Behaviour::named("plain-only").unwrap());
    let first = Server::builder(script(), Arc::clone(&pki)).start().unwrap();
    let second = Server::builder(script(), pki).log(first.log().clone(), 1).start().unwrap();
    talk(&second, SSL_REQUEST);
    talk(&first, SSL_REQUEST);
    let events: Vec<_> =
        first.log().events().iter().map(|(server, event)| format!("h{server}:{event}")).collect();
    assert_eq!(events, ["h1:connect", "h1:sslreject", "h0:reconnect", "h0:sslreject"]);
}
