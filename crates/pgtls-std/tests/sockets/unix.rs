//! Unix sockets: never encrypted, and the peer's user can be demanded.

use crate::peer::{PATIENCE, WELCOME, config, failure, start_up, words};
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

#[test]
fn sslmode_has_no_meaning() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().to_str().unwrap();
    serve(UnixListener::bind(directory.path().join(".s.PGSQL.5432")).unwrap());
    for sslmode in ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"] {
        let config = config(&format!("host={path} sslmode={sslmode}"));
        let connected = pgtls_std::connect(&config, start_up).unwrap();
        assert_eq!(connected.stream.encryption(), Encryption::Plain);
        assert_eq!(words(connected.report.events()), "connect authok");
    }
}

#[test]
fn the_peer_is_who_it_should_be() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().to_str().unwrap();
    serve(UnixListener::bind(directory.path().join(".s.PGSQL.5432")).unwrap());
    let me = my_name();
    pgtls_std::connect(&config(&format!("host={path} requirepeer={me}")), start_up).unwrap();

    let outcome = pgtls_std::connect(&config(&format!("host={path} requirepeer=nobody-at-all")), start_up);
    let outcome = outcome.map(|_| ());
    assert_eq!(failure(&outcome), Failure::PeerUser);
    let text = outcome.unwrap_err().to_string();
    assert!(text.contains("requirepeer") && text.contains(&me) && text.contains("nobody-at-all"), "{text}");
}

#[test]
fn nobody_listens() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().to_str().unwrap();
    let outcome = pgtls_std::connect(&config(&format!("host={path}")), start_up).map(|_| ());
    assert_eq!(failure(&outcome), Failure::Connect);
    let text = outcome.unwrap_err().to_string();
    assert!(text.contains(".s.PGSQL.5432"), "{text}");
}

#[test]
fn a_path_that_no_socket_can_have() {
    let outcome = pgtls_std::connect(&config(&format!("host=/{}", "x".repeat(200))), start_up).map(|_| ());
    let text = outcome.unwrap_err().to_string();
    assert!(text.contains("too long"), "{text}");
}

#[cfg(any(target_os = "linux", target_os = "android"))]
#[test]
fn abstract_names() {
    use std::os::linux::net::SocketAddrExt;
    let name = format!("pgtls-test-{}", std::process::id());
    let address =
        std::os::unix::net::SocketAddr::from_abstract_name(format!("{name}/.s.PGSQL.5432")).unwrap();
    serve(UnixListener::bind_addr(&address).unwrap());
    pgtls_std::connect(&config(&format!("host=@{name} sslmode=require")), start_up).unwrap();
}
