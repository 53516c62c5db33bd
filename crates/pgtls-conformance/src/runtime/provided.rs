//! Connections that the program has opened itself.

use super::{
    Adapter, Wire, cases,
    peer::{Peer, Play, config, error_response, start_up, words},
};
use pgtls_core::negotiation::{AfterFailure, Encryption, Failure};
use std::{cell::Cell, io, net::TcpStream};

fn dial(peer: &Peer) -> io::Result<TcpStream> {
    TcpStream::connect(("127.0.0.1", peer.port))
}

fn an_open_connection_is_used<A: Adapter>() {
    let peer = Peer::start(|mut connection| {
        connection.asked_for_ssl();
        connection.send(b"N");
        connection.serve();
    });
    let never = || panic!("there is no reason to dial again");
    let config = config("sslmode=prefer");
    let connected = A::negotiate(&config, Some("db.test"), dial(&peer).unwrap(), never, start_up).unwrap();
    assert_eq!(connected.stream.encryption(), Encryption::Plain);
    assert_eq!(peer.connections(), 1);
    assert_eq!(words(connected.report.events()), "connect sslreject authok");
}

fn another_one_is_opened_to_fall_back<A: Adapter>() {
    let peer = Peer::start(|mut connection| {
        if connection.number == 0 {
            connection.asked_for_ssl();
            connection.send(b"S");
        } else {
            connection.serve();
        }
    });
    let redialled = Cell::new(0);
    let redial = || {
        redialled.set(redialled.get() + 1);
        dial(&peer)
    };
    let config = config("sslmode=prefer");
    let connected = A::negotiate(&config, None, dial(&peer).unwrap(), redial, start_up).unwrap();
    assert_eq!(redialled.get(), 1);
    assert_eq!(words(connected.report.events()), "connect sslaccept close reconnect authok");
}

fn what_to_try_next_is_the_callers<A: Adapter>() {
    let rows: [(&str, Play, AfterFailure); 3] = [
        (
            "sslmode=disable",
            |mut connection| {
                connection.asked_to_start();
                connection.send(&error_response("57P03"));
                connection.rest();
            },
            AfterFailure::NextHost,
        ),
        ("sslmode=require", |mut connection| connection.send(b"N"), AfterFailure::Stop),
        (
            "sslmode=require connect_timeout=1",
            |mut connection| {
                connection.rest();
            },
            AfterFailure::NextAddress,
        ),
    ];
    for (mode, script, then) in rows {
        let peer = Peer::start(script);
        let never = || panic!("there is no reason to dial again");
        let outcome = A::negotiate(&config(mode), None, dial(&peer).unwrap(), never, start_up);
        assert_eq!(outcome.map(|_| ()).unwrap_err().then, then, "{mode}");
    }
}

fn a_redial_that_fails<A: Adapter>() {
    let peer = Peer::start(|mut connection| {
        connection.asked_for_ssl();
        connection.send(b"S");
    });
    let redial = || Err(io::ErrorKind::ConnectionRefused.into());
    let outcome = A::negotiate(&config("sslmode=prefer"), None, dial(&peer).unwrap(), redial, start_up);
    let error = outcome.map(|_| ()).unwrap_err();
    assert_eq!(error.attempts.len(), 2);
    assert_eq!(error.last().unwrap().failure, Some(Failure::Connect));
}

cases!(
    an_open_connection_is_used,
    another_one_is_opened_to_fall_back,
    what_to_try_next_is_the_callers,
    a_redial_that_fails,
);
