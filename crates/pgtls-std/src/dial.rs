//! Opening connections.

use crate::{connection::Connection, socket::Socket};
use pgtls_adapter::{
    Deadline, Hosts, Provided, expired,
    socket::{connecting, unconnected},
};
use pgtls_core::connect::{Address, Peer};
use std::{
    io,
    net::{SocketAddr, ToSocketAddrs},
    time::Duration,
};

/// A dialer: resolves names and opens connections, over sockets or a tunnel of its own.
pub trait Dialer {
    /// A connection.
    type Connection: Connection;

    /// The addresses of a name, in the order in which they are to be tried. Their ports do not matter.
    fn resolve(&self, name: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        Ok((name, port).to_socket_addrs()?.collect())
    }

    /// Opens a connection to the server before the deadline (libpq: `PQconnectPoll`). A deadline that passes is the error
    /// of [`Deadline::left`].
    fn dial(&self, peer: &Peer, deadline: Deadline) -> io::Result<Self::Connection>;
}

/// Dials with sockets of the operating system.
#[derive(Clone, Copy, Debug, Default)]
pub struct SocketDialer;

impl Dialer for SocketDialer {
    type Connection = Socket;

    fn dial(&self, peer: &Peer, deadline: Deadline) -> io::Result<Socket> {
        let socket = match deadline.left() {
            Ok(limit) => {
                let (socket, target) = unconnected(peer)?;
                // Never with a plain `connect`, which a signal can interrupt half-way.
                let connected = socket.connect_timeout(&target, limit.unwrap_or(Duration::MAX));
                connected.map_err(|error| match (error.kind(), error.raw_os_error()) {
                    // The limit's own error; that of the operating system has a code.
                    (io::ErrorKind::TimedOut, None) => expired(),
                    _ => error,
                })?;
                socket
            }
            // The connection is started as in libpq, which has not begun to wait.
            Err(expired) => {
                let (socket, is_connected) = connecting(peer)?;
                if !is_connected {
                    return Err(expired);
                }
                socket.set_nonblocking(false)?;
                socket
            }
        };
        Ok(match peer.address {
            #[cfg(unix)]
            Some(Address::Unix(_)) => Socket::Unix(socket.into()),
            #[cfg(not(unix))]
            Some(Address::Unix(_)) => return Err(io::ErrorKind::Unsupported.into()),
            Some(Address::Tcp(_)) | None => Socket::Tcp(socket.into()),
        })
    }
}

/// Source of the connections of a [`Connecting`](crate::Connecting): [`Hosts`] or [`Provided`].
pub trait ConnectionSource: sealed::Sealed {
    /// A connection.
    type Connection: Connection;

    /// The addresses of a name.
    fn resolve(&mut self, name: &str, port: u16) -> io::Result<Vec<SocketAddr>>;

    /// Opens a connection.
    fn open(&mut self, peer: &Peer, deadline: Deadline) -> io::Result<Self::Connection>;
}

mod sealed {
    use pgtls_adapter::{Hosts, Provided};

    /// Keeps [`ConnectionSource`](super::ConnectionSource) ours, so that it can grow.
    pub trait Sealed {}
    impl<D> Sealed for Hosts<D> {}
    impl<S, F> Sealed for Provided<S, F> {}
}

impl<D: Dialer> ConnectionSource for Hosts<D> {
    type Connection = D::Connection;

    fn resolve(&mut self, name: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        self.0.resolve(name, port)
    }

    fn open(&mut self, peer: &Peer, deadline: Deadline) -> io::Result<D::Connection> {
        self.0.dial(peer, deadline)
    }
}

impl<S: Connection, F: FnMut() -> io::Result<S>> ConnectionSource for Provided<S, F> {
    type Connection = S;

    fn resolve(&mut self, _: &str, _: u16) -> io::Result<Vec<SocketAddr>> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn open(&mut self, _: &Peer, _: Deadline) -> io::Result<S> {
        Provided::open(self)
    }
}
