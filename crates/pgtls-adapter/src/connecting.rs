//! The loop of the asynchronous adapters: does what the walk asks for and tells it what happened. It decides nothing.

use crate::{
    cancelled::{Cancelled, cancel_message},
    config::Config,
    connected::{Connected, Startup},
    deadline::{Deadline, expired},
    route::Endpoint,
    runtime::{Carry, Dialling, Runtime},
    source::{Hosts, Opened, Source},
    step::Step,
    walk::Walk,
};
use pgtls_core::{candidates::Candidate, message::CancelRequest, negotiation::Encryption};
use pgtls_rustls::{ConnectError, StartupError};
use std::{fmt, future::poll_fn, io, marker::PhantomData, pin::pin, task::Poll};

/// The stream of a [`Connecting`].
type StreamOf<R, D> = <R as Carry<<D as Source<R>>::Connection>>::Stream;

/// A connection that is being made, for drivers that own the loop because their startup exchange takes the stream away.
///
/// Whoever drops a future of it before its end drops it as well: the connection that it was about is closed.
pub struct Connecting<'c, R, D> {
    walk: Walk<'c>,
    source: D,
    runtime: PhantomData<fn() -> R>,
}

impl<'c, R: Dialling> Connecting<'c, R, Hosts> {
    /// To the hosts of the parameters.
    pub fn new(config: &'c Config) -> Self {
        Self { walk: Walk::new(config), source: Hosts, runtime: PhantomData }
    }

    /// To the address of a session, to cancel what it is doing, for drivers that write the CancelRequest themselves; see
    /// [`Walk::cancel`].
    pub fn cancelling(config: &'c Config, session: &Candidate) -> Self {
        Self { walk: Walk::cancel(config, session), source: Hosts, runtime: PhantomData }
    }
}

impl<R: Dialling + Carry<R::Socket>> Connecting<'_, R, Hosts> {
    /// Asks the server to cancel what a session is doing; see [`Walk::cancel`].
    ///
    /// # Errors
    /// All attempts, in order. A server that says anything, or breaks off instead of closing the connection in order, has
    /// not taken the request.
    pub async fn cancel(
        config: &Config,
        session: &Candidate,
        request: &CancelRequest,
    ) -> Result<Cancelled, ConnectError> {
        let message = cancel_message(request);
        let mut connecting = Connecting::<R, _>::cancelling(config, session);
        loop {
            let mut stream = connecting.advance().await?;
            let sent = request_cancel::<R, _>(&mut stream, &message).await;
            let encryption = R::guard(&mut stream).encryption();
            if let Some(cancelled) = connecting.cancelled(sent.map(|()| encryption).map_err(Into::into)) {
                return Ok(cancelled);
            }
        }
    }
}

async fn request_cancel<R: Carry<S>, S>(stream: &mut R::Stream, message: &[u8]) -> io::Result<()> {
    R::send(stream, message).await?;
    // The watch lets nothing through but the end.
    while R::receive(stream, &mut [0; 1]).await? > 0 {}
    Ok(())
}

impl<R, D> Connecting<'_, R, D> {
    /// The result of a connection that was made to cancel what a session is doing: its protection, once the server has
    /// closed it. If the request was not taken, go on with [`advance`](Self::advance).
    pub fn cancelled(&mut self, outcome: Result<Encryption, StartupError>) -> Option<Cancelled> {
        self.walk.cancelled(outcome)
    }
}

impl<'c, R, S, F: AsyncFnMut() -> io::Result<S>> Connecting<'c, R, Opened<S, F>> {
    /// On connections that the program opens itself.
    pub fn opened(config: &'c Config, endpoint: Endpoint, source: Opened<S, F>) -> Self {
        Self { walk: Walk::opened(config, endpoint), source, runtime: PhantomData }
    }

    /// On connections that the program opens itself, for the connector of a driver that starts the session by itself:
    /// negotiates up to the stream on which that driver sends its StartupMessage. The stream enforces `require_auth`,
    /// `channel_binding` and `sslcertmode` until the server is ready for queries; it is no proof of a session.
    ///
    /// # Errors
    /// All attempts, in order, with what was seen on the way.
    pub async fn channel(
        config: &'c Config,
        endpoint: Endpoint,
        source: Opened<S, F>,
    ) -> Result<R::Stream, ConnectError>
    where
        R: Carry<S>,
    {
        let walk = Walk::channel(config, endpoint);
        let mut connecting = Connecting::<R, _> { walk, source, runtime: PhantomData };
        loop {
            let mut stream = connecting.advance().await?;
            if connecting.walk.hand_over() {
                R::relax(&mut stream);
                return Ok(stream);
            }
        }
    }
}

impl<R: Carry<D::Connection>, D: Source<R>> Connecting<'_, R, D> {
    /// Negotiates up to the next stream on which a StartupMessage can be sent.
    ///
    /// # Errors
    /// All attempts, in order, with what was seen on the way.
    pub async fn advance(&mut self) -> Result<StreamOf<R, D>, ConnectError> {
        let Self { walk, source, .. } = self;
        let mut stream = None;
        let mut reply = [0; 2];
        loop {
            match (walk.step(), &mut stream) {
                (Step::Resolve { name, port }, _) => walk.resolved(R::resolve(&name, port).await),
                (Step::Connect, stream) => {
                    drop(stream.take());
                    let deadline = walk.deadline();
                    let opened = within::<R, _>(deadline, source.open(walk.address(), walk.params())).await;
                    *stream = walk.connected(opened).map(|opened| R::plain(opened, deadline));
                }
                (Step::Work(work), _) => {
                    let worked = within::<R, _>(walk.deadline(), R::work(work.detached())).await;
                    walk.worked(worked);
                }
                (Step::CheckPeer, Some(stream)) => {
                    let user = source.peer_user(R::connection(stream));
                    walk.peer_user(within::<R, _>(walk.deadline(), user).await);
                }
                (Step::Send(bytes), Some(stream)) => walk.sent(R::send(stream, bytes).await),
                (Step::Receive { at_most }, Some(stream)) => {
                    let buffer = reply.get_mut(..at_most).unwrap_or_default();
                    let read = R::receive(stream, buffer).await;
                    walk.received(read.map(|read| reply.get(..read).unwrap_or_default()));
                }
                (Step::StartTls { config, server_name }, stream @ Some(_)) => {
                    let Some(plain) = stream.take() else { continue };
                    match R::start_tls(plain, config, server_name).await {
                        Ok(mut encrypted) => {
                            if let Some(facts) = R::tls(&encrypted).and_then(|tls| walk.encrypted(tls)) {
                                R::guard(&mut encrypted).encrypted(facts);
                            }
                            *stream = Some(encrypted);
                        }
                        Err(error) => walk.not_encrypted(error),
                    }
                }
                (Step::StartUp(watch), stream @ Some(_)) => {
                    let Some(mut stream) = stream.take() else { continue };
                    R::guard(&mut stream).start_up(watch);
                    return Ok(stream);
                }
                (Step::GiveUp, _) => return Err(walk.give_up()),
                // A future was dropped half-way, and its stream with it.
                (_, None) => walk.interrupted(),
            }
        }
    }

    /// The host and address of the startup exchange that is under way.
    pub fn startup(&self) -> Startup<'_> {
        self.walk.startup()
    }

    /// Takes the result of the startup exchange and returns it if there is a session. If there is none, go on with
    /// [`advance`](Self::advance). What the server has sent takes precedence over the result, and a session needs proof; see
    /// [`Walk::conclude`].
    pub fn conclude<S, T>(&mut self, outcome: Result<(S, T), StartupError>) -> Option<Connected<S, T>> {
        self.walk.conclude(outcome)
    }

    /// Goes on until there is a session, or nothing left to be tried.
    ///
    /// # Errors
    /// All attempts, in order, with what was seen on the way.
    pub async fn finish<T>(
        mut self,
        mut startup: impl AsyncFnMut(&mut StreamOf<R, D>, Startup<'_>) -> Result<T, StartupError>,
    ) -> Result<Connected<StreamOf<R, D>, T>, ConnectError> {
        loop {
            let mut stream = self.advance().await?;
            let outcome = startup(&mut stream, self.startup()).await.map(|value| (stream, value));
            if let Some(mut connected) = self.conclude(outcome) {
                R::relax(&mut connected.stream);
                return Ok(connected);
            }
        }
    }
}

/// What a future returns, unless the deadline passes before.
async fn within<R: Runtime, T>(
    deadline: Deadline,
    future: impl Future<Output = io::Result<T>>,
) -> io::Result<T> {
    let Some(instant) = deadline.instant() else { return future.await };
    let (mut future, mut timer) = (pin!(future), pin!(R::until(instant)));
    poll_fn(|cx| match future.as_mut().poll(cx) {
        Poll::Pending => timer.as_mut().poll(cx).map(|()| Err(expired())),
        ready @ Poll::Ready(_) => ready,
    })
    .await
}

impl<R, D> fmt::Debug for Connecting<'_, R, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connecting").field("walk", &self.walk).finish_non_exhaustive()
    }
}
