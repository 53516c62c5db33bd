//! Cancel requests, over the policy of the session.

use super::{
    Adapter, cases,
    peer::{PATIENCE, Peer, WELCOME, config, connect, failure, words},
};
use crate::{
    pki::Pki,
    server::{Behaviour, Script, Server},
};
use pgtls_adapter::{Cancelled, ConnectError};
use pgtls_core::{
    connect::{self, Address},
    message::CancelRequest,
    negotiation::{Encryption, Failure},
    startup::ProtocolViolation,
};
use std::{
    io::{Read, Write},
    sync::{Arc, LazyLock, mpsc},
};

static PKI: LazyLock<Arc<Pki>> = LazyLock::new(|| Arc::new(Pki::open()));

fn on_port(port: u16) -> connect::Peer {
    connect::Peer::new(0, Some("db.test".to_owned()), Address::Tcp(([127, 0, 0, 1], port).into()))
}

fn request() -> CancelRequest {
    CancelRequest::new(77, &[1, 2, 3, 4]).unwrap()
}

/// The process and the key of a request.
type CancelKey = (u32, Vec<u8>);

/// Cancels a session with a server that behaves so: how that ended, and the requests that reached the server.
fn cancel<A: Adapter>(
    behaviour: Behaviour,
    parameters: &str,
    request: &CancelRequest,
) -> (Result<Cancelled, ConnectError>, Vec<CancelKey>) {
    let server = Server::builder(Script::always(behaviour), PKI.clone()).start().unwrap();
    let mut root = tempfile::NamedTempFile::new().unwrap();
    root.write_all(PKI.root_file("root").unwrap().as_bytes()).unwrap();
    let parameters = parameters.replace("{root}", root.path().to_str().unwrap());
    let config = config(&format!("host=db.test {} {parameters}", server.listen().conninfo()));
    let outcome = A::cancel(&config, &on_port(server.port()), request);
    assert!(server.log().settle(PATIENCE), "the server has not come to an end");
    let seen = server.log().connections().into_iter().filter_map(|connection| connection.cancel);
    (outcome, seen.map(|seen| (seen.process_id, seen.key)).collect())
}

fn a_request_goes_the_way_of_the_mode<A: Adapter>() {
    use Encryption::{Plain, Ssl};
    let named = |name| Behaviour::named(name).unwrap();
    for (behaviour, parameters, events, encryption) in [
        ("ok", "sslmode=verify-full sslrootcert={root}", "connect sslaccept cancelsent", Ssl),
        ("ok", "sslmode=require sslnegotiation=direct", "connect directsslaccept cancelsent", Ssl),
        ("ok", "sslmode=prefer", "connect sslaccept cancelsent", Ssl),
        ("ok", "sslmode=allow", "connect cancelsent", Plain),
        ("plain-only", "sslmode=prefer", "connect sslreject cancelsent", Plain),
        ("tls-alert", "sslmode=prefer", "connect sslaccept tlsfail reconnect cancelsent", Plain),
        // The session's own demands on a server and its authentication have no meaning here.
        (
            "ok",
            "sslmode=disable target_session_attrs=standby channel_binding=require",
            "connect cancelsent",
            Plain,
        ),
        (
            "ok",
            "sslmode=require sslcertmode=require require_auth=scram-sha-256",
            "connect sslaccept cancelsent",
            Ssl,
        ),
    ] {
        let (outcome, seen) = cancel::<A>(named(behaviour), parameters, &request());
        let cancelled = outcome.unwrap_or_else(|error| panic!("{behaviour} {parameters}: {error}"));
        assert_eq!(words(cancelled.report.events()), events, "{behaviour} {parameters}");
        assert_eq!(cancelled.encryption, encryption, "{behaviour} {parameters}");
        assert_eq!(seen, [(77, vec![1, 2, 3, 4])], "{behaviour} {parameters}");
    }
}

fn no_key_is_given_to_a_server_that_the_mode_refuses<A: Adapter>() {
    for (behaviour, parameters) in [
        (Behaviour::named("plain-only").unwrap(), "sslmode=require"),
        (Behaviour::named("tls-alert").unwrap(), "sslmode=require"),
        (Behaviour::default().with_certificate("wrong-host"), "sslmode=verify-full sslrootcert={root}"),
        (Behaviour::default().with_certificate("selfsigned-ca"), "sslmode=verify-ca sslrootcert={root}"),
    ] {
        let (outcome, seen) = cancel::<A>(behaviour, parameters, &request());
        assert!(outcome.is_err(), "{parameters}");
        assert_eq!(seen, [], "{parameters}");
    }
}

fn keys_of_every_length<A: Adapter>() {
    for length in [4, 5, 32, 256] {
        let key: Vec<u8> = (0..=u8::MAX).cycle().take(length).collect();
        let request = CancelRequest::new(u32::MAX, &key).unwrap();
        let (outcome, seen) = cancel::<A>(Behaviour::default(), "sslmode=require", &request);
        assert_eq!(outcome.unwrap().encryption, Encryption::Ssl);
        assert_eq!(seen, [(u32::MAX, key)]);
    }
}

/// With TLS an end without close_notify may be somebody else's doing.
fn a_server_that_breaks_off_has_not_taken_the_request<A: Adapter>() {
    let (outcome, _) =
        cancel::<A>(Behaviour::named("reset-after-tls").unwrap(), "sslmode=require", &request());
    assert_eq!(failure(&outcome.map(drop)), Failure::StartupBroken(ProtocolViolation::Closed));
}

fn a_server_that_answers_has_not_taken_the_request<A: Adapter>() {
    for answer in [b"E".as_slice(), b"N", WELCOME] {
        let peer = Peer::start(move |mut connection| {
            connection.send(answer);
            connection.rest();
        });
        let outcome = A::cancel(&peer.config("sslmode=disable"), &on_port(peer.port), &request());
        assert!(matches!(failure(&outcome.map(drop)), Failure::StartupBroken(_)), "{answer:?}");
    }
}

fn a_server_that_does_not_end_runs_into_the_time_limit<A: Adapter>() {
    let peer = Peer::start(|mut connection| drop(connection.rest()));
    let config = peer.config("sslmode=disable connect_timeout=1");
    let outcome = A::cancel(&config, &on_port(peer.port), &request());
    assert_eq!(failure(&outcome.map(drop)), Failure::TimedOut);
}

/// Not to the first host, not to one by chance, and no name is looked up.
fn a_request_goes_to_the_address_of_the_session<A: Adapter>() {
    let (tell, told) = mpsc::channel();
    let peer = Peer::start(move |mut connection| {
        if connection.number == 0 {
            connection.serve();
        } else {
            let mut message = [0; 16];
            connection.stream.read_exact(&mut message).unwrap();
            tell.send(message).unwrap();
        }
    });
    let config = config(&format!(
        "host=nowhere.invalid,db.test,nowhere.invalid hostaddr=127.0.0.1,127.0.0.1,127.0.0.1 port=1,{},1 \
         sslmode=disable load_balance_hosts=random",
        peer.port
    ));
    let session = connect::<A>(&config).unwrap();
    let server = session.peer().unwrap();
    assert_eq!(server.host_index, 1);
    let cancelled = A::cancel(&config, server, &request()).unwrap();
    assert_eq!(cancelled.report.connections(), 1);
    assert_eq!(told.recv_timeout(PATIENCE).unwrap(), *request().encode());
    assert_eq!(peer.connections(), 2);
}

fn an_error_names_the_address<A: Adapter>() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let config = config(&format!("host=db.test hostaddr=127.0.0.1 port={port}"));
    let error = A::cancel(&config, &on_port(port), &request()).unwrap_err().to_string();
    assert!(
        error.starts_with(&format!("connection to server at \"127.0.0.1\", port {port} failed: ")),
        "{error}"
    );
}

cases!(
    a_request_goes_the_way_of_the_mode,
    no_key_is_given_to_a_server_that_the_mode_refuses,
    keys_of_every_length,
    a_server_that_breaks_off_has_not_taken_the_request,
    a_server_that_answers_has_not_taken_the_request,
    a_server_that_does_not_end_runs_into_the_time_limit,
    a_request_goes_to_the_address_of_the_session,
    an_error_names_the_address,
);
