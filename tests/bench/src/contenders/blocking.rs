//! Blocking sockets of the standard library.

use super::{Again, Contender};
use crate::{
    bare, bulk,
    cost::{begin, end},
    exchange::{Then, start_up},
    ours,
    setup::Setup,
};
use rustls::{ClientConfig, ClientConnection, StreamOwned};
use std::{
    any::Any,
    io::{self, Read, Write},
    net::{SocketAddr, TcpStream},
    sync::Arc,
    thread,
};

/// A client that blocks.
pub(super) trait Client: Sync {
    type Stream: Read + Write + Send + 'static;

    fn connect(&self, then: Then) -> io::Result<Self::Stream>;

    /// Says goodbye.
    fn close(stream: Self::Stream) -> io::Result<()>;
}

/// A lane is a thread.
pub(super) struct Threads<C>(pub(super) C);

impl<C: Client> Threads<C> {
    fn lane(&self, each: usize) -> io::Result<()> {
        (0..each).try_for_each(|_| C::close(self.0.connect(Then::Idle)?))
    }

    fn turn(&self, lanes: usize, each: usize) -> io::Result<()> {
        if lanes == 1 {
            return self.lane(each);
        }
        thread::scope(|scope| {
            let lanes: Vec<_> = (0..lanes).map(|_| scope.spawn(|| self.lane(each))).collect();
            lanes.into_iter().try_for_each(|lane| lane.join().unwrap())
        })
    }
}

impl<C: Client> Contender for Threads<C> {
    fn connect(&self) -> io::Result<Box<dyn Any>> {
        Ok(Box::new(self.0.connect(Then::Idle)?))
    }

    fn sessions(&self, lanes: usize, each: usize, again: Again<'_>) -> io::Result<()> {
        loop {
            let meter = begin();
            self.turn(lanes, each)?;
            if !again(end(&meter)) {
                return Ok(());
            }
        }
    }

    fn transfer(&self, then: Then, bytes: u64, again: Again<'_>) -> io::Result<()> {
        bulk::transfer(&mut self.0.connect(then)?, then, bytes, again)
    }
}

/// Bare rustls.
pub(super) struct Rustls {
    address: SocketAddr,
    config: Arc<ClientConfig>,
    direct: bool,
}

impl Rustls {
    /// Reads the files.
    pub(super) fn new(setup: &Setup) -> io::Result<Self> {
        Ok(Self { address: setup.address, config: bare::config(setup)?, direct: setup.direct })
    }
}

impl Client for Rustls {
    type Stream = StreamOwned<ClientConnection, TcpStream>;

    fn connect(&self, then: Then) -> io::Result<Self::Stream> {
        let mut socket = TcpStream::connect(self.address)?;
        socket.set_nodelay(true)?;
        if !self.direct {
            bare::ask(&mut socket)?;
        }
        let engine =
            ClientConnection::new(self.config.clone(), bare::server_name()).map_err(io::Error::other)?;
        let mut stream = StreamOwned::new(engine, socket);
        start_up(&mut stream, then)?;
        Ok(stream)
    }

    fn close(mut stream: Self::Stream) -> io::Result<()> {
        stream.conn.send_close_notify();
        stream.flush()
    }
}

/// pgtls-std.
pub(super) struct PgtlsStd(pgtls_std::Config);

impl PgtlsStd {
    /// The files are read when they are needed.
    pub(super) fn new(setup: &Setup) -> io::Result<Self> {
        Ok(Self(ours::config(setup)?))
    }
}

impl Client for PgtlsStd {
    type Stream = pgtls_std::Stream;

    fn connect(&self, then: Then) -> io::Result<Self::Stream> {
        let connected = pgtls_std::connect(&self.0, |stream, _| Ok(start_up(stream, then)?));
        Ok(connected.map_err(io::Error::other)?.stream)
    }

    fn close(mut stream: Self::Stream) -> io::Result<()> {
        stream.shutdown()
    }
}
