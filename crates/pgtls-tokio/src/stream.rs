//! A session's bytes, encrypted or not.

use crate::{goodbye::Tls, socket::Socket, timed::Timed};
use pgtls_adapter::Watch;
use pgtls_core::negotiation::Encryption;
use pgtls_rustls::SessionFacts;
use rustls::ClientConnection;
use std::{
    fmt, io,
    pin::Pin,
    task::{Context, Poll, ready},
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A session's bytes, encrypted or not.
///
/// While the session starts up the bytes pass a [`Watch`]: reads and writes fail as soon as the server has said
/// something that must not be answered, and a write that fails is reported by the next read, which may find the server's
/// reason. A read of 0 bytes is an end in order: with TLS, the server's close_notify.
///
/// Shutting it down sends close_notify, without waiting for the server's (libpq: `pgtls_close`). Dropping it does so if it
/// can be done without waiting.
pub struct Stream<S: AsyncRead + AsyncWrite + Unpin = Socket> {
    channel: Channel<S>,
    facts: Option<Box<SessionFacts>>,
    watch: Option<Watch>,
}

enum Channel<S: AsyncRead + AsyncWrite + Unpin> {
    Plain(Timed<S>),
    Tls(Box<Tls<S>>),
}

impl<S: AsyncRead + AsyncWrite + Unpin> Stream<S> {
    /// How the bytes are protected.
    pub fn encryption(&self) -> Encryption {
        match &self.channel {
            Channel::Plain(_) => Encryption::Plain,
            Channel::Tls(_) => Encryption::Ssl,
        }
    }

    /// Facts of the TLS session; `None` without TLS.
    pub fn facts(&self) -> Option<&SessionFacts> {
        self.facts.as_deref()
    }

    /// The connection below. Bytes that are read or written there break a TLS session.
    pub fn connection(&self) -> &S {
        match &self.channel {
            Channel::Plain(below) => below.inner(),
            Channel::Tls(tls) => tls.0.get_ref().0.inner(),
        }
    }

    pub(crate) fn plain(below: Timed<S>) -> Self {
        Self { channel: Channel::Plain(below), facts: None, watch: None }
    }

    pub(crate) fn encrypted(tls: Tls<S>) -> Self {
        Self { channel: Channel::Tls(Box::new(tls)), facts: None, watch: None }
    }

    /// What is below, if it is not encrypted.
    pub(crate) fn into_plain(self) -> Option<Timed<S>> {
        match self.channel {
            Channel::Plain(below) => Some(below),
            Channel::Tls(_) => None,
        }
    }

    pub(crate) fn tls(&self) -> Option<&ClientConnection> {
        match &self.channel {
            Channel::Plain(_) => None,
            Channel::Tls(tls) => Some(tls.0.get_ref().1),
        }
    }

    pub(crate) fn keep(&mut self, facts: SessionFacts) {
        self.facts = Some(Box::new(facts));
    }

    /// What follows is the startup exchange.
    pub(crate) fn watch(&mut self, watch: Watch) {
        self.watch = Some(watch);
    }

    /// Lifts the deadline and ends the watch, if the startup exchange has ended.
    pub(crate) fn release(&mut self) {
        let Some(watch) = &self.watch else { return };
        if watch.is_concluded() {
            match &mut self.channel {
                Channel::Plain(below) => below.release(),
                Channel::Tls(tls) => tls.0.get_mut().0.release(),
            }
            self.watch.take_if(|watch| watch.is_over());
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Channel<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(below) => Pin::new(below).poll_read(cx, buffer),
            Self::Tls(tls) => Pin::new(&mut tls.0).poll_read(cx, buffer),
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Channel<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(below) => Pin::new(below).poll_write(cx, bytes),
            Self::Tls(tls) => Pin::new(&mut tls.0).poll_write(cx, bytes),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(below) => Pin::new(below).poll_write_vectored(cx, slices),
            Self::Tls(tls) => Pin::new(&mut tls.0).poll_write_vectored(cx, slices),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Plain(below) => below.is_write_vectored(),
            Self::Tls(tls) => tls.0.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(below) => Pin::new(below).poll_flush(cx),
            Self::Tls(tls) => Pin::new(&mut tls.0).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(below) => Pin::new(below).poll_shutdown(cx),
            Self::Tls(tls) => Pin::new(&mut tls.0).poll_shutdown(cx),
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Stream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.release();
        let Self { channel, watch, .. } = &mut *self;
        let Some(watch) = watch else { return Pin::new(channel).poll_read(cx, buffer) };
        if buffer.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        if let Some(carry) = watch.may_read()? {
            buffer.put_slice(&[carry]);
            return Poll::Ready(Ok(()));
        }
        let before = buffer.filled().len();
        ready!(Pin::new(channel).poll_read(cx, buffer)).map_err(|error| watch.read_failed(error))?;
        let seen = watch.has_read(buffer.filled().get(before..).unwrap_or_default());
        if seen.is_err() {
            buffer.set_filled(before);
        }
        Poll::Ready(seen)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Stream<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.release();
        let Self { channel, watch, .. } = &mut *self;
        let Some(watch) = watch else { return Pin::new(channel).poll_write(cx, bytes) };
        watch.may_write()?;
        let written = ready!(Pin::new(channel).poll_write(cx, bytes));
        Poll::Ready(watch.has_written(bytes, written))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.watch.is_none() {
            return Pin::new(&mut self.channel).poll_write_vectored(cx, slices);
        }
        let first = slices.iter().find(|slice| !slice.is_empty());
        self.poll_write(cx, first.map_or(&[], |slice| &**slice))
    }

    fn is_write_vectored(&self) -> bool {
        self.channel.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.release();
        let flushed = ready!(Pin::new(&mut self.channel).poll_flush(cx));
        Poll::Ready(match &self.watch {
            None => flushed,
            Some(watch) => watch.has_flushed(flushed),
        })
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.release();
        Pin::new(&mut self.channel).poll_shutdown(cx)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> fmt::Debug for Stream<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream")
            .field("encryption", &self.encryption())
            .field("facts", &self.facts)
            .finish_non_exhaustive()
    }
}
