//! A server that lets everybody in, for clients that want to know what connecting costs.

use crate::exchange::{READY, Then};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use std::{
    io::{self, Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    sync::Arc,
    thread,
};

/// Length of what is sent at once: the plaintext of one TLS record.
pub const RECORD: usize = 1 << 14;

/// The first byte of a TLS handshake record, where direct negotiation begins.
const HANDSHAKE: u8 = 22;

/// Starts a server on a port of its own. It ends with the process.
pub fn start(config: Arc<ServerConfig>) -> io::Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let address = listener.local_addr()?;
    thread::spawn(move || {
        for connection in listener.incoming().flatten() {
            let config = config.clone();
            // A client that goes is no fault.
            thread::spawn(move || serve(connection, config).ok());
        }
    });
    Ok(address)
}

fn serve(mut connection: TcpStream, config: Arc<ServerConfig>) -> io::Result<()> {
    connection.set_nodelay(true)?;
    let mut first = [0];
    connection.peek(&mut first)?;
    if first != [HANDSHAKE] {
        connection.read_exact(&mut [0; 8])?;
        connection.write_all(b"S")?;
    }
    let engine = ServerConnection::new(config).map_err(io::Error::other)?;
    let mut stream = StreamOwned::new(engine, connection);

    let mut length = [0; 4];
    stream.read_exact(&mut length)?;
    let length = u32::from_be_bytes(length).saturating_sub(4);
    let mut startup = Vec::new();
    Read::by_ref(&mut stream).take(length.into()).read_to_end(&mut startup)?;
    stream.write_all(READY)?;
    stream.flush()?;
    match Then::asked_for(&startup) {
        Then::Idle | Then::Sink => while stream.read(&mut [0; RECORD])? > 0 {},
        Then::Source => loop {
            stream.write_all(&[0; RECORD])?;
        },
    }
    Ok(())
}
