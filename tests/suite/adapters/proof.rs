//! A session needs proof: careless runtimes get none.

use pgtls_adapter::{Cause, Config, ConnectError, Driver, Endpoint, Purpose};
use pgtls_conformance::{
    pki::Pki,
    runtime::config,
    server::{Behaviour, Script, Server},
};
use pgtls_core::{
    connect::{Action, Address},
    negotiation::MissingProof,
};
use rustls::ClientConnection;
use std::{
    io::{Read, Write},
    net::TcpStream,
    sync::{Arc, LazyLock},
    time::Duration,
};

static PKI: LazyLock<Arc<Pki>> = LazyLock::new(|| Arc::new(Pki::open()));

/// Time for a reply; no working machine needs as long.
const PATIENCE: Duration = Duration::from_secs(60);

#[track_caller]
fn missing(error: &ConnectError) -> MissingProof {
    let cause = error.last().and_then(|last| last.cause.as_ref());
    let Some(Cause::Misuse(misuse)) = cause else { panic!("{error}") };
    misuse.missing_proof().unwrap()
}

/// What a careless runtime does at `StartTls` and `Startup`.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Careless {
    /// Reports the session without a byte.
    Claims,
    /// Reports the session without having taken the monitor.
    WithoutMonitor,
    /// Takes the monitor and talks to the server past it.
    PastMonitor,
    /// Reports a handshake that has not begun.
    WithoutHandshake,
}

/// Drives a connection as a blocking and careless runtime. Its end is a session, or the error.
fn driven(mut driver: Driver<'_>, careless: Careless) -> Result<(), ConnectError> {
    let mut socket: Option<TcpStream> = None;
    let mut tls = None;
    for _ in 0..40 {
        if let Some(task) = driver.task() {
            driver.completed(Ok(task.run()));
            continue;
        }
        match driver.poll() {
            Action::Open => {
                let Some(Address::Tcp(address)) = driver.peer().unwrap().address else { panic!() };
                socket = driver.opened(TcpStream::connect(address));
                socket.as_ref().unwrap().set_read_timeout(Some(PATIENCE)).unwrap();
            }
            Action::Send(bytes) => driver.sent(socket.as_ref().unwrap().write_all(bytes)),
            Action::Receive { at_most } => {
                let mut buffer = vec![0; at_most];
                let read = socket.as_ref().unwrap().read(&mut buffer);
                driver.received(read.map(|read| &buffer[..read]));
            }
            Action::StartTls { .. } => {
                let (config, server_name) = driver.start_tls().unwrap();
                let mut engine = ClientConnection::new(config, server_name).unwrap();
                while careless != Careless::WithoutHandshake && engine.is_handshaking() {
                    engine.complete_io(socket.as_mut().unwrap()).unwrap();
                }
                let facts = driver.tls_established(&engine);
                assert_eq!(facts.is_some(), careless != Careless::WithoutHandshake);
                tls = Some(engine);
            }
            Action::Startup => {
                let monitor = (careless != Careless::WithoutMonitor).then(|| driver.monitor().unwrap());
                if careless == Careless::PastMonitor {
                    let (socket, engine) = (socket.as_mut().unwrap(), tls.as_mut().unwrap());
                    let mut stream = rustls::Stream::new(engine, socket);
                    stream.write_all(b"\0\0\0\x10\0\x03\0\0user\0u\0\0").unwrap();
                    assert_ne!(stream.read(&mut [0; 4096]).unwrap(), 0);
                }
                if driver.finish_startup(Ok(((), ()))).is_some() {
                    return Ok(());
                }
                drop(monitor);
            }
            Action::Failed => return Err(driver.error()),
            other => panic!("{other:?}"),
        }
    }
    panic!("the connection does not end");
}

fn honest() -> Server {
    Server::builder(Script::always(Behaviour::default()), PKI.clone()).start().unwrap()
}

fn demanding(server: &Server) -> Config {
    let demands = "require_auth=scram-sha-256 channel_binding=require sslcertmode=require";
    config(&format!("host=db.test {} sslmode=require {demands}", server.listen().conninfo()))
}

#[test]
fn careless_runtimes_have_no_session() {
    let server = honest();
    let config = demanding(&server);
    for careless in [Careless::Claims, Careless::PastMonitor] {
        let error = driven(Driver::new(&config), careless).unwrap_err();
        assert_eq!(missing(&error), MissingProof::StartupMessage, "{careless:?}");
    }
    let error = driven(Driver::new(&config), Careless::WithoutMonitor).unwrap_err();
    assert!(error.to_string().contains("a startup exchange that it does not run"), "{error}");
    let error = driven(Driver::new(&config), Careless::WithoutHandshake).unwrap_err();
    assert!(error.to_string().contains("a TLS handshake that is not complete"), "{error}");
}

#[test]
fn connections_of_other_purposes_are_no_sessions() {
    let server = honest();
    let config = config(&format!("host=db.test {} sslmode=require", server.listen().conninfo()));
    let session = pgtls_std::connect(&config, |stream, _| {
        stream.write_all(b"\0\0\0\x10\0\x03\0\0user\0u\0\0")?;
        let mut all = Vec::new();
        while !all.ends_with(b"Z\0\0\0\x05I") {
            let mut byte = [0; 1];
            stream.read_exact(&mut byte)?;
            all.extend(byte);
        }
        Ok(())
    });
    let session = session.unwrap().peer().unwrap().clone();
    let error = driven(Driver::cancel(&config, &session), Careless::Claims).unwrap_err();
    assert!(error.to_string().contains("a startup exchange that it does not run"), "{error}");

    for purpose in [Purpose::Tls, Purpose::Cancel] {
        let mut driver = Driver::to(&config, Endpoint::tcp(Some("db.test")), purpose);
        assert!(driver.finish_startup(Ok(((), ()))).is_none());
        assert_eq!(driver.poll(), Action::Failed);
    }
    let mut driver = Driver::new(&config);
    assert!(driver.finish_cancel(Ok(())).is_none());
    assert_eq!(driver.poll(), Action::Failed);
}
