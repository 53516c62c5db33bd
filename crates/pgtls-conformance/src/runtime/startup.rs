//! The startup exchange: the bytes that the monitor accepts, and the results of its end.

use super::{
    Adapter, Wire, cases,
    peer::{PATIENCE, Peer, WELCOME, config, connect, error_response, failure, start_up, words},
};
use pgtls_adapter::{ActionError, Cause, Startup, StartupError};
use pgtls_core::{
    negotiation::{AfterFailure, Failure},
    startup::Refusal,
};
use std::{io::Read, sync::mpsc};

fn a_server_without_tls<A: Adapter>() {
    let peer = Peer::start(|mut connection| {
        connection.asked_for_ssl();
        connection.send(b"N");
        connection.serve();
    });
    let connected = connect::<A>(&peer.config("sslmode=prefer")).unwrap();
    assert_eq!(words(connected.report.events()), "connect sslreject authok");
    assert_eq!(connected.report.connections(), 1);
    assert!(connected.report.files.is_empty(), "no file is looked at before TLS starts");
}

fn the_value_of_the_exchange_is_handed_on<A: Adapter>() {
    let peer = Peer::start(|mut connection| {
        connection.serve();
    });
    let connected =
        A::connect(&peer.config("sslmode=disable"), async |stream: &mut A::Stream, startup: Startup<'_>| {
            start_up(stream, startup).await?;
            Ok(startup.peer.host.clone())
        });
    assert_eq!(connected.unwrap().value.as_deref(), Some("db.test"));
}

fn a_password_is_not_sent_to_a_server_that_may_not_ask_for_it<A: Adapter>() {
    let (tell, told) = mpsc::channel();
    let peer = Peer::start(move |mut connection| {
        connection.asked_to_start();
        connection.send(b"R\0\0\0\x08\0\0\0\x03");
        tell.send(connection.rest()).unwrap();
    });
    let config = peer.config("sslmode=disable require_auth=scram-sha-256");
    // A driver that answers whatever happens.
    let outcome = A::connect(&config, async |stream: &mut A::Stream, _: Startup<'_>| {
        stream.send(b"\0\0\0\x10\0\x03\0\0user\0u\0\0").await?;
        let asked = stream.receive(&mut [0; 16]).await;
        let _ = stream.send(b"p\0\0\0\x0bsecret\0").await;
        asked?;
        Ok(())
    });
    let outcome = outcome.map(|_| ());
    assert!(matches!(failure(&outcome), Failure::LocalRefusal(Refusal::AuthNotAllowed(_))));
    drop(outcome);
    assert_eq!(told.recv_timeout(PATIENCE).unwrap(), b"", "nothing was sent after the startup packet");
}

fn an_error_message_reaches_the_driver<A: Adapter>() {
    let peer = Peer::start(|mut connection| {
        connection.asked_to_start();
        connection.send(&error_response("28000"));
        connection.rest();
    });
    let mut message = Vec::new();
    let outcome =
        A::connect(&peer.config("sslmode=disable"), async |stream: &mut A::Stream, _: Startup<'_>| {
            stream.send(b"\0\0\0\x10\0\x03\0\0user\0u\0\0").await?;
            stream.drain(&mut message).await?;
            Ok(())
        });
    let outcome = outcome.map(|_| ());
    assert!(matches!(failure(&outcome), Failure::ServerError { sqlstate: [b'2', b'8', ..], .. }));
    assert_eq!(message, error_response("28000"));
}

fn what_the_driver_says_about_itself<A: Adapter>() {
    let peer = Peer::start(|mut connection| {
        connection.asked_to_start();
        connection.send(b"R\0\0\0\x08\0\0\0\x03");
        connection.rest();
    });
    let config = peer.config("sslmode=disable");
    let refused = A::connect(&config, async |stream: &mut A::Stream, _: Startup<'_>| {
        stream.send(b"\0\0\0\x10\0\x03\0\0user\0u\0\0").await?;
        stream.fill(&mut [0; 9]).await?;
        Err::<(), _>(StartupError::Refused { refusal: Refusal::NoPassword, error: None })
    });
    let refused = refused.map(|_| ());
    assert_eq!(failure(&refused), Failure::LocalRefusal(Refusal::NoPassword));
    assert_eq!(peer.connections(), 1);

    let failed =
        A::connect(&config, async |_: &mut A::Stream, _: Startup<'_>| Err::<(), _>("out of order".into()));
    let failed = failed.map(|_| ());
    assert_eq!(failure(&failed), Failure::LocalRefusal(Refusal::Exchange));
    let error = failed.unwrap_err();
    assert!(
        matches!(&error.last().unwrap().cause, Some(Cause::Embedder(ActionError::Startup(error))) if error.to_string() == "out of order")
    );
    assert!(error.to_string().contains("out of order"), "{error}");
}

fn a_rejection_over_plaintext_under_allow_is_followed_by_tls<A: Adapter>() {
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
    let outcome = peer.outcome::<A>("sslmode=allow");
    let error = outcome.unwrap_err();
    assert_eq!(error.attempts.len(), 2);
    assert_eq!(words(error.report.events()), "connect authfail reconnect sslreject");
    let text = error.to_string();
    assert_eq!(text.matches("connection to server at \"127.0.0.1\", port").count(), 2, "{text}");
    assert!(text.contains("SQLSTATE 28000"), "the driver did not read the message: {text}");
}

fn a_server_that_starts_up_sends_the_client_to_the_next_host<A: Adapter>() {
    let first = Peer::start(|mut connection| {
        connection.asked_to_start();
        connection.send(&error_response("57P03"));
        connection.rest();
    });
    let second = Peer::start(|mut connection| {
        connection.serve();
    });
    let both = config(&format!(
        "host=a.test,b.test hostaddr=127.0.0.1,127.0.0.1 port={},{} sslmode=disable",
        first.port, second.port
    ));
    let connected = connect::<A>(&both).unwrap();
    let tried: Vec<_> = connected.report.attempts.iter().map(|attempt| attempt.peer.host_index).collect();
    assert_eq!(tried, [0, 1]);
}

/// Whose errors say nothing, and who gives no stream back: what the server has sent decides.
fn a_driver_that_takes_the_stream_away<A: Adapter>() {
    let first = Peer::start(|mut connection| {
        connection.asked_to_start();
        connection.send(&error_response("57P03"));
        connection.rest();
    });
    let second = Peer::start(|mut connection| {
        connection.asked_to_start();
        connection.send(WELCOME);
        connection.stream.read_exact(&mut [0; 1]).unwrap();
        connection.send(b"!");
        connection.rest();
    });
    let both = config(&format!(
        "host=a.test,b.test hostaddr=127.0.0.1,127.0.0.1 port={},{} sslmode=disable connect_timeout=20",
        first.port, second.port
    ));
    let connected =
        A::connect_in_steps(&both, async |mut stream: A::Stream, at: Startup<'_>| {
            match start_up(&mut stream, at).await {
                Ok(()) => Ok(stream),
                Err(_) => Err("out of order".into()),
            }
        });
    let mut stream = connected.unwrap().stream;
    A::wait(stream.send(b"?")).unwrap();
    assert_eq!(A::wait(stream.receive(&mut [0; 16])).unwrap(), 1);
    assert_eq!((first.connections(), second.connections()), (1, 1));
}

fn a_wrong_role_sends_the_client_to_the_next_host<A: Adapter>() {
    let peer = Peer::start(|mut connection| {
        connection.serve();
    });
    let outcome =
        A::connect(&peer.config("sslmode=disable"), async |stream: &mut A::Stream, startup: Startup<'_>| {
            start_up(stream, startup).await?;
            Err::<(), _>(StartupError::WrongRole { error: None })
        });
    let outcome = outcome.map(|_| ());
    assert_eq!(failure(&outcome), Failure::WrongRole);
}

fn nobody_listens<A: Adapter>() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let outcome =
        A::connect(&config(&format!("hostaddr=127.0.0.1,127.0.0.1 port={port} sslmode=prefer")), start_up);
    let error = outcome.map(|_| ()).unwrap_err();
    assert_eq!(error.attempts.len(), 2);
    assert_eq!(error.then, AfterFailure::Stop);
    assert_eq!(error.last().unwrap().failure, Some(Failure::Connect));
}

fn a_name_that_nobody_knows<A: Adapter>() {
    let outcome = connect::<A>(&config("host=does-not-exist.invalid")).map(|_| ());
    let text = outcome.unwrap_err().to_string();
    assert!(text.contains("could not translate host name \"does-not-exist.invalid\""), "{text}");
}

fn a_time_limit_that_is_no_number_is_noticed_once_connected<A: Adapter>() {
    let peer = Peer::start(|mut connection| {
        connection.rest();
    });
    let error = peer.outcome::<A>("connect_timeout=soon").unwrap_err();
    assert_eq!(words(error.report.events()), "connect");
    assert!(error.to_string().contains("connect_timeout"), "{error}");
}

fn options_of_the_socket<A: Adapter>() {
    let peer = Peer::start(|mut connection| {
        connection.serve();
    });
    let options = "keepalives_idle=30 keepalives_interval=5 keepalives_count=3 tcp_user_timeout=9000";
    let connected = connect::<A>(&peer.config(&format!("sslmode=disable {options}"))).unwrap();
    let socket = A::socket(&connected.stream);
    assert!(socket.tcp_nodelay().unwrap());
    assert!(socket.keepalive().unwrap());
    assert_eq!(socket.tcp_keepalive_time().unwrap().as_secs(), 30);
    assert_eq!(socket.tcp_keepalive_interval().unwrap().as_secs(), 5);
    assert_eq!(socket.tcp_keepalive_retries().unwrap(), 3);
    assert_eq!(socket.tcp_user_timeout().unwrap().unwrap().as_millis(), 9000);

    let connected = connect::<A>(&peer.config("sslmode=disable keepalives=0")).unwrap();
    assert!(!A::socket(&connected.stream).keepalive().unwrap());
}

cases!(
    a_server_without_tls,
    the_value_of_the_exchange_is_handed_on,
    a_password_is_not_sent_to_a_server_that_may_not_ask_for_it,
    an_error_message_reaches_the_driver,
    what_the_driver_says_about_itself,
    a_rejection_over_plaintext_under_allow_is_followed_by_tls,
    a_server_that_starts_up_sends_the_client_to_the_next_host,
    a_driver_that_takes_the_stream_away,
    a_wrong_role_sends_the_client_to_the_next_host,
    nobody_listens,
    a_name_that_nobody_knows,
    a_time_limit_that_is_no_number_is_noticed_once_connected,
    options_of_the_socket,
);
