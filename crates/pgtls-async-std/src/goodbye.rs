//! A TLS session that says goodbye when it is dropped.

use crate::timed::Timed;
use futures_io::{AsyncRead, AsyncWrite};
use futures_rustls::client::TlsStream;
use std::{
    pin::Pin,
    task::{Context, Waker},
};

/// A TLS session. When it is dropped it sends close_notify if that can be done without waiting (libpq: `pgtls_close`).
pub(crate) struct Tls<S: AsyncRead + AsyncWrite + Unpin>(pub(crate) TlsStream<Timed<S>>);

impl<S: AsyncRead + AsyncWrite + Unpin> Drop for Tls<S> {
    fn drop(&mut self) {
        self.0.get_mut().0.release();
        // One try: nobody waits for it.
        let _ = Pin::new(&mut self.0).poll_close(&mut Context::from_waker(Waker::noop()));
    }
}
