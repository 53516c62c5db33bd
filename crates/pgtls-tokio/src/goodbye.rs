//! A TLS session that says goodbye when it is dropped.

use crate::timed::Timed;
use std::{
    pin::Pin,
    task::{Context, Waker},
};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::client::TlsStream;

/// A TLS session. When it is dropped it sends close_notify if that can be done without waiting (libpq: `pgtls_close`).
pub(crate) struct Tls<S: AsyncRead + AsyncWrite + Unpin>(pub(crate) TlsStream<Timed<S>>);

impl<S: AsyncRead + AsyncWrite + Unpin> Drop for Tls<S> {
    fn drop(&mut self) {
        // A timer must not be polled when its runtime is gone.
        self.0.get_mut().0.release();
        // One try: nobody waits for it.
        let _ = Pin::new(&mut self.0).poll_shutdown(&mut Context::from_waker(Waker::noop()));
    }
}
