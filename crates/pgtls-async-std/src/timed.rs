//! A connection under the time limit of its address: everything that is read and written.

use async_io::Timer;
use futures_io::{AsyncRead, AsyncWrite};
use pgtls_adapter::{Deadline, expired, first, taken};
use std::{
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll, ready},
};

/// A connection under a deadline.
#[derive(Debug)]
pub(crate) struct Timed<S> {
    inner: S,
    deadline: Option<Timer>,
    /// The peer was told that nothing more is written.
    ended: bool,
}

impl<S> Timed<S> {
    pub(crate) fn new(inner: S, deadline: Deadline) -> Self {
        Self { inner, deadline: deadline.instant().map(Timer::at), ended: false }
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
        match self.deadline.as_mut().map(|timer| Pin::new(timer).poll(cx)) {
            Some(Poll::Ready(_)) => Err(expired()),
            Some(Poll::Pending) | None => Ok(Pin::new(&mut self.inner)),
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Timed<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
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
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        taken(first(slices), self.below(cx)?.poll_write_vectored(cx, slices))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.below(cx)?.poll_flush(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.ended {
            ready!(self.below(cx)?.poll_close(cx))?;
            self.ended = true;
        }
        Poll::Ready(Ok(()))
    }
}
