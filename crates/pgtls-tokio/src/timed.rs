//! A connection under the time limit of its address: everything that is read and written.

use pgtls_adapter::{Deadline, expired};
use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep, sleep_until, timeout_at},
};

/// What a future returns, unless the deadline passes before.
pub(crate) async fn within<T>(
    deadline: Deadline,
    future: impl Future<Output = io::Result<T>>,
) -> io::Result<T> {
    match deadline.instant() {
        None => future.await,
        Some(instant) => {
            timeout_at(Instant::from_std(instant), future).await.unwrap_or_else(|_| Err(expired()))
        }
    }
}

/// A connection under a deadline.
#[derive(Debug)]
pub(crate) struct Timed<S> {
    inner: S,
    deadline: Option<Pin<Box<Sleep>>>,
}

impl<S> Timed<S> {
    pub(crate) fn new(inner: S, deadline: Deadline) -> Self {
        let sleep = |instant| Box::pin(sleep_until(Instant::from_std(instant)));
        Self { inner, deadline: deadline.instant().map(sleep) }
    }

    pub(crate) fn inner(&self) -> &S {
        &self.inner
    }

    /// Lifts the deadline.
    pub(crate) fn release(&mut self) {
        self.deadline = None;
    }

    /// Asked before each read and write, so that a peer that sends a byte now and then does not move the deadline.
    fn check(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        match self.deadline.as_mut().map(|sleep| sleep.as_mut().poll(cx)) {
            Some(Poll::Ready(())) => Err(expired()),
            Some(Poll::Pending) | None => Ok(()),
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Timed<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.check(cx)?;
        Pin::new(&mut self.inner).poll_read(cx, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Timed<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.check(cx)?;
        Pin::new(&mut self.inner).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.check(cx)?;
        Pin::new(&mut self.inner).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.check(cx)?;
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.check(cx)?;
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}
