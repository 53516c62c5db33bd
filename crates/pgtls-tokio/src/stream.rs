//! A session's bytes, encrypted or not.

use crate::{
    goodbye::Tls,
    socket::{Duplex, Socket},
    timed::Timed,
};
use pgtls_adapter::{Protection, first};
use pgtls_core::negotiation::Encryption;
use pgtls_rustls::SessionFacts;
use rustls::ClientConnection;
use std::{
    fmt,
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll, ready},
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A session's bytes, encrypted or not.
///
/// During the startup exchange the bytes pass the startup monitor: reads and writes fail as soon as the server has sent
/// something that must not be answered, and a failed write is reported by the next read, which may find the server's
/// reason. A read of 0 bytes is an end in order: with TLS, the server's close_notify.
///
/// Shutting it down sends close_notify, without waiting for the server's (libpq: `pgtls_close`). Dropping it does so if it
/// can be done without waiting.
pub struct Stream<S: AsyncRead + AsyncWrite + Unpin = Socket> {
    channel: Channel<S>,
    protection: Protection,
}

enum Channel<S: AsyncRead + AsyncWrite + Unpin> {
    Plain(Timed<S>),
    Tls(Box<Tls<S>>),
}

impl<S: AsyncRead + AsyncWrite + Unpin> Stream<S> {
    /// How the bytes are protected.
    pub fn encryption(&self) -> Encryption {
        self.protection.encryption()
    }

    /// Facts of the TLS session; `None` without TLS.
    pub fn facts(&self) -> Option<&SessionFacts> {
        self.protection.facts()
    }

    /// The connection below. Bytes that are read or written there break a TLS session.
    pub fn connection(&self) -> &S {
        match &self.channel {
            Channel::Plain(below) => below.inner(),
            Channel::Tls(tls) => tls.0.get_ref().0.inner(),
        }
    }

    pub(crate) fn plain(below: Timed<S>) -> Self {
        Self { channel: Channel::Plain(below), protection: Protection::default() }
    }

    pub(crate) fn encrypted(tls: Tls<S>) -> Self {
        Self { channel: Channel::Tls(Box::new(tls)), protection: Protection::default() }
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

    pub(crate) fn protection(&mut self) -> &mut Protection {
        &mut self.protection
    }

    /// Lifts the deadline and drops the monitor, if the startup exchange has ended.
    pub(crate) fn end_startup(&mut self) {
        if self.protection.end_startup() {
            match &mut self.channel {
                Channel::Plain(below) => below.release(),
                Channel::Tls(tls) => tls.0.get_mut().0.release(),
            }
        }
    }

    /// The channel and its protection.
    fn parts(&mut self) -> (Pin<&mut dyn Duplex>, &Protection) {
        self.end_startup();
        let channel: &mut dyn Duplex = match &mut self.channel {
            Channel::Plain(below) => below,
            Channel::Tls(tls) => &mut tls.0,
        };
        (Pin::new(channel), &self.protection)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Stream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let (channel, protection) = self.parts();
        let Some(monitor) = protection.monitor() else { return channel.poll_read(cx, buffer) };
        if buffer.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        if let Some(leftover) = monitor.before_read()? {
            buffer.put_slice(&[leftover]);
            return Poll::Ready(Ok(()));
        }
        let before = buffer.filled().len();
        ready!(channel.poll_read(cx, buffer)).map_err(|error| monitor.read_failed(error))?;
        let seen = monitor.read(buffer.filled().get(before..).unwrap_or_default());
        if seen.is_err() {
            buffer.set_filled(before);
        }
        Poll::Ready(seen)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Stream<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let (channel, protection) = self.parts();
        let Some(monitor) = protection.monitor() else { return channel.poll_write(cx, bytes) };
        monitor.before_write()?;
        let written = ready!(channel.poll_write(cx, bytes));
        Poll::Ready(monitor.wrote(bytes, written))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let (channel, protection) = self.parts();
        if protection.monitor().is_none() {
            return channel.poll_write_vectored(cx, slices);
        }
        self.poll_write(cx, first(slices))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let (channel, protection) = self.parts();
        let flushed = ready!(channel.poll_flush(cx));
        Poll::Ready(protection.flushed(flushed))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.parts().0.poll_shutdown(cx)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> fmt::Debug for Stream<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.protection.fmt(f)
    }
}
