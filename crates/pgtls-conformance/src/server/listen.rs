//! Where a server listens: loopback addresses and unix sockets, as libpq's `host` and `port` name them.

use super::{ServerError, wire::Socket};
use core::fmt;
use socket2::{Domain, SockAddr, SockRef, Type};
use std::{
    io,
    net::{IpAddr, Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream},
    str::FromStr,
    time::Duration,
};

#[cfg(unix)]
use std::os::unix::net::{UnixListener, UnixStream};

/// How long a connection from this machine to itself may take.
const MARKER_TIME: Duration = Duration::from_secs(5);

/// A place to listen.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Listen {
    /// TCP; port 0 lets the system choose one.
    Tcp(SocketAddr),
    /// The unix socket `.s.PGSQL.<port>` in this directory. A leading `@` makes it an abstract one (Linux).
    Unix {
        /// Absolute path, or `@` and a name.
        directory: String,
        /// A number that is part of the name.
        port: u16,
    },
}

impl Listen {
    /// `port` as libpq has it.
    pub fn port(&self) -> u16 {
        match self {
            Self::Tcp(address) => address.port(),
            Self::Unix { port, .. } => *port,
        }
    }

    /// The part of a connection string that leads here: `hostaddr` or `host`, and `port`.
    pub fn conninfo(&self) -> String {
        match self {
            Self::Tcp(address) => format!("hostaddr={} port={}", address.ip(), address.port()),
            Self::Unix { directory, port } => {
                let quoted = directory.replace('\\', "\\\\").replace('\'', "\\'");
                format!("host='{quoted}' port={port}")
            }
        }
    }

    /// Removes the file of a unix socket.
    pub(super) fn clean_up(&self) {
        match self {
            Self::Unix { directory, .. } if !directory.starts_with('@') => {
                // Somebody may have removed it, or its directory, before.
                let _ = std::fs::remove_file(self.socket_path());
            }
            Self::Unix { .. } | Self::Tcp(_) => {}
        }
    }

    /// A socket of our own that will come from an address which no client has.
    pub(super) fn marker(&self) -> io::Result<(socket2::Socket, SockAddr)> {
        let (domain, address) = match self {
            Self::Tcp(address) => {
                (Domain::for_address(*address), SockAddr::from(SocketAddr::new(address.ip(), 0)))
            }
            Self::Unix { .. } => (Domain::UNIX, unix::address_of(&format!("{}.marker", self.socket_path()))?),
        };
        let socket = socket2::Socket::new(domain, Type::STREAM, None)?;
        socket.bind(&address)?;
        let from = socket.local_addr()?;
        Ok((socket, from))
    }

    /// Connects a [`marker`](Self::marker), and removes what it left on the disk.
    pub(super) fn send(&self, marker: &socket2::Socket) -> io::Result<()> {
        match self {
            Self::Tcp(address) => marker.connect_timeout(&SockAddr::from(*address), MARKER_TIME),
            Self::Unix { directory, .. } => {
                let connected = marker.connect(&unix::address_of(&self.socket_path())?);
                if !directory.starts_with('@') {
                    // Somebody may have removed the directory before.
                    let _ = std::fs::remove_file(format!("{}.marker", self.socket_path()));
                }
                connected
            }
        }
    }

    fn socket_path(&self) -> String {
        match self {
            Self::Tcp(_) => String::new(),
            Self::Unix { directory, port } => format!("{directory}/.s.PGSQL.{port}"),
        }
    }
}

impl Default for Listen {
    /// Any port of 127.0.0.1.
    fn default() -> Self {
        Self::Tcp(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0))
    }
}

impl FromStr for Listen {
    type Err = ListenError;

    /// `ADDRESS:PORT`, or the path of a unix socket whose name is `.s.PGSQL.PORT`, as [`Display`](fmt::Display) writes them.
    fn from_str(text: &str) -> Result<Self, ListenError> {
        if let Ok(address) = text.parse() {
            return Ok(Self::Tcp(address));
        }
        let (directory, port) = text.rsplit_once("/.s.PGSQL.").ok_or(ListenError)?;
        if !directory.starts_with(['/', '@']) {
            return Err(ListenError);
        }
        Ok(Self::Unix { directory: directory.to_owned(), port: port.parse().map_err(|_| ListenError)? })
    }
}

/// Text that names no place to listen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListenError;

impl fmt::Display for ListenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "give an address and a port (127.0.0.1:5433, [::1]:0) or a unix socket (/tmp/.s.PGSQL.5433)",
        )
    }
}

impl core::error::Error for ListenError {}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix { .. } => f.write_str(&self.socket_path()),
        }
    }
}

#[derive(Debug)]
pub(super) enum Listener {
    Tcp(TcpListener),
    #[cfg(unix)]
    Unix(UnixListener),
}

impl Listener {
    /// The listener, and where it listens now.
    pub(super) fn bind(listen: &Listen) -> Result<(Self, Listen), ServerError> {
        let failed = |error| ServerError::Listen { listen: listen.clone(), error };
        match listen {
            Listen::Tcp(address) if !address.ip().is_loopback() => {
                Err(ServerError::NotLoopback(listen.clone()))
            }
            Listen::Tcp(address) => {
                let listener = TcpListener::bind(address).map_err(failed)?;
                let bound = listener.local_addr().map_err(failed)?;
                Ok((Self::Tcp(listener), Listen::Tcp(bound)))
            }
            Listen::Unix { .. } => Ok((unix::bind(&listen.socket_path()).map_err(failed)?, listen.clone())),
        }
    }

    /// The next connection, and the address that it comes from.
    pub(super) fn accept(&self) -> io::Result<(Socket, SockAddr)> {
        match self {
            Self::Tcp(listener) => {
                let (socket, peer) = SockRef::from(listener).accept()?;
                Ok((Socket::Tcp(socket.into()), peer))
            }
            #[cfg(unix)]
            Self::Unix(listener) => {
                let (socket, peer) = SockRef::from(listener).accept()?;
                Ok((Socket::Unix(socket.into()), peer))
            }
        }
    }

    /// Ends a blocking `accept`. Where shutting a listener down is not enough, a connection is. Says whether either worked.
    pub(super) fn wake(&self, listen: &Listen) -> bool {
        let shut = match self {
            Self::Tcp(listener) => SockRef::from(listener).shutdown(Shutdown::Both),
            #[cfg(unix)]
            Self::Unix(listener) => SockRef::from(listener).shutdown(Shutdown::Both),
        };
        let connected = match listen {
            Listen::Tcp(address) => TcpStream::connect_timeout(address, Duration::from_secs(1)).map(drop),
            Listen::Unix { .. } => unix::connect(&listen.socket_path()),
        };
        shut.is_ok() || connected.is_ok()
    }
}

#[cfg(unix)]
mod unix {
    use super::{Listener, SockAddr, UnixListener, UnixStream, io};
    use std::os::unix::net::SocketAddr;

    pub(super) fn bind(path: &str) -> io::Result<Listener> {
        UnixListener::bind_addr(&address(path)?).map(Listener::Unix)
    }

    pub(super) fn connect(path: &str) -> io::Result<()> {
        UnixStream::connect_addr(&address(path)?).map(drop)
    }

    /// The same for sockets whose address is to be chosen.
    pub(super) fn address_of(path: &str) -> io::Result<SockAddr> {
        // socket2 takes what begins with NUL for a name in the abstract namespace.
        match path.strip_prefix('@') {
            Some(name) => SockAddr::unix(format!("\0{name}")),
            None => SockAddr::unix(path),
        }
    }

    fn address(path: &str) -> io::Result<SocketAddr> {
        match path.strip_prefix('@') {
            Some(name) => in_abstract_namespace(name),
            None => SocketAddr::from_pathname(path),
        }
    }

    #[cfg(target_os = "linux")]
    fn in_abstract_namespace(name: &str) -> io::Result<SocketAddr> {
        <SocketAddr as std::os::linux::net::SocketAddrExt>::from_abstract_name(name)
    }

    #[cfg(not(target_os = "linux"))]
    fn in_abstract_namespace(_: &str) -> io::Result<SocketAddr> {
        Err(io::Error::new(io::ErrorKind::Unsupported, "abstract unix sockets are Linux's alone"))
    }
}

#[cfg(not(unix))]
mod unix {
    use super::{Listener, SockAddr, io};

    pub(super) fn address_of(_: &str) -> io::Result<SockAddr> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub(super) fn bind(_: &str) -> io::Result<Listener> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub(super) fn connect(_: &str) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_read_as_they_are_written() {
        for text in ["127.0.0.1:0", "[::1]:5433", "/tmp/.s.PGSQL.5433", "@abstract/.s.PGSQL.1"] {
            assert_eq!(text.parse::<Listen>().map(|listen| listen.to_string()), Ok(text.to_owned()));
        }
        for text in ["", "127.0.0.1", "localhost:5433", "relative/.s.PGSQL.1", "/tmp/.s.PGSQL.x", "/tmp"] {
            assert_eq!(text.parse::<Listen>(), Err(ListenError), "{text}");
        }
    }

    #[test]
    fn directories_are_quoted_for_connection_strings() {
        let listen = Listen::Unix { directory: r"/a dir/it's\".to_owned(), port: 1 };
        assert_eq!(listen.conninfo(), r"host='/a dir/it\'s\\' port=1");
    }
}
