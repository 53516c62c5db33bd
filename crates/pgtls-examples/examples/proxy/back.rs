//! One server: the byte-level connection of the adapter on a socket of mio.

use mio::{Interest, Registry, Token, unix::SourceFd};
use pgtls_adapter::{ByteAction, ByteConnection, ByteStream, Config, StartupError, socket};
use pgtls_core::connect::Peer;
use socket2::Socket;
use std::{
    io::{self, ErrorKind, Read, Write},
    net::ToSocketAddrs,
    os::fd::AsRawFd,
    sync::{Arc, mpsc},
    thread,
    time::{Duration, Instant},
};

/// Time for a connection where `connect_timeout` sets no limit.
const PATIENCE: Duration = Duration::from_secs(120);

/// The progress of a server.
pub(crate) enum Progress {
    /// The socket or a task has to be waited for.
    Waiting,
    /// The startup packet is to be sent.
    Start,
    /// The server has sent something.
    Heard,
    /// The server has ended the session, or taken the cancel request.
    Closed,
    /// Every address has failed.
    Failed,
}

/// The answer to an action.
type Answered = Box<dyn FnOnce(&mut ByteConnection) + Send>;

/// One server.
pub(crate) struct Back {
    channel: Channel,
    socket: Option<Socket>,
    token: Token,
    is_connecting: bool,
    /// The startup packet of the present connection has been sent.
    is_started: bool,
    is_cancel: bool,
    /// The server has ended the session.
    is_closed: bool,
    task: Option<mpsc::Receiver<Answered>>,
    /// Plaintext for which the connection had no room.
    unsent: Vec<u8>,
    patience: Instant,
}

enum Channel {
    Opening(Box<ByteConnection>),
    Up(Box<ByteStream>),
}

impl Back {
    /// A session with a server of this route.
    pub(crate) fn session(config: &Arc<Config>, token: Token) -> Self {
        Self::new(ByteConnection::new(config.clone()), false, token)
    }

    /// A cancel request to the server of a session.
    pub(crate) fn cancel(config: &Arc<Config>, peer: &Peer, token: Token) -> Self {
        Self::new(ByteConnection::cancel(config.clone(), peer), true, token)
    }

    fn new(connection: ByteConnection, is_cancel: bool, token: Token) -> Self {
        Self {
            channel: Channel::Opening(Box::new(connection)),
            socket: None,
            token,
            is_connecting: false,
            is_started: false,
            is_cancel,
            is_closed: false,
            task: None,
            unsent: Vec::new(),
            patience: Instant::now() + PATIENCE,
        }
    }

    /// The server.
    pub(crate) fn peer(&self) -> Option<&Peer> {
        match &self.channel {
            Channel::Opening(connection) => connection.peer(),
            Channel::Up(_) => None,
        }
    }

    /// The deadline of the current address; `None` when the session is up.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        match &self.channel {
            Channel::Opening(connection) => Some(connection.deadline().instant().unwrap_or(self.patience)),
            Channel::Up(_) => None,
        }
    }

    /// The deadline has passed. Returns whether there are other addresses.
    pub(crate) fn expire(&mut self, now: Instant) -> bool {
        let Channel::Opening(connection) = &mut self.channel else { return true };
        let is_limited = connection.deadline().instant().is_some();
        connection.handle_timeout(now);
        (self.is_connecting, self.task) = (false, None);
        is_limited
    }

    /// Whether a task runs on another thread.
    pub(crate) fn is_busy(&self) -> bool {
        self.task.is_some()
    }

    /// Whether everything that was sent has found room.
    pub(crate) fn has_room(&self) -> bool {
        self.unsent.is_empty()
    }

    /// Sends this to the server, the startup packet first.
    pub(crate) fn send(&mut self, bytes: &[u8]) {
        self.unsent.extend_from_slice(bytes);
        while !self.unsent.is_empty() {
            let written = match &mut self.channel {
                Channel::Opening(connection) => connection.write(&self.unsent),
                Channel::Up(stream) => stream.write(&self.unsent),
            };
            match written {
                Ok(count) => drop(self.unsent.drain(..count)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                // The next read finds the reason.
                Err(_) => self.unsent.clear(),
            }
        }
    }

    /// The plaintext that has arrived. The end of the startup exchange is reported to the connection.
    pub(crate) fn receive(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        match &mut self.channel {
            Channel::Opening(connection) => match connection.read_to_end(&mut bytes) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                // A server ends the connection after a cancel request.
                Ok(_) if self.is_cancel => connection.finish_startup(Ok(())),
                Ok(_) => connection.finish_startup(Err(io::Error::from(ErrorKind::UnexpectedEof).into())),
                Err(error) => connection.finish_startup(Err(error.into())),
            },
            Channel::Up(stream) => {
                let read = stream.read_to_end(&mut bytes);
                self.is_closed |= !read.is_err_and(|error| error.kind() == ErrorKind::WouldBlock);
            }
        }
        bytes
    }

    /// The query that establishes the role of the server.
    pub(crate) fn role_query(&self) -> Option<&'static str> {
        match &self.channel {
            Channel::Opening(connection) => connection.startup()?.role_query(),
            Channel::Up(_) => None,
        }
    }

    /// The answer to it.
    pub(crate) fn role_answer(&self, value: Option<&str>) {
        if let Channel::Opening(connection) = &self.channel
            && let Some(startup) = connection.startup()
        {
            startup.role_answer(value.map(str::as_bytes));
        }
    }

    /// The startup exchange is over. Returns whether there is a session.
    pub(crate) fn finish(&mut self, outcome: Result<(), StartupError>) -> bool {
        let Channel::Opening(connection) = &mut self.channel else { return true };
        connection.finish_startup(outcome);
        let Some(connected) = connection.take_session() else { return false };
        self.channel = Channel::Up(Box::new(connected.stream));
        true
    }

    /// Ends the session from this side, as far as the socket takes it at once.
    pub(crate) fn close(&mut self) {
        if let (Channel::Up(stream), Some(socket)) = (&mut self.channel, &mut self.socket) {
            stream.close();
            let _ = socket.write(stream.outgoing());
        }
    }

    /// Goes as far as it can without waiting. Reads only if `may_read`.
    pub(crate) fn drive(&mut self, registry: &Registry, may_read: bool) -> io::Result<Progress> {
        loop {
            self.send(&[]);
            let connection = match (&mut self.channel, &mut self.socket) {
                (Channel::Opening(connection), _) => connection,
                (Channel::Up(stream), Some(socket)) => {
                    let is_moved = if may_read { stream.transfer(socket) } else { flush(stream, socket) };
                    match (self.is_closed, stream.is_readable() && may_read) {
                        (true, _) => return Ok(Progress::Closed),
                        (false, true) => return Ok(Progress::Heard),
                        (false, false) if is_moved => continue,
                        (false, false) => return Ok(Progress::Waiting),
                    }
                }
                (Channel::Up(_), None) => return Ok(Progress::Closed),
            };
            if let (true, Some(socket)) = (self.is_connecting, &self.socket) {
                match socket::outcome(socket).and_then(|()| socket.peer_addr()) {
                    Err(error) if error.kind() == ErrorKind::NotConnected => return Ok(Progress::Waiting),
                    opened => connection.opened(opened.map(drop)),
                }
                self.is_connecting = false;
            }
            if let Some(task) = &self.task {
                match task.try_recv() {
                    Ok(answered) => answered(connection),
                    Err(mpsc::TryRecvError::Empty) => return Ok(Progress::Waiting),
                    Err(mpsc::TryRecvError::Disconnected) => {
                        connection.completed(Err(io::Error::other("a thread has panicked")));
                    }
                }
                self.task = None;
            }
            match (connection.poll(), &mut self.socket) {
                (ByteAction::Resolve { name, port }, _) => {
                    self.task = Some(run(move || {
                        let found = (name.as_str(), port).to_socket_addrs().map(Iterator::collect);
                        Box::new(|connection| connection.resolved(found))
                    })?);
                }
                (ByteAction::Run(task), _) => {
                    self.task = Some(run(move || {
                        let result = task.run();
                        Box::new(|connection| connection.completed(Ok(result)))
                    })?);
                }
                (ByteAction::CheckPeer, Some(socket)) => {
                    connection.peer_user(socket::peer_uid(socket).and_then(socket::user_name));
                }
                (ByteAction::Open, socket) => {
                    *socket = None;
                    self.is_started = false;
                    self.unsent.clear();
                    let peer = connection.peer().ok_or_else(|| ErrorKind::AddrNotAvailable.into());
                    let opened = peer.and_then(socket::connecting).and_then(|(opened, _)| {
                        let interest = Interest::READABLE | Interest::WRITABLE;
                        let fd = &opened.as_raw_fd();
                        registry.register(&mut SourceFd(fd), self.token, interest).map(|()| opened)
                    });
                    match opened {
                        Ok(opened) => (*socket, self.is_connecting) = (Some(opened), true),
                        Err(error) => connection.opened(Err(error)),
                    }
                }
                (ByteAction::Transfer { read }, Some(socket)) => {
                    if !connection.transfer(socket, if may_read { read } else { 0 }) {
                        return Ok(Progress::Waiting);
                    }
                }
                (ByteAction::Startup, _) if !self.is_started => {
                    self.is_started = true;
                    return Ok(Progress::Start);
                }
                (ByteAction::Startup, _) if !may_read => return Ok(Progress::Waiting),
                (ByteAction::Startup, _) => return Ok(Progress::Heard),
                (ByteAction::Done(_), _) => return Ok(Progress::Closed),
                _ => return Ok(Progress::Failed),
            }
        }
    }
}

/// Writes what is unsent.
fn flush(stream: &mut ByteStream, socket: &mut Socket) -> bool {
    if stream.outgoing().is_empty() {
        return false;
    }
    let written = socket.write(stream.outgoing());
    let is_moved = !matches!(&written, Err(error) if error.kind() == ErrorKind::WouldBlock);
    stream.written(written);
    is_moved
}

/// Runs a task on a thread of its own.
fn run(task: impl FnOnce() -> Answered + Send + 'static) -> io::Result<mpsc::Receiver<Answered>> {
    let (sender, receiver) = mpsc::channel();
    thread::Builder::new().spawn(move || sender.send(task()))?;
    Ok(receiver)
}
