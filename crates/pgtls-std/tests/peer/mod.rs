//! A scripted server.

use pgtls_core::{
    environment::{Environment, Platform},
    param::{Ability, Params, Settings},
};
use pgtls_std::{Config, Startup, StartupError, Stream};
use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    thread,
};

pub(crate) const SSL_REQUEST: [u8; 8] = pgtls_core::message::SSL_REQUEST;

/// A listener that plays the same script on every connection.
pub(crate) struct Peer {
    pub(crate) port: u16,
}

pub(crate) struct Connection(pub(crate) TcpStream);

impl Peer {
    pub(crate) fn start(script: impl Fn(Connection) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let script = std::sync::Arc::new(script);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let script = script.clone();
                thread::spawn(move || script(Connection(stream.unwrap())));
            }
        });
        Self { port }
    }
}

impl Connection {
    pub(crate) fn expect(&mut self, bytes: &[u8]) {
        let mut read = vec![0; bytes.len()];
        self.0.read_exact(&mut read).unwrap();
        assert_eq!(read, bytes);
    }
    pub(crate) fn send(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).unwrap();
    }
    /// Reads a StartupMessage and welcomes the client.
    pub(crate) fn start_up(&mut self) {
        let mut length = [0; 4];
        self.0.read_exact(&mut length).unwrap();
        let mut message = vec![0; u32::from_be_bytes(length) as usize - 4];
        self.0.read_exact(&mut message).unwrap();
        self.send(b"R\0\0\0\x08\0\0\0\0Z\0\0\0\x05I");
    }
}

pub(crate) fn config(conninfo: &str) -> Config {
    let environment = Environment::empty(Platform::Unix);
    let settings = Settings::parse(conninfo).unwrap();
    let params = Params::resolve(&settings, None, &environment, Ability::default()).unwrap();
    Config::new(params, environment, pgtls_rustls::aws_lc_rs())
}

/// Sends a StartupMessage and reads up to ReadyForQuery.
pub(crate) fn startup(stream: &mut Stream, _: Startup<'_>) -> Result<(), StartupError> {
    stream.write_all(b"\0\0\0\x10\0\x03\0\0user\0u\0\0")?;
    stream.flush()?;
    let mut seen = Vec::new();
    while !seen.ends_with(b"Z\0\0\0\x05I") {
        let mut buffer = [0; 64];
        let count = stream.read(&mut buffer)?;
        if count == 0 {
            return Err(std::io::Error::from(std::io::ErrorKind::UnexpectedEof).into());
        }
        seen.extend_from_slice(&buffer[..count]);
    }
    Ok(())
}
