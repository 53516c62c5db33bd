//! The loop: does what the walk asks for and tells it what happened. It decides nothing.

use crate::{
    connection::Connection,
    dial::{Dial, Hosts, Opened, resolve},
    stream::Stream,
    tls,
};
use pgtls_adapter::{Config, ConnectError, Connected, Endpoint, Startup, StartupError, Step, Walk};
use std::io::{self, Read, Write};

/// A connection that is being made, for drivers that own the loop because their startup exchange takes the stream away:
///
/// ```no_run
/// # fn start(stream: pgtls_std::Stream, at: pgtls_std::Startup<'_>) -> std::io::Result<pgtls_std::Stream> { Ok(stream) }
/// # fn connect(config: &pgtls_std::Config) -> Result<(), pgtls_std::ConnectError> {
/// let mut connecting = pgtls_std::Connecting::new(config);
/// let connected = loop {
///     let stream = connecting.advance()?;
///     let started = start(stream, connecting.startup());
///     if let Some(connected) = connecting.conclude(started.map(|stream| (stream, ())).map_err(Into::into)) {
///         break connected;
///     }
/// };
/// # Ok(())
/// # }
/// ```
pub struct Connecting<'c, D> {
    walk: Walk<'c>,
    dial: D,
}

impl<'c> Connecting<'c, Hosts<'c>> {
    /// To the hosts of the parameters.
    pub fn new(config: &'c Config) -> Self {
        Self { walk: Walk::new(config), dial: Hosts(&config.params) }
    }
}

impl<'c, S: Connection, F: FnMut() -> io::Result<S>> Connecting<'c, Opened<S, F>> {
    /// On a connection that is open already; see [`negotiate`](crate::negotiate).
    pub fn opened(config: &'c Config, host: Option<&str>, connection: S, redial: F) -> Self {
        let mut endpoint = Endpoint::tcp(host);
        endpoint.transport = connection.transport();
        Self { walk: Walk::opened(config, endpoint), dial: Opened { first: Some(connection), redial } }
    }
}

impl<D: Dial> Connecting<'_, D> {
    /// Negotiates up to the next stream on which a StartupMessage can be sent.
    ///
    /// # Errors
    /// All attempts, in order, with what was seen on the way.
    pub fn advance(&mut self) -> Result<Stream<D::Connection>, ConnectError> {
        let mut stream = None;
        let mut reply = [0; 2];
        loop {
            match self.walk.step() {
                Step::Resolve { name, port } => self.walk.resolved(resolve(&name, port)),
                Step::Connect => {
                    drop(stream.take());
                    let deadline = self.walk.deadline();
                    let dialled = self.dial.dial(self.walk.address(), deadline);
                    stream = self.walk.connected(dialled).map(|below| Stream::plain(below, deadline));
                }
                Step::CheckPeer => {
                    self.walk.peer_user(open(&mut stream).and_then(|stream| stream.connection().peer_user()));
                }
                Step::Send(bytes) => self.walk.sent(open(&mut stream).and_then(|stream| {
                    stream.write_all(bytes)?;
                    stream.flush()
                })),
                Step::Receive { at_most } => {
                    let buffer = reply.get_mut(..at_most).unwrap_or_default();
                    let read = open(&mut stream).and_then(|stream| stream.read(buffer));
                    self.walk.received(read.map(|read| reply.get(..read).unwrap_or_default()));
                }
                Step::Work(work) => self.walk.worked(Ok(work.run())),
                Step::StartTls { config, server_name } => {
                    let plain = stream.take().and_then(Stream::into_plain).ok_or_else(not_connected);
                    match plain.and_then(|below| tls::handshake(below, config, server_name)) {
                        Ok(tls) => {
                            let facts = self.walk.encrypted(tls.engine());
                            stream = Some(Stream::tls(tls, facts));
                        }
                        Err(error) => self.walk.not_encrypted(error),
                    }
                }
                Step::StartUp(watch) => match stream.take() {
                    Some(stream) => return Ok(stream.watched(watch)),
                    None => drop(self.conclude::<(), ()>(Err(not_connected().into()))),
                },
                Step::GiveUp => return Err(self.walk.give_up()),
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
    pub(crate) fn finish<T>(
        mut self,
        mut startup: impl FnMut(&mut Stream<D::Connection>, Startup<'_>) -> Result<T, StartupError>,
    ) -> Result<Connected<Stream<D::Connection>, T>, ConnectError> {
        loop {
            let mut stream = self.advance()?;
            let outcome = startup(&mut stream, self.startup()).map(|value| (stream, value));
            if let Some(mut connected) = self.conclude(outcome) {
                // A socket that cannot be set up says so again when it is used.
                let _ = connected.stream.release();
                return Ok(connected);
            }
        }
    }
}

fn open<S: Connection>(stream: &mut Option<Stream<S>>) -> io::Result<&mut Stream<S>> {
    stream.as_mut().ok_or_else(not_connected)
}

fn not_connected() -> io::Error {
    io::ErrorKind::NotConnected.into()
}
