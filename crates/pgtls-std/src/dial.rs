//! Opening connections.

use crate::{connection::Connection, socket::Socket};
use pgtls_adapter::{Deadline, Hosts, Opened, socket::unconnected};
use pgtls_core::{candidates::Address, param::Params};
use std::{
    io,
    net::{SocketAddr, ToSocketAddrs},
    time::Duration,
};

/// Where connections come from: [`Hosts`] or [`Opened`], and nothing else.
pub trait Dial: sealed::Sealed {
    /// What they are.
    type Connection: Connection;

    /// Opens one.
    fn dial(
        &mut self,
        address: Option<&Address>,
        params: &Params,
        deadline: Deadline,
    ) -> io::Result<Self::Connection>;
}

/// The addresses of a name, in the order of the operating system's resolver.
pub(crate) fn resolve(name: &str, port: u16) -> io::Result<impl Iterator<Item = SocketAddr>> {
    (name, port).to_socket_addrs()
}

mod sealed {
    use pgtls_adapter::{Hosts, Opened};

    /// Keeps [`Dial`](super::Dial) ours, so that it can grow.
    pub trait Sealed {}
    impl Sealed for Hosts {}
    impl<S, F> Sealed for Opened<S, F> {}
}

impl Dial for Hosts {
    type Connection = Socket;

    fn dial(&mut self, address: Option<&Address>, params: &Params, deadline: Deadline) -> io::Result<Socket> {
        let address = address.ok_or(io::ErrorKind::AddrNotAvailable)?;
        let (socket, target) = unconnected(address, params)?;
        let limit = deadline.left()?.unwrap_or(Duration::MAX);
        // Never with a plain `connect`, which a signal can interrupt half-way.
        socket.connect_timeout(&target, limit).map_err(|error| match deadline.left() {
            // The limit has no error of its own.
            Err(expired) if error.kind() == io::ErrorKind::TimedOut => expired,
            _ => error,
        })?;
        Ok(match address {
            Address::Tcp(_) => Socket::Tcp(socket.into()),
            #[cfg(unix)]
            Address::Unix(_) => Socket::Unix(socket.into()),
            #[cfg(not(unix))]
            Address::Unix(_) => return Err(io::ErrorKind::Unsupported.into()),
        })
    }
}

impl<S: Connection, F: FnMut() -> io::Result<S>> Dial for Opened<S, F> {
    type Connection = S;

    fn dial(&mut self, _: Option<&Address>, _: &Params, _: Deadline) -> io::Result<S> {
        self.open()
    }
}
