//! What the loop asks for, done on tokio.

use crate::{
    goodbye::Tls,
    socket::{Socket, dial, peer_user_of},
    stream::Stream,
    timed::Timed,
};
use pgtls_adapter::{Carry, Deadline, Dialling, Guard, Runtime, Work, Worked};
use pgtls_core::{candidates::Address, param::Params};
use rustls::{ClientConfig, ClientConnection, pki_types::ServerName};
use std::{io, net::SocketAddr, sync::Arc, time::Instant};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::lookup_host,
    task::spawn_blocking,
    time::sleep_until,
};
use tokio_rustls::TlsConnector;

/// tokio, as `pgtls-adapter` sees it.
#[derive(Debug)]
pub enum Tokio {}

impl Runtime for Tokio {
    async fn resolve(name: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        Ok(lookup_host((name, port)).await?.collect())
    }

    async fn work(work: Work<'static>) -> io::Result<Worked> {
        Ok(spawn_blocking(move || work.run()).await?)
    }

    async fn until(instant: Instant) {
        sleep_until(instant.into()).await;
    }
}

impl Dialling for Tokio {
    type Socket = Socket;

    async fn dial(address: &Address, params: &Params) -> io::Result<Socket> {
        dial(address, params).await
    }

    async fn peer_user(socket: &Socket) -> io::Result<String> {
        peer_user_of(socket).await
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Carry<S> for Tokio {
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
