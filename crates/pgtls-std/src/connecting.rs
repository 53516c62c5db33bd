//! The loop: performs the actions of the machine and reports their results. It decides nothing.

use crate::{connection::Connection, dial::ConnectionSource, stream::Stream, tls};
use pgtls_adapter::{
    BlockingResult, BlockingTask, Cancelled, ConnectError, Connected, Deadline, Driver, Startup,
    StartupError, expired,
};
use pgtls_core::connect::{Action, Note};
use std::{
    io::{self, Read, Write},
    sync::mpsc::{RecvTimeoutError, channel},
    thread,
};

/// A connection that is being made, for drivers that own the loop because their startup exchange takes the stream away.
#[derive(Debug)]
pub struct Connecting<'c, D> {
    driver: Driver<'c>,
    source: D,
}

impl<'c, D: ConnectionSource> Connecting<'c, D> {
    pub(crate) fn new(driver: Driver<'c>, source: D) -> Self {
        Self { driver, source }
    }

    /// Negotiates up to the next stream on which a StartupMessage can be sent.
    ///
    /// # Errors
    /// All attempts, in order.
    pub fn advance(&mut self) -> Result<Stream<D::Connection>, ConnectError> {
        let Self { driver, source } = self;
        let mut stream = None;
        loop {
            if let Some(task) = driver.task() {
                driver.completed(within(driver.deadline(), task));
                continue;
            }
            match driver.poll() {
                Action::Resolve { name, port } => driver.resolved(source.resolve(&name, port)),
                Action::Open => {
                    drop(stream.take());
                    let deadline = driver.deadline();
                    let opened = match driver.peer() {
                        Some(peer) => source.open(peer, deadline),
                        None => Err(io::ErrorKind::AddrNotAvailable.into()),
                    };
                    stream = driver.opened(opened).map(|below| Stream::plain(below, deadline));
                }
                Action::CheckPeer => {
                    driver.peer_user(open(&mut stream).and_then(|stream| stream.connection().peer_user()));
                }
                Action::Send(bytes) => driver.sent(open(&mut stream).and_then(|stream| {
                    stream.write_all(bytes)?;
                    stream.flush()
                })),
                Action::Receive { at_most } => {
                    let mut reply = vec![0; at_most];
                    let read = open(&mut stream).and_then(|stream| stream.read(&mut reply));
                    driver.received(read.map(|read| reply.get(..read).unwrap_or_default()));
                }
                Action::StartTls { .. } => {
                    let Some((config, server_name)) = driver.start_tls() else { continue };
                    let Some(below) = stream.take().and_then(Stream::into_plain) else {
                        driver.interrupted();
                        continue;
                    };
                    match tls::handshake(below, config, server_name) {
                        Ok(tls) => {
                            let facts = driver.tls_established(tls.engine());
                            stream = Some(Stream::tls(tls, facts));
                        }
                        Err(error) => driver.handshake_failed(error),
                    }
                }
                Action::Startup => match (stream.take(), driver.monitor()) {
                    (Some(mut stream), Some(monitor)) => {
                        stream.start_up(monitor);
                        return Ok(stream);
                    }
                    _ => driver.interrupted(),
                },
                Action::Failed => return Err(driver.error()),
                // There is no GSSAPI here.
                _ => driver.interrupted(),
            }
        }
    }

    /// Adds an observation of the program to the report; see [`Driver::note`].
    pub fn note(&mut self, note: Note) {
        self.driver.note(note);
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

    /// The result of a cancel request; see [`Driver::finish_cancel`].
    pub(crate) fn finish_cancel(&mut self, outcome: Result<(), StartupError>) -> Option<Cancelled> {
        self.driver.finish_cancel(outcome)
    }

    /// Goes on until there is a session, or nothing left to be tried.
    pub(crate) fn finish<T>(
        mut self,
        mut startup: impl FnMut(&mut Stream<D::Connection>, Startup<'_>) -> Result<T, StartupError>,
    ) -> Result<Connected<Stream<D::Connection>, T>, ConnectError> {
        loop {
            let mut stream = self.advance()?;
            let Some(at) = self.startup() else { continue };
            let outcome = startup(&mut stream, at).map(|value| (stream, value));
            if let Some(mut connected) = self.finish_startup(outcome) {
                // A socket that cannot be set up fails again when it is used.
                let _ = connected.stream.end_startup();
                return Ok(connected);
            }
        }
    }
}

fn open<S: Connection>(stream: &mut Option<Stream<S>>) -> io::Result<&mut Stream<S>> {
    stream.as_mut().ok_or_else(|| io::ErrorKind::NotConnected.into())
}

/// Runs the task before the deadline. With a deadline it runs on a thread of its own, which is left behind when the deadline
/// passes: a file system or a key derivation cannot be interrupted.
fn within(deadline: Deadline, task: BlockingTask<'_>) -> io::Result<BlockingResult> {
    let Some(left) = deadline.left()? else { return Ok(task.run()) };
    let task = task.detached();
    let (done, result) = channel();
    thread::Builder::new().name("pgtls".to_owned()).spawn(move || done.send(task.run()))?;
    result.recv_timeout(left).map_err(|error| match error {
        RecvTimeoutError::Timeout => expired(),
        RecvTimeoutError::Disconnected => io::Error::other("the thread that reads the files has panicked"),
    })
}
