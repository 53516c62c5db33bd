//! `async-io` and `blocking` as a runtime of the shared loop.

use crate::{
    goodbye::Tls,
    socket::{Socket, dial, peer_user_of},
    stream::Stream,
    timed::Timed,
};
use async_io::Timer;
use blocking::unblock;
use futures_io::{AsyncRead, AsyncWrite};
use futures_lite::{AsyncReadExt, AsyncWriteExt};
use futures_rustls::TlsConnector;
use pgtls_adapter::{
    BlockingResult, BlockingTask, Deadline, Dialer, Protection, Resolver, Runtime, StreamRuntime,
};
use pgtls_core::connect::Peer;
use rustls::{ClientConfig, ClientConnection, pki_types::ServerName};
use std::{
    io,
    net::{SocketAddr, ToSocketAddrs},
    sync::Arc,
    time::Instant,
};

/// `async-io` and `blocking`: the runtime, resolver and dialer.
#[derive(Clone, Copy, Debug, Default)]
pub struct AsyncIo;

impl Resolver for AsyncIo {
    async fn resolve(&self, name: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        let name = name.to_owned();
        unblock(move || Ok((name.as_str(), port).to_socket_addrs()?.collect())).await
    }
}

impl Runtime for AsyncIo {
    async fn run(&self, task: BlockingTask<'static>) -> io::Result<BlockingResult> {
        Ok(unblock(move || task.run()).await)
    }

    async fn sleep_until(&self, instant: Instant) {
        Timer::at(instant).await;
    }
}

impl Dialer for AsyncIo {
    type Connection = Socket;

    async fn dial(&self, peer: &Peer) -> io::Result<Socket> {
        dial(peer).await
    }

    async fn peer_user(&self, socket: &Socket) -> io::Result<String> {
        peer_user_of(socket).await
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> StreamRuntime<S> for AsyncIo {
    type Stream = Stream<S>;

    fn plain(&self, connection: S, deadline: Deadline) -> Stream<S> {
        Stream::plain(Timed::new(connection, deadline))
    }

    async fn start_tls(
        &self,
        stream: Stream<S>,
        config: Arc<ClientConfig>,
        server_name: ServerName<'static>,
    ) -> io::Result<Stream<S>> {
        let below = stream.into_plain().ok_or(io::ErrorKind::InvalidInput)?;
        let handshake = TlsConnector::from(config).connect(server_name, below);
        Ok(Stream::encrypted(Tls(handshake.await?)))
    }

    fn connection<'s>(&self, stream: &'s Stream<S>) -> &'s S
    where
        S: 's,
    {
        stream.connection()
    }

    fn tls<'s>(&self, stream: &'s Stream<S>) -> Option<&'s ClientConnection> {
        stream.tls()
    }

    fn protection<'s>(&self, stream: &'s mut Stream<S>) -> &'s mut Protection {
        stream.protection()
    }

    fn end_startup(&self, stream: &mut Stream<S>) {
        stream.end_startup();
    }

    async fn send(&self, stream: &mut Stream<S>, bytes: &[u8]) -> io::Result<()> {
        stream.write_all(bytes).await?;
        stream.flush().await
    }

    async fn receive(&self, stream: &mut Stream<S>, buffer: &mut [u8]) -> io::Result<usize> {
        stream.read(buffer).await
    }
}
