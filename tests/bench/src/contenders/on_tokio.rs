//! tokio, on one thread: what the processor does is the same as on several, but for the way from one to the other.

use super::{Again, Contender};
use crate::{
    bare, bulk,
    cost::{begin, end},
    exchange::{Then, start_up_on_tokio},
    ours,
    setup::Setup,
};
use rustls::ClientConfig;
use std::{any::Any, io, net::SocketAddr, rc::Rc, sync::Arc};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    runtime::{Builder, Runtime},
    task::LocalSet,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

/// A client on tokio.
pub(super) trait Client: 'static {
    type Session: 'static;

    async fn connect(&self) -> io::Result<Self::Session>;

    /// Says goodbye.
    async fn close(session: Self::Session) -> io::Result<()>;

    async fn transfer(&self, then: Then, bytes: u64, again: Again<'_>) -> io::Result<()>;

    async fn read_into_uninitialised(&self, _bytes: u64, _again: Again<'_>) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

/// A lane is a task.
struct Tokio<C> {
    runtime: Runtime,
    client: Rc<C>,
}

pub(super) fn run(client: impl Client) -> io::Result<Box<dyn Contender>> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    Ok(Box::new(Tokio { runtime, client: Rc::new(client) }))
}

async fn lane<C: Client>(client: Rc<C>, each: usize) -> io::Result<()> {
    for _ in 0..each {
        C::close(client.connect().await?).await?;
    }
    Ok(())
}

impl<C: Client> Contender for Tokio<C> {
    fn connect(&self) -> io::Result<Box<dyn Any>> {
        Ok(Box::new(self.runtime.block_on(self.client.connect())?))
    }

    fn sessions(&self, lanes: usize, each: usize, again: Again<'_>) -> io::Result<()> {
        let tasks = LocalSet::new();
        let lane = || lane(self.client.clone(), each);
        let turns = async {
            loop {
                let meter = begin();
                if lanes == 1 {
                    lane().await?;
                } else {
                    for lane in (0..lanes).map(|_| tasks.spawn_local(lane())).collect::<Vec<_>>() {
                        lane.await??;
                    }
                }
                if !again(end(&meter)) {
                    return Ok(());
                }
            }
        };
        tasks.block_on(&self.runtime, turns)
    }

    fn transfer(&self, then: Then, bytes: u64, again: Again<'_>) -> io::Result<()> {
        self.runtime.block_on(self.client.transfer(then, bytes, again))
    }

    fn read_into_uninitialised(&self, bytes: u64, again: Again<'_>) -> io::Result<()> {
        self.runtime.block_on(self.client.read_into_uninitialised(bytes, again))
    }
}

/// A socket on which TLS may begin.
pub(super) async fn asked(address: SocketAddr, direct: bool) -> io::Result<TcpStream> {
    let mut socket = TcpStream::connect(address).await?;
    socket.set_nodelay(true)?;
    if !direct {
        socket.write_all(&pgtls_core::message::SSL_REQUEST).await?;
        let mut reply = [0];
        socket.read_exact(&mut reply).await?;
        bare::granted(reply)?;
    }
    Ok(socket)
}

/// tokio-rustls.
pub(super) struct TokioRustls {
    address: SocketAddr,
    config: Arc<ClientConfig>,
    direct: bool,
}

impl TokioRustls {
    /// Reads the files.
    pub(super) fn new(setup: &Setup) -> io::Result<Self> {
        Ok(Self { address: setup.address, config: bare::config(setup)?, direct: setup.direct })
    }

    /// Opens a session.
    pub(super) async fn open(&self, then: Then) -> io::Result<TlsStream<TcpStream>> {
        let socket = asked(self.address, self.direct).await?;
        let mut stream = TlsConnector::from(self.config.clone()).connect(bare::server_name(), socket).await?;
        start_up_on_tokio(&mut stream, then).await?;
        Ok(stream)
    }
}

impl Client for TokioRustls {
    type Session = TlsStream<TcpStream>;

    async fn connect(&self) -> io::Result<Self::Session> {
        self.open(Then::Idle).await
    }

    async fn close(mut session: Self::Session) -> io::Result<()> {
        session.shutdown().await
    }

    async fn transfer(&self, then: Then, bytes: u64, again: Again<'_>) -> io::Result<()> {
        bulk::transfer_on_tokio(&mut self.open(then).await?, then, bytes, again).await
    }

    async fn read_into_uninitialised(&self, bytes: u64, again: Again<'_>) -> io::Result<()> {
        bulk::read_into_uninitialised(&mut self.open(Then::Source).await?, bytes, again).await
    }
}

/// pgtls-tokio.
pub(super) struct PgtlsTokio(pgtls_tokio::Config);

impl PgtlsTokio {
    /// The files are read when they are needed.
    pub(super) fn new(setup: &Setup) -> io::Result<Self> {
        Ok(Self(ours::config(setup)?))
    }

    /// Opens a session.
    pub(super) async fn open(&self, then: Then) -> io::Result<pgtls_tokio::Stream> {
        let startup =
            async |stream: &mut _, _: pgtls_tokio::Startup<'_>| Ok(start_up_on_tokio(stream, then).await?);
        Ok(pgtls_tokio::connect(&self.0, startup).await.map_err(io::Error::other)?.stream)
    }
}

impl Client for PgtlsTokio {
    type Session = pgtls_tokio::Stream;

    async fn connect(&self) -> io::Result<Self::Session> {
        self.open(Then::Idle).await
    }

    async fn close(mut session: Self::Session) -> io::Result<()> {
        session.shutdown().await
    }

    async fn transfer(&self, then: Then, bytes: u64, again: Again<'_>) -> io::Result<()> {
        bulk::transfer_on_tokio(&mut self.open(then).await?, then, bytes, again).await
    }

    async fn read_into_uninitialised(&self, bytes: u64, again: Again<'_>) -> io::Result<()> {
        bulk::read_into_uninitialised(&mut self.open(Then::Source).await?, bytes, again).await
    }
}
