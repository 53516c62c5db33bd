//! How a session ends: with close_notify from our side, and told from a torn connection when the server ends it.

use super::{
    Adapter, Wire, cases,
    peer::{PATIENCE, Peer, Scripted, WELCOME, connect},
};
use crate::pki::Pki;
use pgtls_adapter::Config;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use std::{
    io::{ErrorKind, Read, Write},
    sync::{Arc, mpsc},
    thread,
    time::Duration,
};

type ServerStream = StreamOwned<ServerConnection, std::net::TcpStream>;

/// A server that welcomes one client over TLS and then does this.
fn serve<T: Send + 'static>(then: fn(ServerStream) -> T) -> (Peer, Config, mpsc::Receiver<T>) {
    let pki = Pki::open();
    let identity = pki.server("good").unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
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

fn connected<A: Adapter>(config: &Config) -> A::Stream {
    connect::<A>(config).unwrap().stream
}

fn dropping_the_stream_sends_close_notify<A: Adapter>() {
    let (_peer, config, told) = serve(next_read);
    drop(connected::<A>(&config));
    assert_eq!(told.recv_timeout(PATIENCE).unwrap(), Ok(0));
}

fn shutdown_sends_close_notify_once<A: Adapter>() {
    let (_peer, config, told) = serve(next_read);
    let mut stream = connected::<A>(&config);
    A::wait(stream.close()).unwrap();
    A::wait(stream.close()).unwrap();
    assert_eq!(told.recv_timeout(PATIENCE).unwrap(), Ok(0));
    assert!(A::wait(stream.send(b"X")).is_err(), "nothing follows close_notify");
}

fn close_notify_of_the_server_is_an_end_in_order<A: Adapter>() {
    let (_peer, config, _told) = serve(|mut stream| {
        stream.conn.send_close_notify();
        stream.flush().unwrap();
        stream
    });
    let mut stream = connected::<A>(&config);
    assert_eq!(A::wait(stream.receive(&mut [0; 16])).unwrap(), 0);
    assert_eq!(A::wait(stream.receive(&mut [0; 16])).unwrap(), 0);
}

fn a_torn_connection_is_an_error<A: Adapter>() {
    let (_peer, config, _told) = serve(drop);
    let mut stream = connected::<A>(&config);
    assert_eq!(A::wait(stream.receive(&mut [0; 16])).unwrap_err().kind(), ErrorKind::UnexpectedEof);
}

fn bytes_go_both_ways<A: Adapter>() {
    let (_peer, config, told) = serve(|mut stream| {
        let mut sent = vec![0; 100_000];
        stream.read_exact(&mut sent).unwrap();
        stream.write_all(&sent).unwrap();
        stream.read(&mut [0; 16]).map_err(|error| error.kind())
    });
    let mut stream = connected::<A>(&config);
    let sent: Vec<u8> = (0..=u8::MAX).cycle().take(100_000).collect();
    A::wait(stream.send(&sent)).unwrap();
    let mut echo = vec![0; sent.len()];
    A::wait(stream.fill(&mut echo)).unwrap();
    assert!(echo == sent);
    drop(stream);
    assert_eq!(told.recv_timeout(PATIENCE).unwrap(), Ok(0));
}

fn there_is_no_time_limit_once_connected<A: Adapter>() {
    let (peer, _, _told) = serve(|mut stream| {
        // Past the limit of the address.
        thread::sleep(Duration::from_millis(5200));
        stream.write_all(b"!").unwrap();
        stream
    });
    let mut stream = connected::<A>(&peer.config("sslmode=require connect_timeout=5"));
    assert_eq!(A::wait(stream.receive(&mut [0; 16])).unwrap(), 1);
}

cases!(
    dropping_the_stream_sends_close_notify,
    shutdown_sends_close_notify_once,
    close_notify_of_the_server_is_an_end_in_order,
    a_torn_connection_is_an_error,
    bytes_go_both_ways,
    there_is_no_time_limit_once_connected,
);
