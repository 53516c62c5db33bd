//! Observation of a connection while it is made.

#[cfg(feature = "tracing")]
mod tracing;

use pgtls_core::{
    connect::{Action, Connection, Note, Peer, Purpose, Warning},
    files::FileReport,
    negotiation::Event,
};
use pgtls_rustls::{ActionError, AttemptError, SessionFacts};
use std::{fmt, sync::Arc};

/// Receives what happens on a connection while it is made ([`Config::observer`](crate::Config::observer)).
///
/// Closures are observers. One observer serves all connections of a configuration, unless
/// [`connection`](Self::connection) returns another one.
///
/// - **Order.** The observations of one connection arrive one at a time and in the order in which the connection made them. The
///   events, failures, files and warnings are those of the report and the errors of the connection, in the same order. The last
///   observation is the action `Done`, `Established` or `Failed`. A connection that is dropped ends without it.
/// - **Thread.** The calls are made by the thread or task that drives the connection, never by the threads of
///   [`BlockingTask`](crate::BlockingTask). Several connections call one observer at the same time.
/// - **Time.** The connection waits for each call, and `connect_timeout` includes it: an observer must not block.
/// - **Outcome.** An observer returns nothing to the connection. A panic of an observer unwinds through the call that drives the
///   connection, and is the program's.
/// - **Secrets.** No observation holds a password, a key, or text that a server sent before TLS was established. The error of a
///   startup exchange ([`ActionError::Startup`]) is the driver's own and may hold the server's text.
///
/// ```
/// use pgtls_adapter::{Config, Driver, Observation};
/// use pgtls_core::{
///     connect::{Action, Peer},
///     environment::{Environment, Platform},
///     param::{Ability, Params, Settings},
/// };
/// use std::sync::{Arc, Mutex};
///
/// let environment = Environment::empty(Platform::Unix).with_variable("PGUSER", "u");
/// let settings = Settings::parse("hostaddr=192.0.2.1 sslmode=require")?;
/// let params = Params::resolve(&settings, None, &environment, Ability::default())?;
/// let mut config = Config::new(params, environment, pgtls_rustls::aws_lc_rs());
///
/// let log = Arc::new(Mutex::new(String::new()));
/// let lines = log.clone();
/// config.observer = Some(Arc::new(move |_peer: Option<&Peer>, observation: Observation<'_>| {
///     let mut lines = lines.lock().unwrap();
///     match observation {
///         Observation::Event(event) => *lines += &format!("{event}\n"),
///         Observation::Failure(error) => *lines += &format!("{error}\n"),
///         Observation::Warning(warning) => *lines += &format!("{warning}\n"),
///         _ => {}
///     }
/// }));
///
/// // A server without TLS, played by hand; an adapter has a socket here.
/// let mut driver = Driver::new(&config);
/// let error = loop {
///     match driver.poll() {
///         Action::Open => drop(driver.opened(Ok(()))),
///         Action::Send(_request) => driver.sent(Ok(())),
///         Action::Receive { .. } => driver.received(Ok(b"N")),
///         Action::Failed => break driver.error(),
///         other => unreachable!("{other:?}"),
///     }
/// };
/// assert_eq!(*log.lock().unwrap(), format!("connect\nsslreject\n{error}\n"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Observer: Send + Sync {
    /// An observation, with the server that it belongs to; `None` before an address is tried and when the connection has failed.
    fn observe(&self, peer: Option<&Peer>, observation: Observation<'_>);

    /// An observer for a new connection, in place of this one. It is dropped with the connection. `None` keeps this one.
    fn connection(&self, purpose: Purpose) -> Option<Arc<dyn Observer>> {
        let _ = purpose;
        None
    }
}

impl<F: Fn(Option<&Peer>, Observation<'_>) + Send + Sync> Observer for F {
    fn observe(&self, peer: Option<&Peer>, observation: Observation<'_>) {
        self(peer, observation);
    }
}

impl fmt::Debug for dyn Observer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Observer").finish_non_exhaustive()
    }
}

/// An observation of a connection.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Observation<'a> {
    /// An action begins: a name is resolved, a socket opened, a request sent, a reply read, TLS started with its files and its
    /// handshake, the startup exchange run. `Done`, `Established` and `Failed` end the connection.
    Action(&'a Action),
    /// An event of the [`Report`](pgtls_core::connect::Report).
    Event(Event),
    /// A TLS handshake is complete and its checks have passed.
    Tls(&'a SessionFacts),
    /// A method, an address or a host has failed.
    Failure(&'a AttemptError),
    /// A file was looked at.
    File(&'a FileReport),
    /// A problem that does not prevent the connection.
    Warning(&'a Warning),
}

/// The observers of one connection, and their position.
#[derive(Debug, Default)]
pub(crate) struct Observers {
    list: Vec<Arc<dyn Observer>>,
    /// Number of failures that have been observed.
    failures: usize,
    /// The current action has been observed.
    is_announced: bool,
}

impl Observers {
    /// The program's observer, and that of the feature `tracing` while there is a subscriber.
    pub(crate) fn new(program: Option<&Arc<dyn Observer>>, purpose: Purpose) -> Self {
        let program =
            program.map(|observer| observer.connection(purpose).unwrap_or_else(|| observer.clone()));
        #[cfg(feature = "tracing")]
        let program = program.into_iter().chain(tracing::observer(purpose));
        Self { list: program.into_iter().collect(), ..Self::default() }
    }

    /// The current action, once.
    pub(crate) fn action(&mut self, connection: &Connection<ActionError>, action: &Action) {
        if !std::mem::replace(&mut self.is_announced, true) {
            self.emit(connection.peer(), Observation::Action(action));
        }
    }

    /// The events and failures that an input has caused.
    pub(crate) fn changes(&mut self, connection: &mut Connection<ActionError>) {
        self.is_announced = false;
        if self.list.is_empty() {
            return;
        }
        while let Some((peer, event)) = connection.poll_event() {
            self.emit(Some(peer), Observation::Event(event));
        }
        let errors = connection.errors();
        for error in errors.get(self.failures..).unwrap_or_default() {
            self.emit(error.peer.as_ref(), Observation::Failure(error));
        }
        self.failures = errors.len();
    }

    pub(crate) fn tls(&self, connection: &Connection<ActionError>, facts: &SessionFacts) {
        self.emit(connection.peer(), Observation::Tls(facts));
    }

    pub(crate) fn note(&self, connection: &Connection<ActionError>, note: &Note) {
        let observation = match note {
            Note::File(file) => Observation::File(file),
            Note::Warning(warning) => Observation::Warning(warning),
            _ => return,
        };
        self.emit(connection.peer(), observation);
    }

    fn emit(&self, peer: Option<&Peer>, observation: Observation<'_>) {
        for observer in &self.list {
            observer.observe(peer, observation);
        }
    }
}
