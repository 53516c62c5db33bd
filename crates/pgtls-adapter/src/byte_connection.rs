//! A connection as bytes: the machine, the files of TLS, rustls and the startup monitor without I/O.
//!
//! For readiness (mio, epoll), completion (io_uring, IOCP), and callers in other languages.

use crate::{
    byte_stream::{ByteStream, READ, is_transient, would_block},
    config::Config,
    connected::{Connected, Startup},
    deadline::Deadline,
    driver::Driver,
    tls_files::{BlockingResult, BlockingTask},
};
use pgtls_core::{
    connect::{Action, Endpoint, Note, Peer, Purpose, Report},
    negotiation::Encryption,
};
use pgtls_rustls::{AttemptError, ConnectError, SessionFacts, StartupError};
use rustls::ClientConnection;
use std::{
    fmt,
    io::{self, ErrorKind, Read, Write},
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

/// Time to send an alert or close_notify on a connection that is given up.
const CLOSING: Duration = Duration::from_millis(100);

/// The next action of a [`ByteConnection`]. Each names the method that reports its result.
#[derive(Debug)]
#[non_exhaustive]
pub enum ByteAction {
    /// Resolve this name: [`resolved`](ByteConnection::resolved). No deadline covers it, as in libpq.
    Resolve {
        /// The name, or the numeric form of an address with a zone.
        name: String,
        /// The port, for resolvers that need one.
        port: u16,
    },
    /// Close the present socket, if there is one, and connect a new one to [`peer`](ByteConnection::peer):
    /// [`opened`](ByteConnection::opened). The deadline may have passed already, which is the case when `connect_timeout` is
    /// no integer. Start to connect before [`handle_timeout`](ByteConnection::handle_timeout) all the same, and report an
    /// error that occurs without waiting.
    Open,
    /// Determine the operating-system user of the peer of this unix socket: [`peer_user`](ByteConnection::peer_user).
    CheckPeer,
    /// Run this task where it may block: [`completed`](ByteConnection::completed). Each `poll` returns it anew until then; it
    /// is to be run once.
    Run(BlockingTask<'static>),
    /// Write [`outgoing`](ByteConnection::outgoing) to the socket, and read it once: [`written`](ByteConnection::written) and
    /// [`received`](ByteConnection::received), in any order. With nothing to write and nothing to read, wait for the deadline.
    Transfer {
        /// Maximum length of the read; 0 for none.
        read: usize,
    },
    /// Run the startup exchange as far as it goes without waiting: [`Read`] until `WouldBlock`, and [`Write`]. Returned first
    /// when the StartupMessage or CancelRequest is to be written, then whenever there is something to read. The end of the
    /// exchange is [`finish_startup`](ByteConnection::finish_startup).
    Startup,
    /// There is a session: [`take_session`](ByteConnection::take_session).
    Done(Encryption),
    /// Every attempt has failed: [`take_error`](ByteConnection::take_error). Close the socket.
    Failed,
}

/// A connection as bytes, without I/O and without a borrow: sockets, threads and the startup exchange are the program's.
///
/// ```
/// use pgtls_adapter::{ByteAction, ByteConnection, Config};
/// use pgtls_core::{environment::{Environment, Platform}, param::{Ability, Params, Settings}};
/// use std::{io::Read, io::Write, sync::Arc};
///
/// let environment = Environment::empty(Platform::Unix).with_variable("PGUSER", "u");
/// let settings = Settings::parse("hostaddr=192.0.2.1 sslmode=prefer")?;
/// let params = Params::resolve(&settings, None, &environment, Ability::default())?;
/// let config = Arc::new(Config::new(params, environment, pgtls_rustls::aws_lc_rs()));
///
/// // A server without TLS, played by hand; a program has a socket here, and a timer for `deadline()`.
/// let mut server: &[u8] = b"NR\0\0\0\x08\0\0\0\0Z\0\0\0\x05I";
/// let mut connection = ByteConnection::new(&config);
/// let mut seen = Vec::new();
/// let session = loop {
///     match connection.poll() {
///         ByteAction::Open => connection.opened(Ok(())),
///         ByteAction::Transfer { read } => {
///             connection.written(Ok(connection.outgoing().len()));
///             let (bytes, rest) = server.split_at(read.min(server.len()));
///             server = rest;
///             if read > 0 {
///                 connection.received(Ok(bytes));
///             }
///         }
///         ByteAction::Startup if seen.is_empty() => {
///             let message = pgtls_core::message::startup_message(0x0003_0000, [("user", "u")])?;
///             connection.write_all(&message)?;
///             seen.push(0);
///         }
///         ByteAction::Startup => {
///             let _would_block = connection.read_to_end(&mut seen);
///             connection.finish_startup(Ok(()));
///         }
///         ByteAction::Done(_) => break connection.take_session(),
///         ByteAction::Failed => return Err(connection.take_error().into()),
///         other => unreachable!("{other:?}"),
///     }
/// };
/// assert!(session.is_some());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct ByteConnection {
    driver: Driver<'static>,
    stream: Option<ByteStream>,
    /// The bytes of a `Send` of the machine are among the outgoing ones.
    is_sending: bool,
    /// The stream is given up; its last bytes are sent until then.
    closing: Option<Deadline>,
    up: Option<(Report, Vec<AttemptError>)>,
}

impl ByteConnection {
    /// To the hosts of the parameters.
    pub fn new(config: &Arc<Config>) -> Self {
        Self::of(Driver::new(config).with_shared(config.clone()))
    }

    /// To the address of a session, to cancel its query; see [`Driver::cancel`]. The startup exchange writes the
    /// CancelRequest and reads up to the end.
    pub fn cancel(config: &Arc<Config>, session: &Peer) -> Self {
        Self::of(Driver::cancel(config, session).with_shared(config.clone()))
    }

    /// Over connections that the program opens itself, to one address. The deadline starts now. With [`Purpose::Tls`] it is
    /// `Done` when another driver can send its StartupMessage; see [`Purpose`].
    pub fn to(config: &Arc<Config>, endpoint: Endpoint, purpose: Purpose) -> Self {
        Self::of(Driver::to(config, endpoint, purpose).with_shared(config.clone()))
    }

    fn of(driver: Driver<'static>) -> Self {
        Self { driver, stream: None, is_sending: false, closing: None, up: None }
    }

    /// The next action; the same until its result is reported or the deadline passes.
    pub fn poll(&mut self) -> ByteAction {
        loop {
            if self.closing.is_some() {
                if !self.outgoing().is_empty() {
                    return ByteAction::Transfer { read: 0 };
                }
                (self.closing, self.stream) = (None, None);
            }
            if let Some(task) = self.driver.task() {
                return ByteAction::Run(task);
            }
            match (self.driver.poll(), &mut self.stream) {
                (Action::Resolve { name, port }, _) => return ByteAction::Resolve { name, port },
                (Action::Open | Action::Failed, Some(stream)) => {
                    stream.give_up();
                    self.closing = Some(Deadline::after(Some(CLOSING)));
                    self.is_sending = false;
                }
                (Action::Open, None) => return ByteAction::Open,
                (Action::Failed, None) => return ByteAction::Failed,
                (Action::CheckPeer, Some(_)) => return ByteAction::CheckPeer,
                (Action::Send(bytes), Some(stream)) => {
                    if !std::mem::replace(&mut self.is_sending, true) {
                        stream.send(bytes);
                    }
                    return ByteAction::Transfer { read: 0 };
                }
                (Action::Receive { at_most }, Some(_)) => return ByteAction::Transfer { read: at_most },
                (Action::StartTls { .. }, Some(stream)) => {
                    if stream.tls().is_some() {
                        return ByteAction::Transfer { read: stream.room() };
                    }
                    self.start_tls();
                }
                (Action::Startup, Some(stream)) => {
                    if let Some(monitor) = self.driver.monitor() {
                        stream.protection().set_monitor(monitor);
                        return ByteAction::Startup;
                    }
                    let read = stream.room();
                    return if stream.is_readable() {
                        ByteAction::Startup
                    } else {
                        ByteAction::Transfer { read }
                    };
                }
                (Action::Established(encryption), Some(stream)) => {
                    if let Some(monitor) = self.driver.monitor() {
                        stream.protection().set_monitor(monitor);
                        self.up = Some(self.driver.end());
                    }
                    return ByteAction::Done(encryption);
                }
                (Action::Done(encryption) | Action::Established(encryption), _) => {
                    return ByteAction::Done(encryption);
                }
                // There is no GSSAPI here, and nothing can be done without a connection.
                _ => self.driver.connection_lost(),
            }
        }
    }

    /// The point in time for [`handle_timeout`](Self::handle_timeout); none without a limit.
    pub fn deadline(&self) -> Deadline {
        self.closing.unwrap_or_else(|| self.driver.deadline())
    }

    /// The clock of the program. When the deadline has passed, the current address has failed, whatever its action is, and the
    /// result of that action is not reported any more, except for [`completed`](Self::completed). Otherwise there is no effect.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.deadline().instant().is_none_or(|deadline| deadline > now) {
            return;
        }
        if self.closing.take().is_some() {
            self.stream = None;
            return;
        }
        self.driver.timed_out();
    }

    /// Adds an observation of the program to the report; see [`Driver::note`].
    pub fn note(&mut self, note: Note) {
        self.driver.note(note);
    }

    /// The server of the current attempt, or of the session.
    pub fn peer(&self) -> Option<&Peer> {
        self.driver.peer()
    }

    /// Answers `Resolve`: the addresses, in the resolver's order. Their ports do not matter.
    pub fn resolved(&mut self, addresses: io::Result<Vec<SocketAddr>>) {
        self.driver.resolved(addresses);
    }

    /// Answers `Open`.
    pub fn opened(&mut self, opened: io::Result<()>) {
        self.stream = self.driver.opened(opened).map(|()| ByteStream::plain());
    }

    /// Answers `CheckPeer` with the name of the user.
    pub fn peer_user(&mut self, user: io::Result<String>) {
        self.driver.peer_user(user);
    }

    /// Answers `Run`. An error means that the task could not be run, which ends the connection. A result that arrives after the
    /// deadline serves the next attempt.
    pub fn completed(&mut self, result: io::Result<BlockingResult>) {
        self.driver.completed(result);
    }

    /// The bytes to write to the socket.
    pub fn outgoing(&self) -> &[u8] {
        self.stream.as_ref().map_or(&[], ByteStream::outgoing)
    }

    /// Answers `Transfer`; see [`ByteStream::written`].
    pub fn written(&mut self, written: io::Result<usize>) {
        let Some(stream) = &mut self.stream else { return };
        if !self.is_sending {
            return stream.written(written);
        }
        let sent = match written {
            Err(error) if is_transient(&error) => return,
            Ok(0) => Err(ErrorKind::WriteZero.into()),
            Ok(count) => {
                stream.written(Ok(count));
                if !stream.outgoing().is_empty() {
                    return;
                }
                Ok(())
            }
            Err(error) => Err(error),
        };
        self.is_sending = false;
        self.driver.sent(sent);
    }

    /// Answers `Transfer`; see [`ByteStream::received`]. More bytes than the action allows end the connection.
    pub fn received(&mut self, received: io::Result<&[u8]>) {
        if let Err(error) = &received
            && is_transient(error)
        {
            return;
        }
        let Some(stream) = self.stream.as_mut().filter(|_| self.closing.is_none()) else { return };
        match self.driver.poll() {
            Action::Receive { .. } => self.driver.received(received),
            Action::StartTls { .. } if stream.tls().is_some() => {
                stream.received(received);
                self.shake_hands();
            }
            Action::Startup => stream.received(received),
            _ => self.driver.connection_lost(),
        }
    }

    /// Performs `Transfer` on a socket that does not block. Returns `false` when the socket has to become ready first.
    pub fn transfer(&mut self, socket: &mut (impl Read + Write), read: usize) -> bool {
        let mut is_moved = false;
        if !self.outgoing().is_empty() {
            let written = socket.write(self.outgoing());
            is_moved |= !would_block(&written);
            self.written(written);
        }
        if read > 0 {
            let mut buffer = [0; READ];
            let read = socket.read(buffer.get_mut(..read).unwrap_or_default());
            is_moved |= !would_block(&read);
            self.received(read.map(|count| buffer.get(..count).unwrap_or_default()));
        }
        is_moved
    }

    /// Facts of the TLS session of the startup exchange; `None` without TLS.
    pub fn facts(&self) -> Option<&SessionFacts> {
        self.stream.as_ref()?.facts()
    }

    /// The server of the startup exchange that is under way, and the role that it must have.
    pub fn startup(&self) -> Option<Startup<'_>> {
        self.driver.startup()
    }

    /// Answers `Startup` with the result of the exchange. The bytes of the server take precedence over it, and a session needs
    /// proof; see [`Driver::finish_startup`]. A result that arrives after the deadline has no effect.
    pub fn finish_startup(&mut self, outcome: Result<(), StartupError>) {
        if self.is_monitored() && self.driver.finish(outcome) {
            self.up = Some(self.driver.end());
        }
    }

    /// The session, once, after `Done`. It keeps nothing of the machine. The stream of a cancel request is at its end.
    pub fn take_session(&mut self) -> Option<Connected<ByteStream, ()>> {
        let (report, failed) = self.up.take()?;
        let mut stream = self.stream.take()?;
        stream.protection().end_startup();
        Some(Connected { stream, value: (), report, failed })
    }

    /// All attempts, after `Failed`.
    pub fn take_error(&mut self) -> ConnectError {
        self.driver.error()
    }

    fn start_tls(&mut self) {
        let (Some((config, server_name)), Some(stream)) = (self.driver.start_tls(), &mut self.stream) else {
            return self.driver.connection_lost();
        };
        match ClientConnection::new(config, server_name) {
            Ok(tls) => stream.start_tls(tls),
            Err(error) => self.driver.handshake_failed(io::Error::other(error)),
        }
    }

    /// Reports the end of the handshake, if it has ended.
    fn shake_hands(&mut self) {
        let Some(stream) = &mut self.stream else { return };
        if let Some(error) = stream.take_failure() {
            return self.driver.handshake_failed(error);
        }
        let established = stream.tls().filter(|tls| !tls.is_handshaking());
        if let Some(facts) = established.and_then(|tls| self.driver.tls_established(tls)) {
            stream.protection().set_facts(facts);
        }
    }

    /// Whether a startup exchange is under way.
    fn is_monitored(&self) -> bool {
        self.driver.startup().is_some_and(|startup| startup.monitor.is_some())
    }

    /// The stream, if its bytes pass the monitor.
    fn startup_stream(&mut self) -> io::Result<&mut ByteStream> {
        let is_monitored = self.is_monitored();
        self.stream.as_mut().filter(|_| is_monitored).ok_or_else(|| ErrorKind::NotConnected.into())
    }
}

/// The plaintext of the startup exchange, at `Startup`; see [`ByteStream`].
impl Read for ByteConnection {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.startup_stream()?.read(buffer)
    }
}

/// The plaintext of the startup exchange, at `Startup`; see [`ByteStream`].
impl Write for ByteConnection {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.startup_stream()?.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl fmt::Debug for ByteConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ByteConnection").field("driver", &self.driver).finish_non_exhaustive()
    }
}
