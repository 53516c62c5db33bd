//! The parts of an asynchronous runtime. A future that is dropped before it has ended leaves nothing behind.

use crate::{
    deadline::Deadline,
    monitor::Protection,
    tls_files::{BlockingResult, BlockingTask},
};
use pgtls_core::connect::Peer;
use rustls::{ClientConfig, ClientConnection, pki_types::ServerName};
use std::{fmt, io, net::SocketAddr, sync::Arc, time::Instant};

/// Threads that may block, and timers.
#[expect(async_fn_in_trait, reason = "whether a future can be sent follows from the program's own types")]
pub trait Runtime {
    /// Runs a task on a thread that may block.
    async fn run(&self, task: BlockingTask<'static>) -> io::Result<BlockingResult>;

    /// Waits until then.
    async fn sleep_until(&self, instant: Instant);
}

/// A resolver of host names.
#[expect(async_fn_in_trait, reason = "whether a future can be sent follows from the program's own types")]
pub trait Resolver {
    /// The addresses of a name, in the order in which they are to be tried. Their ports do not matter.
    async fn resolve(&self, name: &str, port: u16) -> io::Result<Vec<SocketAddr>>;
}

/// A dialer: opens connections, over sockets or a tunnel of its own.
#[expect(async_fn_in_trait, reason = "whether a future can be sent follows from the program's own types")]
pub trait Dialer {
    /// A connection.
    type Connection;

    /// Opens a connection to the server (libpq: `PQconnectPoll`).
    async fn dial(&self, peer: &Peer) -> io::Result<Self::Connection>;

    /// The name of the user of the peer of a unix socket, for `requirepeer`.
    async fn peer_user(&self, connection: &Self::Connection) -> io::Result<String>;
}

/// A runtime that has streams over connections of this type.
#[expect(async_fn_in_trait, reason = "whether a future can be sent follows from the program's own types")]
pub trait StreamRuntime<S>: Runtime {
    /// The bytes of a session, encrypted or not.
    type Stream;

    /// A stream without encryption. Everything that is read and written is under the deadline.
    fn plain(&self, connection: S, deadline: Deadline) -> Self::Stream;

    /// Runs a TLS handshake.
    async fn start_tls(
        &self,
        stream: Self::Stream,
        config: Arc<ClientConfig>,
        server_name: ServerName<'static>,
    ) -> io::Result<Self::Stream>;

    /// The connection below.
    fn connection<'s>(&self, stream: &'s Self::Stream) -> &'s S
    where
        S: 's;

    /// The TLS connection, if the stream is encrypted.
    fn tls<'s>(&self, stream: &'s Self::Stream) -> Option<&'s ClientConnection>;

    /// Facts of TLS and the startup monitor.
    fn protection<'s>(&self, stream: &'s mut Self::Stream) -> &'s mut Protection;

    /// Lifts the deadline if it has been met.
    fn end_startup(&self, stream: &mut Self::Stream);

    /// Sends all of it.
    async fn send(&self, stream: &mut Self::Stream, bytes: &[u8]) -> io::Result<()>;

    /// Reads once.
    async fn receive(&self, stream: &mut Self::Stream, buffer: &mut [u8]) -> io::Result<usize>;
}

/// Source of the connections of a [`Connecting`](crate::Connecting): [`Hosts`] or [`Provided`].
#[expect(async_fn_in_trait, reason = "whether a future can be sent follows from the program's own types")]
pub trait ConnectionSource: sealed::Sealed {
    /// A connection.
    type Connection;

    /// The addresses of a name.
    async fn resolve(&mut self, name: &str, port: u16) -> io::Result<Vec<SocketAddr>>;

    /// Opens a connection.
    async fn open(&mut self, peer: &Peer) -> io::Result<Self::Connection>;

    /// The name of the user of the peer of a unix socket.
    async fn peer_user(&mut self, connection: &Self::Connection) -> io::Result<String>;
}

mod sealed {
    /// Keeps [`ConnectionSource`](super::ConnectionSource) ours, so that it can grow.
    pub trait Sealed {}
    impl<D> Sealed for super::Hosts<D> {}
    impl<S, F> Sealed for super::Provided<S, F> {}
}

/// Connections to the hosts of the parameters, opened by a dialer.
#[derive(Clone, Copy, Debug)]
pub struct Hosts<D>(pub D);

impl<D: Dialer + Resolver> ConnectionSource for Hosts<D> {
    type Connection = D::Connection;

    async fn resolve(&mut self, name: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        self.0.resolve(name, port).await
    }

    async fn open(&mut self, peer: &Peer) -> io::Result<D::Connection> {
        self.0.dial(peer).await
    }

    async fn peer_user(&mut self, connection: &D::Connection) -> io::Result<String> {
        self.0.peer_user(connection).await
    }
}

/// Connections that the program opens itself; the first one is open.
pub struct Provided<S, F> {
    first: Option<S>,
    redial: F,
}

impl<S, F> Provided<S, F> {
    /// This connection, and later those that `redial` opens.
    pub fn new(first: S, redial: F) -> Self {
        Self { first: Some(first), redial }
    }
}

impl<S, F: FnMut() -> io::Result<S>> Provided<S, F> {
    /// The next connection, for an adapter that blocks.
    ///
    /// # Errors
    /// Those of `redial`.
    pub fn open(&mut self) -> io::Result<S> {
        self.first.take().map_or_else(&mut self.redial, Ok)
    }
}

impl<S, F: AsyncFnMut() -> io::Result<S>> ConnectionSource for Provided<S, F> {
    type Connection = S;

    async fn resolve(&mut self, _: &str, _: u16) -> io::Result<Vec<SocketAddr>> {
        Err(io::ErrorKind::Unsupported.into())
    }

    async fn open(&mut self, _: &Peer) -> io::Result<S> {
        match self.first.take() {
            Some(first) => Ok(first),
            None => (self.redial)().await,
        }
    }

    async fn peer_user(&mut self, _: &S) -> io::Result<String> {
        let unknown = "requirepeer needs the user of the peer: set Endpoint::peer_user";
        Err(io::Error::new(io::ErrorKind::Unsupported, unknown))
    }
}

impl<S, F> fmt::Debug for Provided<S, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Provided").field("is_first", &self.first.is_some()).finish_non_exhaustive()
    }
}
