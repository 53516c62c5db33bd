//! The stream that tokio-postgres reads and writes.

use pgtls_core::mechanism::Mechanism;
use pgtls_tokio::{Socket, Stream};
use std::{
    convert::Infallible,
    fmt,
    future::{Ready, ready},
    io,
    pin::Pin,
    task::{Context, Poll},
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::tls::{ChannelBinding, TlsConnect, TlsStream};

/// A connection on which everything about TLS is done: encrypted or not, as the parameters and the server had it.
pub struct Channel<S: AsyncRead + AsyncWrite + Unpin = Socket>(Stream<S>);

impl<S: AsyncRead + AsyncWrite + Unpin> Channel<S> {
    pub(crate) fn new(stream: Stream<S>) -> Self {
        Self(stream)
    }

    /// The stream itself, for facts of the session.
    pub fn stream(&self) -> &Stream<S> {
        &self.0
    }

    /// The binding; `None` without TLS, an empty one when the certificate's signature names no digest.
    fn binding(&self) -> Option<Vec<u8>> {
        let facts = self.0.facts()?;
        Some(facts.tls_server_end_point().ok().flatten().unwrap_or_default())
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> TlsStream for Channel<S> {
    /// The driver says `y` or PLUS for a session that could be bound, and is kept from PLUS where there is nothing to bind to.
    fn channel_binding(&self) -> ChannelBinding {
        self.binding().map_or_else(ChannelBinding::none, ChannelBinding::tls_server_end_point)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Channel<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buffer)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Channel<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if chooses_plus(bytes) && self.binding().is_none_or(|binding| binding.is_empty()) {
            return Poll::Ready(Err(io::Error::other(NoDigest)));
        }
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

/// Whether this is a SASLInitialResponse that chooses SCRAM-SHA-256-PLUS: type, length, name.
fn chooses_plus(message: &[u8]) -> bool {
    let name = || message.get(5..)?.strip_prefix(Mechanism::ScramSha256Plus.as_str().as_bytes())?.first();
    message.first() == Some(&b'p') && name() == Some(&0)
}

/// The certificate is signed with an algorithm for which no digest is defined (Ed25519), so that nothing can be bound to it.
#[derive(Debug)]
pub(crate) struct NoDigest;

impl fmt::Display for NoDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "could not find a digest for the server certificate's signature, to which SCRAM-SHA-256-PLUS would be bound; set channel_binding=disable to do without",
        )
    }
}

impl std::error::Error for NoDigest {}

impl<S: AsyncRead + AsyncWrite + Unpin> fmt::Debug for Channel<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Channel").field(&self.0).finish()
    }
}

/// Hands tokio-postgres what it asks for, without doing anything: it is done.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Established;

impl<S: TlsStream + Unpin> TlsConnect<S> for Established {
    type Stream = S;
    type Error = Infallible;
    type Future = Ready<Result<S, Infallible>>;

    fn connect(self, stream: S) -> Self::Future {
        ready(Ok(stream))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_choice_of_plus_is_seen() {
        for (message, expected) in [
            (b"p\0\0\0\x40SCRAM-SHA-256-PLUS\0\0\0\0\x10p=tls".as_slice(), true),
            (b"p\0\0\0\x40SCRAM-SHA-256-PLUS\0", true),
            (b"p\0\0\0\x40SCRAM-SHA-256\0\0\0\0\x10y,,", false),
            (b"p\0\0\0\x40SCRAM-SHA-256-PLUS", false),
            (b"Q\0\0\0\x40SCRAM-SHA-256-PLUS\0", false),
            (b"p\0\0", false),
            (b"", false),
        ] {
            assert_eq!(chooses_plus(message), expected, "{message:?}");
        }
    }
}
