//! The startup exchange: what the gate lets through, and what its end leads to.

use crate::peer::{Peer, WELCOME, config, error_response, failure, start_up, words};
use pgtls_core::{
    negotiation::{Failure, Then},
    startup::Refusal,
};
use pgtls_std::{Cause, Startup, StartupError, Stream};
use std::{
    io::{Read, Write},
    sync::mpsc,
};

#[test]
fn a_server_without_tls() {
    let peer = Peer::start(|mut connection| {
        connection.asked_for_ssl();
        connection.send(b"N");
        connection.asked_to_start();
        connection.send(WELCOME);
        connection.rest();
    });
    let connected = pgtls_std::connect(&peer.config("sslmode=prefer"), start_up).unwrap();
    assert_eq!(words(connected.report.events()), "connect sslreject authok");
    assert_eq!(connected.report.connections(), 1);
    assert!(connected.report.files.is_empty(), "no file is looked at before TLS starts");
}

#[test]
fn the_value_of_the_exchange_is_handed_on() {
    let peer = Peer::start(|mut connection| {
        connection.asked_to_start();
        connection.send(WELCOME);
        connection.rest();
    });
    let connected = pgtls_std::connect(&peer.config("sslmode=disable"), |stream, startup| {
        start_up(stream, startup)?;
        Ok(startup.host.map(str::to_owned))
    });
    assert_eq!(connected.unwrap().value.as_deref(), Some("db.test"));
}

#[test]
fn a_password_is_not_sent_to_a_server_that_may_not_ask_for_it() {
    let (tell, told) = mpsc::channel();
    let peer = Peer::start(move |mut connection| {
        connection.asked_to_start();
        connection.send(b"R\0\0\0\x08\0\0\0\x03");
        tell.send(connection.rest()).unwrap();
    });
    let config = peer.config("sslmode=disable require_auth=scram-sha-256");
    // A driver that answers whatever happens.
    let outcome = pgtls_std::connect(&config, |stream: &mut Stream, _: Startup<'_>| {
        stream.write_all(b"\0\0\0\x10\0\x03\0\0user\0u\0\0")?;
        let asked = stream.read(&mut [0; 16]);
        let _ = stream.write_all(b"p\0\0\0\x0bsecret\0");
        asked?;
        Ok(())
    });
    let outcome = outcome.map(|_| ());
    assert!(matches!(failure(&outcome), Failure::LocalRefusal(Refusal::AuthNotAllowed(_))));
    drop(outcome);
    assert_eq!(told.recv().unwrap(), b"", "nothing was sent after the startup packet");
}

#[test]
fn an_error_message_reaches_the_driver() {
    let peer = Peer::start(|mut connection| {
        connection.asked_to_start();
        connection.send(&error_response("28000"));
        connection.rest();
    });
    let mut message = Vec::new();
    let outcome = pgtls_std::connect(&peer.config("sslmode=disable"), |stream, _| {
        stream.write_all(b"\0\0\0\x10\0\x03\0\0user\0u\0\0")?;
        stream.read_to_end(&mut message)?;
        Ok(())
    });
    let outcome = outcome.map(|_: pgtls_std::Connected<Stream, ()>| ());
    assert!(matches!(failure(&outcome), Failure::ServerError { sqlstate: [b'2', b'8', ..], .. }));
    assert_eq!(message, error_response("28000"));
}

#[test]
fn what_the_driver_says_about_itself() {
    let peer = Peer::start(|mut connection| {
        connection.asked_to_start();
        connection.send(b"R\0\0\0\x08\0\0\0\x03");
        connection.rest();
    });
    let config = peer.config("sslmode=disable");
    let refused = pgtls_std::connect(&config, |stream: &mut Stream, _| {
        stream.write_all(b"\0\0\0\x10\0\x03\0\0user\0u\0\0")?;
        stream.read_exact(&mut [0; 9])?;
        Err::<(), _>(StartupError::Refused { refusal: Refusal::NoPassword, error: None })
    });
    let refused = refused.map(|_| ());
    assert_eq!(failure(&refused), Failure::LocalRefusal(Refusal::NoPassword));
    assert_eq!(peer.connections(), 1);

    let failed = pgtls_std::connect(&config, |_: &mut Stream, _| Err::<(), _>("out of order".into()));
    let failed = failed.map(|_| ());
    assert_eq!(failure(&failed), Failure::LocalRefusal(Refusal::Exchange));
    let error = failed.unwrap_err();
    assert!(
        matches!(&error.last().unwrap().cause, Some(Cause::Startup(error)) if error.to_string() == "out of order")
    );
    assert!(error.to_string().contains("out of order"), "{error}");
}

#[test]
fn a_driver_that_is_content_early_is_still_watched() {
    let peer = Peer::start(|mut connection| {
        connection.asked_to_start();
        connection.send(&WELCOME[..9]);
        connection.stream.read_exact(&mut [0; 1]).unwrap();
        connection.send(b"Z\0\0\0\x09I");
        connection.rest();
    });
    let connected = pgtls_std::connect(&peer.config("sslmode=disable"), |stream: &mut Stream, _| {
        stream.write_all(b"\0\0\0\x10\0\x03\0\0user\0u\0\0")?;
        stream.read_exact(&mut [0; 9])?;
        Ok(())
    });
    let mut stream = connected.unwrap().stream;
    stream.write_all(b"?").unwrap();
    assert!(stream.read(&mut [0; 16]).is_err(), "the length of that message is impossible");
    assert!(stream.write_all(b"?").is_err());
}

#[test]
fn a_rejection_over_plaintext_under_allow_is_followed_by_tls() {
    let peer = Peer::start(|mut connection| {
        if connection.number == 0 {
            connection.asked_to_start();
            connection.send(&error_response("28000"));
        } else {
            connection.asked_for_ssl();
            connection.send(b"N");
        }
        connection.rest();
    });
    let outcome = peer.outcome("sslmode=allow");
    let error = outcome.unwrap_err();
    assert_eq!(error.attempts.len(), 2);
    assert_eq!(words(error.report.events()), "connect authfail reconnect sslreject");
    let text = error.to_string();
    assert_eq!(text.matches("connection to server at \"127.0.0.1\", port").count(), 2, "{text}");
    assert!(text.contains("SQLSTATE 28000"), "the driver did not read the message: {text}");
}

#[test]
fn a_server_that_starts_up_sends_the_client_to_the_next_host() {
    let first = Peer::start(|mut connection| {
        connection.asked_to_start();
        connection.send(&error_response("57P03"));
        connection.rest();
    });
    let second = Peer::start(|mut connection| {
        connection.asked_to_start();
        connection.send(WELCOME);
        connection.rest();
    });
    let both = config(&format!(
        "host=a.test,b.test hostaddr=127.0.0.1,127.0.0.1 port={},{} sslmode=disable",
        first.port, second.port
    ));
    let connected = pgtls_std::connect(&both, start_up).unwrap();
    let tried: Vec<_> =
        connected.report.tried.iter().map(|tried| tried.candidate.as_ref().unwrap().host_index).collect();
    assert_eq!(tried, [0, 1]);
}

#[test]
fn a_wrong_role_sends_the_client_to_the_next_host() {
    let peer = Peer::start(|mut connection| {
        connection.asked_to_start();
        connection.send(WELCOME);
        connection.rest();
    });
    let outcome = pgtls_std::connect(&peer.config("sslmode=disable"), |stream, startup| {
        start_up(stream, startup)?;
        Err::<(), _>(StartupError::WrongRole { error: None })
    });
    let outcome = outcome.map(|_| ());
    assert_eq!(failure(&outcome), Failure::WrongRole);
}

#[test]
fn nobody_listens() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let outcome = pgtls_std::connect(
        &config(&format!("hostaddr=127.0.0.1,127.0.0.1 port={port} sslmode=prefer")),
        start_up,
    );
    let error = outcome.map(|_| ()).unwrap_err();
    assert_eq!(error.attempts.len(), 2);
    assert_eq!(error.then, Then::Stop);
    assert_eq!(error.last().unwrap().failure, Some(Failure::Connect));
}

#[test]
fn a_name_that_nobody_knows() {
    let outcome = pgtls_std::connect(&config("host=does-not-exist.invalid"), start_up).map(|_| ());
    let text = outcome.unwrap_err().to_string();
    assert!(text.contains("could not translate host name \"does-not-exist.invalid\""), "{text}");
}

#[test]
fn a_time_limit_that_is_no_number_is_noticed_once_connected() {
    let peer = Peer::start(|mut connection| {
        connection.rest();
    });
    let error = peer.outcome("connect_timeout=soon").unwrap_err();
    assert_eq!(words(error.report.events()), "connect");
    assert!(error.to_string().contains("connect_timeout"), "{error}");
}

#[test]
fn options_of_the_socket() {
    let peer = Peer::start(|mut connection| {
        connection.asked_to_start();
        connection.send(WELCOME);
        connection.rest();
    });
    let options = "keepalives_idle=30 keepalives_interval=5 keepalives_count=3 tcp_user_timeout=9000";
    let connected =
        pgtls_std::connect(&peer.config(&format!("sslmode=disable {options}")), start_up).unwrap();
    let pgtls_std::Socket::Tcp(stream) = connected.stream.connection() else { panic!("TCP was asked for") };
    assert!(stream.nodelay().unwrap());
    let socket = socket2::SockRef::from(stream);
    assert!(socket.keepalive().unwrap());
    assert_eq!(socket.tcp_keepalive_time().unwrap().as_secs(), 30);
    assert_eq!(socket.tcp_keepalive_interval().unwrap().as_secs(), 5);
    assert_eq!(socket.tcp_keepalive_retries().unwrap(), 3);
    assert_eq!(socket.tcp_user_timeout().unwrap().unwrap().as_millis(), 9000);

    let connected = pgtls_std::connect(&peer.config("sslmode=disable keepalives=0"), start_up).unwrap();
    let pgtls_std::Socket::Tcp(stream) = connected.stream.connection() else { panic!("TCP was asked for") };
    assert!(!socket2::SockRef::from(stream).keepalive().unwrap());
}
