//! What a stream has to be able to do to carry a session.

use crate::socket::Socket;
#[cfg(unix)]
use pgtls_adapter::socket;
use pgtls_core::policy::Transport;
use std::{
    io::{self, Read, Write},
    net::TcpStream,
    time::Duration,
};

/// A connection to a server: TCP, a unix socket, or something that a program has made itself (a tunnel, a proxy).
pub trait Connection: Read + Write {
    /// Limits the time of every later read, or lifts the limit. A read that takes longer fails with
    /// [`WouldBlock`](io::ErrorKind::WouldBlock) or [`TimedOut`](io::ErrorKind::TimedOut). Never called with zero.
    fn set_read_timeout(&self, limit: Option<Duration>) -> io::Result<()>;

    /// The same for writes.
    fn set_write_timeout(&self, limit: Option<Duration>) -> io::Result<()>;

    /// How the bytes get to the server: on a unix socket `sslmode` has no meaning.
    fn transport(&self) -> Transport {
        Transport::Tcp
    }

    /// The operating-system user that the peer runs as, for `requirepeer`.
    fn peer_user(&self) -> io::Result<String> {
        Err(io::Error::new(io::ErrorKind::Unsupported, "requirepeer is not supported on this connection"))
    }
}

impl Connection for TcpStream {
    fn set_read_timeout(&self, limit: Option<Duration>) -> io::Result<()> {
        TcpStream::set_read_timeout(self, limit)
    }
    fn set_write_timeout(&self, limit: Option<Duration>) -> io::Result<()> {
        TcpStream::set_write_timeout(self, limit)
    }
}

#[cfg(unix)]
impl Connection for std::os::unix::net::UnixStream {
    fn set_read_timeout(&self, limit: Option<Duration>) -> io::Result<()> {
        Self::set_read_timeout(self, limit)
    }
    fn set_write_timeout(&self, limit: Option<Duration>) -> io::Result<()> {
        Self::set_write_timeout(self, limit)
    }
    fn transport(&self) -> Transport {
        Transport::Unix
    }
    fn peer_user(&self) -> io::Result<String> {
        socket::user_name(socket::peer_uid(self)?)
    }
}

impl Socket {
    fn connection(&self) -> &dyn Connection {
        match self {
            Self::Tcp(stream) => stream,
            #[cfg(unix)]
            Self::Unix(stream) => stream,
        }
    }
}

impl Connection for Socket {
    fn set_read_timeout(&self, limit: Option<Duration>) -> io::Result<()> {
        self.connection().set_read_timeout(limit)
    }
    fn set_write_timeout(&self, limit: Option<Duration>) -> io::Result<()> {
        self.connection().set_write_timeout(limit)
    }
    fn transport(&self) -> Transport {
        self.connection().transport()
    }
    fn peer_user(&self) -> io::Result<String> {
        self.connection().peer_user()
    }
}
