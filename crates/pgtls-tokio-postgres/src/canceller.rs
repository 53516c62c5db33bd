//! Requests to cancel the query of a session.

use crate::{
    channel::{Channel, Established},
    driver_error::StartupContext,
};
use pgtls_core::connect::Peer;
use pgtls_tokio::{Cancelled, Config, ConnectError, StartupError, Stream, cancelling};
use std::{
    fmt, io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};
use tokio_postgres::{
    CancelToken,
    tls::{ChannelBinding, TlsStream},
};

/// Cancels the query of a session, over a connection of its own to the same address, encrypted and verified by the same
/// rules (libpq: `PQcancelStart`).
#[derive(Clone)]
pub struct Canceller {
    pub(crate) config: Arc<Config>,
    pub(crate) session: Peer,
    pub(crate) token: CancelToken,
}

impl Canceller {
    /// Requests the server to cancel. The server does not report whether there was a query to cancel.
    ///
    /// # Errors
    /// All attempts, in order. A server that sends anything, or does not close the connection in order, has not accepted the
    /// request.
    pub async fn cancel(&self) -> Result<Cancelled, ConnectError> {
        let mut cancelling = cancelling(&self.config, &self.session);
        loop {
            let stream = cancelling.advance().await?;
            if let Some(cancelled) = cancelling.finish_cancel(self.request(stream).await) {
                return Ok(cancelled);
            }
        }
    }

    async fn request(&self, stream: Stream) -> Result<(), StartupError> {
        let mut channel = Channel::new(stream);
        let sent = self.token.cancel_query_raw(BorrowedStream(&mut channel), Established).await;
        sent.map_err(|error| StartupContext::CANCEL.startup_error(error))?;
        // The monitor rejects everything but the end.
        channel.read_to_end(&mut Vec::new()).await?;
        Ok(())
    }
}

impl fmt::Debug for Canceller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Canceller").field("session", &self.session).finish_non_exhaustive()
    }
}

/// A channel that is only lent to tokio-postgres, which would close it without waiting for the server.
struct BorrowedStream<'c>(&'c mut Channel);

impl AsyncRead for BorrowedStream<'_> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.0).poll_read(cx, buffer)
    }
}

impl AsyncWrite for BorrowedStream<'_> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut *self.0).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.0).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_flush(cx)
    }
}

impl TlsStream for BorrowedStream<'_> {
    fn channel_binding(&self) -> ChannelBinding {
        ChannelBinding::none()
    }
}
