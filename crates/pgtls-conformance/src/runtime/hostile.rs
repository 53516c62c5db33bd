//! Servers that do not play by the rules: each ends in its error, within the deadline, with bounded memory.

use super::{
    Adapter, cases,
    peer::{Peer, Play, Scripted, WELCOME, config, connect, error_response, failure, words},
};
use pgtls_core::{
    negotiation::{Failure, Request, TlsFailure},
    startup::ProtocolViolation,
};
use socket2::{Domain, Socket, Type};
use std::{
    io::Read,
    net::{SocketAddr, TcpListener},
    thread,
    time::Duration,
};

fn every_reply_to_ssl_request<A: Adapter>() {
    for byte in 0..=u8::MAX {
        let peer = Peer::start(move |mut connection| {
            connection.asked_for_ssl();
            connection.send(&[byte]);
            let _ = connection.stream.shutdown(std::net::Shutdown::Write);
            connection.rest();
        });
        let expected = match byte {
            b'S' => Failure::Tls(TlsFailure::Closed),
            b'N' => Failure::Refused(Request::Ssl),
            b'E' => Failure::ErrorReply(Request::Ssl),
            _ => Failure::BadReply { request: Request::Ssl, byte },
        };
        assert_eq!(failure(&peer.outcome::<A>("sslmode=require")), expected);
        assert_eq!(peer.connections(), 1);
    }
}

fn no_reply_at_all<A: Adapter>() {
    let peer = Peer::start(|mut connection| connection.asked_for_ssl());
    assert_eq!(failure(&peer.outcome::<A>("sslmode=prefer")), Failure::Closed(Request::Ssl));
    assert_eq!(peer.connections(), 1);
}

/// Plaintext bytes come with `S`, and the handshake fails. Its own error is reported, and `prefer` goes on. A handshake that
/// succeeds after such bytes is a row of `named_behaviours_end_as_they_should`.
fn bytes_after_an_accepted_request_never_become_a_session<A: Adapter>() {
    /// What the server sends after the ClientHello, and the failure.
    const HANDSHAKES: [(&[u8], TlsFailure); 3] = [
        (b"", TlsFailure::Closed),
        (&[21, 3, 3, 0, 2, 2, 40], TlsFailure::Handshake),
        (&[b'y'; 100], TlsFailure::Handshake),
    ];
    const LENGTHS: [usize; 3] = [1, 2, 100];
    for (number, (handshake, expected)) in HANDSHAKES.into_iter().enumerate() {
        let peer = Peer::start(move |mut connection| {
            // For each length a connection with `require`, then two with `prefer`.
            let injected = vec![b'X'; LENGTHS[connection.number / 3]];
            if connection.number % 3 == 2 {
                connection.asked_to_start();
                connection.send(WELCOME);
                connection.rest();
                return;
            }
            connection.asked_for_ssl();
            connection.send(&[b"S", &injected[..]].concat());
            connection.client_hello();
            connection.send(handshake);
        });
        for length in LENGTHS {
            let outcome = peer.outcome::<A>("sslmode=require");
            assert_eq!(failure(&outcome), Failure::Tls(expected), "{number}: {length} bytes");
            peer.outcome::<A>("sslmode=prefer").unwrap();
        }
        assert_eq!(peer.connections(), 3 * LENGTHS.len());
    }
}

fn bytes_in_clear_that_come_later_break_the_handshake<A: Adapter>() {
    let peer = Peer::start(|mut connection| {
        if connection.number == 0 {
            connection.asked_for_ssl();
            connection.send(b"S");
            // The ClientHello has come, so the reply was read alone.
            connection.stream.read_exact(&mut [0; 5]).unwrap();
            connection.send(WELCOME);
            connection.rest();
        } else {
            connection.asked_to_start();
            connection.send(WELCOME);
        }
    });
    peer.outcome::<A>("sslmode=prefer").unwrap();
    assert_eq!(peer.connections(), 2);
}

fn bytes_after_a_refusal_are_the_next_messages<A: Adapter>() {
    let peer = Peer::start(|mut connection| {
        connection.asked_for_ssl();
        connection.send(&[b"N", WELCOME].concat());
        connection.asked_to_start();
        connection.rest();
    });
    peer.outcome::<A>("sslmode=prefer").unwrap();
}

fn every_split_of_the_servers_messages<A: Adapter>() {
    let script = [b"N", WELCOME].concat();
    for split in 1..script.len() {
        let script = script.clone();
        let peer = Peer::start(move |mut connection| {
            connection.asked_for_ssl();
            connection.send(&script[..split]);
            connection.asked_to_start();
            connection.send(&script[split..]);
            connection.rest();
        });
        peer.outcome::<A>("sslmode=prefer").unwrap();
    }
}

fn one_byte_at_a_time<A: Adapter>() {
    let peer = Peer::start(|mut connection| {
        connection.asked_for_ssl();
        connection.send(b"N");
        connection.asked_to_start();
        connection.drip(WELCOME);
        connection.rest();
    });
    peer.outcome::<A>("sslmode=prefer").unwrap();
}

/// libpq parses `connect_timeout` when a connect is under way: an address that fails at once is reported as itself.
fn a_time_limit_that_is_no_integer<A: Adapter>() {
    const NO_INTEGER: &str = "invalid integer value \"abc\" for connection option \"connect_timeout\"";
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let (full, _waiting) = full_backlog();
    let mut rows = vec![
        (format!("hostaddr=127.0.0.1 port={closed}"), vec![NO_INTEGER]),
        (format!("hostaddr=127.0.0.1,127.0.0.1 port={},{closed}", full.port()), vec![NO_INTEGER]),
        ("hostaddr=127.0.0.1 port=99999".to_owned(), vec!["invalid port number: \"99999\""]),
    ];
    if cfg!(unix) {
        let absent = "No such file or directory";
        rows.push(("host=/nonexistent".to_owned(), vec![absent]));
        rows.push((format!("host=/nonexistent,127.0.0.1 port={closed}"), vec![absent, NO_INTEGER]));
    }
    for (conninfo, expected) in rows {
        let config = config(&format!("sslmode=disable connect_timeout=abc {conninfo}"));
        let error = connect::<A>(&config).err().unwrap();
        let texts: Vec<_> = error.attempts.iter().map(ToString::to_string).collect();
        assert_eq!(texts.len(), expected.len(), "{conninfo}: {texts:?}");
        for (text, expected) in texts.iter().zip(expected) {
            assert!(text.contains(expected), "{conninfo}: {texts:?}");
        }
    }
}

/// The address of a listener that accepts no more connections, and what keeps it so.
fn full_backlog() -> (SocketAddr, Vec<Socket>) {
    let socket = || Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    let listener = socket();
    listener.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
    listener.listen(0).unwrap();
    let address = listener.local_addr().unwrap();
    let mut kept = vec![listener];
    for _ in 0..4 {
        let client = socket();
        client.set_nonblocking(true).unwrap();
        // It is under way, or will be.
        let _ = client.connect(&address);
        kept.push(client);
    }
    (address.as_socket().unwrap(), kept)
}

/// What a server sends for ever without getting on.
const PATIENCE: &str = "connect_timeout=1";

fn silence_at_every_stage_ends_at_the_deadline<A: Adapter>() {
    let stages: [(&str, Play); 4] = [
        ("sslmode=prefer", |mut connection| {
            connection.rest();
        }),
        ("sslmode=prefer", |mut connection| {
            connection.asked_for_ssl();
            connection.send(b"S");
            connection.rest();
        }),
        ("sslmode=require sslnegotiation=direct", |mut connection| {
            connection.rest();
        }),
        ("sslmode=disable", |mut connection| {
            connection.asked_to_start();
            connection.send(&WELCOME[..9]);
            connection.rest();
        }),
    ];
    thread::scope(|scope| {
        for (mode, script) in stages {
            scope.spawn(move || {
                let peer = Peer::start(script);
                let outcome = peer.outcome::<A>(&format!("{mode} {PATIENCE}"));
                assert_eq!(failure(&outcome), Failure::TimedOut, "{mode}");
                // No other method is tried on this address.
                assert_eq!(peer.connections(), 1);
                assert!(words(outcome.unwrap_err().report.events()).ends_with("timeout"));
            });
        }
    });
}

/// Sends bytes of a message that never ends, slowly.
fn drip_for_ever(connection: &mut Scripted, byte: u8) {
    while std::io::Write::write_all(&mut connection.stream, &[byte]).is_ok() {
        thread::sleep(Duration::from_millis(20));
    }
}

fn a_byte_now_and_then_does_not_move_the_deadline<A: Adapter>() {
    let stages: [(&str, Play); 3] = [
        ("sslmode=require", |mut connection| {
            connection.asked_for_ssl();
            // A handshake record of 16 KiB, and a ServerHello in it that takes its time.
            connection.send(b"S");
            connection.stream.read_exact(&mut [0; 5]).unwrap();
            connection.send(b"\x16\x03\x03\x40\x00\x02\x00\x3f\xfc");
            drip_for_ever(&mut connection, 3);
        }),
        ("sslmode=disable", |mut connection| {
            connection.asked_to_start();
            // An error whose text takes its time.
            connection.send(b"E\0\0\x70\0S");
            drip_for_ever(&mut connection, b'x');
        }),
        ("sslmode=disable", |mut connection| {
            connection.asked_to_start();
            connection.send(&WELCOME[..9]);
            // Parameters without end.
            for _ in 0.. {
                if std::io::Write::write_all(&mut connection.stream, b"S\0\0\0\x08a\0b\0").is_err() {
                    break;
                }
                thread::sleep(Duration::from_millis(20));
            }
        }),
    ];
    thread::scope(|scope| {
        for (mode, script) in stages {
            scope.spawn(move || {
                let outcome = Peer::start(script).outcome::<A>(&format!("{mode} {PATIENCE}"));
                assert_eq!(failure(&outcome), Failure::TimedOut, "{mode}");
            });
        }
    });
}

fn lengths_that_no_message_has<A: Adapter>() {
    let rows: [(&[u8], u8); 4] = [
        (b"R\xff\xff\xff\xff", b'R'),
        (b"R\0\0\0\x03", b'R'),
        (b"R\0\0\0\x08\0\0\0\0S\xff\xff\xff\xff", b'S'),
        (b"R\0\0\0\x08\0\0\0\0Z\0\0\0\x06", b'Z'),
    ];
    for (bytes, kind) in rows {
        let peer = Peer::start(move |mut connection| {
            connection.asked_to_start();
            connection.send(bytes);
            connection.rest();
        });
        let outcome = peer.outcome::<A>("sslmode=disable");
        assert_eq!(failure(&outcome), Failure::StartupBroken(ProtocolViolation::Malformed(kind)));
    }
}

fn a_record_that_tls_does_not_have<A: Adapter>() {
    let rows: [&[u8]; 4] =
        [b"\x16\x03\x03\xff\xff", b"\x16\x03\x03\x00\x04\x02\xff\xff\xff", b"HTTP/1.1 400", b"\x80\x00\x00"];
    for bytes in rows {
        let peer = Peer::start(move |mut connection| {
            connection.asked_for_ssl();
            connection.send(b"S");
            connection.stream.read_exact(&mut [0; 5]).unwrap();
            connection.send(bytes);
            let _ = connection.stream.shutdown(std::net::Shutdown::Write);
            connection.rest();
        });
        let outcome = failure(&peer.outcome::<A>("sslmode=require"));
        assert!(matches!(outcome, Failure::Tls(_)), "{outcome:?}");
    }
}

fn a_server_that_closes_after_the_startup_packet<A: Adapter>() {
    let peer = Peer::start(|mut connection| connection.asked_to_start());
    let outcome = peer.outcome::<A>("sslmode=allow");
    assert_eq!(failure(&outcome), Failure::StartupBroken(ProtocolViolation::Closed));
    assert_eq!(peer.connections(), 1);
}

fn an_error_before_the_startup_packet_is_read<A: Adapter>() {
    // The server says why and closes with a reset, because it has not read what was sent.
    let peer = Peer::start(|mut connection| {
        connection.send(&error_response("53300"));
        drop(connection);
    });
    let outcome = failure(&peer.outcome::<A>("sslmode=disable"));
    assert!(matches!(
        outcome,
        Failure::ServerError { sqlstate: [b'5', b'3', b'3', b'0', b'0'], after_auth_ok: false }
            | Failure::StartupBroken(ProtocolViolation::Closed)
    ));
}

cases!(
    every_reply_to_ssl_request,
    no_reply_at_all,
    bytes_after_an_accepted_request_never_become_a_session,
    a_time_limit_that_is_no_integer,
    bytes_in_clear_that_come_later_break_the_handshake,
    bytes_after_a_refusal_are_the_next_messages,
    every_split_of_the_servers_messages,
    one_byte_at_a_time,
    silence_at_every_stage_ends_at_the_deadline,
    a_byte_now_and_then_does_not_move_the_deadline,
    lengths_that_no_message_has,
    a_record_that_tls_does_not_have,
    a_server_that_closes_after_the_startup_packet,
    an_error_before_the_startup_packet_is_read,
);
