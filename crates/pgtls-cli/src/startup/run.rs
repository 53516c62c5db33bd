//! The exchange over a blocking stream.

use super::{Exchange, Fault};
use pgtls_core::startup::Broken;
use postgres_protocol::message::frontend;
use std::io::{self, ErrorKind, Read, Write};

/// Bytes asked for in one read.
const READ: usize = 4096;

/// Why the loop ended without a session.
#[derive(Debug)]
pub(crate) enum RunError {
    /// The exchange itself.
    Fault(Fault),
    /// The stream.
    Io(io::Error),
}

/// Talks until the session is up.
pub(crate) fn run(exchange: &mut Exchange<'_>, stream: &mut (impl Read + Write)) -> Result<(), RunError> {
    let mut buffer = [0; READ];
    while !exchange.is_ready() {
        let output = exchange.take_output();
        if !output.is_empty() {
            stream.write_all(&output).and_then(|()| stream.flush()).map_err(RunError::Io)?;
        }
        let received = loop {
            match stream.read(&mut buffer) {
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
pub(crate) fn terminate(stream: &mut impl Write) {
    let mut message = bytes::BytesMut::new();
    frontend::terminate(&mut message);
    let _ = stream.write_all(&message).and_then(|()| stream.flush());
}
