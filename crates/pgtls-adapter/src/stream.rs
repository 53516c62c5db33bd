//! The bytes of a session for the adapters with streams: the connection below, TLS, the deadline, and the startup monitor, at
//! the level of polls.

use crate::{
    deadline::{Deadline, expired},
    monitor::Protection,
    runtime::StreamRuntime,
};
use pgtls_core::negotiation::Encryption;
use pgtls_rustls::SessionFacts;
use rustls::{ClientConfig, ClientConnection, pki_types::ServerName};
use std::{
    fmt,
    future::poll_fn,
    io::{self, BufRead, ErrorKind, IoSlice, Read, Write},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker, ready},
};

/// The bytes of a session, encrypted or not, over a connection of type `S`.
///
/// During the startup exchange the bytes pass the startup monitor: reads and writes fail as soon as the server has sent a
/// message that must not be answered, and a failed write is reported by the next read, which may find the server's reason. A
/// read of 0 bytes is an end in order: with TLS, the server's close_notify.
///
/// Dropping it sends close_notify if that can be done without waiting (libpq: `pgtls_close`).
pub struct Stream<S, R: StreamRuntime<S>> {
    below: Below<S, R>,
    tls: Option<Box<Tls>>,
    protection: Protection,
}

/// A connection under the deadline of its address.
struct Below<S, R: StreamRuntime<S>> {
    connection: S,
    /// Polled before each read and write, so that a peer that sends a byte now and then does not move it.
    timer: Option<R::Timer>,
    /// The deadline has passed. A timer need not be ready a second time.
    is_expired: bool,
    is_shut_down: bool,
}

struct Tls {
    connection: ClientConnection,
    /// The error that ended TLS, if it was not close_notify.
    broken: Option<rustls::Error>,
    /// close_notify is sent or among the bytes to be sent: the driver must not write any more.
    is_closing: bool,
    /// No more bytes can be written, or must not be.
    is_mute: bool,
    /// A write, flush or close waits for the connection. Reads must not write then: the connection wakes the last task that has
    /// polled it, and the reader may be another one than the writer.
    is_blocked: bool,
}

/// A buffer for one read. It need not be initialised.
pub trait ReadBuffer<S, R> {
    /// The free space.
    fn remaining(&self) -> usize;
    /// Appends bytes, at most [`remaining`](Self::remaining).
    fn put(&mut self, bytes: &[u8]);
    /// The bytes of this read.
    fn filled(&self) -> &[u8];
    /// Removes the bytes of this read.
    fn clear(&mut self);
    /// Reads from the connection.
    fn poll_read(&mut self, connection: &mut S, cx: &mut Context<'_>) -> Poll<io::Result<()>>;
}

/// A [`ReadBuffer`] that is initialised.
#[derive(Debug)]
pub struct SliceBuffer<'b> {
    bytes: &'b mut [u8],
    filled: usize,
}

impl<'b> SliceBuffer<'b> {
    /// Nothing of it is filled.
    pub fn new(bytes: &'b mut [u8]) -> Self {
        Self { bytes, filled: 0 }
    }

    /// The number of bytes that were read.
    pub fn len(&self) -> usize {
        self.filled
    }

    /// Whether no bytes were read.
    pub fn is_empty(&self) -> bool {
        self.filled == 0
    }
}

impl<S, R: StreamRuntime<S>> ReadBuffer<S, R> for SliceBuffer<'_> {
    fn remaining(&self) -> usize {
        self.bytes.len().saturating_sub(self.filled)
    }

    fn put(&mut self, bytes: &[u8]) {
        let end = self.filled.saturating_add(bytes.len());
        if let Some(free) = self.bytes.get_mut(self.filled..end) {
            free.copy_from_slice(bytes);
            self.filled = end;
        }
    }

    fn filled(&self) -> &[u8] {
        self.bytes.get(..self.filled).unwrap_or_default()
    }

    fn clear(&mut self) {
        self.filled = 0;
    }

    fn poll_read(&mut self, connection: &mut S, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let free = self.bytes.get_mut(self.filled..).unwrap_or_default();
        R::poll_read(connection, cx, free).map_ok(|count| self.filled = self.filled.saturating_add(count))
    }
}

impl<S, R: StreamRuntime<S>> Stream<S, R> {
    /// The encryption of the session.
    pub fn encryption(&self) -> Encryption {
        self.protection.encryption()
    }

    /// Facts of the TLS session; `None` without TLS.
    pub fn facts(&self) -> Option<&SessionFacts> {
        self.protection.facts()
    }

    /// The connection below. Bytes that are read or written there break a TLS session.
    pub fn connection(&self) -> &S {
        &self.below.connection
    }

    pub(crate) fn plain(connection: S, deadline: Deadline, runtime: &R) -> Self {
        let timer = deadline.instant().and_then(|instant| runtime.timer(instant));
        let below = Below { connection, timer, is_expired: false, is_shut_down: false };
        Self { below, tls: None, protection: Protection::default() }
    }

    /// Runs a TLS handshake. A stream on which it has failed is of no use.
    pub(crate) async fn start_tls(
        &mut self,
        config: Arc<ClientConfig>,
        server_name: ServerName<'static>,
    ) -> io::Result<&ClientConnection> {
        let Self { below, tls, .. } = self;
        let connection = ClientConnection::new(config, server_name).map_err(io::Error::other)?;
        let tls = tls.insert(Box::new(Tls {
            connection,
            broken: None,
            is_closing: false,
            is_mute: false,
            is_blocked: false,
        }));
        poll_fn(|cx| tls.poll_handshake(below, cx)).await?;
        Ok(&tls.connection)
    }

    pub(crate) fn protection(&mut self) -> &mut Protection {
        &mut self.protection
    }

    /// Lifts the deadline and drops the monitor, if the startup exchange has ended.
    pub(crate) fn end_startup(&mut self) {
        if self.protection.end_startup() {
            self.below.release();
        }
    }

    /// Sends all of it.
    pub(crate) async fn send(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let count = poll_fn(|cx| self.poll_write(cx, bytes)).await?;
            bytes = bytes.get(count..).unwrap_or_default();
        }
        poll_fn(|cx| self.poll_flush(cx)).await
    }

    /// Reads once.
    pub(crate) async fn receive(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut buffer = SliceBuffer::new(buffer);
        poll_fn(|cx| self.poll_read(cx, &mut buffer)).await?;
        Ok(buffer.len())
    }

    /// Reads. No bytes are an end in order, unless the buffer has no space.
    ///
    /// # Errors
    /// Those of the connection, of TLS and of the monitor, and the deadline.
    pub fn poll_read<B: ReadBuffer<S, R>>(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut B,
    ) -> Poll<io::Result<()>> {
        self.end_startup();
        if buffer.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        let Some(monitor) = self.protection.monitor() else {
            return poll_read(&mut self.below, &mut self.tls, cx, buffer);
        };
        if let Some(leftover) = monitor.before_read()? {
            buffer.put(&[leftover]);
            return Poll::Ready(Ok(()));
        }
        ready!(poll_read(&mut self.below, &mut self.tls, cx, buffer))
            .map_err(|error| monitor.read_failed(error))?;
        let seen = monitor.read(buffer.filled());
        if seen.is_err() {
            buffer.clear();
        }
        Poll::Ready(seen)
    }

    /// Writes, and returns the number of bytes that were accepted.
    ///
    /// # Errors
    /// See [`poll_read`](Self::poll_read).
    pub fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(bytes)])
    }

    /// Writes, and returns the number of bytes that were accepted. While there is a monitor, it takes the bytes of one slice.
    ///
    /// # Errors
    /// See [`poll_read`](Self::poll_read).
    pub fn poll_write_vectored(
        &mut self,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.end_startup();
        let Self { below, tls, protection } = self;
        let Some(monitor) = protection.monitor() else { return poll_write(below, tls, cx, slices) };
        monitor.before_write()?;
        let bytes = first(slices);
        let written = ready!(poll_write(below, tls, cx, &[IoSlice::new(bytes)]));
        Poll::Ready(monitor.wrote(bytes, written))
    }

    /// Sends everything that was written.
    ///
    /// # Errors
    /// See [`poll_read`](Self::poll_read).
    pub fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.end_startup();
        if let Some(tls) = &mut self.tls
            && let Err(error) = ready!(tls.poll_send(&mut self.below, cx))
        {
            return Poll::Ready(self.protection.flushed(Err(error)));
        }
        let flushed = ready!(self.below.poll(cx, R::poll_flush));
        Poll::Ready(self.protection.flushed(flushed))
    }

    /// Sends close_notify after everything that was written, without waiting for the server's (libpq: `pgtls_close`). Without
    /// TLS it flushes.
    ///
    /// # Errors
    /// See [`poll_read`](Self::poll_read).
    pub fn poll_close_notify(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.end_startup();
        if let Some(tls) = &mut self.tls {
            if !std::mem::replace(&mut tls.is_closing, true) {
                tls.connection.send_close_notify();
            }
            ready!(tls.poll_send(&mut self.below, cx))?;
            tls.is_mute = true;
        }
        self.below.poll(cx, R::poll_flush)
    }

    /// Sends close_notify, and ends the writing side of the connection.
    ///
    /// # Errors
    /// See [`poll_read`](Self::poll_read).
    pub fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_close_notify(cx))?;
        if !self.below.is_shut_down {
            match ready!(self.below.poll(cx, R::poll_shutdown)) {
                // The peer was faster.
                Err(error) if self.tls.is_some() && error.kind() == ErrorKind::NotConnected => {}
                result => result?,
            }
            self.below.is_shut_down = true;
        }
        Poll::Ready(Ok(()))
    }
}

fn poll_read<S, R: StreamRuntime<S>>(
    below: &mut Below<S, R>,
    tls: &mut Option<Box<Tls>>,
    cx: &mut Context<'_>,
    buffer: &mut impl ReadBuffer<S, R>,
) -> Poll<io::Result<()>> {
    match tls {
        Some(tls) => tls.poll_read(below, cx, buffer),
        None => below.poll(cx, |connection, cx| buffer.poll_read(connection, cx)),
    }
}

fn poll_write<S, R: StreamRuntime<S>>(
    below: &mut Below<S, R>,
    tls: &mut Option<Box<Tls>>,
    cx: &mut Context<'_>,
    slices: &[IoSlice<'_>],
) -> Poll<io::Result<usize>> {
    match tls {
        Some(tls) => tls.poll_write(below, cx, slices),
        None => below.poll_write(cx, slices),
    }
}

impl Tls {
    /// Runs the handshake, until all of it is sent.
    fn poll_handshake<S, R: StreamRuntime<S>>(
        &mut self,
        below: &mut Below<S, R>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            let sent = match self.poll_send(below, cx)? {
                Poll::Ready(()) => below.poll(cx, R::poll_flush)?,
                Poll::Pending => Poll::Pending,
            };
            if !self.connection.is_handshaking() {
                return sent.map(Ok);
            }
            if ready!(self.poll_receive(below, cx))? == 0 {
                return Poll::Ready(Err(ErrorKind::UnexpectedEof.into()));
            }
            if let Some(error) = &self.broken {
                return Poll::Ready(Err(io::Error::new(ErrorKind::InvalidData, error.clone())));
            }
        }
    }

    /// Reads plaintext, without a copy in between.
    fn poll_read<S, R: StreamRuntime<S>>(
        &mut self,
        below: &mut Below<S, R>,
        cx: &mut Context<'_>,
        buffer: &mut impl ReadBuffer<S, R>,
    ) -> Poll<io::Result<()>> {
        loop {
            match self.connection.reader().fill_buf() {
                Ok(plain) => {
                    let count = plain.len().min(buffer.remaining());
                    buffer.put(plain.get(..count).unwrap_or_default());
                    self.connection.reader().consume(count);
                    return Poll::Ready(Ok(()));
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
            if let Some(error) = &self.broken {
                return Poll::Ready(Err(io::Error::new(ErrorKind::InvalidData, error.clone())));
            }
            // Answers of rustls, such as a key update. If they cannot be sent, the bytes of the server can still be read: a
            // server that closes the connection sends its reason first (libpq: `pqsecure_raw_write`, `pqHandleSendFailure`).
            self.answer(below, cx);
            ready!(self.poll_receive(below, cx))?;
        }
    }

    fn poll_write<S, R: StreamRuntime<S>>(
        &mut self,
        below: &mut Below<S, R>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.is_closing || self.is_mute {
            return Poll::Ready(Err(ErrorKind::BrokenPipe.into()));
        }
        // The rest of the write before goes first, so that there is room for this one.
        ready!(self.poll_send(below, cx))?;
        let count = self.connection.writer().write_vectored(slices)?;
        // The bytes are accepted: the rest of them goes with the next write, read or flush.
        match self.poll_send(below, cx) {
            Poll::Ready(Err(error)) if error.kind() != ErrorKind::WouldBlock => Poll::Ready(Err(error)),
            Poll::Ready(_) | Poll::Pending => Poll::Ready(Ok(count)),
        }
    }

    /// Sends the answers of rustls, unless that has to wait.
    fn answer<S, R: StreamRuntime<S>>(&mut self, below: &mut Below<S, R>, cx: &mut Context<'_>) {
        if !self.is_blocked {
            let _ = self.poll_write_tls(below, cx);
        }
    }

    /// Sends the bytes that rustls has, for a task that waits for it.
    fn poll_send<S, R: StreamRuntime<S>>(
        &mut self,
        below: &mut Below<S, R>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        let sent = self.poll_write_tls(below, cx);
        self.is_blocked = sent.is_pending();
        sent
    }

    fn poll_write_tls<S, R: StreamRuntime<S>>(
        &mut self,
        below: &mut Below<S, R>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        while !self.is_mute && self.connection.wants_write() {
            let mut io = Blocking { below, cx, is_pending: false };
            match self.connection.write_tls(&mut io) {
                Ok(_) => {}
                Err(_) if io.is_pending => return Poll::Pending,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => {
                    self.is_mute = error.kind() != ErrorKind::WouldBlock;
                    return Poll::Ready(Err(error));
                }
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Reads from the connection once, and hands the bytes to rustls. Returns their number.
    fn poll_receive<S, R: StreamRuntime<S>>(
        &mut self,
        below: &mut Below<S, R>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        let mut io = Blocking { below, cx, is_pending: false };
        let count = loop {
            match self.connection.read_tls(&mut io) {
                Ok(count) => break count,
                Err(_) if io.is_pending => return Poll::Pending,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        };
        if let Err(error) = self.connection.process_new_packets() {
            // The alert for the server.
            self.answer(below, cx);
            self.is_mute = true;
            self.broken = Some(error);
        }
        Poll::Ready(Ok(count))
    }
}

impl<S, R: StreamRuntime<S>> Below<S, R> {
    /// Polls the connection, if the deadline has not passed.
    fn poll<T>(
        &mut self,
        cx: &mut Context<'_>,
        poll: impl FnOnce(&mut S, &mut Context<'_>) -> Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        let timer = self.timer.as_mut().filter(|_| !self.is_expired);
        self.is_expired |= timer.is_some_and(|timer| Pin::new(timer).poll(cx).is_ready());
        if self.is_expired { Poll::Ready(Err(expired())) } else { poll(&mut self.connection, cx) }
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        match ready!(self.poll(cx, |connection, cx| R::poll_write(connection, cx, slices))) {
            // Such a connection accepts no bytes the next time either, and a loop that writes all of them would not end.
            Ok(0) if !first(slices).is_empty() => Poll::Ready(Err(ErrorKind::WriteZero.into())),
            written => Poll::Ready(written),
        }
    }

    /// Lifts the deadline.
    fn release(&mut self) {
        (self.timer, self.is_expired) = (None, false);
        R::lift_deadline(&mut self.connection);
    }
}

/// The first of these slices that has bytes.
fn first<'s>(slices: &'s [IoSlice<'_>]) -> &'s [u8] {
    slices.iter().find(|slice| !slice.is_empty()).map_or(&[], |slice| slice)
}

/// A connection for rustls, which returns [`ErrorKind::WouldBlock`] where the connection is pending.
struct Blocking<'a, 'c, S, R: StreamRuntime<S>> {
    below: &'a mut Below<S, R>,
    cx: &'a mut Context<'c>,
    is_pending: bool,
}

impl<S, R: StreamRuntime<S>> Blocking<'_, '_, S, R> {
    fn unless_pending(&mut self, result: Poll<io::Result<usize>>) -> io::Result<usize> {
        self.is_pending = result.is_pending();
        match result {
            Poll::Ready(result) => result,
            Poll::Pending => Err(ErrorKind::WouldBlock.into()),
        }
    }
}

impl<S, R: StreamRuntime<S>> Read for Blocking<'_, '_, S, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.below.poll(self.cx, |connection, cx| R::poll_read(connection, cx, buffer));
        self.unless_pending(read)
    }
}

impl<S, R: StreamRuntime<S>> Write for Blocking<'_, '_, S, R> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_vectored(&[IoSlice::new(bytes)])
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        let written = self.below.poll_write(self.cx, slices);
        self.unless_pending(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<S, R: StreamRuntime<S>> Drop for Stream<S, R> {
    fn drop(&mut self) {
        if self.tls.as_ref().is_some_and(|tls| !tls.connection.is_handshaking()) {
            self.end_startup();
            // A timer must not be polled when its runtime is gone.
            self.below.timer = None;
            R::limit_closing(&mut self.below.connection);
            // One try: there is no task that waits for it.
            let _ = self.poll_shutdown(&mut Context::from_waker(Waker::noop()));
        }
    }
}

impl<S, R: StreamRuntime<S>> fmt::Debug for Stream<S, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.protection.fmt(f)
    }
}
