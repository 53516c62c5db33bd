//! What the loop asks for, done on tokio.

use crate::{
    goodbye::Tls,
    socket::{Socket, dial, peer_user},
    stream::Stream,
    timed::{Timed, within},
};
use pgtls_adapter::{Config, Deadline, Opened, Perform, Watch, Work, Worked};
use pgtls_core::{candidates::Address, param::Params};
use pgtls_rustls::SessionFacts;
use rustls::{ClientConfig, ClientConnection, pki_types::ServerName};
use std::{io, net::SocketAddr, sync::Arc};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::lookup_host,
    task::spawn_blocking,
};
use tokio_rustls::TlsConnector;

/// Where connections come from.
#[expect(async_fn_in_trait, reason = "whether a future can be sent follows from the program's own types")]
pub trait Dial {
    /// What they are.
    type Connection: AsyncRead + AsyncWrite + Unpin;

    /// Opens one.
    async fn dial(&mut self, address: Option<&Address>) -> io::Result<Self::Connection>;

    /// The name of the user that the peer of a unix socket runs as.
    async fn peer_user(connection: &Self::Connection) -> io::Result<String>;
}

/// From the addresses of the parameters.
#[derive(Debug)]
pub struct Hosts<'c>(&'c Params);

impl<'c> Hosts<'c> {
    pub(crate) fn of(config: &'c Config) -> Self {
        Self(&config.params)
    }
}

impl Dial for Hosts<'_> {
    type Connection = Socket;

    async fn dial(&mut self, address: Option<&Address>) -> io::Result<Socket> {
        dial(address.ok_or(io::ErrorKind::AddrNotAvailable)?, self.0).await
    }

    async fn peer_user(socket: &Socket) -> io::Result<String> {
        match socket {
            Socket::Tcp(_) => Err(io::ErrorKind::Unsupported.into()),
            #[cfg(unix)]
            Socket::Unix(stream) => peer_user(stream).await,
        }
    }
}

impl<S, F> Dial for Opened<S, F>
where
    S: AsyncRead + AsyncWrite + Unpin,
    F: AsyncFnMut() -> io::Result<S>,
{
    type Connection = S;

    async fn dial(&mut self, _: Option<&Address>) -> io::Result<S> {
        self.open_in_time().await
    }

    async fn peer_user(_: &S) -> io::Result<String> {
        let unknown = "requirepeer needs to be told who the peer is (Endpoint::peer_user)";
        Err(io::Error::new(io::ErrorKind::Unsupported, unknown))
    }
}

/// What the loop asks for, done on tokio.
#[derive(Debug)]
pub struct Io<D>(pub(crate) D);

impl<D: Dial> Perform for Io<D> {
    type Stream = Stream<D::Connection>;

    async fn resolve(&mut self, name: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        Ok(lookup_host((name, port)).await?.collect())
    }

    async fn connect(&mut self, address: Option<&Address>, deadline: Deadline) -> io::Result<Self::Stream> {
        let connection = within(deadline, self.0.dial(address)).await?;
        Ok(Stream::plain(Timed::new(connection, deadline)))
    }

    async fn peer_user(&mut self, stream: &Self::Stream) -> io::Result<String> {
        D::peer_user(stream.connection()).await
    }

    async fn send(&mut self, stream: &mut Self::Stream, bytes: &[u8]) -> io::Result<()> {
        stream.write_all(bytes).await?;
        stream.flush().await
    }

    async fn receive(&mut self, stream: &mut Self::Stream, buffer: &mut [u8]) -> io::Result<usize> {
        stream.read(buffer).await
    }

    async fn work(&mut self, work: Work<'_>) -> io::Result<Worked> {
        let work = work.detached();
        Ok(spawn_blocking(move || work.run()).await?)
    }

    async fn start_tls(
        &mut self,
        stream: Self::Stream,
        config: Arc<ClientConfig>,
        server_name: ServerName<'static>,
    ) -> io::Result<Self::Stream> {
        let below = stream.into_plain().ok_or(io::ErrorKind::InvalidInput)?;
        let tls = TlsConnector::from(config).connect(server_name, below).await?;
        Ok(Stream::encrypted(Tls(tls)))
    }

    fn tls(stream: &Self::Stream) -> Option<&ClientConnection> {
        stream.tls()
    }

    fn keep(stream: &mut Self::Stream, facts: SessionFacts) {
        stream.keep(facts);
    }

    fn start_up(stream: &mut Self::Stream, watch: Watch) {
        stream.watch(watch);
    }

    fn release(stream: &mut Self::Stream) {
        stream.release();
    }
}
