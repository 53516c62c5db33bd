//! Encrypted streams over a socket: TLS, and GSSAPI by a script.

use crate::gss::Wrap;
use pgtls_examples::socket::TimedSocket;
use rustls::{ClientConnection, StreamOwned};
use std::io::{self, Read, Write};

/// TLS that sends close_notify when it is dropped (libpq: `pgtls_close`).
pub(crate) struct Tls(pub(crate) StreamOwned<ClientConnection, TimedSocket>);

impl Read for Tls {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl Write for Tls {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl Drop for Tls {
    fn drop(&mut self) {
        self.0.conn.send_close_notify();
        let _ = self.0.flush();
    }
}

/// A socket whose bytes a security context protects.
pub(crate) struct Wrapped {
    pub(crate) socket: TimedSocket,
    pub(crate) wrap: Box<dyn Wrap>,
    /// Bytes that are unwrapped and not read yet.
    pub(crate) incoming: Vec<u8>,
}

impl Read for Wrapped {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.incoming.is_empty() {
            let mut wrapped = [0; 4096];
            let count = self.socket.read(&mut wrapped)?;
            self.incoming = self.wrap.unwrap(wrapped.get(..count).unwrap_or_default());
        }
        let count = self.incoming.as_slice().read(buffer)?;
        self.incoming.drain(..count);
        Ok(count)
    }
}

impl Write for Wrapped {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.socket.write_all(&self.wrap.wrap(bytes))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.socket.flush()
    }
}
