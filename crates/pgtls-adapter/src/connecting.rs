//! The loop of the asynchronous adapters: performs the actions of the machine and reports their results. It decides nothing.

use crate::{
    config::Config,
    connected::{Cancelled, Connected, Startup, cancel_message},
    driver::Driver,
    runtime::{ConnectionSource, Dialer, Hosts, Provided, Resolver, StreamRuntime},
    stream::Stream,
};
use pgtls_core::{
    connect::{Action, Endpoint, Note, Peer, Purpose},
    message::CancelRequest,
};
use pgtls_rustls::{ConnectError, StartupError};
use std::{fmt, io};

/// The stream of a [`Connecting`].
type StreamOf<R, D> = <R as StreamRuntime<<D as ConnectionSource>::Connection>>::Stream;

/// A connection that is being made, for drivers that own the loop because their startup exchange takes the stream away.
///
/// Dropping a future of it closes the connection that the future worked on.
pub struct Connecting<'c, R, D> {
    driver: Driver<'c>,
    source: D,
    runtime: R,
}

impl<'c, R, D: Dialer + Resolver> Connecting<'c, R, Hosts<D>> {
    /// To the hosts of the parameters.
    pub fn new(config: &'c Config, runtime: R, dialer: D) -> Self {
        Self { driver: Driver::new(config), source: Hosts(dialer), runtime }
    }

    /// To the address of a session, to cancel its query, for drivers that write the CancelRequest themselves; see
    /// [`Driver::cancel`].
    pub fn cancelling(config: &'c Config, session: &Peer, runtime: R, dialer: D) -> Self {
        Self { driver: Driver::cancel(config, session), source: Hosts(dialer), runtime }
    }

    /// Sends a cancel request for a session; see [`Driver::cancel`].
    ///
    /// # Errors
    /// All attempts, in order. A server that sends anything, or does not close the connection in order, has not accepted the
    /// request.
    pub async fn cancel(
        config: &'c Config,
        session: &Peer,
        request: &CancelRequest,
        runtime: R,
        dialer: D,
    ) -> Result<Cancelled, ConnectError>
    where
        R: StreamRuntime<D::Connection>,
    {
        Self::cancelling(config, session, runtime, dialer).request_cancel(request).await
    }
}

impl<'c, R, S, F: AsyncFnMut() -> io::Result<S>> Connecting<'c, R, Provided<S, F>> {
    /// Over connections that the program opens itself.
    pub fn to(config: &'c Config, endpoint: Endpoint, source: Provided<S, F>, runtime: R) -> Self {
        Self { driver: Driver::to(config, endpoint, Purpose::Session), source, runtime }
    }

    /// Over connections that the program opens itself, for the connector of a driver that starts the session by itself:
    /// negotiates up to the stream on which that driver sends its StartupMessage. The stream enforces `require_auth`,
    /// `channel_binding` and `sslcertmode` up to ReadyForQuery; it is no proof of a session.
    ///
    /// # Errors
    /// All attempts, in order.
    pub async fn channel(
        config: &'c Config,
        endpoint: Endpoint,
        source: Provided<S, F>,
        runtime: R,
    ) -> Result<R::Stream, ConnectError>
    where
        R: StreamRuntime<S>,
    {
        let driver = Driver::to(config, endpoint, Purpose::Tls);
        let mut connecting = Self { driver, source, runtime };
        let mut stream = connecting.advance().await?;
        stream.as_mut().end_startup();
        Ok(stream)
    }
}

impl<R: StreamRuntime<D::Connection>, D: ConnectionSource> Connecting<'_, R, D> {
    /// Negotiates up to the next stream on which a StartupMessage can be sent.
    ///
    /// # Errors
    /// All attempts, in order.
    pub async fn advance(&mut self) -> Result<StreamOf<R, D>, ConnectError> {
        self.negotiate().await.map(Into::into)
    }

    async fn negotiate(&mut self) -> Result<Stream<D::Connection, R>, ConnectError> {
        let Self { driver, source, runtime } = self;
        let mut stream: Option<Stream<_, R>> = None;
        loop {
            let deadline = driver.deadline();
            if let Some(task) = driver.task() {
                driver.completed(runtime.run_within(deadline, task.detached()).await);
                continue;
            }
            match (driver.poll(), &mut stream) {
                (Action::Resolve { name, port }, _) => driver.resolved(source.resolve(&name, port).await),
                (Action::Open, stream) => {
                    *stream = None;
                    let deadline = driver.deadline();
                    let opened = match driver.peer() {
                        Some(peer) => runtime.within(deadline, source.open(peer, deadline)).await,
                        None => Err(io::ErrorKind::AddrNotAvailable.into()),
                    };
                    *stream = driver.opened(opened).map(|opened| Stream::plain(opened, deadline, runtime));
                }
                (Action::CheckPeer, Some(stream)) => {
                    let user = source.peer_user(stream.connection());
                    driver.peer_user(runtime.within(deadline, user).await);
                }
                (Action::Send(bytes), Some(stream)) => driver.sent(stream.send(bytes).await),
                (Action::Receive { at_most }, Some(stream)) => {
                    let mut reply = vec![0; at_most];
                    let read = stream.receive(&mut reply).await;
                    driver.received(read.map(|read| reply.get(..read).unwrap_or_default()));
                }
                (Action::StartTls { .. }, Some(encrypted)) => {
                    let Some((config, server_name)) = driver.start_tls() else { continue };
                    match encrypted.start_tls(config, server_name).await {
                        Ok(tls) => {
                            if let Some(facts) = driver.tls_established(tls) {
                                encrypted.protection().set_facts(facts);
                            }
                        }
                        Err(error) => {
                            stream = None;
                            driver.handshake_failed(error);
                        }
                    }
                }
                (Action::Startup | Action::Established(_), Some(_)) => {
                    match (stream.take(), driver.monitor()) {
                        (Some(mut stream), Some(monitor)) => {
                            stream.protection().set_monitor(monitor);
                            return Ok(stream);
                        }
                        _ => driver.connection_lost(),
                    }
                }
                (Action::Failed, _) => return Err(driver.error()),
                // The stream was dropped with a future. There is no GSSAPI here.
                _ => driver.connection_lost(),
            }
        }
    }

    /// Adds an observation of the program to the report; see [`Driver::note`].
    pub fn note(&mut self, note: Note) {
        self.driver.note(note);
    }

    /// Sends the request of a [`cancelling`](Connecting::cancelling) connection.
    ///
    /// # Errors
    /// See [`cancel`](Connecting::cancel).
    pub async fn request_cancel(mut self, request: &CancelRequest) -> Result<Cancelled, ConnectError> {
        let message = cancel_message(request);
        loop {
            let mut stream = self.negotiate().await?;
            let outcome = async {
                stream.send(&message).await?;
                // The monitor rejects everything but the end.
                while stream.receive(&mut [0; 1]).await? > 0 {}
                Ok(())
            };
            if let Some(cancelled) = self.driver.finish_cancel(outcome.await) {
                return Ok(cancelled);
            }
        }
    }

    /// The server of the startup exchange that is under way; `None` if there is none.
    pub fn startup(&self) -> Option<Startup<'_>> {
        self.driver.startup()
    }

    /// Takes the result of the startup exchange and returns it if there is a session. If there is none, go on with
    /// [`advance`](Self::advance). The bytes of the server take precedence over the result, and a session needs proof; see
    /// [`Driver::finish_startup`].
    pub fn finish_startup<S, T>(&mut self, outcome: Result<(S, T), StartupError>) -> Option<Connected<S, T>> {
        self.driver.finish_startup(outcome)
    }

    /// Goes on until there is a session, or nothing left to be tried.
    ///
    /// # Errors
    /// All attempts, in order.
    pub async fn finish<T>(
        mut self,
        mut startup: impl AsyncFnMut(&mut StreamOf<R, D>, Startup<'_>) -> Result<T, StartupError>,
    ) -> Result<Connected<StreamOf<R, D>, T>, ConnectError> {
        loop {
            let mut stream = self.advance().await?;
            let Some(at) = self.startup() else { continue };
            let outcome = startup(&mut stream, at).await.map(|value| (stream, value));
            if let Some(mut connected) = self.finish_startup(outcome) {
                connected.stream.as_mut().end_startup();
                return Ok(connected);
            }
        }
    }
}

impl<'c, R, D> Connecting<'c, R, D> {
    /// The loop of a driver over connections from a source.
    pub fn from_parts(driver: Driver<'c>, source: D, runtime: R) -> Self {
        Self { driver, source, runtime }
    }

    /// Answers the startup exchange of a [`cancelling`](Self::cancelling) connection: the server has closed it after the
    /// CancelRequest. If the request was not accepted, go on with [`advance`](Self::advance).
    pub fn finish_cancel(&mut self, outcome: Result<(), StartupError>) -> Option<Cancelled> {
        self.driver.finish_cancel(outcome)
    }
}

impl<R, D> fmt::Debug for Connecting<'_, R, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connecting").field("driver", &self.driver).finish_non_exhaustive()
    }
}
