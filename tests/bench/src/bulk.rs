//! Many bytes, a record at a time, on a session that is open.

use crate::{
    cost::{Cost, begin, end},
    exchange::Then,
    server::RECORD,
};
use futures_lite::{AsyncRead as FuturesRead, AsyncWrite as FuturesWrite};
use std::io::{self, Read, Write};
use tokio::io::{AsyncRead, AsyncWrite};

/// So many records. The first is not counted: buffers grow with it.
fn records(bytes: u64) -> u64 {
    bytes.div_ceil(RECORD as u64)
}

/// Reads or writes so many bytes.
pub(crate) fn transfer(stream: &mut (impl Read + Write), then: Then, bytes: u64) -> io::Result<Cost> {
    let mut record = vec![0; RECORD];
    let mut one = || match then {
        Then::Sink => stream.write_all(&record),
        Then::Source | Then::Idle => stream.read_exact(&mut record),
    };
    one()?;
    let meter = begin();
    (0..records(bytes)).try_for_each(|_| one())?;
    stream.flush()?;
    Ok(end(&meter))
}

/// The same on tokio.
pub(crate) async fn transfer_on_tokio(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    then: Then,
    bytes: u64,
) -> io::Result<Cost> {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let mut record = vec![0; RECORD];
    let mut one = async || match then {
        Then::Sink => stream.write_all(&record).await,
        Then::Source | Then::Idle => stream.read_exact(&mut record).await.map(drop),
    };
    one().await?;
    let meter = begin();
    for _ in 0..records(bytes) {
        one().await?;
    }
    stream.flush().await?;
    Ok(end(&meter))
}

/// The same with the traits of `futures-io`.
pub(crate) async fn transfer_on_futures(
    stream: &mut (impl FuturesRead + FuturesWrite + Unpin),
    then: Then,
    bytes: u64,
) -> io::Result<Cost> {
    use futures_lite::{AsyncReadExt as _, AsyncWriteExt as _};
    let mut record = vec![0; RECORD];
    let mut one = async || match then {
        Then::Sink => stream.write_all(&record).await,
        Then::Source | Then::Idle => stream.read_exact(&mut record).await,
    };
    one().await?;
    let meter = begin();
    for _ in 0..records(bytes) {
        one().await?;
    }
    stream.flush().await?;
    Ok(end(&meter))
}
