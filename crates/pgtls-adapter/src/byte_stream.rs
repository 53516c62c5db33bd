//! The bytes of one connection without I/O: those of the socket on one side, those of the driver on the other.

use crate::monitor::{Protection, SharedMonitor};
use pgtls_core::negotiation::Encryption;
use pgtls_rustls::SessionFacts;
use rustls::ClientConnection;
use std::{
    fmt,
    io::{self, ErrorKind, Read, Write},
};

/// Maximum number of bytes in one read of the socket and in one write of the driver.
pub(crate) const READ: usize = 16 * 1024;
/// From this number of unsent bytes on, writes of the driver block and the socket is not read.
const UNSENT: usize = 64 * 1024;

/// The bytes of a session without I/O, encrypted or not.
///
/// The side of the socket: [`outgoing`](Self::outgoing) and [`written`](Self::written), [`room`](Self::room) and
/// [`received`](Self::received). The side of the driver: [`Read`] and [`Write`], which return [`ErrorKind::WouldBlock`]
/// where a socket that does not block would. A read of 0 bytes is an end in order: with TLS, the close_notify of the server.
/// An end of file without close_notify is the error [`ErrorKind::UnexpectedEof`].
///
/// A write of the socket that fails is not an error of the driver's write: the server may have sent the reason, which the
/// next read finds (libpq: `pqsecure_raw_write`).
pub struct ByteStream {
    tls: Option<Box<ClientConnection>>,
    protection: Protection,
    outgoing: Vec<u8>,
    /// Plaintext that the driver has not read yet, at most [`READ`] and one TLS record.
    incoming: Vec<u8>,
    end: Option<End>,
    /// The socket cannot be written any more, or must not be.
    is_mute: bool,
}

/// The end of the incoming bytes.
enum End {
    InOrder,
    Failed(io::Error),
}

impl ByteStream {
    pub(crate) fn plain() -> Self {
        Self {
            tls: None,
            protection: Protection::default(),
            outgoing: Vec::new(),
            incoming: Vec::new(),
            end: None,
            is_mute: false,
        }
    }

    /// The encryption of the session.
    pub fn encryption(&self) -> Encryption {
        self.protection.encryption()
    }

    /// Facts of the TLS session; `None` without TLS.
    pub fn facts(&self) -> Option<&SessionFacts> {
        self.protection.facts()
    }

    /// The bytes to write to the socket.
    pub fn outgoing(&self) -> &[u8] {
        &self.outgoing
    }

    /// The result of writing [`outgoing`](Self::outgoing) to the socket: the number of bytes it has taken, not 0. A write that
    /// was interrupted or would block has no effect.
    pub fn written(&mut self, written: io::Result<usize>) {
        match written {
            Ok(0) if !self.outgoing.is_empty() => self.mute(),
            // An idle session keeps no buffer.
            Ok(count) if count >= self.outgoing.len() => self.outgoing = Vec::new(),
            Ok(count) => drop(self.outgoing.drain(..count)),
            Err(error) if is_transient(&error) => {}
            Err(_) => self.mute(),
        }
    }

    /// Maximum length of the next read of the socket; 0 while the driver has to read first, while too many bytes are unsent,
    /// and after the end.
    pub fn room(&self) -> usize {
        let is_full = self.is_readable() || self.outgoing.len() >= UNSENT;
        if is_full { 0 } else { READ }
    }

    /// The result of reading the socket; no bytes are the end of file. A read that was interrupted or would block has no
    /// effect.
    pub fn received(&mut self, received: io::Result<&[u8]>) {
        match received {
            Err(error) if is_transient(&error) => {}
            _ if self.end.is_some() => {}
            Err(error) => self.end = Some(End::Failed(error)),
            Ok(bytes) => match &mut self.tls {
                Some(_) => self.decrypt(bytes),
                None if bytes.is_empty() => self.end = Some(End::InOrder),
                None => self.incoming.extend_from_slice(bytes),
            },
        }
    }

    /// Moves bytes over a socket that does not block: writes, and reads once. Returns `false` when the socket has to become
    /// ready first.
    pub fn transfer(&mut self, socket: &mut (impl Read + Write)) -> bool {
        let mut is_moved = false;
        if !self.outgoing.is_empty() {
            let written = socket.write(&self.outgoing);
            is_moved |= !would_block(&written);
            self.written(written);
        }
        if self.room() > 0 {
            let mut buffer = [0; READ];
            let read = socket.read(&mut buffer);
            is_moved |= !would_block(&read);
            self.received(read.map(|count| buffer.get(..count).unwrap_or_default()));
        }
        is_moved
    }

    /// Ends the session from this side: sends close_notify after everything that is unsent, and nothing after it (libpq:
    /// `pgtls_close`). Without TLS it has no effect; closing the socket is the end.
    pub fn close(&mut self) {
        if let Some(tls) = &mut self.tls
            && !tls.is_handshaking()
        {
            tls.send_close_notify();
        }
        self.collect();
        if self.tls.is_some() {
            self.is_mute = true;
        }
    }

    /// Whether a read of the driver returns something else than [`ErrorKind::WouldBlock`].
    pub fn is_readable(&self) -> bool {
        !self.incoming.is_empty() || self.end.is_some()
    }

    pub(crate) fn tls(&self) -> Option<&ClientConnection> {
        self.tls.as_deref()
    }

    pub(crate) fn protection(&mut self) -> &mut Protection {
        &mut self.protection
    }

    /// From here on all bytes are those of TLS.
    pub(crate) fn start_tls(&mut self, tls: ClientConnection) {
        self.tls = Some(Box::new(tls));
        self.collect();
    }

    /// Bytes in clear, for the machine.
    pub(crate) fn send(&mut self, bytes: &[u8]) {
        self.outgoing.extend_from_slice(bytes);
    }

    /// Drops what a stream without TLS has not sent; a TLS session is closed.
    pub(crate) fn give_up(&mut self) {
        match self.tls {
            Some(_) => self.close(),
            None => self.outgoing.clear(),
        }
    }

    /// The error that ended a handshake, if one has.
    pub(crate) fn take_failure(&mut self) -> Option<io::Error> {
        match self.end.take()? {
            End::Failed(error) => Some(error),
            End::InOrder if self.tls().is_some_and(|tls| tls.is_handshaking()) => {
                Some(ErrorKind::UnexpectedEof.into())
            }
            End::InOrder => {
                self.end = Some(End::InOrder);
                None
            }
        }
    }

    /// Bytes of the socket, encrypted; none are the end of file.
    fn decrypt(&mut self, mut bytes: &[u8]) {
        let mut is_first = true;
        while is_first || !bytes.is_empty() {
            is_first = false;
            let Some(tls) = &mut self.tls else { return };
            // rustls takes what it has room for, and its plaintext is taken out each time.
            let processed = match tls.read_tls(&mut bytes) {
                Ok(_) => tls.process_new_packets().map(drop),
                Err(error) => return self.end = Some(End::Failed(error)),
            };
            match tls.reader().read_to_end(&mut self.incoming) {
                Ok(_) => self.end = Some(End::InOrder),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => self.end = Some(End::Failed(error)),
            }
            // The answers of rustls, an alert included.
            self.collect();
            if let Err(error) = processed {
                self.end = Some(End::Failed(io::Error::new(ErrorKind::InvalidData, error)));
                self.is_mute = true;
            }
            if self.end.is_some() {
                return;
            }
        }
    }

    /// Moves the bytes of rustls to the unsent ones.
    fn collect(&mut self) {
        let Some(tls) = &mut self.tls else { return };
        let before = self.outgoing.len();
        // Writing to memory does not fail.
        while tls.wants_write() && tls.write_tls(&mut self.outgoing).is_ok() {}
        if self.is_mute {
            self.outgoing.truncate(before);
        }
    }

    /// The socket takes no more bytes.
    fn mute(&mut self) {
        self.is_mute = true;
        self.outgoing.clear();
        if let Some(monitor) = self.protection.monitor() {
            monitor.write_failed();
        }
    }

    fn take(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = buffer.len().min(self.incoming.len());
        if count > 0 {
            for (to, from) in buffer.iter_mut().zip(self.incoming.drain(..count)) {
                *to = from;
            }
            if self.incoming.is_empty() {
                self.incoming = Vec::new();
            }
            return Ok(count);
        }
        match &mut self.end {
            _ if buffer.is_empty() => Ok(0),
            None => Err(ErrorKind::WouldBlock.into()),
            Some(End::InOrder) => Ok(0),
            Some(End::Failed(error)) => {
                let again = error.kind().into();
                Err(std::mem::replace(error, again))
            }
        }
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.is_mute {
            return Err(ErrorKind::BrokenPipe.into());
        }
        if self.outgoing.len() >= UNSENT {
            return Err(ErrorKind::WouldBlock.into());
        }
        let bytes = bytes.get(..READ).unwrap_or(bytes);
        let Some(tls) = &mut self.tls else {
            self.outgoing.extend_from_slice(bytes);
            return Ok(bytes.len());
        };
        let count = tls.writer().write(bytes)?;
        self.collect();
        Ok(count)
    }

    /// The monitor, while there is one.
    fn monitor(&mut self) -> Option<SharedMonitor> {
        self.protection.end_startup();
        self.protection.monitor().cloned()
    }
}

impl Read for ByteStream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(monitor) = self.monitor() else { return self.take(buffer) };
        let Some(first) = buffer.first_mut() else { return Ok(0) };
        if let Some(leftover) = monitor.before_read()? {
            *first = leftover;
            return Ok(1);
        }
        let read = self.take(buffer).map_err(|error| monitor.read_failed(error))?;
        monitor.read(buffer.get(..read).unwrap_or_default())?;
        Ok(read)
    }
}

impl Write for ByteStream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Some(monitor) = self.monitor() else { return self.put(bytes) };
        monitor.before_write()?;
        monitor.wrote(bytes, self.put(bytes))
    }

    /// The bytes are in [`outgoing`](Self::outgoing) already.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Whether a socket that does not block has to become ready.
pub(crate) fn would_block(result: &io::Result<usize>) -> bool {
    matches!(result, Err(error) if error.kind() == ErrorKind::WouldBlock)
}

pub(crate) fn is_transient(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::Interrupted | ErrorKind::WouldBlock)
}

impl fmt::Debug for ByteStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ByteStream").field("protection", &self.protection).finish_non_exhaustive()
    }
}
