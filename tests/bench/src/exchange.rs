//! The startup exchange, as short as it can be, and what follows it.

use futures_lite::{AsyncRead as FuturesRead, AsyncWrite as FuturesWrite};
use std::io::{self, Read, Write};
use tokio::io::{AsyncRead, AsyncWrite};

/// What the server does after ReadyForQuery; the client says it in place of a database's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
    /// Waits for the client to go.
    Idle,
    /// Sends as many records as the client has asked for with eight bytes, and then as many as it asks for next.
    Source,
    /// Reads as many records as the client has announced with eight bytes, says so with one byte, and then reads the next.
    Sink,
}

impl Then {
    /// The database's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Source => "source",
            Self::Sink => "sink",
        }
    }

    /// What a StartupMessage asks for.
    pub(crate) fn asked_for(startup: &[u8]) -> Self {
        let names = |then: &Self| startup.windows(then.name().len()).any(|it| it == then.name().as_bytes());
        [Self::Source, Self::Sink].into_iter().find(names).unwrap_or(Self::Idle)
    }
}

/// AuthenticationOk, BackendKeyData, ReadyForQuery.
pub(crate) const READY: &[u8] = b"R\0\0\0\x08\0\0\0\0K\0\0\0\x0c\0\0\0\x01\0\0\0\x02Z\0\0\0\x05I";

/// All records are there.
pub(crate) const RECEIVED: [u8; 1] = [b'.'];

/// Sends the StartupMessage and reads up to ReadyForQuery.
pub fn start_up(stream: &mut (impl Read + Write), then: Then) -> io::Result<()> {
    stream.write_all(&message(then))?;
    stream.flush()?;
    let mut reply = [0; READY.len()];
    stream.read_exact(&mut reply)?;
    is_ready(&reply)
}

/// The same on tokio.
pub async fn start_up_on_tokio(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    then: Then,
) -> io::Result<()> {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    stream.write_all(&message(then)).await?;
    stream.flush().await?;
    let mut reply = [0; READY.len()];
    stream.read_exact(&mut reply).await?;
    is_ready(&reply)
}

/// The same with the traits of `futures-io`.
pub async fn start_up_on_futures(
    stream: &mut (impl FuturesRead + FuturesWrite + Unpin),
    then: Then,
) -> io::Result<()> {
    use futures_lite::{AsyncReadExt as _, AsyncWriteExt as _};
    stream.write_all(&message(then)).await?;
    stream.flush().await?;
    let mut reply = [0; READY.len()];
    stream.read_exact(&mut reply).await?;
    is_ready(&reply)
}

fn message(then: Then) -> Vec<u8> {
    let mut message = b"\0\0\0\0\0\x03\0\0user\0bench\0database\0".to_vec();
    message.extend_from_slice(then.name().as_bytes());
    message.extend_from_slice(b"\0\0");
    let length = u32::try_from(message.len()).unwrap().to_be_bytes();
    message.splice(..length.len(), length);
    message
}

fn is_ready(reply: &[u8]) -> io::Result<()> {
    if reply == READY { Ok(()) } else { Err(io::ErrorKind::InvalidData.into()) }
}
