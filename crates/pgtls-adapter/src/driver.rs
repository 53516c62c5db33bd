//! The connection of an adapter: the machine of the core, its clock, and the files of TLS.

use crate::{
    config::{Config, ConfigRef},
    connected::{Cancelled, Connected, Startup},
    deadline::{Deadline, expired, has_expired},
    monitor::SharedMonitor,
    observer::Observers,
    tls_files::{BlockingResult, BlockingTask, TlsFiles},
};
use pgtls_core::{
    connect::{Action, Connection, Endpoint, Input, Note, Options, Peer, Purpose, Report},
    negotiation::Encryption,
    startup::ClientCertificate,
};
use pgtls_rustls::{ActionError, AttemptError, ConnectError, Session, SessionFacts, StartupError, TlsError};
use rustls::{ClientConfig, ClientConnection, pki_types::ServerName};
use std::{fmt, io, net::SocketAddr, sync::Arc, time::Instant};

/// A [`Connection`] with its clock and the files of TLS, for the loops of adapters.
///
/// A loop runs [`task`](Self::task) first, if there is one, then performs [`poll`](Self::poll) and reports the result with
/// the method that answers the action. [`deadline`](Self::deadline) covers all of it but `Resolve`.
pub struct Driver<'c> {
    purpose: Purpose,
    connection: Connection<ActionError>,
    files: TlsFiles<'c>,
    session: Option<Box<Session>>,
    monitor: Option<SharedMonitor>,
    observers: Observers,
    start: Instant,
    /// The deadline of the last address that was tried.
    limit: Deadline,
}

impl<'c> Driver<'c> {
    /// To the hosts of the parameters.
    pub fn new(config: &'c Config) -> Self {
        let connection = Connection::new(&config.params, &config.environment, options(config));
        Self::of(ConfigRef::Borrowed(config), Purpose::Session, connection)
    }

    /// To the address of a session, to cancel its query (libpq: `PQcancelStart`).
    pub fn cancel(config: &'c Config, session: &Peer) -> Self {
        let connection = Connection::cancel(&config.params, &config.environment, session, options(config));
        Self::of(ConfigRef::Borrowed(config), Purpose::Cancel, connection)
    }

    /// Over connections that the program opens itself, to one address. The deadline starts now.
    pub fn to(config: &'c Config, endpoint: Endpoint, purpose: Purpose) -> Self {
        let connection = Connection::to(&config.params, endpoint, purpose, options(config));
        let mut driver = Self::of(ConfigRef::Borrowed(config), purpose, connection);
        driver.poll();
        driver
    }

    fn of(config: ConfigRef<'c>, purpose: Purpose, connection: Connection<ActionError>) -> Self {
        let observers = Observers::new(config.observer.as_ref(), purpose);
        let mut driver = Self {
            purpose,
            connection,
            files: TlsFiles::new(config),
            session: None,
            monitor: None,
            observers,
            start: Instant::now(),
            limit: Deadline::default(),
        };
        driver.observers.changes(&mut driver.connection);
        driver
    }

    /// The driver with a shared configuration, before it has loaded files.
    pub(crate) fn with_shared(self, config: Arc<Config>) -> Driver<'static> {
        let Self { purpose, connection, monitor, observers, start, limit, .. } = self;
        let files = TlsFiles::new(ConfigRef::Shared(config));
        Driver { purpose, connection, files, session: None, monitor, observers, start, limit }
    }

    /// The next action; the same until it is answered.
    pub fn poll(&mut self) -> Action {
        let action = self.connection.poll(self.start.elapsed());
        self.observers.action(&self.connection, &action);
        action
    }

    /// A task that may block, to be run before the action: reading the files of TLS, or writing the key log. Its result goes
    /// to [`completed`](Self::completed).
    pub fn task(&mut self) -> Option<BlockingTask<'c>> {
        if let Some(unwritten) = self.files.unwritten() {
            return Some(unwritten);
        }
        // A session that is being set up has its files.
        if self.session.is_some() || !matches!(self.poll(), Action::StartTls { .. }) {
            return None;
        }
        let host = self.connection.peer().and_then(|peer| peer.host.clone());
        let session = self.files.session(host.as_deref());
        self.note_files();
        match session {
            Ok(Ok(session)) => self.session = Some(Box::new(session)),
            Ok(Err(error)) => self.tls_failed(error),
            Err(task) => return Some(task),
        }
        None
    }

    /// The result of a [`task`](Self::task). An error means that it could not be run, which ends the connection; the error
    /// [`expired`](crate::expired) means that the deadline of the address has passed.
    pub fn completed(&mut self, result: io::Result<BlockingResult>) {
        match result {
            Ok(result) => {
                self.files.completed(result);
                self.note_files();
            }
            Err(error) if has_expired(&error) => {
                self.files.expired(&error);
                self.note_files();
                // The key log is written after a failure, too.
                if self.connection.deadline().is_some() {
                    self.answer(Input::TimedOut);
                }
            }
            // A key log that cannot be written is a warning.
            Err(error) if self.files.unwritten().is_some() => {
                self.files.expired(&error);
                self.note_files();
            }
            Err(error) => self.answer(Input::Abandoned(error.into())),
        }
    }

    /// Answers any action under the deadline: it has passed.
    pub(crate) fn timed_out(&mut self) {
        if self.files.unwritten().is_some() {
            self.files.expired(&expired());
            self.note_files();
        }
        if let Some(session) = self.session.take() {
            self.connection.set_client_certificate(session.client_certificate());
        }
        self.monitor = None;
        self.answer(Input::TimedOut);
    }

    /// The deadline of the current address; for a key log that is not written yet, that of the address it belongs to.
    pub fn deadline(&self) -> Deadline {
        let current = Deadline::at(self.start, self.connection.deadline());
        if current.instant().is_none() && self.files.unwritten().is_some() { self.limit } else { current }
    }

    /// The server of the current attempt.
    pub fn peer(&self) -> Option<&Peer> {
        self.connection.peer()
    }

    /// The machine, for inspection.
    pub fn connection(&self) -> &Connection<ActionError> {
        &self.connection
    }

    /// Answers `Resolve`: the addresses, in the resolver's order. Their ports do not matter.
    pub fn resolved(&mut self, addresses: io::Result<Vec<SocketAddr>>) {
        self.answer(Input::Resolved(addresses.map_err(ActionError::Io)));
    }

    /// Answers `Open`. Returns the connection.
    pub fn opened<S>(&mut self, connection: io::Result<S>) -> Option<S> {
        match connection {
            Ok(connection) => {
                self.answer(Input::Opened(Ok(())));
                Some(connection)
            }
            Err(error) => {
                self.failed(error, |error| Input::Opened(Err(error)));
                None
            }
        }
    }

    /// Answers `CheckPeer`.
    pub fn peer_user(&mut self, user: io::Result<String>) {
        match user {
            Ok(user) => self.answer(Input::PeerUser(Ok(&user))),
            Err(error) => self.failed(error, |error| Input::PeerUser(Err(error))),
        }
    }

    /// Answers `Send`.
    pub fn sent(&mut self, sent: io::Result<()>) {
        match sent {
            Ok(()) => self.answer(Input::Sent),
            Err(error) => self.failed(error, |error| Input::ConnectionLost(Some(error))),
        }
    }

    /// Answers `Receive`. An interrupted read is repeated.
    pub fn received(&mut self, received: io::Result<&[u8]>) {
        match received {
            Ok(bytes) => self.answer(Input::Received(bytes)),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => self.failed(error, |error| Input::ConnectionLost(Some(error))),
        }
    }

    /// The configuration for the handshake of `StartTls`, for this one connection, and the name for rustls. What is verified
    /// is the host. `None` if there is nothing to do: poll again.
    pub fn start_tls(&mut self) -> Option<(Arc<ClientConfig>, ServerName<'static>)> {
        self.session.as_ref().map(|session| (session.config(), session.server_name()))
    }

    /// Answers `StartTls`: the handshake is complete. Returns facts of the session, unless the handshake is not complete, which
    /// ends the connection.
    pub fn tls_established(&mut self, tls: &ClientConnection) -> Option<SessionFacts> {
        let session = self.session.take()?;
        let (Some(facts), Some(shown)) = (session.facts(tls), session.session_facts(tls)) else {
            self.misused("the adapter reports a TLS handshake that is not complete");
            return None;
        };
        self.observers.tls(&self.connection, &shown);
        self.answer(Input::TlsEstablished { facts, certificate: session.client_certificate() });
        Some(shown)
    }

    /// Answers `StartTls`: the handshake has failed. The error of rustls is within this one, if it was rustls that failed.
    pub fn handshake_failed(&mut self, error: io::Error) {
        let Some(session) = self.session.take() else { return };
        if has_expired(&error) {
            self.connection.set_client_certificate(session.client_certificate());
            return self.answer(Input::TimedOut);
        }
        let error = session.failure(error);
        self.answer(Input::TlsFailed {
            failure: error.failure(),
            certificate: session.client_certificate(),
            alert: b"",
            cause: error.into(),
        });
    }

    /// The monitor for the stream, at `Startup` and `Established`, once for each connection.
    pub fn monitor(&mut self) -> Option<SharedMonitor> {
        let is_established = matches!(self.poll(), Action::Established(_));
        let monitor = self.connection.monitor()?;
        if is_established {
            return Some(SharedMonitor::handed_over(monitor));
        }
        self.monitor = Some(SharedMonitor::new(monitor));
        self.monitor.clone()
    }

    /// The server of the startup exchange that is under way.
    pub fn startup(&self) -> Option<Startup<'_>> {
        Some(Startup {
            peer: self.connection.peer()?,
            monitor: self.monitor.as_ref(),
            deadline: self.deadline(),
            random: self.files.random(),
        })
    }

    /// Answers `Startup` with the stream and the result of the exchange; returns them if there is a session. The bytes of the
    /// server take precedence over the result.
    ///
    /// There is a session only if its bytes have passed the [`SharedMonitor`]: a StartupMessage of an allowed protocol version,
    /// ReadyForQuery, and the role that `target_session_attrs` demands ([`Startup::role_query`]). A result that claims a
    /// session without this proof ends the connection.
    pub fn finish_startup<S, T>(&mut self, outcome: Result<(S, T), StartupError>) -> Option<Connected<S, T>> {
        let ((stream, value), _) = self.end_startup(Purpose::Session, outcome)?;
        let (report, failed) = self.end();
        Some(Connected { stream, value, report, failed })
    }

    /// Answers `Startup` of [`cancel`](Self::cancel): the server has closed the connection on which the CancelRequest was
    /// sent.
    pub fn finish_cancel(&mut self, outcome: Result<(), StartupError>) -> Option<Cancelled> {
        let ((), encryption) = self.end_startup(Purpose::Cancel, outcome)?;
        let (report, failed) = self.end();
        Some(Cancelled { encryption, report, failed })
    }

    /// Answers `Startup`, whatever its purpose is. Returns whether the connection is done.
    pub(crate) fn finish(&mut self, outcome: Result<(), StartupError>) -> bool {
        self.end_startup(self.purpose, outcome).is_some()
    }

    fn end_startup<T>(
        &mut self,
        purpose: Purpose,
        outcome: Result<T, StartupError>,
    ) -> Option<(T, Encryption)> {
        let (value, outcome) = match outcome {
            Ok(value) => (Some(value), Ok(())),
            Err(error) => (None, Err(error)),
        };
        let Some(monitor) = self.monitor.take().filter(|_| self.purpose == purpose) else {
            self.misused("the adapter reports the end of a startup exchange that it does not run");
            return None;
        };
        let (verdict, cause) = monitor.finish(outcome);
        self.answer(Input::StartupFinished { verdict, cause });
        match self.poll() {
            Action::Done(encryption) => value.map(|value| (value, encryption)),
            _ => None,
        }
    }

    /// The connection that the action is about is gone: a future was dropped. Ends the connection.
    pub fn connection_lost(&mut self) {
        self.answer(Input::Abandoned(io::Error::from(io::ErrorKind::NotConnected).into()));
    }

    /// The error, after `Failed`.
    pub fn error(&mut self) -> ConnectError {
        self.note_files();
        self.connection.take_error()
    }

    /// The report and the errors of earlier attempts, when the connection is up.
    pub(crate) fn end(&mut self) -> (Report, Vec<AttemptError>) {
        self.note_files();
        self.connection.take_report()
    }

    /// Adds an observation of the program to the report: a warning about the password file.
    pub fn note(&mut self, note: Note) {
        self.observers.note(&self.connection, &note);
        self.connection.note(note);
    }

    fn note_files(&mut self) {
        for note in self.files.take_notes() {
            self.note(note);
        }
    }

    /// TLS cannot be set up.
    fn tls_failed(&mut self, error: TlsError) {
        let (failure, alert) = (error.failure(), error.closing_alert());
        let certificate = ClientCertificate::NONE;
        self.answer(Input::TlsFailed { failure, certificate, alert, cause: error.into() });
    }

    fn misused(&mut self, text: &str) {
        let error = io::Error::new(io::ErrorKind::InvalidInput, format!("{text}; this is a bug in it"));
        self.answer(Input::Abandoned(error.into()));
    }

    fn failed(&mut self, error: io::Error, input: impl FnOnce(ActionError) -> Input<'static, ActionError>) {
        if has_expired(&error) {
            self.answer(Input::TimedOut);
        } else {
            self.answer(input(error.into()));
        }
    }

    /// An answer that does not fit ends the connection, whose error says so.
    fn answer(&mut self, input: Input<'_, ActionError>) {
        if let Some(deadline) = self.connection.deadline() {
            self.limit = Deadline::at(self.start, Some(deadline));
        }
        let _ = self.connection.handle(input);
        self.observers.changes(&mut self.connection);
    }
}

fn options(config: &Config) -> Options {
    let mut options = Options::default();
    options.seed = config.tls.seed();
    options
}

impl fmt::Debug for Driver<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Driver").field("connection", &self.connection).finish_non_exhaustive()
    }
}
