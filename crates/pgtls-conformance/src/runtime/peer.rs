//! A server that runs a closure, and a client that starts up.

use super::{Adapter, Wire};
use pgtls_adapter::{Config, ConnectError, Connected, LibraryInit, Startup, StartupError};
use pgtls_core::{
    environment::{Environment, Platform},
    message::SSL_REQUEST,
    negotiation::{Event, Failure},
    param::{Ability, Params, Settings},
};
use std::{
    io::{self, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

/// How long either side waits for the other; no working machine needs as long.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);

/// Authenticated, and ready for queries.
pub(super) const WELCOME: &[u8] = b"R\0\0\0\x08\0\0\0\0Z\0\0\0\x05I";

/// An ErrorResponse with this SQLSTATE.
pub(super) fn error_response(sqlstate: &str) -> Vec<u8> {
    let fields = format!("SFATAL\0VFATAL\0C{sqlstate}\0Mno\0\0");
    let length = u32::try_from(fields.len() + 4).unwrap();
    [b"E", &length.to_be_bytes()[..], fields.as_bytes()].concat()
}

/// A listener that plays the same script on every connection and counts them.
pub(super) struct Peer {
    pub(super) port: u16,
    connections: Arc<AtomicUsize>,
}

impl Peer {
    pub(super) fn start(script: impl Fn(Scripted) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let connections = Arc::new(AtomicUsize::new(0));
        let (script, counter) = (Arc::new(script), connections.clone());
        thread::spawn(move || {
            for stream in listener.incoming() {
                let stream = stream.unwrap();
                stream.set_nodelay(true).unwrap();
                stream.set_read_timeout(Some(PATIENCE)).unwrap();
                stream.set_write_timeout(Some(PATIENCE)).unwrap();
                let (script, number) = (script.clone(), counter.fetch_add(1, Ordering::SeqCst));
                thread::spawn(move || script(Scripted { stream, number }));
            }
        });
        Self { port, connections }
    }

    pub(super) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    pub(super) fn config(&self, more: &str) -> Config {
        config(&format!("host=db.test hostaddr=127.0.0.1 port={} {more}", self.port))
    }

    /// Connects, and tells how that ended.
    pub(super) fn outcome<A: Adapter>(&self, more: &str) -> Result<(), ConnectError> {
        connect::<A>(&self.config(more)).map(|_| ())
    }
}

/// A script without surroundings.
pub(super) type Play = fn(Scripted);

/// The server's side of a connection. It has no opinion about a client that goes away.
pub(super) struct Scripted {
    pub(super) stream: TcpStream,
    /// Counted from 0.
    pub(super) number: usize,
}

impl Scripted {
    pub(super) fn send(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes);
    }

    /// Sends one byte at a time.
    pub(super) fn drip(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.send(&[*byte]);
        }
    }

    /// Reads an SSLRequest.
    pub(super) fn asked_for_ssl(&mut self) {
        let mut request = [0; 8];
        self.stream.read_exact(&mut request).unwrap();
        assert_eq!(request, SSL_REQUEST);
    }

    /// Reads a StartupMessage.
    pub(super) fn asked_to_start(&mut self) {
        let mut length = [0; 4];
        self.stream.read_exact(&mut length).unwrap();
        let mut message = vec![0; u32::from_be_bytes(length) as usize - 4];
        self.stream.read_exact(&mut message).unwrap();
        assert_eq!(message[..4], [0, 3, 0, 0]);
    }

    /// Lets the client in, and waits until it goes away.
    pub(super) fn serve(&mut self) {
        self.asked_to_start();
        self.send(WELCOME);
        self.rest();
    }

    /// Reads until the client goes away, and returns what it sent.
    pub(super) fn rest(&mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        let _ = self.stream.read_to_end(&mut rest);
        rest
    }
}

/// A configuration from a connection string, with a `connect_timeout` unless the string has one.
///
/// # Panics
/// The connection string cannot be used.
pub fn config(conninfo: &str) -> Config {
    let conninfo = format!("connect_timeout={} {conninfo}", PATIENCE.as_secs());
    let environment = Environment::empty(Platform::Unix).with_variable("PGUSER", "u");
    let settings = Settings::parse(&conninfo).unwrap();
    let params = Params::resolve(&settings, None, &environment, Ability::default()).unwrap();
    // What this machine asks of OpenSSL does not matter here.
    let init = LibraryInit { ssl: false, crypto: true };
    Config::initialised(params, environment, init, pgtls_rustls::aws_lc_rs).unwrap()
}

/// Connects, with [`start_up`].
pub fn connect<A: Adapter>(config: &Config) -> Result<Connected<A::Stream, ()>, ConnectError> {
    A::connect(config, start_up)
}

/// Sends a StartupMessage and reads up to ReadyForQuery.
pub async fn start_up(wire: &mut impl Wire, _: Startup<'_>) -> Result<(), StartupError> {
    wire.send(b"\0\0\0\x10\0\x03\0\0user\0u\0\0").await?;
    let mut seen = Vec::new();
    let mut buffer = [0; 64];
    while !seen.ends_with(b"Z\0\0\0\x05I") {
        match wire.receive(&mut buffer).await? {
            0 => return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
            count => seen.extend_from_slice(&buffer[..count]),
        }
    }
    Ok(())
}

/// The events as text.
pub fn words(events: impl Iterator<Item = Event>) -> String {
    events.map(Event::as_str).collect::<Vec<_>>().join(" ")
}

/// The last failure of an error.
///
/// # Panics
/// There is a session, or an error outside the machine.
#[track_caller]
pub fn failure(outcome: &Result<(), ConnectError>) -> Failure {
    match outcome {
        Ok(()) => panic!("connected"),
        Err(error) => error.last().and_then(|last| last.failure).unwrap_or_else(|| panic!("{error}")),
    }
}
