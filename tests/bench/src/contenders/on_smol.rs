//! smol, on one thread; what async-std is today is the same `async-io`.

use super::{Again, Contender};
use crate::{
    bare, bulk,
    cost::{begin, end},
    exchange::{Then, start_up_on_futures},
    ours,
    setup::Setup,
};
use futures_lite::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use futures_rustls::{TlsConnector, client::TlsStream};
use rustls::ClientConfig;
use smol::{LocalExecutor, net::TcpStream};
use std::{any::Any, io, net::SocketAddr, rc::Rc, sync::Arc};

/// A client on the traits of `futures-io`.
pub(super) trait Client: 'static {
    type Stream: AsyncRead + AsyncWrite + Unpin + 'static;

    async fn open(&self, then: Then) -> io::Result<Self::Stream>;
}

/// A lane is a task.
pub(super) struct Smol<C>(Rc<C>);

impl<C: Client> Smol<C> {
    pub(super) fn new(client: C) -> Self {
        Self(Rc::new(client))
    }
}

async fn lane(client: Rc<impl Client>, each: usize) -> io::Result<()> {
    for _ in 0..each {
        client.open(Then::Idle).await?.close().await?;
    }
    Ok(())
}

impl<C: Client> Contender for Smol<C> {
    fn connect(&self) -> io::Result<Box<dyn Any>> {
        Ok(Box::new(smol::block_on(self.0.open(Then::Idle))?))
    }

    fn sessions(&self, lanes: usize, each: usize, again: Again<'_>) -> io::Result<()> {
        let executor = LocalExecutor::new();
        let lane = || lane(self.0.clone(), each);
        let turns = async {
            loop {
                let meter = begin();
                if lanes == 1 {
                    lane().await?;
                } else {
                    for lane in (0..lanes).map(|_| executor.spawn(lane())).collect::<Vec<_>>() {
                        lane.await?;
                    }
                }
                if !again(end(&meter)) {
                    return Ok(());
                }
            }
        };
        smol::block_on(executor.run(turns))
    }

    fn transfer(&self, then: Then, bytes: u64, again: Again<'_>) -> io::Result<()> {
        smol::block_on(async {
            bulk::transfer_on_futures(&mut self.0.open(then).await?, then, bytes, again).await
        })
    }
}

/// futures-rustls.
pub(super) struct FuturesRustls {
    address: SocketAddr,
    config: Arc<ClientConfig>,
    direct: bool,
}

impl FuturesRustls {
    /// Reads the files.
    pub(super) fn new(setup: &Setup) -> io::Result<Self> {
        Ok(Self { address: setup.address, config: bare::config(setup)?, direct: setup.direct })
    }
}

impl Client for FuturesRustls {
    type Stream = TlsStream<TcpStream>;

    async fn open(&self, then: Then) -> io::Result<Self::Stream> {
        let mut socket = TcpStream::connect(self.address).await?;
        socket.set_nodelay(true)?;
        if !self.direct {
            socket.write_all(&pgtls_core::message::SSL_REQUEST).await?;
            let mut reply = [0];
            socket.read_exact(&mut reply).await?;
            bare::granted(reply)?;
        }
        let mut stream = TlsConnector::from(self.config.clone()).connect(bare::server_name(), socket).await?;
        start_up_on_futures(&mut stream, then).await?;
        Ok(stream)
    }
}

/// pgtls-async-std.
pub(super) struct PgtlsAsyncStd(pgtls_async_std::Config);

impl PgtlsAsyncStd {
    /// The files are read when they are needed.
    pub(super) fn new(setup: &Setup) -> io::Result<Self> {
        Ok(Self(ours::config(setup)?))
    }
}

impl Client for PgtlsAsyncStd {
    type Stream = pgtls_async_std::Stream;

    async fn open(&self, then: Then) -> io::Result<Self::Stream> {
        let startup = async |stream: &mut _, _: pgtls_async_std::Startup<'_>| {
            Ok(start_up_on_futures(stream, then).await?)
        };
        Ok(pgtls_async_std::connect(&self.0, startup).await.map_err(io::Error::other)?.stream)
    }
}
