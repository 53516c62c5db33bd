//! A session's bytes, encrypted or not.

use crate::{connection::Connection, socket::Socket, timed::Timed, tls::Tls};
use pgtls_adapter::{Deadline, Protection, SharedMonitor};
use pgtls_core::negotiation::Encryption;
use pgtls_rustls::SessionFacts;
use std::{
    fmt,
    io::{self, Read, Write},
};

/// A session's bytes, encrypted or not.
///
/// During the startup exchange the bytes pass the startup monitor: reads and writes fail as soon as the server has sent
/// something that must not be answered, and a failed write is reported by the next read, which may find the server's
/// reason. A read of 0 bytes is an end in order: with TLS, the server's close_notify.
///
/// Dropping it sends close_notify; [`shutdown`](Self::shutdown) does so and says whether it could.
pub struct Stream<S: Connection = Socket> {
    channel: Channel<S>,
    protection: Protection,
}

enum Channel<S: Connection> {
    Plain(Timed<S>),
    Tls(Box<Tls<S>>),
}

impl<S: Connection> Stream<S> {
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
            Channel::Tls(tls) => tls.below().inner(),
        }
    }

    /// Says goodbye: with TLS sends close_notify, without waiting for the server's (libpq: `pgtls_close`).
    pub fn shutdown(&mut self) -> io::Result<()> {
        match &mut self.channel {
            Channel::Plain(below) => below.flush(),
            Channel::Tls(tls) => tls.close(),
        }
    }

    pub(crate) fn plain(connection: S, deadline: Deadline) -> Self {
        Self { channel: Channel::Plain(Timed::new(connection, deadline)), protection: Protection::default() }
    }

    pub(crate) fn tls(tls: Tls<S>, facts: Option<SessionFacts>) -> Self {
        let mut protection = Protection::default();
        if let Some(facts) = facts {
            protection.set_facts(facts);
        }
        Self { channel: Channel::Tls(Box::new(tls)), protection }
    }

    /// What is below, if it is not encrypted.
    pub(crate) fn into_plain(self) -> Option<Timed<S>> {
        match self.channel {
            Channel::Plain(below) => Some(below),
            Channel::Tls(_) => None,
        }
    }

    /// Adds the monitor of the startup exchange that follows.
    pub(crate) fn start_up(&mut self, monitor: SharedMonitor) {
        self.protection.set_monitor(monitor);
    }

    /// Lifts the deadline and drops the monitor, if the startup exchange has ended.
    pub(crate) fn end_startup(&mut self) -> io::Result<()> {
        if !self.protection.end_startup() {
            return Ok(());
        }
        match &mut self.channel {
            Channel::Plain(below) => below.release(),
            Channel::Tls(tls) => tls.below_mut().release(),
        }
    }
}

impl<S: Connection> Read for Channel<S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(below) => below.read(buffer),
            Self::Tls(tls) => tls.read(buffer),
        }
    }
}

impl<S: Connection> Write for Channel<S> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(below) => below.write(bytes),
            Self::Tls(tls) => tls.write(bytes),
        }
    }
    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(below) => below.flush(),
            Self::Tls(tls) => tls.flush(),
        }
    }
}

impl<S: Connection> Read for Stream<S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.end_startup()?;
        let Some(monitor) = self.protection.monitor() else { return self.channel.read(buffer) };
        let Some(first) = buffer.first_mut() else { return Ok(0) };
        if let Some(leftover) = monitor.before_read()? {
            *first = leftover;
            return Ok(1);
        }
        let read = self.channel.read(buffer).map_err(|error| monitor.read_failed(error))?;
        monitor.read(buffer.get(..read).unwrap_or_default())?;
        Ok(read)
    }
}

impl<S: Connection> Write for Stream<S> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.end_startup()?;
        let Some(monitor) = self.protection.monitor() else { return self.channel.write(bytes) };
        monitor.before_write()?;
        monitor.wrote(bytes, self.channel.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.end_startup()?;
        self.protection.flushed(self.channel.flush())
    }
}

impl<S: Connection> fmt::Debug for Stream<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.protection.fmt(f)
    }
}
