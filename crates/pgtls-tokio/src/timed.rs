//! A connection under the time limit of its address: everything that is read and written.

use pgtls_adapter::{Deadline, expired, first, taken};
use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Instant,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Sleep, sleep_until},
};

/// A connection under a deadline.
#[derive(Debug)]
pub(crate) struct Timed<S> {
    inner: S,
    deadline: Option<Pin<Box<Sleep>>>,
    /// The peer was told that nothing more is written.
    ended: bool,
}

impl<S> Timed<S> {
    pub(crate) fn new(inner: S, deadline: Deadline) -> Self {
        let sleep = |instant: Instant| Box::pin(sleep_until(instant.into()));
        Self { inner, deadline: deadline.instant().map(sleep), ended: false }
    }

    pub(crate) fn inner(&self) -> &S {
        &self.inner
    }

    /// Lifts the deadline.
    pub(crate) fn release(&mut self) {
        self.deadline = None;
    }

    /// What is below, if the deadline has not passed. Asked before each read and write, so that a peer that sends a byte
    /// now and then does not move it.
    fn below(&mut self, cx: &mut Context<'_>) -> io::Result<Pin<&mut S>>
    where
        S: Unpin,
    {
        match self.deadline.as_mut().map(|sleep| sleep.as_mut().poll(cx)) {
            Some(Poll::Ready(())) => Err(expired()),
            Some(Poll::Pending) | None => Ok(Pin::new(&mut self.inner)),
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Timed<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.below(cx)?.poll_read(cx, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Timed<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        taken(bytes, self.below(cx)?.poll_write(cx, bytes))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        taken(first(slices), self.below(cx)?.poll_write_vectored(cx, slices))
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.below(cx)?.poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.ended {
            ready!(self.below(cx)?.poll_shutdown(cx))?;
            self.ended = true;
        }
        Poll::Ready(Ok(()))
    }
}
