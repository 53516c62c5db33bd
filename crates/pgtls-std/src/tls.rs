//! TLS over a blocking connection.
//!
//! rustls has such a stream. This one differs in what it does when a write fails: it goes on reading, because a server
//! that closes the connection says why before it does so (libpq: `pqsecure_raw_write`, `pqHandleSendFailure`).

use crate::{connection::Connection, timed::Timed};
use rustls::{ClientConfig, ClientConnection, pki_types::ServerName};
use std::{
    io::{self, ErrorKind, Read, Write},
    sync::Arc,
    time::Duration,
};

/// How long saying goodbye may take when a stream is dropped.
const GOODBYE: Duration = Duration::from_millis(100);

/// TLS over a blocking connection, after the handshake.
pub(crate) struct Tls<S: Connection> {
    engine: ClientConnection,
    below: Timed<S>,
    /// What ended TLS, if it was not close_notify.
    broken: Option<rustls::Error>,
    /// Nothing more can be, or is to be, written.
    mute: bool,
}

/// Runs the handshake.
pub(crate) fn handshake<S: Connection>(
    mut below: Timed<S>,
    config: Arc<ClientConfig>,
    server_name: ServerName<'static>,
) -> io::Result<Tls<S>> {
    let mut engine = ClientConnection::new(config, server_name).map_err(io::Error::other)?;
    while engine.is_handshaking() {
        if engine.complete_io(&mut below)? == (0, 0) {
            return Err(ErrorKind::WriteZero.into());
        }
    }
    Ok(Tls { engine, below, broken: None, mute: false })
}

impl<S: Connection> Tls<S> {
    pub(crate) fn below(&self) -> &Timed<S> {
        &self.below
    }

    pub(crate) fn below_mut(&mut self) -> &mut Timed<S> {
        &mut self.below
    }

    pub(crate) fn engine(&self) -> &ClientConnection {
        &self.engine
    }

    /// Sends close_notify and nothing after it.
    pub(crate) fn close(&mut self) -> io::Result<()> {
        if self.mute {
            return Ok(());
        }
        self.engine.send_close_notify();
        let sent = self.flush();
        self.mute = true;
        sent
    }

    /// Sends what rustls has to send.
    fn send(&mut self) -> io::Result<()> {
        while !self.mute && self.engine.wants_write() {
            match self.engine.write_tls(&mut self.below) {
                Ok(0) => return self.muted(ErrorKind::WriteZero.into()),
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Err(error),
                Err(error) => return self.muted(error),
            }
        }
        Ok(())
    }

    fn muted(&mut self, error: io::Error) -> io::Result<()> {
        self.mute = true;
        Err(error)
    }
}

impl<S: Connection> Read for Tls<S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.engine.reader().read(buffer) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                result => return result,
            }
            if let Some(error) = &self.broken {
                return Err(io::Error::new(ErrorKind::InvalidData, error.clone()));
            }
            // Answers of rustls' own, such as a key update. If they cannot be sent, what the server sent can still be read.
            let _ = self.send();
            match self.engine.read_tls(&mut self.below) {
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            }
            if let Err(error) = self.engine.process_new_packets() {
                // The alert that tells the server.
                let _ = self.send();
                self.mute = true;
                self.broken = Some(error);
            }
        }
    }
}

impl<S: Connection> Write for Tls<S> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.mute {
            return Err(ErrorKind::BrokenPipe.into());
        }
        // What is left of the write before goes first, so that there is room for this one.
        self.send()?;
        let taken = self.engine.writer().write(bytes)?;
        match self.send() {
            // Taken it is; the rest of it goes with the next write, read or flush.
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(taken),
            Err(error) => Err(error),
            Ok(()) => Ok(taken),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.send()?;
        self.below.flush()
    }
}

impl<S: Connection> Drop for Tls<S> {
    fn drop(&mut self) {
        if !self.mute && self.below.limit(GOODBYE).is_ok() {
            let _ = self.close();
        }
    }
}
