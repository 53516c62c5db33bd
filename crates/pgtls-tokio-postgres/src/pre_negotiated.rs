//! A connection on which the driver has sent the SSLRequest already.

use pgtls_core::message::SSL_REQUEST;
use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A connection of tokio-postgres. If the driver has sent the SSLRequest and read the `S` that grants it
/// (`sslmode=prefer`), a second SSLRequest is answered here; everything else passes.
#[derive(Debug)]
pub struct PreNegotiated<S> {
    inner: S,
    stage: Stage,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Nothing was written. A first write that is no SSLRequest begins TLS at once.
    Fresh,
    /// The answer is to be read.
    Granted,
    Passing,
}

impl<S> PreNegotiated<S> {
    pub(crate) fn new(inner: S, by_driver: bool) -> Self {
        Self { inner, stage: if by_driver { Stage::Fresh } else { Stage::Passing } }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for PreNegotiated<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.stage == Stage::Granted && buffer.remaining() > 0 {
            self.stage = Stage::Passing;
            buffer.put_slice(b"S");
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.inner).poll_read(cx, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for PreNegotiated<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.stage == Stage::Fresh && !bytes.is_empty() {
            if bytes == SSL_REQUEST {
                self.stage = Stage::Granted;
                return Poll::Ready(Ok(bytes.len()));
            }
            self.stage = Stage::Passing;
        }
        Pin::new(&mut self.inner).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}
