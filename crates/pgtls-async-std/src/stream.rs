//! A session's bytes, encrypted or not.

use crate::{
    goodbye::Tls,
    socket::{Duplex, Socket},
    timed::Timed,
};
use futures_io::{AsyncRead, AsyncWrite};
use pgtls_adapter::{Guard, first};
use pgtls_core::negotiation::Encryption;
use pgtls_rustls::SessionFacts;
use rustls::ClientConnection;
use std::{
    fmt,
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll, ready},
};

/// A session's bytes, encrypted or not.
///
/// While the session starts up the bytes are watched: reads and writes fail as soon as the server has said
/// something that must not be answered, and a write that fails is reported by the next read, which may find the server's
/// reason. A read of 0 bytes is an end in order: with TLS, the server's close_notify.
///
/// Closing it sends close_notify, without waiting for the server's (libpq: `pgtls_close`). Dropping it does so if it
/// can be done without waiting.
pub struct Stream<S: AsyncRead + AsyncWrite + Unpin = Socket> {
    channel: Channel<S>,
    guard: Guard,
}

enum Channel<S: AsyncRead + AsyncWrite + Unpin> {
    Plain(Timed<S>),
    Tls(Box<Tls<S>>),
}

impl<S: AsyncRead + AsyncWrite + Unpin> Stream<S> {
    /// How the bytes are protected.
    pub fn encryption(&self) -> Encryption {
        self.guard.encryption()
    }

    /// Facts of the TLS session; `None` without TLS.
    pub fn facts(&self) -> Option<&SessionFacts> {
        self.guard.facts()
    }

    /// The connection below. Bytes that are read or written there break a TLS session.
    pub fn connection(&self) -> &S {
        match &self.channel {
            Channel::Plain(below) => below.inner(),
            Channel::Tls(tls) => tls.0.get_ref().0.inner(),
        }
    }

    pub(crate) fn plain(below: Timed<S>) -> Self {
        Self { channel: Channel::Plain(below), guard: Guard::default() }
    }

    pub(crate) fn encrypted(tls: Tls<S>) -> Self {
        Self { channel: Channel::Tls(Box::new(tls)), guard: Guard::default() }
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

    pub(crate) fn guard(&mut self) -> &mut Guard {
        &mut self.guard
    }

    /// Lifts the deadline and ends the watch, if the startup exchange has ended.
    pub(crate) fn relax(&mut self) {
        if self.guard.relax() {
            match &mut self.channel {
                Channel::Plain(below) => below.release(),
                Channel::Tls(tls) => tls.0.get_mut().0.release(),
            }
        }
    }

    /// The bytes as they go, and what is known about them.
    fn parts(&mut self) -> (Pin<&mut dyn Duplex>, &Guard) {
        self.relax();
        let channel: &mut dyn Duplex = match &mut self.channel {
            Channel::Plain(below) => below,
            Channel::Tls(tls) => &mut tls.0,
        };
        (Pin::new(channel), &self.guard)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Stream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let (channel, guard) = self.parts();
        let Some(watch) = guard.watch() else { return channel.poll_read(cx, buffer) };
        let Some(first) = buffer.first_mut() else { return Poll::Ready(Ok(0)) };
        if let Some(carry) = watch.may_read()? {
            *first = carry;
            return Poll::Ready(Ok(1));
        }
        let read = ready!(channel.poll_read(cx, buffer)).map_err(|error| watch.read_failed(error))?;
        watch.has_read(buffer.get(..read).unwrap_or_default())?;
        Poll::Ready(Ok(read))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Stream<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let (channel, guard) = self.parts();
        let Some(watch) = guard.watch() else { return channel.poll_write(cx, bytes) };
        watch.may_write()?;
        let written = ready!(channel.poll_write(cx, bytes));
        Poll::Ready(watch.has_written(bytes, written))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let (channel, guard) = self.parts();
        if guard.watch().is_none() {
            return channel.poll_write_vectored(cx, slices);
        }
        self.poll_write(cx, first(slices))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let (channel, guard) = self.parts();
        let flushed = ready!(channel.poll_flush(cx));
        Poll::Ready(guard.has_flushed(flushed))
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.parts().0.poll_close(cx)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> fmt::Debug for Stream<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.guard.fmt(f)
    }
}
