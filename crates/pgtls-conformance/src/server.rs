//! The scripted PostgreSQL server: real enough for any client to log in, and as hostile as its [`Script`] says.
//!
//! It listens on loopback addresses and unix sockets only, serves each connection on a thread of its own, and writes down
//! what it saw in a [`Log`]. It stops by itself when it is dropped.
//!
//! ```
//! use pgtls_conformance::{server::{Behaviour, Script, Server}, pki::Pki};
//! use std::{io::{Read, Write}, net::TcpStream, sync::Arc, time::Duration};
//!
//! let pki = Arc::new(Pki::open());
//! let script = Script::always(Behaviour::named("plain-only")?);
//! let server = Server::builder(script, pki).start()?;
//!
//! let mut client = TcpStream::connect(("127.0.0.1", server.port()))?;
//! client.write_all(&[0, 0, 0, 8, 4, 0xD2, 0x16, 0x2F])?; // SSLRequest
//! let mut answer = [0];
//! client.read_exact(&mut answer)?;
//! assert_eq!(&answer, b"N");
//! drop(client);
//!
//! server.log().settle(Duration::from_secs(5));
//! assert_eq!(server.log().words(), ["connect", "sslreject"]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod answer;
mod backend;
mod behaviour;
mod chunks;
mod client_certificate;
mod client_hello_rewrite;
mod connection;
mod hello;
mod listen;
mod login;
mod markers;
mod odd_key;
mod record;
mod scram;
mod script;
mod tls;
mod wire;

pub use behaviour::{Behaviour, TlsBehaviour, TlsVersion};
pub use chunks::Chunks;
pub use listen::{Listen, ListenError};
pub use record::{CancelRecord, Channel, ClearMessage, ConnectionRecord, Event, HelloRecord, Log};
pub use script::{Script, ScriptError};

use crate::pki::{Pki, PkiError};
use connection::Connection;
use core::fmt;
use listen::Listener;
use markers::Markers;
use std::{
    io,
    net::Shutdown,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};
use tls::{PrepareError, Prepared};
use wire::{Patience, Socket, Wire};

/// Connections that are served at the same time; others are closed at once.
const MAX_CONNECTIONS: usize = 64;
/// How long the server waits for a client's next bytes, unless the builder says otherwise.
const PATIENCE: Duration = Duration::from_secs(10);
/// No connection lives longer than this many times the patience.
const LIFE: u32 = 6;

/// A running server.
#[derive(Debug)]
pub struct Server {
    listen: Listen,
    log: Log,
    shared: Arc<Shared>,
    acceptor: Option<JoinHandle<Vec<JoinHandle<()>>>>,
}

/// Settings of a server that is to be started.
#[derive(Debug)]
pub struct Builder {
    script: Script,
    pki: Arc<Pki>,
    listen: Listen,
    log: Log,
    index: usize,
    patience: Duration,
}

impl Server {
    /// A server with this script and the certificates of this PKI; on any port of 127.0.0.1 unless said otherwise.
    pub fn builder(script: Script, pki: Arc<Pki>) -> Builder {
        Builder { script, pki, listen: Listen::default(), log: Log::new(), index: 0, patience: PATIENCE }
    }

    /// Where it listens; of a port that was to be chosen, the one that was.
    pub fn listen(&self) -> &Listen {
        &self.listen
    }

    /// The port, as libpq's parameter `port` has it.
    pub fn port(&self) -> u16 {
        self.listen.port()
    }

    /// What it saw.
    pub fn log(&self) -> &Log {
        &self.log
    }

    /// Waits until every connection that was opened before this call is in the log. Says whether that is so.
    pub fn catch_up(&self) -> bool {
        // Connections are taken in the order in which they came, so one of our own that has been taken is the proof.
        let Ok((socket, from)) = self.listen.marker() else { return false };
        self.shared.markers.expect(from.clone());
        self.listen.send(&socket).is_ok() && self.shared.markers.wait(&from, self.shared.patience)
    }
}

impl Builder {
    /// Listens here.
    #[must_use]
    pub fn listen(self, listen: Listen) -> Self {
        Self { listen, ..self }
    }

    /// Writes to this log, under this index, together with other servers.
    #[must_use]
    pub fn log(self, log: Log, index: usize) -> Self {
        Self { log, index, ..self }
    }

    /// Waits this long for a client's next bytes; also how long "for ever" is where a script hangs.
    #[must_use]
    pub fn patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// Starts to listen.
    pub fn start(self) -> Result<Server, ServerError> {
        let prepared = self
            .script
            .behaviours()
            .map(|behaviour| Prepared::new(&behaviour.tls, &self.pki))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| match error {
                PrepareError::Pki(error) => ServerError::Pki(error),
                PrepareError::Tls(error) => ServerError::Tls(error.to_string()),
            })?;
        let (listener, listen) = Listener::bind(&self.listen)?;
        let shared = Arc::new(Shared {
            listener,
            script: self.script,
            prepared,
            log: self.log.clone(),
            index: self.index,
            patience: self.patience,
            stopping: AtomicBool::new(false),
            markers: Markers::default(),
            open: Mutex::default(),
        });
        let acceptor = {
            let shared = Arc::clone(&shared);
            thread::Builder::new().name(format!("server {}", self.index)).spawn(move || accept(&shared))
        };
        let acceptor = acceptor.map_err(|error| ServerError::Listen { listen: listen.clone(), error })?;
        Ok(Server { listen, log: self.log, shared, acceptor: Some(acceptor) })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.stopping.store(true, Ordering::SeqCst);
        let woken = self.shared.listener.wake(&self.listen);
        if let (true, Some(acceptor)) = (woken, self.acceptor.take()) {
            // A thread that panicked has nothing left to be waited for.
            let workers = acceptor.join().unwrap_or_default();
            for (_, socket) in self.shared.open().drain(..) {
                // It may be closed already.
                let _ = socket.shutdown(Shutdown::Both);
            }
            for worker in workers {
                drop(worker.join());
            }
        }
        self.listen.clean_up();
    }
}

/// Why a server did not start.
#[derive(Debug)]
#[non_exhaustive]
pub enum ServerError {
    /// The script wants a certificate that the PKI does not have or cannot make.
    Pki(PkiError),
    /// rustls does not take a certificate's key, or the like.
    Tls(String),
    /// An address that is not of this machine alone.
    NotLoopback(Listen),
    /// The address cannot be listened on.
    Listen {
        /// The address.
        listen: Listen,
        /// The system's reason.
        error: io::Error,
    },
}

impl fmt::Display for ServerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pki(error) => error.fmt(f),
            Self::Tls(reason) => write!(f, "could not prepare TLS: {reason}"),
            Self::NotLoopback(listen) => {
                write!(
                    f,
                    "will not listen on {listen}: only loopback addresses and unix sockets are for test servers"
                )
            }
            Self::Listen { listen, error } => write!(f, "could not listen on {listen}: {error}"),
        }
    }
}

impl core::error::Error for ServerError {}

#[derive(Debug)]
struct Shared {
    listener: Listener,
    script: Script,
    /// One for each of the script's behaviours.
    prepared: Vec<Prepared>,
    log: Log,
    index: usize,
    patience: Duration,
    stopping: AtomicBool,
    markers: Markers,
    /// A second handle of every open connection, by its number.
    open: Mutex<Vec<(usize, Socket)>>,
}

impl Shared {
    fn open(&self) -> std::sync::MutexGuard<'_, Vec<(usize, Socket)>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes connections until the server is dropped; the threads that may still be at work are handed back.
fn accept(shared: &Arc<Shared>) -> Vec<JoinHandle<()>> {
    let mut workers: Vec<JoinHandle<()>> = Vec::new();
    let mut number = 0;
    while let Ok((socket, peer)) = shared.listener.accept() {
        if shared.stopping.load(Ordering::SeqCst) {
            break;
        }
        if shared.markers.came(&peer) {
            continue;
        }
        workers.retain(|worker| !worker.is_finished());
        if workers.len() >= MAX_CONNECTIONS {
            continue;
        }
        let Ok(other) = socket.prepare(shared.patience).and_then(|()| socket.try_clone()) else { continue };
        shared.open().push((number, other));
        let worker = {
            let shared = Arc::clone(shared);
            // The record is opened here, so that connections are numbered in the order in which they came.
            let recorder = shared.log.open(shared.index);
            thread::Builder::new().name(format!("connection {number}")).spawn(move || {
                serve(&shared, socket, number, recorder);
                shared.open().retain(|(open, _)| *open != number);
            })
        };
        workers.extend(worker);
        number = number.saturating_add(1);
    }
    workers
}

fn serve(shared: &Shared, socket: Socket, number: usize, recorder: record::Recorder) {
    let life = shared.patience.saturating_mul(LIFE);
    let now = Instant::now();
    let patience = Patience { each: shared.patience, end: now.checked_add(life).unwrap_or(now) };
    let behaviour = shared.script.behaviour(number);
    let last = shared.prepared.len().saturating_sub(1);
    if let Some(prepared) = shared.prepared.get(number.min(last)) {
        let wire = Wire::new(socket, patience, behaviour.chunks.clone());
        Connection { wire, behaviour, prepared, recorder }.serve();
    }
}
