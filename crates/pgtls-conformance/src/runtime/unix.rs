//! Unix sockets: never encrypted, and the peer's user can be demanded.

use super::{
    Adapter, Wire, cases,
    peer::{PATIENCE, WELCOME, config, connect, failure, words},
};
use pgtls_core::negotiation::{Encryption, Failure};
use std::{
    io::{Read, Write},
    os::unix::net::UnixListener,
    thread,
};

/// Welcomes everybody without TLS.
fn serve(listener: UnixListener) {
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            stream.set_read_timeout(Some(PATIENCE)).unwrap();
            let mut startup = [0; 16];
            if stream.read_exact(&mut startup).is_ok() {
                assert_eq!(startup[4..8], [0, 3, 0, 0], "no SSLRequest on a unix socket");
                stream.write_all(WELCOME).unwrap();
                let _ = stream.read_to_end(&mut Vec::new());
            }
        }
    });
}

fn my_name() -> String {
    pgtls_os::user_name(rustix::process::geteuid().as_raw()).unwrap()
}

fn sslmode_has_no_meaning<A: Adapter>() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().to_str().unwrap();
    serve(UnixListener::bind(directory.path().join(".s.PGSQL.5432")).unwrap());
    for sslmode in ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"] {
        let config = config(&format!("host={path} sslmode={sslmode}"));
        let connected = connect::<A>(&config).unwrap();
        assert_eq!(connected.stream.encryption(), Encryption::Plain);
        assert_eq!(words(connected.report.events()), "connect authok");
    }
}

fn the_peer_is_who_it_should_be<A: Adapter>() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().to_str().unwrap();
    serve(UnixListener::bind(directory.path().join(".s.PGSQL.5432")).unwrap());
    let me = my_name();
    connect::<A>(&config(&format!("host={path} requirepeer={me}"))).unwrap();

    let outcome = connect::<A>(&config(&format!("host={path} requirepeer=nobody-at-all")));
    let outcome = outcome.map(|_| ());
    assert_eq!(failure(&outcome), Failure::PeerUser);
    let text = outcome.unwrap_err().to_string();
    assert!(text.contains("requirepeer") && text.contains(&me) && text.contains("nobody-at-all"), "{text}");
}

fn nobody_listens<A: Adapter>() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().to_str().unwrap();
    let outcome = connect::<A>(&config(&format!("host={path}"))).map(|_| ());
    assert_eq!(failure(&outcome), Failure::Connect);
    let text = outcome.unwrap_err().to_string();
    assert!(text.contains(".s.PGSQL.5432"), "{text}");
}

fn a_path_that_no_socket_can_have<A: Adapter>() {
    let outcome = connect::<A>(&config(&format!("host=/{}", "x".repeat(200)))).map(|_| ());
    let text = outcome.unwrap_err().to_string();
    assert!(text.contains("too long"), "{text}");
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn abstract_names<A: Adapter>() {
    use std::os::linux::net::SocketAddrExt;
    let name = format!("pgtls-test-{}-{}", std::process::id(), std::any::type_name::<A>());
    let address =
        std::os::unix::net::SocketAddr::from_abstract_name(format!("{name}/.s.PGSQL.5432")).unwrap();
    serve(UnixListener::bind_addr(&address).unwrap());
    connect::<A>(&config(&format!("host=@{name} sslmode=require"))).unwrap();
}

cases!(
    sslmode_has_no_meaning,
    the_peer_is_who_it_should_be,
    nobody_listens,
    a_path_that_no_socket_can_have,
    abstract_names,
);
