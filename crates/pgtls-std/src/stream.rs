//! A session's bytes, encrypted or not.

use crate::{
    connection::Connection,
    deadline::{Deadline, Timed, has_expired},
    socket::Socket,
    tls::{self, Refused, Tls},
};
use pgtls_core::{
    gate::{Exchange, Shut, StartupGate},
    negotiation::{Encryption, Input, TlsFacts},
};
use pgtls_rustls::{Session, SessionFacts};
use std::{
    fmt,
    io::{self, ErrorKind, Read, Write},
};

/// A session's bytes, encrypted or not.
///
/// While the session starts up the bytes pass a [`StartupGate`]: reads and writes fail as soon as the server has said
/// something that must not be answered, and a write that fails is reported by the next read, which may find the server's
/// reason. A read of 0 bytes is an end in order: with TLS, the server's close_notify.
///
/// Dropping it sends close_notify; [`shutdown`](Self::shutdown) does so and says whether it could.
pub struct Stream<S: Connection = Socket> {
    channel: Channel<S>,
    facts: Option<Box<SessionFacts>>,
    gate: Option<Box<StartupGate>>,
}

enum Channel<S: Connection> {
    Plain(Timed<S>),
    Tls(Box<Tls<S>>),
}

impl<S: Connection> Stream<S> {
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
        Self { channel: Channel::Plain(Timed::new(connection, deadline)), facts: None, gate: None }
    }

    /// Runs the handshake.
    pub(crate) fn start_tls(self, session: &Session) -> Result<(Self, TlsFacts), Refused> {
        let below = match self.channel {
            Channel::Plain(below) => below,
            // The machine starts TLS on plain connections alone.
            Channel::Tls(_) => return Err(Refused::connection(ErrorKind::InvalidInput.into())),
        };
        let established = tls::handshake(below, session)?;
        let stream = Self {
            channel: Channel::Tls(Box::new(established.stream)),
            facts: Some(Box::new(established.session)),
            gate: self.gate,
        };
        Ok((stream, established.facts))
    }

    /// What follows is the startup exchange.
    pub(crate) fn start_up(&mut self, gate: StartupGate) {
        self.gate = Some(Box::new(gate));
    }

    /// What the startup exchange led to. A gate that has seen everything is taken down; one that has not, because the
    /// program was content before the server was ready, stays and goes on watching.
    pub(crate) fn conclude(&mut self, exchange: Exchange) -> Input<'static> {
        let input = self.gate.as_ref().map_or(Input::Ready, |gate| gate.conclude(exchange));
        self.gate.take_if(|gate| gate.is_done());
        input
    }

    /// What ended TLS, if it was not close_notify.
    pub(crate) fn broken(&self) -> Option<&rustls::Error> {
        match &self.channel {
            Channel::Plain(_) => None,
            Channel::Tls(tls) => tls.broken(),
        }
    }

    /// Lifts the deadline.
    pub(crate) fn release(&mut self) -> io::Result<()> {
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
        match &mut self.gate {
            None => self.channel.read(buffer),
            Some(gate) => read_through(gate, &mut self.channel, buffer),
        }
    }
}

impl<S: Connection> Write for Stream<S> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.gate {
            None => self.channel.write(bytes),
            Some(gate) => {
                gate.may_pass().map_err(shut)?;
                let taken = excused(gate, self.channel.write(bytes), bytes.len())?;
                gate.sent(bytes.get(..taken).unwrap_or(bytes));
                Ok(taken)
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.gate {
            None => self.channel.flush(),
            Some(gate) => excused(gate, self.channel.flush(), ()),
        }
    }
}

fn read_through(gate: &mut StartupGate, channel: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    gate.may_pass().map_err(shut)?;
    if buffer.is_empty() {
        return Ok(0);
    }
    let read = match (gate.take_carry(), buffer.first_mut()) {
        (Some(carry), Some(first)) => {
            *first = carry;
            Ok(1)
        }
        _ => channel.read(buffer),
    };
    match &read {
        Ok(0) => gate.closed(),
        Ok(count) => gate.received(buffer.get(..*count).unwrap_or_default()).map_err(shut)?,
        Err(error) if is_transient(error) => {}
        Err(error) if has_expired(error) => gate.timed_out(),
        Err(_) => gate.aborted(),
    }
    read
}

/// A write that failed for good looks like one that did not: the server may have said why, and the next read will tell.
fn excused<T>(gate: &mut StartupGate, written: io::Result<T>, as_if: T) -> io::Result<T> {
    match written {
        Err(error) if has_expired(&error) => {
            gate.timed_out();
            Err(error)
        }
        Err(error) if !is_transient(&error) => Ok(as_if),
        written => written,
    }
}

fn is_transient(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::Interrupted | ErrorKind::WouldBlock)
}

fn shut(shut: Shut) -> io::Error {
    io::Error::other(shut)
}

impl<S: Connection> fmt::Debug for Stream<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream")
            .field("encryption", &self.encryption())
            .field("facts", &self.facts)
            .finish_non_exhaustive()
    }
}
