//! Where connections come from: the parameters, or the program.

use crate::runtime::{Dialling, Runtime};
use pgtls_core::{candidates::Address, param::Params};
use std::{fmt, io};

/// Where the connections of an asynchronous adapter come from: [`Hosts`] or [`Opened`], and nothing else.
#[expect(async_fn_in_trait, reason = "whether a future can be sent follows from the program's own types")]
pub trait Source<R>: sealed::Sealed {
    /// What they are.
    type Connection;

    /// Opens one.
    async fn open(&mut self, address: Option<&Address>, params: &Params) -> io::Result<Self::Connection>;

    /// The name of the user that the peer of a unix socket runs as.
    async fn peer_user(&self, connection: &Self::Connection) -> io::Result<String>;
}

mod sealed {
    /// Keeps [`Source`](super::Source) ours, so that it can grow.
    pub trait Sealed {}
    impl Sealed for super::Hosts {}
    impl<S, F> Sealed for super::Opened<S, F> {}
}

/// From the addresses of the parameters.
#[derive(Clone, Copy, Debug)]
pub struct Hosts;

impl<R: Dialling> Source<R> for Hosts {
    type Connection = R::Socket;

    async fn open(&mut self, address: Option<&Address>, params: &Params) -> io::Result<R::Socket> {
        R::dial(address.ok_or(io::ErrorKind::AddrNotAvailable)?, params).await
    }

    async fn peer_user(&self, socket: &R::Socket) -> io::Result<String> {
        R::peer_user(socket).await
    }
}

/// From the program: the first one is there already.
pub struct Opened<S, F> {
    first: Option<S>,
    redial: F,
}

impl<S, F> Opened<S, F> {
    /// This one, and then what `redial` opens.
    pub fn new(first: S, redial: F) -> Self {
        Self { first: Some(first), redial }
    }
}

impl<S, F: FnMut() -> io::Result<S>> Opened<S, F> {
    /// The next one, for an adapter that blocks.
    pub fn open(&mut self) -> io::Result<S> {
        self.first.take().map_or_else(&mut self.redial, Ok)
    }
}

impl<R: Runtime, S, F: AsyncFnMut() -> io::Result<S>> Source<R> for Opened<S, F> {
    type Connection = S;

    async fn open(&mut self, _: Option<&Address>, _: &Params) -> io::Result<S> {
        match self.first.take() {
            Some(first) => Ok(first),
            None => (self.redial)().await,
        }
    }

    async fn peer_user(&self, _: &S) -> io::Result<String> {
        let unknown = "requirepeer needs to be told who the peer is (Endpoint::peer_user)";
        Err(io::Error::new(io::ErrorKind::Unsupported, unknown))
    }
}

impl<S, F> fmt::Debug for Opened<S, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opened").field("is_first", &self.first.is_some()).finish_non_exhaustive()
    }
}
