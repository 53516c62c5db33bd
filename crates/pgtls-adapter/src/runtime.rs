//! The parts of an asynchronous runtime. A future that is dropped before it has ended leaves nothing behind.

use crate::{
    deadline::{Deadline, expired},
    stream::Stream,
    tls_files::{BlockingResult, BlockingTask},
};
use pgtls_core::connect::Peer;
use std::{
    fmt,
    future::poll_fn,
    io::{self, IoSlice},
    net::SocketAddr,
    pin::pin,
    task::{Context, Poll},
    time::Instant,
};

/// Threads that may block, and timers.
#[expect(async_fn_in_trait, reason = "whether a future can be sent follows from the program's own types")]
pub trait Runtime {
    /// Runs a task on a thread that may block.
    async fn run(&self, task: BlockingTask<'static>) -> io::Result<BlockingResult>;

    /// Waits until then.
    async fn sleep_until(&self, instant: Instant);

    /// The output of a future, unless the deadline passes before: then the error is [`expired`].
    async fn within<T>(
        &self,
        deadline: Deadline,
        future: impl Future<Output = io::Result<T>>,
    ) -> io::Result<T> {
        let Some(instant) = deadline.instant() else { return future.await };
        let (mut future, mut timer) = (pin!(future), pin!(self.sleep_until(instant)));
        poll_fn(|cx| match future.as_mut().poll(cx) {
            // A timer can take longer to notice that its time has passed than a connection that has just been started.
            Poll::Pending if instant <= Instant::now() => Poll::Ready(Err(expired())),
            Poll::Pending => timer.as_mut().poll(cx).map(|()| Err(expired())),
            ready @ Poll::Ready(_) => ready,
        })
        .await
    }

    /// Runs a task on a thread that may block. It is left behind when the deadline passes.
    async fn run_within(
        &self,
        deadline: Deadline,
        task: BlockingTask<'static>,
    ) -> io::Result<BlockingResult> {
        self.within(deadline, self.run(task)).await
    }
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

/// A runtime that can poll connections of this type; the TLS, the deadline and the startup monitor of its streams are those
/// of [`Stream`].
pub trait StreamRuntime<S>: Runtime + Sized {
    /// The stream with the traits of the runtime.
    type Stream: From<Stream<S, Self>> + AsMut<Stream<S, Self>>;
    /// A timer, which is ready from its point in time on.
    type Timer: Future + Unpin;

    /// A timer for a deadline; `None` if the connections observe deadlines themselves.
    fn timer(&self, instant: Instant) -> Option<Self::Timer>;

    /// Reads once. No bytes are the end of the connection.
    fn poll_read(connection: &mut S, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>>;

    /// Writes once, and returns the number of bytes.
    fn poll_write(
        connection: &mut S,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>>;

    /// Flushes a connection that has a buffer.
    fn poll_flush(connection: &mut S, cx: &mut Context<'_>) -> Poll<io::Result<()>>;

    /// Ends the writing side.
    fn poll_shutdown(connection: &mut S, cx: &mut Context<'_>) -> Poll<io::Result<()>>;

    /// The deadline is lifted.
    fn lift_deadline(_connection: &mut S) {}

    /// The stream is dropped: close_notify may wait for a moment.
    fn limit_closing(_connection: &mut S) {}
}

/// Source of the connections of a [`Connecting`](crate::Connecting): [`Hosts`] or [`Provided`].
#[expect(async_fn_in_trait, reason = "whether a future can be sent follows from the program's own types")]
pub trait ConnectionSource: sealed::Sealed {
    /// A connection.
    type Connection;

    /// The addresses of a name.
    async fn resolve(&mut self, name: &str, port: u16) -> io::Result<Vec<SocketAddr>>;

    /// Opens a connection before the deadline, which is for sources that block.
    async fn open(&mut self, peer: &Peer, deadline: Deadline) -> io::Result<Self::Connection>;

    /// The name of the user of the peer of a unix socket.
    async fn peer_user(&mut self, connection: &Self::Connection) -> io::Result<String>;
}

#[doc(hidden)]
pub mod sealed {
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

    async fn open(&mut self, peer: &Peer, _: Deadline) -> io::Result<D::Connection> {
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

    async fn open(&mut self, _: &Peer, _: Deadline) -> io::Result<S> {
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
