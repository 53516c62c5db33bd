//! The exchange over a stream, whatever it waits with.

use super::{Exchange, Fault};
use pgtls_core::startup::Broken;
use postgres_protocol::message::frontend;
use std::io::{self, ErrorKind};

/// Bytes asked for in one read.
const READ: usize = 4096;

/// Bytes that go both ways. Those of a blocking stream are there when they are asked for.
pub(crate) trait Wire {
    /// Sends all of it, without leaving anything in a buffer.
    async fn send(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// Reads once.
    async fn receive(&mut self, buffer: &mut [u8]) -> io::Result<usize>;
}

/// Why the loop ended without a session.
#[derive(Debug)]
pub(crate) enum RunError {
    /// The exchange itself.
    Fault(Fault),
    /// The stream.
    Io(io::Error),
}

/// Talks until the session is up.
pub(crate) async fn run(exchange: &mut Exchange<'_>, wire: &mut impl Wire) -> Result<(), RunError> {
    let mut buffer = [0; READ];
    while !exchange.is_ready() {
        let output = exchange.take_output();
        if !output.is_empty() {
            wire.send(&output).await.map_err(RunError::Io)?;
        }
        let received = loop {
            match wire.receive(&mut buffer).await {
                Ok(received) => break received,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(RunError::Io(error)),
            }
        };
        match buffer.get(..received) {
            Some([]) | None => return Err(RunError::Fault(Fault::Broken(Broken::Closed))),
            Some(bytes) => exchange.received(bytes).map_err(RunError::Fault)?,
        }
    }
    Ok(())
}

/// Says goodbye as libpq does; a connection that is gone already is no matter.
pub(crate) async fn terminate(wire: &mut impl Wire) {
    let mut message = bytes::BytesMut::new();
    frontend::terminate(&mut message);
    let _ = wire.send(&message).await;
}
