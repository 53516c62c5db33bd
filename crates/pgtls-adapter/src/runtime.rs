//! What an asynchronous adapter can do. Whatever is dropped before it has ended leaves nothing behind.

use crate::{
    deadline::Deadline,
    guard::Guard,
    material::{Work, Worked},
};
use pgtls_core::{candidates::Address, param::Params};
use rustls::{ClientConfig, ClientConnection, pki_types::ServerName};
use std::{io, net::SocketAddr, sync::Arc, time::Instant};

/// What a runtime has to offer.
#[expect(async_fn_in_trait, reason = "whether a future can be sent follows from the program's own types")]
pub trait Runtime {
    /// The addresses of a name, in the order of the operating system's resolver.
    async fn resolve(name: &str, port: u16) -> io::Result<Vec<SocketAddr>>;

    /// Does this on a thread that may block.
    async fn work(work: Work<'static>) -> io::Result<Worked>;

    /// Waits until then.
    async fn until(instant: Instant);
}

/// A runtime with sockets.
#[expect(async_fn_in_trait, reason = "whether a future can be sent follows from the program's own types")]
pub trait Dialling: Runtime {
    /// A socket.
    type Socket;

    /// Opens one (libpq: `PQconnectPoll`).
    async fn dial(address: &Address, params: &Params) -> io::Result<Self::Socket>;

    /// The name of the user that the peer of a unix socket runs as.
    async fn peer_user(socket: &Self::Socket) -> io::Result<String>;
}

/// A runtime that can carry a session over connections of this type.
#[expect(async_fn_in_trait, reason = "whether a future can be sent follows from the program's own types")]
pub trait Carry<S>: Runtime {
    /// The session's bytes, encrypted or not.
    type Stream;

    /// Without encryption. Everything that is read and written is under the deadline.
    fn plain(connection: S, deadline: Deadline) -> Self::Stream;

    /// Encrypts it.
    async fn start_tls(
        stream: Self::Stream,
        config: Arc<ClientConfig>,
        server_name: ServerName<'static>,
    ) -> io::Result<Self::Stream>;

    /// The connection below.
    fn connection(stream: &Self::Stream) -> &S;

    /// The TLS connection, if it is encrypted.
    fn tls(stream: &Self::Stream) -> Option<&ClientConnection>;

    /// What the stream carries with it.
    fn guard(stream: &mut Self::Stream) -> &mut Guard;

    /// Lifts the deadline if it has been met.
    fn relax(stream: &mut Self::Stream);

    /// Sends all of it.
    async fn send(stream: &mut Self::Stream, bytes: &[u8]) -> io::Result<()>;

    /// Reads once.
    async fn receive(stream: &mut Self::Stream, buffer: &mut [u8]) -> io::Result<usize>;
}
