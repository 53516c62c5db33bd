//! What the loop asks for, done by `async-io` and `blocking`.

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
use pgtls_adapter::{Carry, Deadline, Dialling, Guard, Runtime, Work, Worked};
use pgtls_core::{candidates::Address, param::Params};
use rustls::{ClientConfig, ClientConnection, pki_types::ServerName};
use std::{
    io,
    net::{SocketAddr, ToSocketAddrs},
    sync::Arc,
    time::Instant,
};

/// `async-io` and `blocking`, as `pgtls-adapter` sees them.
#[derive(Debug)]
pub enum AsyncIo {}

impl Runtime for AsyncIo {
    async fn resolve(name: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        let name = name.to_owned();
        unblock(move || Ok((name.as_str(), port).to_socket_addrs()?.collect())).await
    }

    async fn work(work: Work<'static>) -> io::Result<Worked> {
        Ok(unblock(move || work.run()).await)
    }

    async fn until(instant: Instant) {
        Timer::at(instant).await;
    }
}

impl Dialling for AsyncIo {
    type Socket = Socket;

    async fn dial(address: &Address, params: &Params) -> io::Result<Socket> {
        dial(address, params).await
    }

    async fn peer_user(socket: &Socket) -> io::Result<String> {
        peer_user_of(socket).await
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Carry<S> for AsyncIo {
    type Stream = Stream<S>;

    fn plain(connection: S, deadline: Deadline) -> Stream<S> {
        Stream::plain(Timed::new(connection, deadline))
    }

    async fn start_tls(
        stream: Stream<S>,
        config: Arc<ClientConfig>,
        server_name: ServerName<'static>,
    ) -> io::Result<Stream<S>> {
        let below = stream.into_plain().ok_or(io::ErrorKind::InvalidInput)?;
        let handshake = TlsConnector::from(config).connect(server_name, below);
        Ok(Stream::encrypted(Tls(handshake.await?)))
    }

    fn connection(stream: &Stream<S>) -> &S {
        stream.connection()
    }

    fn tls(stream: &Stream<S>) -> Option<&ClientConnection> {
        stream.tls()
    }

    fn guard(stream: &mut Stream<S>) -> &mut Guard {
        stream.guard()
    }

    fn relax(stream: &mut Stream<S>) {
        stream.relax();
    }

    async fn send(stream: &mut Stream<S>, bytes: &[u8]) -> io::Result<()> {
        stream.write_all(bytes).await?;
        stream.flush().await
    }

    async fn receive(stream: &mut Stream<S>, buffer: &mut [u8]) -> io::Result<usize> {
        stream.read(buffer).await
    }
}
