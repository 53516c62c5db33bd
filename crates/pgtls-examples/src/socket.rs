//! A TCP socket that blocks up to a deadline, and TLS over it.

use pgtls_core::connect::{Address, Peer};
use pgtls_startup::Channel;
use pgtls_x509::tls_server_end_point;
use std::{
    io::{self, ErrorKind, Read, Write},
    net::TcpStream,
    time::{Duration, Instant},
};

/// A TCP socket. Reads and writes fail with `TimedOut` at the deadline.
#[derive(Debug)]
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

/// The present connection: none, in clear, or encrypted. `T` is the stream of the TLS library over a [`TimedSocket`].
pub enum Wire<T: ?Sized> {
    /// There is none.
    None,
    /// In clear.
    Plain(TimedSocket),
    /// Encrypted.
    Encrypted(Box<T>),
}

impl<T: ?Sized> Wire<T> {
    /// Takes the socket of a connection in clear.
    ///
    /// # Errors
    /// There is none.
    pub fn take_plain(&mut self) -> io::Result<TimedSocket> {
        match std::mem::replace(self, Self::None) {
            Self::Plain(socket) => Ok(socket),
            Self::None | Self::Encrypted(_) => Err(ErrorKind::NotConnected.into()),
        }
    }

    /// The protection of the connection, for SCRAM. `certificate` returns that of the server.
    pub fn channel(&self, certificate: impl FnOnce(&T) -> Option<Vec<u8>>) -> Channel {
        match self {
            Self::None | Self::Plain(_) => Channel::Plain,
            Self::Encrypted(tls) => {
                let certificate = certificate(tls);
                Channel::Tls {
                    end_point: certificate.and_then(|der| tls_server_end_point(&der).ok().flatten()),
                }
            }
        }
    }

    /// Lifts the deadline: the session is up. `socket` returns the socket of the TLS stream.
    pub fn end_startup(&mut self, socket: impl FnOnce(&mut T) -> &mut TimedSocket) {
        match self {
            Self::None => {}
            Self::Plain(tcp) => tcp.deadline = None,
            Self::Encrypted(tls) => socket(tls).deadline = None,
        }
    }
}

impl<T: Read + ?Sized> Read for Wire<T> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::None => Ok(0),
            Self::Plain(tcp) => tcp.read(buffer),
            Self::Encrypted(tls) => tls.read(buffer),
        }
    }
}

impl<T: Write + ?Sized> Write for Wire<T> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::None => Err(ErrorKind::NotConnected.into()),
            Self::Plain(tcp) => tcp.write(bytes),
            Self::Encrypted(tls) => tls.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::None | Self::Plain(_) => Ok(()),
            Self::Encrypted(tls) => tls.flush(),
        }
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
