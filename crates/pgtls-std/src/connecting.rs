//! The loop: does what the walk asks for and tells it what happened. It decides nothing.

use crate::{
    connection::Connection,
    dial::{Dial, resolve},
    stream::Stream,
    tls,
};
use pgtls_adapter::{
    Cancelled, ConnectError, Connected, Deadline, Startup, StartupError, Step, Walk, Work, Worked, expired,
};
use pgtls_core::negotiation::Encryption;
use std::{
    io::{self, Read, Write},
    sync::mpsc::{RecvTimeoutError, channel},
    thread,
};

/// A connection that is being made, for drivers that own the loop because their startup exchange takes the stream away.
#[derive(Debug)]
pub struct Connecting<'c, D> {
    walk: Walk<'c>,
    dial: D,
}

impl<'c, D: Dial> Connecting<'c, D> {
    pub(crate) fn new(walk: Walk<'c>, dial: D) -> Self {
        Self { walk, dial }
    }

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
                    let dialled = self.dial.dial(self.walk.address(), self.walk.params(), deadline);
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
                Step::Work(work) => self.walk.worked(within(self.walk.deadline(), work)),
                Step::StartTls { config, server_name } => {
                    let Some(below) = stream.take().and_then(Stream::into_plain) else {
                        self.walk.interrupted();
                        continue;
                    };
                    match tls::handshake(below, config, server_name) {
                        Ok(tls) => {
                            let facts = self.walk.encrypted(tls.engine());
                            stream = Some(Stream::tls(tls, facts));
                        }
                        Err(error) => self.walk.not_encrypted(error),
                    }
                }
                Step::StartUp(watch) => match stream.take() {
                    Some(mut stream) => {
                        stream.start_up(watch);
                        return Ok(stream);
                    }
                    None => self.walk.interrupted(),
                },
                Step::GiveUp => return Err(self.walk.give_up()),
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

    /// The result of a connection that was made to cancel what a session is doing; see [`Walk::cancelled`].
    pub(crate) fn cancelled(&mut self, outcome: Result<Encryption, StartupError>) -> Option<Cancelled> {
        self.walk.cancelled(outcome)
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
                let _ = connected.stream.relax();
                return Ok(connected);
            }
        }
    }
}

fn open<S: Connection>(stream: &mut Option<Stream<S>>) -> io::Result<&mut Stream<S>> {
    stream.as_mut().ok_or_else(|| io::ErrorKind::NotConnected.into())
}

/// Does the work before the deadline passes. With a deadline it is done on a thread of its own, which is left behind when
/// the deadline passes: a file system or a key derivation cannot be interrupted.
fn within(deadline: Deadline, work: Work<'_>) -> io::Result<Worked> {
    let Some(left) = deadline.left()? else { return Ok(work.run()) };
    let work = work.detached();
    let (done, worked) = channel();
    thread::Builder::new().name("pgtls".to_owned()).spawn(move || done.send(work.run()))?;
    worked.recv_timeout(left).map_err(|error| match error {
        RecvTimeoutError::Timeout => expired(),
        RecvTimeoutError::Disconnected => io::Error::other("the thread that reads the files has panicked"),
    })
}
