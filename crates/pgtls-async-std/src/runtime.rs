//! `async-io` and `blocking` as a runtime of the shared loop.

use crate::{
    socket::{Socket, dial, peer_user_of},
    stream::Stream,
};
use async_io::Timer;
use blocking::unblock;
use futures_io::{AsyncRead, AsyncWrite};
use pgtls_adapter::{BlockingResult, BlockingTask, Dialer, Resolver, Runtime, StreamRuntime};
use pgtls_core::connect::Peer;
use std::{
    io::{self, IoSlice},
    net::{SocketAddr, ToSocketAddrs},
    pin::Pin,
    task::{Context, Poll},
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
    type Timer = Timer;

    fn timer(&self, instant: Instant) -> Option<Timer> {
        Some(Timer::at(instant))
    }

    fn poll_read(connection: &mut S, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        Pin::new(connection).poll_read(cx, buffer)
    }

    fn poll_write(
        connection: &mut S,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(connection).poll_write_vectored(cx, slices)
    }

    fn poll_flush(connection: &mut S, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(connection).poll_flush(cx)
    }

    fn poll_shutdown(connection: &mut S, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(connection).poll_close(cx)
    }
}
