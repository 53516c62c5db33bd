//! A TCP socket that blocks up to a deadline.

use pgtls_core::connect::{Address, Peer};
use std::{
    io::{self, ErrorKind, Read, Write},
    net::TcpStream,
    time::{Duration, Instant},
};

/// A TCP socket. Reads and writes fail with `TimedOut` at the deadline.
pub struct TimedSocket {
    tcp: TcpStream,
    deadline: Option<Instant>,
}

impl TimedSocket {
    /// Connects to the server of the current attempt.
    ///
    /// # Errors
    /// Those of the operating system; a unix socket is not supported.
    pub fn open(peer: Option<&Peer>, deadline: Option<Instant>) -> io::Result<Self> {
        let Some(Address::Tcp(address)) = peer.and_then(|peer| peer.address.as_ref()) else {
            return Err(io::Error::new(ErrorKind::Unsupported, "this program supports TCP alone"));
        };
        let tcp = match left(deadline)? {
            Some(left) => TcpStream::connect_timeout(address, left)?,
            None => TcpStream::connect(address)?,
        };
        tcp.set_nodelay(true)?;
        Ok(Self { tcp, deadline })
    }

    /// Lifts the deadline: the session is up.
    pub fn end_startup(&mut self) {
        self.deadline = None;
    }
}

impl Read for TimedSocket {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.tcp.set_read_timeout(left(self.deadline)?)?;
        self.tcp.read(buffer).map_err(timed_out)
    }
}

impl Write for TimedSocket {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.tcp.set_write_timeout(left(self.deadline)?)?;
        self.tcp.write(bytes).map_err(timed_out)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn left(deadline: Option<Instant>) -> io::Result<Option<Duration>> {
    let Some(deadline) = deadline else { return Ok(None) };
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() { Err(ErrorKind::TimedOut.into()) } else { Ok(Some(left)) }
}

/// Some operating systems report the end of the time as `WouldBlock`.
fn timed_out(error: io::Error) -> io::Error {
    if error.kind() == ErrorKind::WouldBlock { ErrorKind::TimedOut.into() } else { error }
}
