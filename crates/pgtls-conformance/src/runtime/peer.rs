//! A server that runs a closure, and a client that starts up.

use super::{Adapter, Wire};
use pgtls_adapter::{Config, ConnectError, Connected, LibraryInit, Startup, StartupError};
use pgtls_core::{
    environment::{Environment, Platform},
    message::SSL_REQUEST,
    negotiation::{Event, Failure},
    param::{Ability, Params, Settings},
};
use rustls::crypto::aws_lc_rs;
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

/// Time limit of either side for an answer of the other.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Authenticated, and ready for queries.
pub const WELCOME: &[u8] = b"R\0\0\0\x08\0\0\0\0Z\0\0\0\x05I";

/// An ErrorResponse with this SQLSTATE.
///
/// # Panics
/// The SQLSTATE is too long.
pub fn error_response(sqlstate: &str) -> Vec<u8> {
    let fields = format!("SFATAL\0VFATAL\0C{sqlstate}\0Mno\0\0");
    let length = u32::try_from(fields.len() + 4).unwrap();
    [b"E", &length.to_be_bytes()[..], fields.as_bytes()].concat()
}

/// A listener that plays the same script on every connection and counts them.
#[derive(Debug)]
pub struct Peer {
    /// Port on 127.0.0.1.
    pub port: u16,
    connections: Arc<AtomicUsize>,
}

impl Peer {
    /// Starts it. Each connection has a thread of its own.
    ///
    /// # Panics
    /// There is no free port.
    pub fn start(script: impl Fn(Scripted) + Send + Sync + 'static) -> Self {
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

    /// Number of connections so far.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// A configuration with this server as the only host.
    ///
    /// # Panics
    /// The parameters cannot be used.
    pub fn config(&self, more: &str) -> Config {
        config(&format!("host=db.test hostaddr=127.0.0.1 port={} {more}", self.port))
    }

    /// Connects, and tells how that ended.
    pub(super) fn outcome<A: Adapter>(&self, more: &str) -> Result<(), ConnectError> {
        connect::<A>(&self.config(more)).map(|_| ())
    }
}

/// A script without surroundings.
pub(super) type Play = fn(Scripted);

/// The server's side of a connection. A client that closes it is no error.
#[derive(Debug)]
pub struct Scripted {
    /// The socket.
    pub stream: TcpStream,
    /// Counted from 0.
    pub number: usize,
}

impl Scripted {
    /// Sends bytes.
    pub fn send(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes);
    }

    /// Sends one byte at a time.
    pub fn drip(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.send(&[*byte]);
        }
    }

    /// Reads an SSLRequest.
    ///
    /// # Panics
    /// The client sends another message.
    pub fn asked_for_ssl(&mut self) {
        let mut request = [0; 8];
        self.stream.read_exact(&mut request).unwrap();
        assert_eq!(request, SSL_REQUEST);
    }

    /// Reads a ClientHello.
    ///
    /// # Panics
    /// The client sends another message.
    pub fn client_hello(&mut self) {
        let mut head = [0; 5];
        self.stream.read_exact(&mut head).unwrap();
        assert_eq!(head[0], 22);
        let mut record = vec![0; usize::from(u16::from_be_bytes([head[3], head[4]]))];
        self.stream.read_exact(&mut record).unwrap();
    }

    /// Reads a StartupMessage of protocol 3.0.
    ///
    /// # Panics
    /// The client sends another message.
    pub fn asked_to_start(&mut self) {
        let mut length = [0; 4];
        self.stream.read_exact(&mut length).unwrap();
        let mut message = vec![0; u32::from_be_bytes(length) as usize - 4];
        self.stream.read_exact(&mut message).unwrap();
        assert_eq!(message[..4], [0, 3, 0, 0]);
    }

    /// Lets the client in, and waits until it closes the connection.
    ///
    /// # Panics
    /// The client sends no StartupMessage.
    pub fn serve(&mut self) {
        self.asked_to_start();
        self.send(WELCOME);
        self.rest();
    }

    /// Reads until the client goes away, and returns what it sent.
    pub fn rest(&mut self) -> Vec<u8> {
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
    Config::initialised(params, environment, init, || Arc::new(aws_lc_rs::default_provider())).unwrap()
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
