//! The time limit of one address, over everything that is read and written.

use crate::connection::Connection;
use std::{
    fmt,
    io::{self, Read, Write},
    time::{Duration, Instant},
};

/// A point in time, or none. A peer that sends a byte now and then does not move it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadline(Option<Instant>);

impl Deadline {
    /// This much from now; a time too far away to be told is never.
    pub(crate) fn after(limit: Option<Duration>) -> Self {
        Self(limit.and_then(|limit| Instant::now().checked_add(limit)))
    }

    /// What is left; `None` if there is no limit.
    pub(crate) fn left(self) -> io::Result<Option<Duration>> {
        let Some(deadline) = self.0 else { return Ok(None) };
        match deadline.checked_duration_since(Instant::now()) {
            Some(left) if !left.is_zero() => Ok(Some(left)),
            _ => Err(io::Error::new(io::ErrorKind::TimedOut, Expired)),
        }
    }
}

/// The deadline passed. It is told from a connection that the operating system has given up on, after which libpq does
/// not go to the next address.
#[derive(Debug)]
struct Expired;

impl fmt::Display for Expired {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("timeout expired")
    }
}

impl std::error::Error for Expired {}

/// Whether an error is the passing of the deadline.
pub(crate) fn has_expired(error: &io::Error) -> bool {
    error.get_ref().is_some_and(<dyn std::error::Error + Send + Sync>::is::<Expired>)
}

/// A connection under a deadline.
#[derive(Debug)]
pub(crate) struct Timed<S> {
    inner: S,
    deadline: Deadline,
}

impl<S: Connection> Timed<S> {
    pub(crate) fn new(inner: S, deadline: Deadline) -> Self {
        Self { inner, deadline }
    }

    pub(crate) fn inner(&self) -> &S {
        &self.inner
    }

    /// Another time limit, from now.
    pub(crate) fn limit(&mut self, limit: Duration) -> io::Result<()> {
        self.release()?;
        self.deadline = Deadline::after(Some(limit));
        Ok(())
    }

    /// Lifts the deadline.
    pub(crate) fn release(&mut self) -> io::Result<()> {
        if self.deadline.0.take().is_none() {
            return Ok(());
        }
        self.inner.set_read_timeout(None)?;
        self.inner.set_write_timeout(None)
    }
}

impl<S: Connection> Read for Timed<S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while let Some(left) = self.deadline.left()? {
            self.inner.set_read_timeout(Some(left))?;
            match self.inner.read(buffer) {
                // Its own limit: a moment early perhaps, so the deadline is asked again.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                result => return result,
            }
        }
        self.inner.read(buffer)
    }
}

impl<S: Connection> Write for Timed<S> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        while let Some(left) = self.deadline.left()? {
            self.inner.set_write_timeout(Some(left))?;
            match self.inner.write(bytes) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                result => return result,
            }
        }
        self.inner.write(bytes)
    }
    fn write_vectored(&mut self, slices: &[io::IoSlice<'_>]) -> io::Result<usize> {
        while let Some(left) = self.deadline.left()? {
            self.inner.set_write_timeout(Some(left))?;
            match self.inner.write_vectored(slices) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                result => return result,
            }
        }
        self.inner.write_vectored(slices)
    }
    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}
