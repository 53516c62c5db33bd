//! Many bytes, a record at a time, on a session that is open. A turn begins when they are asked for or announced, and ends when
//! they are there, so that none wait in buffers of the kernel for the next.

use crate::{
    contenders::Again,
    cost::{begin, end},
    exchange::{RECEIVED, Then},
    server::RECORD,
};
use futures_lite::{AsyncRead as FuturesRead, AsyncWrite as FuturesWrite};
use std::io::{self, Read, Write};
use tokio::io::{AsyncRead, AsyncWrite};

/// So many records.
fn records(bytes: u64) -> u64 {
    bytes.div_ceil(RECORD as u64)
}

/// Reads or writes so many bytes, again and again. A first record is not counted: buffers grow with it.
pub(crate) fn transfer(
    stream: &mut (impl Read + Write),
    then: Then,
    bytes: u64,
    again: Again<'_>,
) -> io::Result<()> {
    let mut record = vec![0; RECORD];
    let mut turn = |records: u64| {
        stream.write_all(&records.to_be_bytes())?;
        if then == Then::Sink {
            (0..records).try_for_each(|_| stream.write_all(&record))?;
            stream.flush()?;
            stream.read_exact(&mut RECEIVED.clone())
        } else {
            stream.flush()?;
            (0..records).try_for_each(|_| stream.read_exact(&mut record))
        }
    };
    turn(1)?;
    loop {
        let meter = begin();
        turn(records(bytes))?;
        if !again(end(&meter)) {
            return Ok(());
        }
    }
}

/// The same on tokio.
pub(crate) async fn transfer_on_tokio(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    then: Then,
    bytes: u64,
    again: Again<'_>,
) -> io::Result<()> {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let mut record = vec![0; RECORD];
    let mut turn = async |records: u64| {
        stream.write_all(&records.to_be_bytes()).await?;
        if then == Then::Sink {
            for _ in 0..records {
                stream.write_all(&record).await?;
            }
            stream.flush().await?;
            stream.read_exact(&mut RECEIVED.clone()).await?;
        } else {
            stream.flush().await?;
            for _ in 0..records {
                stream.read_exact(&mut record).await?;
            }
        }
        io::Result::Ok(())
    };
    turn(1).await?;
    loop {
        let meter = begin();
        turn(records(bytes)).await?;
        if !again(end(&meter)) {
            return Ok(());
        }
    }
}

/// Length of a buffer that is not initialised: longer than a record.
const UNINITIALISED: usize = 2 * RECORD;

/// Reads so many bytes into a buffer that is not initialised, again and again.
pub(crate) async fn read_into_uninitialised(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    bytes: u64,
    again: Again<'_>,
) -> io::Result<()> {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let mut buffer = Vec::with_capacity(UNINITIALISED);
    let mut turn = async |records: u64| {
        stream.write_all(&records.to_be_bytes()).await?;
        stream.flush().await?;
        let mut left = records * RECORD as u64;
        while left > 0 {
            buffer.clear();
            match stream.read_buf(&mut buffer).await? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                count => left -= count as u64,
            }
        }
        io::Result::Ok(())
    };
    turn(1).await?;
    loop {
        let meter = begin();
        turn(records(bytes)).await?;
        if !again(end(&meter)) {
            return Ok(());
        }
    }
}

/// The same as [`transfer`] with the traits of `futures-io`.
pub(crate) async fn transfer_on_futures(
    stream: &mut (impl FuturesRead + FuturesWrite + Unpin),
    then: Then,
    bytes: u64,
    again: Again<'_>,
) -> io::Result<()> {
    use futures_lite::{AsyncReadExt as _, AsyncWriteExt as _};
    let mut record = vec![0; RECORD];
    let mut turn = async |records: u64| {
        stream.write_all(&records.to_be_bytes()).await?;
        if then == Then::Sink {
            for _ in 0..records {
                stream.write_all(&record).await?;
            }
            stream.flush().await?;
            stream.read_exact(&mut RECEIVED.clone()).await?;
        } else {
            stream.flush().await?;
            for _ in 0..records {
                stream.read_exact(&mut record).await?;
            }
        }
        io::Result::Ok(())
    };
    turn(1).await?;
    loop {
        let meter = begin();
        turn(records(bytes)).await?;
        if !again(end(&meter)) {
            return Ok(());
        }
    }
}
