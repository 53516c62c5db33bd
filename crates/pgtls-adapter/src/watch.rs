//! The watch over a startup exchange, as a stream and a walk share it.

use crate::deadline::has_expired;
use pgtls_core::{
    gate::{Exchange, Shut, StartupGate},
    negotiation::{Input, Misuse},
};
use pgtls_rustls::{Cause, StartupError, TlsError};
use std::{
    fmt,
    io::{self, ErrorKind},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// The watch over a startup exchange: a [`StartupGate`] that outlives the stream, for drivers that take the stream and
/// return an error that says nothing.
///
/// A stream asks before it reads or writes, and tells what it has read or written, until the watch [is
/// over](Self::is_over). A write that fails looks like one that did not: the server may have said why, and the next read
/// will tell.
#[derive(Clone)]
pub struct Watch(Arc<Mutex<Watched>>);

struct Watched {
    gate: StartupGate,
    /// What ended TLS, if it was not close_notify.
    broken: Option<rustls::Error>,
    concluded: bool,
}

impl Watch {
    pub(crate) fn new(gate: StartupGate) -> Self {
        Self(Arc::new(Mutex::new(Watched { gate, broken: None, concluded: false })))
    }

    /// Before a read: whether bytes may be read, and the byte that came too early, which is the first one to be read and
    /// counts as read by this.
    pub fn may_read(&self) -> io::Result<Option<u8>> {
        let mut watched = self.lock();
        watched.gate.may_pass().map_err(shut)?;
        watched.gate.take_carry().map_err(shut)
    }

    /// These bytes were read; none is the end of the connection. After an error the driver must not see them.
    pub fn has_read(&self, bytes: &[u8]) -> io::Result<()> {
        let mut watched = self.lock();
        if bytes.is_empty() {
            watched.gate.closed();
            return Ok(());
        }
        watched.gate.received(bytes).map_err(shut)
    }

    /// A read failed. The error is handed on.
    pub fn read_failed(&self, error: io::Error) -> io::Error {
        let mut watched = self.lock();
        if has_expired(&error) {
            watched.gate.timed_out();
        } else if !is_transient(&error) {
            if let Some(broken) = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
                watched.broken.get_or_insert_with(|| broken.clone());
            }
            watched.gate.aborted();
        }
        error
    }

    /// Before a write: whether bytes may be sent.
    pub fn may_write(&self) -> io::Result<()> {
        self.lock().gate.may_pass().map_err(shut)
    }

    /// After a write of `bytes`: how many of them the driver is told were taken.
    pub fn has_written(&self, bytes: &[u8], written: io::Result<usize>) -> io::Result<usize> {
        let taken = self.excused(written, bytes.len())?;
        self.lock().gate.sent(bytes.get(..taken).unwrap_or(bytes));
        Ok(taken)
    }

    /// After a flush: what the driver is told.
    pub fn has_flushed(&self, flushed: io::Result<()>) -> io::Result<()> {
        self.excused(flushed, ())
    }

    fn excused<T>(&self, written: io::Result<T>, as_if: T) -> io::Result<T> {
        match written {
            Err(error) if has_expired(&error) => {
                self.lock().gate.timed_out();
                Err(error)
            }
            Err(error) if !is_transient(&error) => Ok(as_if),
            written => written,
        }
    }

    /// Whether the exchange has ended well: the deadline of the address is met.
    pub fn is_concluded(&self) -> bool {
        self.lock().concluded
    }

    /// Whether there is nothing left to watch. The connection of another driver's connector is watched until the server is
    /// ready for queries, although its deadline is met when TLS is established.
    pub fn is_over(&self) -> bool {
        let watched = self.lock();
        watched.concluded && watched.gate.is_done()
    }

    /// The query that establishes the server's role; see [`StartupGate::role_query`].
    pub fn role_query(&self) -> Option<&'static str> {
        self.lock().gate.role_query()
    }

    /// The answer to [`role_query`](Self::role_query); see [`StartupGate::role_answer`].
    pub fn role_answer(&self, value: Option<&[u8]>) {
        self.lock().gate.role_answer(value);
    }

    /// Ends the deadline without a session: another driver runs the exchange, and the gate stays until the server is ready.
    pub(crate) fn hand_over(&self) {
        self.lock().concluded = true;
    }

    /// The input for the machine that follows from the exchange.
    ///
    /// # Errors
    /// The exchange is reported as complete, and a part of the proof is missing.
    pub(crate) fn conclude(
        &self,
        outcome: Result<(), StartupError>,
    ) -> Result<(Input<'static>, Option<Cause>), Misuse> {
        let mut watched = self.lock();
        let (exchange, error) = match outcome {
            Ok(()) => (Exchange::Up, None),
            Err(error) => (error.exchange(), Some(error)),
        };
        let input = watched.gate.conclude(exchange)?;
        watched.concluded = input == Input::Ready;
        let broken = watched.broken.as_ref().map(|broken| TlsError::Handshake(broken.clone()).into());
        let cause = error.and_then(|error| broken.or_else(|| error.into_cause()));
        let role = || watched.gate.wrong_role().map(|role| Cause::Startup(role.into()));
        Ok((input, cause.or_else(role)))
    }

    fn lock(&self) -> MutexGuard<'_, Watched> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_transient(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::Interrupted | ErrorKind::WouldBlock)
}

fn shut(shut: Shut) -> io::Error {
    io::Error::other(shut)
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch").finish_non_exhaustive()
    }
}
