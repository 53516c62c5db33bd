//! A session's bytes with the traits of the standard library.

use crate::{
    connection::Connection,
    deadline::{Blocking, Timed, block_on},
    socket::Socket,
};
use pgtls_adapter::SliceBuffer;
use pgtls_core::negotiation::Encryption;
use pgtls_rustls::SessionFacts;
use std::{
    fmt,
    future::poll_fn,
    io::{self, IoSlice, Read, Write},
};

/// A session's bytes, encrypted or not.
///
/// During the startup exchange the bytes pass the startup monitor: reads and writes fail as soon as the server has sent a
/// message that must not be answered, and a failed write is reported by the next read, which may find the server's reason. A
/// read of 0 bytes is an end in order: with TLS, the server's close_notify.
///
/// Dropping it sends close_notify; [`shutdown`](Self::shutdown) does so and returns the result.
pub struct Stream<S: Connection = Socket>(pgtls_adapter::Stream<Timed<S>, Blocking>);

impl<S: Connection> Stream<S> {
    /// The encryption of the session.
    pub fn encryption(&self) -> Encryption {
        self.0.encryption()
    }

    /// Facts of the TLS session; `None` without TLS.
    pub fn facts(&self) -> Option<&SessionFacts> {
        self.0.facts()
    }

    /// The connection below. Bytes that are read or written there break a TLS session.
    pub fn connection(&self) -> &S {
        &self.0.connection().connection
    }

    /// Ends the session: with TLS sends close_notify, without waiting for the server's (libpq: `pgtls_close`).
    pub fn shutdown(&mut self) -> io::Result<()> {
        block_on(poll_fn(|cx| self.0.poll_close_notify(cx)))
    }
}

impl<S: Connection> From<pgtls_adapter::Stream<Timed<S>, Blocking>> for Stream<S> {
    fn from(stream: pgtls_adapter::Stream<Timed<S>, Blocking>) -> Self {
        Self(stream)
    }
}

impl<S: Connection> AsMut<pgtls_adapter::Stream<Timed<S>, Blocking>> for Stream<S> {
    fn as_mut(&mut self) -> &mut pgtls_adapter::Stream<Timed<S>, Blocking> {
        &mut self.0
    }
}

impl<S: Connection> Read for Stream<S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut buffer = SliceBuffer::new(buffer);
        block_on(poll_fn(|cx| self.0.poll_read(cx, &mut buffer)))?;
        Ok(buffer.len())
    }
}

impl<S: Connection> Write for Stream<S> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_vectored(&[IoSlice::new(bytes)])
    }
    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        block_on(poll_fn(|cx| self.0.poll_write_vectored(cx, slices)))
    }
    fn flush(&mut self) -> io::Result<()> {
        block_on(poll_fn(|cx| self.0.poll_flush(cx)))
    }
}

impl<S: Connection> fmt::Debug for Stream<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
