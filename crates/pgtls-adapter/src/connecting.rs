//! The loop of the asynchronous adapters: does what the walk asks for and tells it what happened. It decides nothing.

use crate::{
    connected::{Connected, Startup},
    deadline::Deadline,
    material::{Work, Worked},
    step::Step,
    walk::Walk,
    watch::Watch,
};
use pgtls_core::candidates::Address;
use pgtls_rustls::{ConnectError, SessionFacts, StartupError};
use rustls::{ClientConfig, ClientConnection, pki_types::ServerName};
use std::{fmt, io, net::SocketAddr, sync::Arc};

/// What an asynchronous adapter can do. Whatever is dropped before it has ended leaves nothing behind.
#[expect(async_fn_in_trait, reason = "whether a future can be sent follows from the program's own types")]
pub trait Perform {
    /// A connection, encrypted or not.
    type Stream;

    /// The addresses of a name, in the order of the operating system's resolver.
    async fn resolve(&mut self, name: &str, port: u16) -> io::Result<Vec<SocketAddr>>;

    /// Opens a connection. From now on everything that is read and written on it is under the deadline.
    async fn connect(&mut self, address: Option<&Address>, deadline: Deadline) -> io::Result<Self::Stream>;

    /// The name of the user that the peer of a unix socket runs as.
    async fn peer_user(&mut self, stream: &Self::Stream) -> io::Result<String>;

    /// Sends all of it.
    async fn send(&mut self, stream: &mut Self::Stream, bytes: &[u8]) -> io::Result<()>;

    /// Reads once.
    async fn receive(&mut self, stream: &mut Self::Stream, buffer: &mut [u8]) -> io::Result<usize>;

    /// Does this on a thread that may block.
    async fn work(&mut self, work: Work<'_>) -> io::Result<Worked>;

    /// Shakes hands.
    async fn start_tls(
        &mut self,
        stream: Self::Stream,
        config: Arc<ClientConfig>,
        server_name: ServerName<'static>,
    ) -> io::Result<Self::Stream>;

    /// The TLS connection of a stream, if it is encrypted.
    fn tls(stream: &Self::Stream) -> Option<&ClientConnection>;

    /// Keeps the facts of a TLS session with its stream.
    fn keep(stream: &mut Self::Stream, facts: SessionFacts);

    /// From now on every byte passes this watch.
    fn start_up(stream: &mut Self::Stream, watch: Watch);

    /// The watch may have ended, and the deadline with it.
    fn release(stream: &mut Self::Stream);
}

/// A connection that is being made, for drivers that own the loop because their startup exchange takes the stream away.
///
/// Whoever drops a future of it before its end drops it as well: the connection that it was about is closed.
pub struct Connecting<'c, P> {
    walk: Walk<'c>,
    perform: P,
}

impl<'c, P: Perform> Connecting<'c, P> {
    /// This walk, with what the adapter can do.
    pub fn new(walk: Walk<'c>, perform: P) -> Self {
        Self { walk, perform }
    }

    /// Negotiates up to the next stream on which a StartupMessage can be sent.
    ///
    /// # Errors
    /// All attempts, in order, with what was seen on the way.
    pub async fn advance(&mut self) -> Result<P::Stream, ConnectError> {
        let Self { walk, perform } = self;
        let mut stream = None;
        let mut reply = [0; 2];
        loop {
            match (walk.step(), &mut stream) {
                (Step::Resolve { name, port }, _) => walk.resolved(perform.resolve(&name, port).await),
                (Step::Connect, stream) => {
                    drop(stream.take());
                    let dialled = perform.connect(walk.address(), walk.deadline()).await;
                    *stream = walk.connected(dialled);
                }
                (Step::Work(work), _) => walk.worked(perform.work(work).await),
                (Step::CheckPeer, Some(stream)) => walk.peer_user(perform.peer_user(stream).await),
                (Step::Send(bytes), Some(stream)) => walk.sent(perform.send(stream, bytes).await),
                (Step::Receive { at_most }, Some(stream)) => {
                    let buffer = reply.get_mut(..at_most).unwrap_or_default();
                    let read = perform.receive(stream, buffer).await;
                    walk.received(read.map(|read| reply.get(..read).unwrap_or_default()));
                }
                (Step::StartTls { config, server_name }, stream @ Some(_)) => {
                    let Some(plain) = stream.take() else { continue };
                    match perform.start_tls(plain, config, server_name).await {
                        Ok(mut encrypted) => {
                            if let Some(facts) = P::tls(&encrypted).and_then(|tls| walk.encrypted(tls)) {
                                P::keep(&mut encrypted, facts);
                            }
                            *stream = Some(encrypted);
                        }
                        Err(error) => walk.not_encrypted(error),
                    }
                }
                (Step::StartUp(watch), stream @ Some(_)) => {
                    let Some(mut stream) = stream.take() else { continue };
                    P::start_up(&mut stream, watch);
                    return Ok(stream);
                }
                (Step::GiveUp, _) => return Err(walk.give_up()),
                // A future was dropped half-way, and its stream with it.
                (_, None) => walk.interrupted(),
            }
        }
    }

    /// What a startup exchange may want to know about where it is.
    pub fn startup(&self) -> Startup<'_> {
        self.walk.startup()
    }

    /// What the startup exchange returned; gives it back if there is a session. If there is none, go on with
    /// [`advance`](Self::advance). What the server has sent counts for more than what the exchange returned.
    pub fn conclude<S, T>(&mut self, outcome: Result<(S, T), StartupError>) -> Option<Connected<S, T>> {
        self.walk.conclude(outcome)
    }

    /// Goes on until there is a session, or nothing left to be tried.
    ///
    /// # Errors
    /// All attempts, in order, with what was seen on the way.
    pub async fn finish<T>(
        mut self,
        mut startup: impl AsyncFnMut(&mut P::Stream, Startup<'_>) -> Result<T, StartupError>,
    ) -> Result<Connected<P::Stream, T>, ConnectError> {
        loop {
            let mut stream = self.advance().await?;
            let outcome = startup(&mut stream, self.startup()).await.map(|value| (stream, value));
            if let Some(mut connected) = self.conclude(outcome) {
                P::release(&mut connected.stream);
                return Ok(connected);
            }
        }
    }
}

impl<P> fmt::Debug for Connecting<'_, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connecting").field("walk", &self.walk).finish_non_exhaustive()
    }
}
