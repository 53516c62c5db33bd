//! A session's bytes with the traits of `futures-io`.

use crate::{runtime::AsyncIo, socket::Socket};
use futures_io::{AsyncRead, AsyncWrite};
use pgtls_adapter::SliceBuffer;
use pgtls_core::negotiation::Encryption;
use pgtls_rustls::SessionFacts;
use std::{
    fmt,
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll, ready},
};

/// A session's bytes, encrypted or not.
///
/// During the startup exchange the bytes pass the startup monitor: reads and writes fail as soon as the server has sent a
/// message that must not be answered, and a failed write is reported by the next read, which may find the server's reason. A
/// read of 0 bytes is an end in order: with TLS, the server's close_notify.
///
/// Closing it sends close_notify, without waiting for the server's (libpq: `pgtls_close`). Dropping it does so if it
/// can be done without waiting.
pub struct Stream<S: AsyncRead + AsyncWrite + Unpin = Socket>(pgtls_adapter::Stream<S, AsyncIo>);

impl<S: AsyncRead + AsyncWrite + Unpin> Stream<S> {
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
        self.0.connection()
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> From<pgtls_adapter::Stream<S, AsyncIo>> for Stream<S> {
    fn from(stream: pgtls_adapter::Stream<S, AsyncIo>) -> Self {
        Self(stream)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsMut<pgtls_adapter::Stream<S, AsyncIo>> for Stream<S> {
    fn as_mut(&mut self) -> &mut pgtls_adapter::Stream<S, AsyncIo> {
        &mut self.0
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Stream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let mut buffer = SliceBuffer::new(buffer);
        ready!(self.0.poll_read(cx, &mut buffer))?;
        Poll::Ready(Ok(buffer.len()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Stream<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.0.poll_write(cx, bytes)
    }
    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.0.poll_write_vectored(cx, slices)
    }
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.poll_flush(cx)
    }
    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.poll_shutdown(cx)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> fmt::Debug for Stream<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
