//! What the loop asks for, done by `async-io` and `blocking`.

use crate::{
    socket::{Socket, dial, peer_user_of},
    stream::Stream,
};
use async_io::Timer;
use blocking::unblock;
use futures_io::{AsyncRead, AsyncWrite};
use pgtls_adapter::{Carry, Dialling, Runtime, Work, Worked};
use pgtls_core::{candidates::Address, param::Params};
use std::{
    io,
    net::{SocketAddr, ToSocketAddrs},
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
}
