//! How a session ends: with close_notify from our side, and told from a torn connection when the server ends it.

use crate::peer::{Peer, Scripted, WELCOME, start_up};
use pgtls_conformance::zoo::Zoo;
use pgtls_std::{Config, Stream};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use std::{
    io::{ErrorKind, Read, Write},
    sync::{Arc, mpsc},
};

type ServerStream = StreamOwned<ServerConnection, std::net::TcpStream>;

/// A server that welcomes one client over TLS and then does this.
fn serve<T: Send + 'static>(then: fn(ServerStream) -> T) -> (Peer, Config, mpsc::Receiver<T>) {
    let zoo = Zoo::open();
    let identity = zoo.server("good").unwrap();
    let config = ServerConfig::builder_with_provider(pgtls_rustls::aws_lc_rs())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(identity.chain().to_vec(), identity.key().pkcs8())
        .unwrap();
    let config = Arc::new(config);
    let (tell, told) = mpsc::channel();
    let peer = Peer::start(move |mut connection: Scripted| {
        connection.asked_for_ssl();
        connection.send(b"S");
        let tls = ServerConnection::new(config.clone()).unwrap();
        let mut stream = StreamOwned::new(tls, connection.stream);
        stream.read_exact(&mut [0; 16]).unwrap();
        stream.write_all(WELCOME).unwrap();
        let _ = tell.send(then(stream));
    });
    let config = peer.config("sslmode=require");
    (peer, config, told)
}

/// What the server reads next.
fn next_read(mut stream: ServerStream) -> Result<usize, ErrorKind> {
    stream.read(&mut [0; 16]).map_err(|error| error.kind())
}

fn connected(config: &Config) -> Stream {
    pgtls_std::connect(config, start_up).unwrap().stream
}

#[test]
fn dropping_the_stream_says_goodbye() {
    let (_peer, config, told) = serve(next_read);
    drop(connected(&config));
    assert_eq!(told.recv().unwrap(), Ok(0));
}

#[test]
fn shutdown_says_goodbye_once() {
    let (_peer, config, told) = serve(next_read);
    let mut stream = connected(&config);
    stream.shutdown().unwrap();
    stream.shutdown().unwrap();
    assert_eq!(told.recv().unwrap(), Ok(0));
    assert!(stream.write_all(b"X").is_err(), "nothing follows close_notify");
}

#[test]
fn the_servers_goodbye_is_an_end_in_order() {
    let (_peer, config, _told) = serve(|mut stream| {
        stream.conn.send_close_notify();
        stream.flush().unwrap();
        stream
    });
    let mut stream = connected(&config);
    assert_eq!(stream.read(&mut [0; 16]).unwrap(), 0);
    assert_eq!(stream.read(&mut [0; 16]).unwrap(), 0);
}

#[test]
fn a_torn_connection_is_an_error() {
    let (_peer, config, _told) = serve(drop);
    let mut stream = connected(&config);
    assert_eq!(stream.read(&mut [0; 16]).unwrap_err().kind(), ErrorKind::UnexpectedEof);
}

#[test]
fn bytes_go_both_ways() {
    let (_peer, config, told) = serve(|mut stream| {
        let mut sent = vec![0; 100_000];
        stream.read_exact(&mut sent).unwrap();
        stream.write_all(&sent).unwrap();
        stream.read(&mut [0; 16]).map_err(|error| error.kind())
    });
    let mut stream = connected(&config);
    let sent: Vec<u8> = (0..=u8::MAX).cycle().take(100_000).collect();
    stream.write_all(&sent).unwrap();
    stream.flush().unwrap();
    let mut echo = vec![0; sent.len()];
    stream.read_exact(&mut echo).unwrap();
    assert!(echo == sent);
    drop(stream);
    assert_eq!(told.recv().unwrap(), Ok(0));
}

#[test]
fn there_is_no_time_limit_once_connected() {
    let (peer, _, _told) = serve(next_read);
    let stream = connected(&peer.config("sslmode=require connect_timeout=600"));
    let pgtls_std::Socket::Tcp(socket) = stream.connection() else { panic!("TCP was asked for") };
    assert_eq!(socket.read_timeout().unwrap(), None);
    assert_eq!(socket.write_timeout().unwrap(), None);
}
