//! The startup monitor, as a stream and the driver of the connection share it.

use crate::deadline::has_expired;
use pgtls_core::{
    negotiation::{Encryption, Failure},
    startup::{StartupMonitor, StartupOutcome, StartupRejection, StartupVerdict},
};
use pgtls_rustls::{ActionError, SessionFacts, StartupError, TlsError};
use std::{
    fmt,
    io::{self, ErrorKind},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// A [`StartupMonitor`] that outlives the stream, for drivers that take the stream and return an error without details.
///
/// A stream calls it before and after each read and write until the monitor [is over](Self::is_over). A write that fails is
/// reported as a success: the server may have sent the reason, which the next read finds.
#[derive(Clone)]
pub struct SharedMonitor(Arc<Mutex<State>>);

struct State {
    monitor: StartupMonitor,
    /// The error that ended TLS, if it was not close_notify.
    broken: Option<rustls::Error>,
    /// The deadline of the address has been met.
    finished: bool,
}

impl SharedMonitor {
    pub(crate) fn new(monitor: StartupMonitor) -> Self {
        Self(Arc::new(Mutex::new(State { monitor, broken: None, finished: false })))
    }

    /// Before a read: the next of the bytes that were read together with `N`, which counts as read by this.
    ///
    /// # Errors
    /// No more bytes may be read.
    pub fn before_read(&self) -> io::Result<Option<u8>> {
        self.lock().monitor.before_read().map_err(rejection)
    }

    /// After a read; no bytes are the end of the connection.
    ///
    /// # Errors
    /// The driver must not see the bytes.
    pub fn read(&self, bytes: &[u8]) -> io::Result<()> {
        let mut state = self.lock();
        if bytes.is_empty() {
            state.monitor.closed();
            return Ok(());
        }
        state.monitor.read(bytes).map_err(rejection)
    }

    /// After a failed read. Returns the error.
    pub fn read_failed(&self, error: io::Error) -> io::Error {
        let mut state = self.lock();
        if has_expired(&error) {
            state.monitor.timed_out();
        } else if !is_transient(&error) {
            if let Some(broken) = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
                state.broken.get_or_insert_with(|| broken.clone());
            }
            state.monitor.aborted();
        }
        error
    }

    /// Before a write.
    ///
    /// # Errors
    /// No more bytes may be written.
    pub fn before_write(&self) -> io::Result<()> {
        self.lock().monitor.before_write().map_err(rejection)
    }

    /// After a write of `bytes`: the number of bytes that counts as written.
    ///
    /// # Errors
    /// The deadline has passed, or the write has to be repeated.
    pub fn wrote(&self, bytes: &[u8], written: io::Result<usize>) -> io::Result<usize> {
        let taken = self.excuse(written, bytes.len())?;
        self.lock().monitor.wrote(bytes.get(..taken).unwrap_or(bytes));
        Ok(taken)
    }

    /// After a flush: its result for the driver.
    ///
    /// # Errors
    /// The deadline has passed, or the flush has to be repeated.
    pub fn flushed(&self, flushed: io::Result<()>) -> io::Result<()> {
        self.excuse(flushed, ())
    }

    /// After a failed write of bytes that [`wrote`](Self::wrote) has counted: see [`StartupMonitor::write_failed`].
    pub(crate) fn write_failed(&self) {
        self.lock().monitor.write_failed();
    }

    fn excuse<T>(&self, written: io::Result<T>, as_if: T) -> io::Result<T> {
        match written {
            Err(error) if has_expired(&error) => {
                self.lock().monitor.timed_out();
                Err(error)
            }
            Err(error) if !is_transient(&error) => {
                self.write_failed();
                Ok(as_if)
            }
            written => written,
        }
    }

    /// Whether the deadline of the address has been met: the startup exchange has succeeded, or another driver runs it.
    pub fn is_finished(&self) -> bool {
        self.lock().finished
    }

    /// Whether there is nothing left to monitor. The connection of another driver is monitored until ReadyForQuery, although
    /// its deadline is met when TLS is established.
    pub fn is_over(&self) -> bool {
        let state = self.lock();
        state.finished && state.monitor.is_ready()
    }

    /// The query that establishes the server's role; see [`StartupMonitor::role_query`].
    pub fn role_query(&self) -> Option<&'static str> {
        self.lock().monitor.role_query()
    }

    /// The answer to [`role_query`](Self::role_query); see [`StartupMonitor::role_answer`].
    pub fn role_answer(&self, value: Option<&[u8]>) {
        self.lock().monitor.role_answer(value);
    }

    /// The monitor of a connection that has been handed over to another driver.
    pub(crate) fn handed_over(monitor: StartupMonitor) -> Self {
        Self(Arc::new(Mutex::new(State { monitor, broken: None, finished: true })))
    }

    /// The verdict on the exchange, and the error for people.
    pub(crate) fn finish(&self, outcome: Result<(), StartupError>) -> (StartupVerdict, Option<ActionError>) {
        let mut state = self.lock();
        let (outcome, error) = match outcome {
            Ok(()) => (StartupOutcome::Up, None),
            Err(error) => (error.outcome(), Some(error)),
        };
        let verdict = state.monitor.finish(outcome);
        state.finished = verdict.is_up();
        let broken = state.broken.as_ref().map(|broken| TlsError::Handshake(broken.clone()).into());
        // The driver's error is the one with which the deadline stopped it.
        let error = error.filter(|_| verdict.failure() != Some(Failure::TimedOut));
        (verdict, error.and_then(|error| broken.or_else(|| error.into_error())))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_transient(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::Interrupted | ErrorKind::WouldBlock)
}

fn rejection(rejection: StartupRejection) -> io::Error {
    io::Error::other(rejection)
}

impl fmt::Debug for SharedMonitor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedMonitor").finish_non_exhaustive()
    }
}

/// Protection of a stream: facts of TLS, and the startup monitor while there is one.
#[derive(Debug, Default)]
pub struct Protection {
    facts: Option<Box<SessionFacts>>,
    monitor: Option<SharedMonitor>,
}

impl Protection {
    /// The encryption of the stream.
    pub fn encryption(&self) -> Encryption {
        if self.facts.is_some() { Encryption::Ssl } else { Encryption::Plain }
    }

    /// Facts of the TLS session; `None` without TLS.
    pub fn facts(&self) -> Option<&SessionFacts> {
        self.facts.as_deref()
    }

    /// Adds the facts of a complete TLS handshake.
    pub fn set_facts(&mut self, facts: SessionFacts) {
        self.facts = Some(Box::new(facts));
    }

    /// Adds the monitor of the startup exchange that follows.
    pub fn set_monitor(&mut self, monitor: SharedMonitor) {
        self.monitor = Some(monitor);
    }

    /// The monitor of the startup exchange, until it is over.
    pub fn monitor(&self) -> Option<&SharedMonitor> {
        self.monitor.as_ref()
    }

    /// After a flush: its result for the driver.
    ///
    /// # Errors
    /// See [`SharedMonitor::flushed`].
    pub fn flushed(&self, flushed: io::Result<()>) -> io::Result<()> {
        match &self.monitor {
            None => flushed,
            Some(monitor) => monitor.flushed(flushed),
        }
    }

    /// Drops the monitor if it is over. Returns whether the deadline of the address has been met. Called before each read and
    /// write.
    pub fn end_startup(&mut self) -> bool {
        let Some(monitor) = &self.monitor else { return false };
        let is_finished = monitor.is_finished();
        self.monitor.take_if(|monitor| monitor.is_over());
        is_finished
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pgtls_core::message::CancelRequest;

    type Write = fn(&SharedMonitor, &[u8]) -> io::Result<()>;

    /// A cancel request whose write or flush fails has not been sent, although the driver sees no error.
    #[test]
    fn a_failed_write_is_no_cancel_request() {
        let request = CancelRequest::new(1, &[1, 2, 3, 4]).unwrap().encode();
        let finish = |write: Write| {
            let monitor = SharedMonitor::new(StartupMonitor::cancel(Encryption::Plain, None));
            write(&monitor, &request).unwrap();
            monitor.read(b"").unwrap();
            monitor.finish(Ok(())).0
        };
        assert!(finish(|monitor, bytes| monitor.wrote(bytes, Ok(bytes.len())).map(drop)).is_up());
        let writes: [Write; 3] = [
            |monitor, bytes| monitor.wrote(bytes, Err(ErrorKind::BrokenPipe.into())).map(drop),
            |monitor, bytes| {
                monitor.wrote(bytes, Ok(3))?;
                monitor.wrote(&bytes[3..], Err(ErrorKind::ConnectionReset.into())).map(drop)
            },
            |monitor, bytes| {
                monitor.wrote(bytes, Ok(bytes.len()))?;
                monitor.flushed(Err(ErrorKind::BrokenPipe.into()))
            },
        ];
        for write in writes {
            assert!(!finish(write).is_up());
        }
    }
}
