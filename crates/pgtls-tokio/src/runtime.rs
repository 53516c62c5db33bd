//! tokio as a runtime of the shared loop.

use crate::{
    socket::{Socket, dial, peer_user_of},
    stream::Stream,
};
use pgtls_adapter::{BlockingResult, BlockingTask, Dialer, Resolver, Runtime, StreamRuntime};
use pgtls_core::connect::Peer;
use std::{
    io::{self, IoSlice},
    net::SocketAddr,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Instant,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::lookup_host,
    task::spawn_blocking,
    time::{Sleep, sleep_until},
};

/// tokio: runtime, resolver and dialer.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tokio;

impl Resolver for Tokio {
    async fn resolve(&self, name: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        Ok(lookup_host((name, port)).await?.collect())
    }
}

impl Runtime for Tokio {
    async fn run(&self, task: BlockingTask<'static>) -> io::Result<BlockingResult> {
        Ok(spawn_blocking(move || task.run()).await?)
    }

    async fn sleep_until(&self, instant: Instant) {
        sleep_until(instant.into()).await;
    }
}

impl Dialer for Tokio {
    type Connection = Socket;

    async fn dial(&self, peer: &Peer) -> io::Result<Socket> {
        dial(peer).await
    }

    async fn peer_user(&self, socket: &Socket) -> io::Result<String> {
        peer_user_of(socket).await
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> StreamRuntime<S> for Tokio {
    type Stream = Stream<S>;
    type Timer = Pin<Box<Sleep>>;

    fn timer(&self, instant: Instant) -> Option<Self::Timer> {
        Some(Box::pin(sleep_until(instant.into())))
    }

    fn poll_read(connection: &mut S, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut buffer = ReadBuf::new(buffer);
        ready!(Pin::new(connection).poll_read(cx, &mut buffer))?;
        Poll::Ready(Ok(buffer.filled().len()))
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
        Pin::new(connection).poll_shutdown(cx)
    }
}
