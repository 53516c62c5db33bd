//! What the loop asks for, done on tokio.

use crate::{
    socket::{Socket, dial, peer_user_of},
    stream::Stream,
};
use pgtls_adapter::{Carry, Dialling, Runtime, Work, Worked};
use pgtls_core::{candidates::Address, param::Params};
use std::{io, net::SocketAddr, time::Instant};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::lookup_host,
    task::spawn_blocking,
    time::sleep_until,
};

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
}
