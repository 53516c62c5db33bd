//! A connection under the time limit of its address: everything that is read and written.

use crate::connection::Connection;
use pgtls_adapter::Deadline;
use std::{
    io::{self, Read, Write},
    time::Duration,
};

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
        if self.deadline.instant().is_some() {
            self.inner.set_read_timeout(None)?;
            self.inner.set_write_timeout(None)?;
            self.deadline = Deadline::default();
        }
        Ok(())
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
