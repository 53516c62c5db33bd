//! The sockets that this crate opens itself.

use async_io::Async;
use blocking::unblock;
use futures_io::{AsyncRead, AsyncWrite};
use pgtls_adapter::socket::{connecting, outcome, peer_uid, user_name};
use pgtls_core::connect::{Address, Peer};
#[cfg(unix)]
use std::os::unix::net::UnixStream;
use std::{
    io::{self, IoSlice},
    net::{Shutdown, TcpStream},
    pin::Pin,
    task::{Context, Poll},
};

/// A socket.
#[derive(Debug)]
pub enum Socket {
    /// TCP.
    Tcp(Async<TcpStream>),
    /// A unix socket.
    #[cfg(unix)]
    Unix(Async<UnixStream>),
}

/// Opens a connection (libpq: `PQconnectPoll`).
pub(crate) async fn dial(peer: &Peer) -> io::Result<Socket> {
    let (socket, is_connected) = connecting(peer)?;
    match peer.address {
        Some(Address::Tcp(_)) | None => {
            let stream = Async::new_nonblocking(TcpStream::from(socket))?;
            if !is_connected {
                stream.writable().await?;
                outcome(&stream)?;
            }
            Ok(Socket::Tcp(stream))
        }
        #[cfg(unix)]
        Some(Address::Unix(_)) => {
            let stream = Async::new_nonblocking(UnixStream::from(socket))?;
            if !is_connected {
                stream.writable().await?;
                outcome(&stream)?;
            }
            Ok(Socket::Unix(stream))
        }
        #[cfg(not(unix))]
        Some(Address::Unix(_)) => Err(io::ErrorKind::Unsupported.into()),
    }
}

/// The name of the user that the peer of a unix socket runs as, for [`Endpoint::unix`](crate::Endpoint::unix).
#[cfg(unix)]
pub async fn peer_user(stream: &impl std::os::fd::AsFd) -> io::Result<String> {
    let uid = peer_uid(stream)?;
    unblock(move || user_name(uid)).await
}

pub(crate) async fn peer_user_of(socket: &Socket) -> io::Result<String> {
    match socket {
        Socket::Tcp(_) => Err(io::ErrorKind::Unsupported.into()),
        #[cfg(unix)]
        Socket::Unix(stream) => peer_user(stream).await,
    }
}

/// Bytes that go both ways.
pub(crate) trait Duplex: AsyncRead + AsyncWrite + Unpin {}

impl<S: AsyncRead + AsyncWrite + Unpin> Duplex for S {}

impl Socket {
    fn stream(self: Pin<&mut Self>) -> Pin<&mut dyn Duplex> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream),
            #[cfg(unix)]
            Self::Unix(stream) => Pin::new(stream),
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        self.stream().poll_read(cx, buffer)
    }
}

impl AsyncWrite for Socket {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.stream().poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.stream().poll_write_vectored(cx, slices)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream().poll_flush(cx)
    }

    /// `async-io` would do nothing here.
    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(match self.get_mut() {
            Self::Tcp(stream) => stream.get_ref().shutdown(Shutdown::Write),
            #[cfg(unix)]
            Self::Unix(stream) => stream.get_ref().shutdown(Shutdown::Write),
        })
    }
}
