//! A session's bytes with the traits of tokio.

use crate::{runtime::Tokio, socket::Socket};
use pgtls_adapter::ReadBuffer;
use pgtls_core::negotiation::Encryption;
use pgtls_rustls::SessionFacts;
use std::{
    fmt,
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll},
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A session's bytes, encrypted or not.
///
/// During the startup exchange the bytes pass the startup monitor: reads and writes fail as soon as the server has sent a
/// message that must not be answered, and a failed write is reported by the next read, which may find the server's reason. A
/// read of 0 bytes is an end in order: with TLS, the server's close_notify.
///
/// Shutting it down sends close_notify, without waiting for the server's (libpq: `pgtls_close`). Dropping it does so if it
/// can be done without waiting.
pub struct Stream<S: AsyncRead + AsyncWrite + Unpin = Socket>(pgtls_adapter::Stream<S, Tokio>);

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

impl<S: AsyncRead + AsyncWrite + Unpin> From<pgtls_adapter::Stream<S, Tokio>> for Stream<S> {
    fn from(stream: pgtls_adapter::Stream<S, Tokio>) -> Self {
        Self(stream)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsMut<pgtls_adapter::Stream<S, Tokio>> for Stream<S> {
    fn as_mut(&mut self) -> &mut pgtls_adapter::Stream<S, Tokio> {
        &mut self.0
    }
}

/// A buffer of tokio, and its length before the read.
struct Buffer<'a, 'b>(&'a mut ReadBuf<'b>, usize);

impl<S: AsyncRead + AsyncWrite + Unpin> ReadBuffer<S, Tokio> for Buffer<'_, '_> {
    fn remaining(&self) -> usize {
        self.0.remaining()
    }
    fn put(&mut self, bytes: &[u8]) {
        self.0.put_slice(bytes);
    }
    fn filled(&self) -> &[u8] {
        self.0.filled().get(self.1..).unwrap_or_default()
    }
    fn clear(&mut self) {
        self.0.set_filled(self.1);
    }
    fn poll_read(&mut self, connection: &mut S, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(connection).poll_read(cx, self.0)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Stream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        self.0.poll_read(cx, &mut Buffer(buffer, before))
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
    fn is_write_vectored(&self) -> bool {
        true
    }
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.poll_flush(cx)
    }
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.poll_shutdown(cx)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> fmt::Debug for Stream<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
